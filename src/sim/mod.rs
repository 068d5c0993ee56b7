//! Floor 3: the simulated world, a feature of the product. One `World`, two doors: `ports` (in process,
//! virtual time) and `server` (the vendors' own HTTP and SMTP).

pub mod address;
pub mod billing;
pub mod billing_life;
pub mod billing_money;
pub mod billing_port;
pub mod catalog;
pub mod cloud;
pub mod cloud_by_hand;
pub mod cloud_firewall;
pub mod cloud_http;
pub mod cloud_tags;
pub mod cloud_tags_http;
pub mod cloud_view;
pub mod control;
pub mod dice;
pub mod edge;
pub mod first_boot;
pub mod hosts;
pub mod machine;
pub mod memory;
pub mod outbox;
pub mod ports;
pub mod probe_port;
pub mod rates;
pub mod requests;
pub mod server;
pub mod smtp;
pub mod stock;
pub mod stripe_control;
pub mod stripe_http;
pub mod trouble;
pub mod vault;
pub mod whim;
pub mod world;

mod billing_sample;
mod billing_time;
mod cloud_firewall_http;
mod cloud_firewall_model;
mod mime;
mod stripe_form;
mod stripe_json;
mod stripe_money_json;
mod stripe_read;
mod stripe_write;
