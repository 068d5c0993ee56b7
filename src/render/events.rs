//! The events of an apply, for programs: one JSON object a line, in types, so that their schema says what is
//! written. Invariant: the last line is `ended`, with the exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::history::Outcome;
use crate::model::ids::{ServerName, StepId};
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::model::step::Step;

use super::counts::Counts;
use super::json::{VERSION, tame};
use super::progress::{failed_line, progress_line, unknown_line};
use super::words::clean;

/// One line of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// Always 1: fields and kinds of events are only ever added.
    pub version: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: ApplyEvent,
}

/// What happens while a plan is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ApplyEvent {
    /// A pass is about to apply a plan.
    Planned {
        /// The moment of its census.
        at: Moment,
        /// The digest of what it takes away.
        digest: String,
        /// How many steps and notes of each kind.
        counts: Counts,
    },
    /// A step is done.
    Did {
        /// Which.
        #[serde(flatten)]
        step: StepLine,
        /// What came of it.
        result: Outcome,
    },
    /// A step certainly did not happen.
    Failed {
        /// Which.
        #[serde(flatten)]
        step: StepLine,
        /// What was said.
        why: String,
    },
    /// Nobody knows yet whether a step happened; the next pass finds out.
    Unknown {
        /// Which.
        #[serde(flatten)]
        step: StepLine,
        /// What was said.
        why: String,
    },
    /// Waiting before the next pass.
    Sleeping {
        /// How long.
        seconds: u64,
        /// How many servers are waited for.
        servers: usize,
        /// Why the last pass could not be made, if so.
        why: Option<String>,
    },
    /// The run is over.
    Ended {
        /// The exit code.
        code: u8,
        /// The last words.
        text: String,
    },
}

/// A step, as its events name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepLine {
    /// What it is about.
    pub id: StepId,
    /// For which server; null: about the whole fleet.
    pub server: Option<ServerName>,
    /// The action's word.
    pub kind: String,
    /// The line that people see.
    pub text: String,
}

impl ApplyEvent {
    /// A plan is about to be applied.
    pub fn planned(plan: &Plan, digest: String, objections: usize) -> Self {
        Self::Planned { at: plan.at, digest, counts: Counts::of(plan, objections) }
    }

    /// A step is done.
    pub fn did(step: &Step, outcome: &Outcome) -> Self {
        Self::Did { step: line(step, progress_line(step, outcome)), result: outcome.clone() }
    }

    /// A step failed.
    pub fn failed(step: &Step, why: &str) -> Self {
        Self::Failed { step: line(step, failed_line(step, why)), why: clean(why) }
    }

    /// A step's reply was lost.
    pub fn unknown(step: &Step, why: &str) -> Self {
        Self::Unknown { step: line(step, unknown_line(step, why)), why: clean(why) }
    }

    /// As one line, without its line break.
    pub fn to_line(self) -> String {
        let line = EventLine { version: VERSION, event: self };
        // Strings, numbers and maps with string keys: nothing in it can fail to be written.
        tame(&serde_json::to_string(&line).unwrap_or_default())
    }
}

fn line(step: &Step, text: String) -> StepLine {
    let Step { id, server, action, .. } = step;
    StepLine { id: id.clone(), server: server.clone(), kind: action.word().to_owned(), text }
}
