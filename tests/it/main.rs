//! The one integration binary: a list of its suites.

mod contract;
mod digitalocean;
mod fleet;
mod generate;
mod ledger;
mod letters;
mod render;
mod simulator;
mod stripe;
mod stripe_sim;
