//! The breaker: how the latest creates ended, and whether creates and refunds are stopped.
//! Invariant: only `Fact::BreakerOpened` opens it and only `Fact::BreakerReset` closes it.

use std::collections::BTreeSet;

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
    /// Servers whose creates were refused before the last reset: a person has seen it, and nobody is refunded for it.
    pub seen: BTreeSet<ServerName>,
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
    /// It was refused: DigitalOcean said no, and made nothing.
    pub is_refused: bool,
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
    /// Takes an end into account: it replaces an earlier one of the same server. But one that goes on failing keeps its
    /// place in the row, lest a few that cannot be made hide that others can.
    pub fn note(&mut self, end: CreateEnd) {
        let is_failing = |other: &CreateEnd| other.server == end.server && !other.is_good;
        let is_seen = end.is_refused && self.seen.contains(&end.server);
        if !end.is_good && (is_seen || self.ends.iter().any(is_failing)) {
            return;
        }
        if end.is_good {
            self.seen.remove(&end.server);
        }
        self.ends.retain(|other| other.server != end.server);
        self.ends.push(end);
        if self.ends.len() > MEMORY {
            self.ends.remove(0);
        }
    }

    /// A person says that it may go on.
    pub fn reset(&mut self) {
        let refused = self.ends.drain(..).filter(|end| end.is_refused);
        self.seen.extend(refused.map(|end| end.server));
        self.open = None;
    }
}
