//! Floor 3: the real world behind the ports. Strangers to one another but for `http` and `pace`.

pub mod folder;
pub mod http;
