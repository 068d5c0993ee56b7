//! The files to compare with: those of another revision, read as strictly as those in the working tree.

use crate::engine::Base;
use crate::fleet::complaint::{Complaint, sorted};
use crate::fleet::yaml;

use crate::render::words::clean;

use super::config;
use super::error::Failure;
use super::project::Project;
use super::{validate, wiring};

/// Reads the fleet and the policy as of a revision; complaints come all at once and name it.
pub(super) fn load(project: &Project, revision: &str) -> Result<Base, Failure> {
    let found = wiring::revision(&project.root, revision)?;
    let read = || {
        let missing =
            || vec![Complaint::new(config::FILE, "there is no such file", "name a revision that has it")];
        let bytes = found.config.ok_or_else(missing)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| vec![Complaint::new(config::FILE, "the file is not UTF-8", "save it as UTF-8")])?;
        let config = config::parse(&text)?;
        let fleet = yaml::parse(&found.files, &config.catalogue)?;
        Ok(Base { fleet, policy: config.policy })
    };
    read().map_err(|complaints: Vec<Complaint>| {
        let there = |complaint: Complaint| Complaint {
            file: format!("{revision}:{}", complaint.file),
            ..complaint
        };
        let page = validate::page(&sorted(complaints.into_iter().map(there).collect()));
        Failure::plain(format!(
            "the files of `{revision}` cannot be compared with: mend them there, or name another revision\n\n{}",
            page.trim_end().lines().map(clean).collect::<Vec<_>>().join("\n")
        ))
    })
}
