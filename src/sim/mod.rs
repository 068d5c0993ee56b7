//! Floor 3: the simulated world, a feature of the product.

mod mime;
pub mod smtp;
