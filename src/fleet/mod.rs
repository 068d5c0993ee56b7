//! Floor 1: the files of the fleet, read and written as text. Pure.
//! Read in this order: `complaint`, `reader`, `yaml`, `check`, `print`, `status`, `generate`.

pub mod approval;
pub mod complaint;
pub mod generate;
pub mod print;
pub mod refusal;
pub mod userdata;
pub mod wish;
pub mod yaml;

mod aliases;
mod check;
mod cloud_config;
mod naming;
mod reader;
mod status;

pub use reader::line_of;
