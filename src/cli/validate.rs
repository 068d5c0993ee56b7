//! `basement validate`: reads every file of a repository and says all that is wrong with them.

use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::config::{self, Config};
use super::templates;
use crate::adapters::folder;
use crate::fleet::complaint::{self, Complaint, sorted};
use crate::fleet::yaml;
use crate::model::desired::Fleet;
use crate::wire::redact::redact;

/// Read `basement.toml` and the fleet's files, and say everything that is wrong with them.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {}

/// Runs it in `root`; 0 all good, 1 not.
pub fn run(
    _args: &ValidateArgs,
    root: &Path,
    out: &mut (dyn Write + Send),
    talk: &mut (dyn Write + Send),
) -> io::Result<u8> {
    match load(root) {
        Ok(_) => {
            let [servers, overrides, extras] = yaml::count(&folder::survey(root).0);
            let [servers, overrides, extras] =
                [(servers, "server"), (overrides, "override"), (extras, "extra")].map(counted);
            writeln!(out, "{servers}, {overrides}, {extras}: all good")?;
            Ok(0)
        }
        Err(complaints) => {
            write!(talk, "{}", page(&complaints))?;
            Ok(1)
        }
    }
}

/// The configuration and the fleet of a repository, or everything that is wrong with either.
pub fn load(root: &Path) -> Result<(Config, Fleet), Vec<Complaint>> {
    let (files, mut complaints) = folder::survey(root);
    let config = match config::load(root) {
        Ok(config) => config,
        Err(wrong) => {
            complaints.extend(wrong);
            complaints.extend(yaml::complaints(&files));
            return Err(sorted(complaints));
        }
    };
    complaints.extend(templates::complaints(root, &config));
    match yaml::parse(&files, &config.catalogue) {
        Ok(fleet) if complaints.is_empty() => return Ok((config, fleet)),
        Ok(_) => {}
        Err(wrong) => complaints.extend(wrong),
    }
    Err(sorted(complaints))
}

/// The complaints as every command shows them. A key pasted into a file is not shown.
pub fn page(complaints: &[Complaint]) -> String {
    redact(&complaint::page(complaints), usize::MAX)
}

fn counted((count, word): (usize, &str)) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
