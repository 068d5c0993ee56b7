//! `basement schema`: the JSON Schemas of what programs read.

use clap::Args;

use crate::render::schema;

use super::error::{Failure, code, pretty};
use super::say;

/// Arguments of `basement schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Which: `plan` for `plan --format json`, `event` for each line of `apply --events`.
    #[arg(value_parser = schema::NAMES)]
    name: Option<String>,
}

pub(super) fn run(args: &SchemaArgs) -> Result<u8, Failure> {
    match args.name.as_deref().and_then(schema::schema) {
        Some(schema) => say::print(&pretty(&schema)?)?,
        None => say::print(&(schema::NAMES.join("\n") + "\n"))?,
    }
    Ok(code::DONE)
}
