//! When Stripe's answer as a whole is not to be believed. Each refusal has a name that may permit it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::yaml::ServerFile;
use crate::model::billing::Reading;
use crate::model::desired::DesiredState;
use crate::model::ids::{ServerName, SubscriptionId};
use crate::model::policy::{Mode, Policy};

/// So many servers may always stop at once.
const ALWAYS: usize = 3;

/// Why nothing should be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Stripe knows no subscription, though there are servers.
    EmptyAnswer {
        /// How many servers have a file that is no tombstone.
        servers: usize,
    },
    /// None of the servers' subscriptions is in the answer, but others are.
    OtherAccount {
        /// How many servers have a file that is no tombstone.
        servers: usize,
    },
    /// Too many servers would stop, or end, at once.
    Shrunk {
        /// Which.
        leaving: Vec<ServerName>,
        /// How many run now.
        running: usize,
        /// How many may leave at once.
        allowed: usize,
    },
    /// Subscriptions of the other of Stripe's two worlds.
    ModeMixUp {
        /// The mode of `basement.toml`.
        mode: Mode,
        /// How many subscriptions are not of it.
        others: usize,
        /// One of them.
        example: SubscriptionId,
    },
}

/// What speaks against writing files that would have these states; a file not in `states` stays as it is.
pub(super) fn all(
    reading: &Reading,
    existing: &[ServerFile],
    states: &BTreeMap<String, DesiredState>,
    policy: &Policy,
    mode: Mode,
) -> Vec<Refusal> {
    let refusals = [
        mixed_up(reading, mode),
        nothing_known(reading, existing),
        shrunk(existing, states, policy.caps.shrink),
    ];
    refusals.into_iter().flatten().collect()
}

impl Refusal {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::EmptyAnswer { .. } => "empty-answer",
            Self::OtherAccount { .. } => "other-account",
            Self::Shrunk { .. } => "shrink",
            Self::ModeMixUp { .. } => "mode-mix-up",
        }
    }

    /// Whether `--allow` permits it.
    pub fn waivable(&self) -> bool {
        !matches!(self, Self::ModeMixUp { .. })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::EmptyAnswer { servers } => {
                writeln!(f, "Stripe knows no subscription at all, but {} here ({name})", are(*servers))?;
                write!(f, "  hint: is this the right key? if it is, add `--allow {name}`")
            }
            Self::OtherAccount { servers } => {
                writeln!(f, "Stripe knows other subscriptions only, but {} here ({name})", are(*servers))?;
                write!(
                    f,
                    "  hint: is this the right key? sample files must go first; else add `--allow {name}`"
                )
            }
            Self::Shrunk { leaving, running, allowed } => {
                let count = leaving.len();
                writeln!(
                    f,
                    "{count} of {running} running servers would stop at once, and {allowed} may ({name})"
                )?;
                let some: Vec<&str> = leaving.iter().take(10).map(ServerName::as_str).collect();
                let more = if count > some.len() { " …" } else { "" };
                writeln!(f, "  they are {}{more}", some.join(", "))?;
                write!(f, "  hint: look at Stripe first; if it is so, add `--allow {name}`")
            }
            Self::ModeMixUp { mode, others, example } => {
                let (ours, theirs) = match mode {
                    Mode::Live => ("live", "test"),
                    Mode::Test => ("test", "live"),
                };
                writeln!(f, "Stripe's answer is of {theirs} mode: `{example}`, one of {others} ({name})")?;
                write!(f, "  hint: `[stripe] mode` in basement.toml is `{ours}`: use a key of {ours} mode")
            }
        }
    }
}

fn are(servers: usize) -> String {
    if servers == 1 { "there is 1 server".to_owned() } else { format!("there are {servers} servers") }
}

fn mixed_up(reading: &Reading, mode: Mode) -> Option<Refusal> {
    let live = mode == Mode::Live;
    let others: BTreeSet<&SubscriptionId> =
        reading.subscriptions.iter().filter(|sub| sub.livemode != live).map(|sub| &sub.id).collect();
    let example = (*others.first()?).clone();
    Some(Refusal::ModeMixUp { mode, others: others.len(), example })
}

fn nothing_known(reading: &Reading, existing: &[ServerFile]) -> Option<Refusal> {
    let alive: BTreeSet<&SubscriptionId> = existing
        .iter()
        .filter(|file| file.declared.state != DesiredState::Destroyed)
        .map(|file| &file.declared.subscription)
        .collect();
    let mut ids = reading
        .subscriptions
        .iter()
        .map(|sub| &sub.id)
        .chain(reading.unreadable.iter().filter_map(|odd| odd.id.as_ref()));
    let servers = alive.len();
    if servers == 0 {
        None
    } else if reading.subscriptions.is_empty() && reading.unreadable.is_empty() {
        Some(Refusal::EmptyAnswer { servers })
    } else {
        // An item without a readable id may be any of them.
        let hidden = reading.unreadable.iter().any(|odd| odd.id.is_none());
        (!hidden && !ids.any(|id| alive.contains(id))).then_some(Refusal::OtherAccount { servers })
    }
}

/// Servers that run and would not, or that would be destroyed at once.
fn shrunk(
    existing: &[ServerFile],
    states: &BTreeMap<String, DesiredState>,
    percent: usize,
) -> Option<Refusal> {
    let running = existing.iter().filter(|file| file.declared.state == DesiredState::Running).count();
    let leaves = |file: &&ServerFile| {
        let (before, after) = (file.declared.state, states.get(&file.path));
        after.is_some_and(|after| match before {
            DesiredState::Running => *after != DesiredState::Running,
            DesiredState::Stopped => *after == DesiredState::Destroyed,
            DesiredState::Destroyed => false,
        })
    };
    let mut leaving: Vec<ServerName> =
        existing.iter().filter(leaves).map(|file| file.declared.server.clone()).collect();
    leaving.sort();
    let allowed = ALWAYS.max(running.saturating_mul(percent) / 100);
    (leaving.len() > allowed).then_some(Refusal::Shrunk { leaving, running, allowed })
}
