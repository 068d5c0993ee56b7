//! The one integration binary: a list of its suites.

mod commands;
mod contract;
mod digitalocean;
mod engine;
mod engine_traps;
mod faults;
mod fleet;
mod generate;
mod ledger;
mod letters;
mod plan;
mod plan_traps;
mod planted;
mod render;
mod scene;
mod scripted;
mod simulator;
mod smtp;
mod storms;
mod stripe;
mod stripe_money;
mod stripe_script;
mod stripe_sim;
mod stripe_spec;
mod userdata;
mod vault;
