//! Floor 1: the files of the fleet, read and written as text. Pure.
//! Read in this order: `complaint`, `reader`, `yaml`, `check`, `print`, `status`, `generate`.

mod aliases;
mod check;
pub mod complaint;
pub mod generate;
mod naming;
pub mod print;
mod reader;
pub mod refusal;
mod status;
pub mod yaml;
