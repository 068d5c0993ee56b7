//! Approvals: a person's dated word that certain steps may take something away.
//! Invariant: plain data; whether one counts is decided in `plan/approval`.

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// What a person said yes to, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The digest of the destructive steps together: 64 hex digits.
    pub approves: String,
    /// The DigitalOcean team whose droplets they are about.
    pub team: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Moment,
    /// It counts before this moment.
    pub until: Moment,
    /// The guard's objections that were read and are waived, by name.
    pub waives: Vec<String>,
    /// The destructive steps, one by one.
    pub steps: Vec<ApprovedStep>,
}

/// One step of an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedStep {
    /// The step's own digest: 64 hex digits over its id and its action.
    pub is: String,
    /// What it does, in words.
    pub what: String,
}
