//! `basement validate`: reads every file of a repository and says all that is wrong with them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::config::{self, Config};
use crate::adapters::folder;
use crate::fleet::complaint::{self, Complaint, sorted};
use crate::fleet::userdata::{self, BadUserData};
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
    complaints.extend(templates(root, &config));
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

/// Templates that are named and not there, or cannot be filled in: known before a create fails of it.
fn templates(root: &Path, config: &Config) -> Vec<Complaint> {
    let text = std::fs::read_to_string(root.join(config::FILE)).unwrap_or_default();
    let own = config.catalogue.plans.values().filter_map(|plan| plan.template.as_ref());
    let named: BTreeSet<_> = own.chain([&config.catalogue.defaults.template]).collect();
    let (there, missing): (Vec<_>, Vec<_>) = named.into_iter().partition(|name| {
        userdata::built_in(name).is_some() || root.join(format!("cloud-init/{name}.yaml")).is_file()
    });
    let unfit = there.into_iter().filter_map(|name| unfit(root, name));
    let missing = missing.into_iter().map(|name| {
        let cure = format!("write `cloud-init/{name}.yaml`, or take the built-in `base`");
        let complaint = Complaint::new(config::FILE, format!("there is no template `{name}`"), cure);
        match text.find(&format!("\"{name}\"")) {
            Some(at) => complaint.at_byte(&text, at),
            None => complaint,
        }
    });
    missing.chain(unfit).collect()
}

/// What is wrong with a template of the repository's own.
fn unfit(root: &Path, name: &str) -> Option<Complaint> {
    let (folder, shown) = (root.join("cloud-init"), format!("cloud-init/{name}.yaml"));
    let path = folder.join(format!("{name}.yaml"));
    path.symlink_metadata().ok()?;
    let wrong = |message: String, cure: &str| Some(Complaint::new(&shown, message, cure));
    let inside = || -> io::Result<bool> { Ok(path.canonicalize()?.starts_with(folder.canonicalize()?)) };
    let text = match inside().and_then(|inside| Ok((inside, std::fs::read_to_string(&path)?))) {
        Ok((true, text)) => text,
        Ok((false, _)) => {
            return wrong("this is a link out of the folder".to_owned(), "put the file itself here");
        }
        Err(error) => return wrong(format!("cannot be read: {error}"), "a template is a plain ASCII file"),
    };
    let error = userdata::check(&text).err()?;
    let said = error.to_string();
    let (message, cure) = said.split_once("; hint: ").unwrap_or((&said, "see the built-in one"));
    let complaint = Complaint::new(&shown, message, cure);
    Some(match error {
        BadUserData::NotAscii(line) => complaint.at(&text, line, 1),
        _ => complaint,
    })
}

fn counted((count, word): (usize, &str)) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
