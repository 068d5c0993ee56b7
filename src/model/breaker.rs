//! The breaker: how the latest creates ended, and whether creates and refunds are stopped.
//! Invariant: only `Fact::BreakerOpened` opens it and only `Fact::BreakerReset` closes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::ServerName;
use super::moment::Moment;

/// A create that is refused so often in a row counts as failed; it is still tried again.
pub const TRIES: u32 = 3;
/// How many servers' ends are kept.
const MEMORY: usize = 50;

/// How the latest creates ended, and whether creates and refunds are stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// The latest end of each server, oldest first, since the last reset.
    pub ends: Vec<CreateEnd>,
    /// Since when creates and refunds are stopped, and why.
    pub open: Option<Opened>,
}

/// How the create of one server ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateEnd {
    /// When.
    pub at: Moment,
    /// Whose.
    pub server: ServerName,
    /// It was delivered; else it was refused again and again, made nothing, or never came up.
    pub is_good: bool,
}

/// Since when creates and refunds are stopped, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// Since when.
    pub since: Moment,
    /// The servers that failed, by name.
    pub failed: Vec<ServerName>,
    /// Of so many that were tried.
    pub of: usize,
}

impl Breaker {
    /// Takes an end into account: it replaces an earlier one of the same server.
    pub fn note(&mut self, end: CreateEnd) {
        self.ends.retain(|other| other.server != end.server);
        self.ends.push(end);
        if self.ends.len() > MEMORY {
            self.ends.remove(0);
        }
    }
}
