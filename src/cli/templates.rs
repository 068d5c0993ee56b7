//! The cloud-init templates of a repository: the built-in ones, over them its own, and what is wrong with them.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::fleet::complaint::Complaint;
use crate::fleet::userdata::{self, BUILT_IN, BadUserData, Templates};

use super::config::{self, Config};

/// What `init` writes out, to be edited.
pub(super) const FILES: [(&str, &str); 2] =
    [("cloud-init/base.yaml", BUILT_IN[0].1), ("cloud-init/php.yaml", BUILT_IN[1].1)];

/// All templates by name, and the files that cannot be read.
pub(super) fn read(root: &Path) -> (Templates, Vec<Complaint>) {
    let (mut templates, mut complaints) = (userdata::built_in(), Vec::new());
    for name in own(root) {
        match text(root, &name) {
            Ok(text) => {
                templates.insert(name, text);
            }
            Err(complaint) => {
                templates.remove(&name);
                complaints.push(complaint);
            }
        }
    }
    (templates, complaints)
}

/// Templates that are named and not there, and those that no droplet could boot from: known before a create
/// fails of it.
pub(super) fn complaints(root: &Path, config: &Config) -> Vec<Complaint> {
    let (templates, mut complaints) = read(root);
    let own = own(root);
    let plans = config.catalogue.plans.values().filter_map(|plan| plan.template.as_ref());
    let named: BTreeSet<_> = plans.chain([&config.catalogue.defaults.template]).cloned().collect();
    for name in named.union(&own) {
        if !templates.contains_key(name) {
            if !own.contains(name) {
                complaints.push(missing(root, name));
            }
            continue;
        }
        if let Err(error) = userdata::check(&templates, name, config.policy.ready) {
            complaints.push(unfit(&templates, name, &error));
        }
    }
    complaints
}

/// The names of the repository's own.
fn own(root: &Path) -> BTreeSet<String> {
    let Ok(folder) = std::fs::read_dir(root.join("cloud-init")) else { return BTreeSet::new() };
    let paths = folder.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn text(root: &Path, name: &str) -> Result<String, Complaint> {
    let (folder, shown) = (root.join("cloud-init"), shown(name));
    let path = folder.join(format!("{name}.yaml"));
    let inside = || -> io::Result<bool> { Ok(path.canonicalize()?.starts_with(folder.canonicalize()?)) };
    match inside().and_then(|inside| Ok((inside, std::fs::read_to_string(&path)?))) {
        Ok((true, text)) => Ok(text),
        Ok((false, _)) => {
            Err(Complaint::new(shown, "this is a link out of the folder", "put the file itself here"))
        }
        Err(error) => {
            Err(Complaint::new(shown, format!("cannot be read: {error}"), "a template is a plain ASCII file"))
        }
    }
}

fn missing(root: &Path, name: &str) -> Complaint {
    let text = std::fs::read_to_string(root.join(config::FILE)).unwrap_or_default();
    let cure = format!("write `cloud-init/{name}.yaml`, or take the built-in `base`");
    let complaint = Complaint::new(config::FILE, format!("there is no template `{name}`"), cure);
    match text.find(&format!("\"{name}\"")) {
        Some(at) => complaint.at_byte(&text, at),
        None => complaint,
    }
}

fn unfit(templates: &Templates, name: &str, error: &BadUserData) -> Complaint {
    let said = error.to_string();
    let (message, cure) = said.split_once("; hint: ").unwrap_or((&said, "see the built-in one"));
    let (blamed, line, message) = match error {
        BadUserData::Template { template, line, message, .. } => {
            (template.as_str(), Some(*line), message.as_str())
        }
        BadUserData::Yaml(bad) => (name, bad.line, message),
        _ => (name, None, message),
    };
    let complaint = Complaint::new(shown(blamed), message, cure);
    match (line, templates.get(blamed)) {
        (Some(line), Some(text)) => complaint.at(text, line, 1),
        _ => complaint,
    }
}

fn shown(name: &str) -> String {
    format!("cloud-init/{name}.yaml")
}
