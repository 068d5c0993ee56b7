//! A fleet repository on disk: `basement.toml`, the fleet, the templates. Read strictly, or not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::adapters::folder;
use crate::engine::{LetterSettings, Setup};
use crate::fleet::approval;
use crate::fleet::complaint::Complaint;
use crate::fleet::userdata::Templates;
use crate::model::approval::Approval;
use crate::model::desired::Fleet;

use super::config::{self, Config};
use super::error::Failure;
use super::{say, templates, validate};

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
    /// What persons said yes to, edited and cut files left out.
    pub approvals: Vec<Approval>,
}

/// Reads all of it; complaints come all at once.
pub(super) fn load(root: &Path) -> Result<Project, Failure> {
    let (config, fleet) = validate::load(root).map_err(|complaints| complain(&complaints))?;
    let (templates, approvals) = (templates::read(root).0, approvals(root)?);
    Ok(Project { root: root.to_owned(), config, fleet, templates, approvals })
}

/// The same without the fleet's files, where something in them is wrong.
pub(super) fn without_fleet(root: &Path) -> Result<Project, Failure> {
    let (config, templates) = (load_config(root)?, templates::read(root).0);
    let (root, fleet, approvals) = (root.to_owned(), Fleet::default(), Vec::new());
    Ok(Project { root, config, fleet, templates, approvals })
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
            approvals: self.approvals.clone(),
            templates: self.templates.clone(),
            letters: LetterSettings {
                brand: mail.brand.clone(),
                support: mail.support.clone(),
                operator: mail.operator.clone(),
                portal: mail.portal.clone(),
                keep_password: mail.keep_password,
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

/// The approvals that can count; of the others it is said why they cannot.
fn approvals(root: &Path) -> Result<Vec<Approval>, Failure> {
    let files = folder::approvals(root).map_err(|error| {
        Failure::new(format!("`{}` cannot be read: {error}", approval::FOLDER), "look at its permissions")
    })?;
    let mut found = Vec::new();
    for read in files.iter().map(approval::parse) {
        match read {
            Ok(approval) => found.push(approval),
            Err(why) => say::remark(&format!("warning: `{}`: {}; {}", why.file, why.message, why.cure)),
        }
    }
    Ok(found)
}
