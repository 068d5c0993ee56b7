//! A fleet repository on disk: `basement.toml`, the fleet, the templates. Read strictly, or not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::{LetterSettings, Setup};
use crate::fleet::complaint::Complaint;
use crate::fleet::userdata::Templates;
use crate::model::desired::Fleet;

use super::config::{self, Config};
use super::error::Failure;
use super::{templates, validate};

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
    pub templates: Templates,
}

/// Reads all of it; complaints come all at once.
pub(super) fn load(root: &Path) -> Result<Project, Failure> {
    let (config, fleet) = validate::load(root).map_err(|complaints| complain(&complaints))?;
    Ok(Project { root: root.to_owned(), config, fleet, templates: templates::read(root).0 })
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

fn complain(complaints: &[Complaint]) -> Failure {
    let page = validate::page(complaints);
    Failure::plain(format!("the files must be mended first; nothing was done\n\n{}", page.trim_end()))
}
