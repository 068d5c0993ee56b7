//! How a command fails: a message, a cure, and the exit code that scripts rely on (design.md §14).

use std::fmt;

use crate::ports::{Detail, Fault};
use crate::render::json::tame;
use crate::wire::redact::redact;

/// Exit codes.
pub mod code {
    /// Done, or nothing to do.
    pub const DONE: u8 = 0;
    /// An error.
    pub const ERROR: u8 = 1;
    /// The plan has steps (only with `--exit-code`).
    pub const STEPS: u8 = 2;
    /// The guard objected; nothing was done.
    pub const OBJECTED: u8 = 3;
    /// The world moved since the plan; nothing was done.
    pub const MOVED: u8 = 4;
    /// Applied in part.
    pub const PARTIAL: u8 = 5;
    /// The breaker is open.
    pub const BROKEN: u8 = 6;
    /// `rekey`: sealed anew, and the old seals are not erased yet.
    pub const UNCLEAN: u8 = 7;
    /// Wrong usage.
    pub const USAGE: u8 = 64;
    /// Interrupted; run again to resume.
    pub const INTERRUPTED: u8 = 130;
}

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// What is wrong, in lower case, naming the thing in backticks.
    pub message: String,
    /// The cure.
    pub hint: Option<String>,
}

impl Failure {
    /// An error with its cure; one that the message carries itself knows better.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, own) = split(message.into());
        Self { code: code::ERROR, message, hint: Some(own.unwrap_or_else(|| hint.into())) }
    }

    /// An error that speaks for itself, or carries its own cure behind `; hint: `.
    pub fn plain(message: impl Into<String>) -> Self {
        let (message, hint) = split(message.into());
        Self { code: code::ERROR, message, hint }
    }

    /// The same with another exit code.
    pub fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A message that brings its own cure knows better than whoever passed it on.
        let (message, own) = match self.message.split_once("; hint: ") {
            Some((message, own)) => (message, Some(own)),
            None => (self.message.as_str(), None),
        };
        // Whoever made the message took its secrets out; this is for the one who forgot.
        write!(f, "error: {}", redact(message, usize::MAX))?;
        match own.or(self.hint.as_deref()) {
            Some(hint) => write!(f, "\nhint: {}", redact(hint, usize::MAX)),
            None => Ok(()),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let hint = match &fault {
            _ if fault.is_credentials() => Some("check the credential named above and what it may do"),
            Fault::Unavailable { .. } => Some("nothing was done by this call; run the command again later"),
            Fault::Unknown(_) => {
                Some("run `basement apply` again: it looks for what this call did, before it asks again")
            }
            Fault::Refused(_) => None,
        };
        let (message, own) = parts(&fault);
        Self { code: code::ERROR, message, hint: own.or(hint.map(str::to_owned)) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::plain(error.to_string())
    }
}

/// A fault in words, and the cure that it carries: what stands behind `; hint: ` in its message.
pub(super) fn parts(fault: &Fault) -> (String, Option<String>) {
    let (message, hint) = split(fault.detail().message.clone());
    let text = Detail { message, ..fault.detail().clone() }.to_string();
    (text, hint)
}

fn split(text: String) -> (String, Option<String>) {
    match text.split_once("; hint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    }
}

/// JSON for programs, indented, with its line break.
pub(super) fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::plain(error.to_string()))?;
    Ok(tame(&text) + "\n")
}
