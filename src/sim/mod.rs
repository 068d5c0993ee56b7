//! Floor 3: the simulated world, a feature of the product.

pub mod billing;
pub mod billing_life;
pub mod billing_money;
pub mod billing_port;
mod billing_sample;
mod billing_time;
pub mod stripe_control;
mod stripe_form;
pub mod stripe_http;
mod stripe_json;
mod stripe_money_json;
mod stripe_read;
mod stripe_write;
