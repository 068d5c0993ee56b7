//! Floor 3: the real world behind the ports. Strangers to one another but for `http` and `pace`.

pub mod clock;
pub mod digitalocean;
pub mod http;
pub mod pace;
pub mod stripe;

mod stripe_call;
