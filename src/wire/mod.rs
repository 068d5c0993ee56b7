//! Floor 2: the vendors' JSON and mail, to and from the model. Pure: no IO, no clock.

pub mod credential;
pub mod digitalocean;
pub mod first_boot;
pub mod redact;
pub mod stripe;
pub mod stripe_events;
pub mod stripe_money;
