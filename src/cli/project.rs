//! A fleet repository on disk: `basement.toml`, the fleet, the templates. Read strictly, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::adapters::folder;
use crate::engine::{LetterSettings, Setup};
use crate::fleet::complaint::Complaint;
use crate::fleet::{userdata, yaml};
use crate::model::desired::Fleet;

use super::config::{self, Config};
use super::error::Failure;

/// A fleet repository.
#[derive(Debug)]
pub(super) struct Project {
    /// Where it is.
    pub root: PathBuf,
    /// `basement.toml`.
    pub config: Config,
    /// All servers.
    pub fleet: Fleet,
    /// Cloud-init templates by name: the built-in ones, and those in `cloud-init/`.
    pub templates: BTreeMap<String, String>,
}

/// Reads all of it; complaints come all at once.
pub(super) fn load(root: &Path) -> Result<Project, Failure> {
    let config = load_config(root)?;
    let files = folder::read(root).map_err(|complaints| complain(&complaints))?;
    let fleet = yaml::parse(&files, &config.catalogue).map_err(|complaints| complain(&complaints))?;
    Ok(Project { root: root.to_owned(), config, fleet, templates: templates(root)? })
}

/// Reads `basement.toml` alone.
pub(super) fn load_config(root: &Path) -> Result<Config, Failure> {
    config::load(root).map_err(|complaints| complain(&complaints))
}

impl Project {
    /// What the engine is told.
    pub fn setup(&self, allow: &[String]) -> Setup {
        let mail = &self.config.mail;
        Setup {
            fleet: self.fleet.clone(),
            policy: self.config.policy.clone(),
            allow: allow.iter().cloned().collect::<BTreeSet<_>>(),
            templates: self.templates.clone(),
            letters: LetterSettings {
                brand: mail.brand.clone(),
                support: mail.support.clone(),
                operator: mail.operator.clone(),
                portal: mail.portal.clone(),
            },
        }
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> PathBuf {
        self.root.join(&self.config.ledger.path)
    }
}

/// All complaints as one failure.
pub(super) fn complain(complaints: &[Complaint]) -> Failure {
    let words: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    let count = match complaints.len() {
        1 => "1 complaint".to_owned(),
        n => format!("{n} complaints"),
    };
    Failure::plain(format!("{count}; nothing was changed\n\n{}", words.join("\n\n")))
}

/// The built-in templates, and over them the repository's own.
fn templates(root: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    if let Some(text) = userdata::built_in("base") {
        found.insert("base".to_owned(), text.to_owned());
    }
    for (name, text) in folder::templates(&root.join("cloud-init")).map_err(|why| {
        Failure::new(why, "cloud-init templates are ASCII files `cloud-init/<name>.yaml` of at most 64 KiB")
    })? {
        found.insert(name, text);
    }
    Ok(found)
}
