//! `basement init`: lays out a fleet's repository. What is there already is never touched.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::config::FILE;
use crate::adapters::folder;

/// The sample configuration: the repository's own.
pub const SAMPLE: &str = include_str!("../../basement.toml");

/// A `generate` that was killed leaves the file it was writing, under a name that nobody reads.
const IGNORED: &str = "/.basement/\n/fleet/**/.*.tmp\n";

/// Lay out a fleet's repository here: `basement.toml`, `fleet/`, and the templates to edit.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {}

/// Runs it in `root`, which is made if it is not there. `templates` are paths below `root` and their texts.
pub fn run(
    _args: &InitArgs,
    root: &Path,
    templates: &[(&str, &str)],
    out: &mut (dyn Write + Send),
) -> io::Result<u8> {
    let ours = [
        (FILE, SAMPLE),
        (".gitignore", IGNORED),
        ("fleet/servers/.gitkeep", ""),
        ("fleet/overrides/.gitkeep", ""),
        ("fleet/extra/.gitkeep", ""),
    ];
    std::fs::create_dir_all(root)?;
    let all = ours.iter().chain(templates);
    // A broken link counts as there: what it means is its owner's to say.
    let (kept, missing): (Vec<_>, Vec<_>) =
        all.partition(|(path, _)| root.join(path).symlink_metadata().is_ok());
    let files: BTreeMap<String, String> =
        missing.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    folder::write(root, &files)?;
    for path in files.keys() {
        writeln!(out, "+ {path}")?;
    }
    for (path, _) in kept {
        writeln!(out, "  {path} is there and was left alone")?;
    }
    writeln!(out, "next: edit {FILE}, then `basement validate` and `basement generate`")?;
    Ok(0)
}
