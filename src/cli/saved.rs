//! A saved plan: written by `plan --out`, bound to by `apply FILE`, said yes to by `approve FILE`.
//! Invariant: it says what was seen, to the last byte; nothing is ever done from it, only from a plan made anew that
//! is the same.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::adapters::folder;
use crate::engine::Look;
use crate::model::plan::Plan;
use crate::plan::digest;
use crate::render::diff::unified;
use crate::render::words;

use super::error::Failure;

/// What the first field says.
const KIND: &str = "basement plan";
const VERSION: u32 = 1;
/// A plan of 10,000 steps has some 10 MB.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A plan as it was shown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    kind: String,
    version: u32,
    /// Over all steps.
    pub digest: String,
    /// Whose droplets it is about.
    pub team: Option<String>,
    /// What the guard objected to, by name.
    pub objections: Vec<String>,
    /// What a person read.
    pub text: String,
    /// The plan.
    pub plan: Plan,
    /// Over all of the above.
    check: String,
}

impl Saved {
    /// A plan and the text of it that a person reads.
    pub fn new(look: &Look, text: String) -> Self {
        let saved = Self {
            kind: KIND.to_owned(),
            version: VERSION,
            digest: digest::whole(&look.plan),
            team: look.team().map(str::to_owned),
            objections: look.objections.iter().map(|o| o.name().to_owned()).collect(),
            text,
            plan: look.plan.clone(),
            check: String::new(),
        };
        Self { check: saved.checked(), ..saved }
    }

    fn checked(&self) -> String {
        let Self { kind, version, digest, team, objections, text, plan, check: _ } = self;
        let whole = serde_json::to_vec(&(kind, version, digest, team, objections, text, plan));
        format!("{:x}", Sha256::digest(whole.unwrap_or_default()))
    }

    /// Writes it whole, or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::plain(error.to_string()))?;
        folder::write_file(path, &(text + "\n")).map_err(|error| {
            Failure::new(format!("`{}` cannot be written: {error}", path.display()), "name another file")
        })
    }

    /// Reads it; what was edited is refused, for nobody has seen that plan.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::new(
                format!("`{}` {why}", path.display()),
                format!("write it anew: `basement plan --out {}`", path.display()),
            )
        };
        let bytes =
            folder::read_file(path, MAX_BYTES).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let saved: Self = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("is no saved plan of this version: {error}")))?;
        if saved.kind != KIND || saved.version != VERSION {
            return Err(wrong(format!("is a `{}` of version {}", saved.kind, saved.version)));
        }
        if saved.digest != digest::whole(&saved.plan) || saved.check != saved.checked() {
            return Err(wrong("was edited: what it says is not what it was written with".to_owned()));
        }
        if !saved.plan.questions.is_empty() {
            let questions = words::count(saved.plan.questions.len() as u64, "question");
            return Err(wrong(format!("still has {questions}: nobody knows yet what it takes away")));
        }
        Ok(saved)
    }

    /// How a plan made now differs from this one; `None` if it does the same.
    pub fn moved(&self, look: &Look, text: &str, colour: bool) -> Option<String> {
        if self.digest == digest::whole(&look.plan) && self.team.as_deref() == look.team() {
            return None;
        }
        Some(unified("plan", Some(&self.text), text, colour))
    }
}
