//! Floor 5: the commands.

pub mod config;
pub mod generate;
pub mod init;
pub mod validate;
