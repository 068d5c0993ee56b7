//! History: what was intended and done, folded from the ledger's entries.
//! Invariant: `fold` is the only way a record changes, so rows can always be made anew from entries.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::breaker::{Breaker, CreateEnd};
use super::ids::{DropletId, RefundId, ServerName, StepId};
use super::letter::Told;
use super::moment::Moment;
use super::money::Money;
use super::step::{Action, Fact};

pub use super::record::{Done, Failures, Open, Phase, Record};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done; nothing more to say.
    Plain,
    /// A droplet was made (or rather: accepted).
    Created {
        /// Its number.
        droplet: DropletId,
    },
    /// Money is on its way back.
    Refunded {
        /// Stripe's id.
        refund: RefundId,
        /// How much.
        amount: Money,
        /// Stripe's status at that time.
        status: String,
    },
    /// It went out together with those of other servers, in one letter.
    Together {
        /// The letter's step.
        letter: StepId,
    },
    /// There was nobody to send a letter to.
    Nobody {
        /// Why: no address, customer deleted, address refused.
        why: String,
    },
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// About to be done; written before the call.
    Intended {
        /// What.
        action: Action,
    },
    /// Done; written after the call.
    Done {
        /// What came of it.
        outcome: Outcome,
    },
    /// It certainly did not happen.
    Failed {
        /// The vendor's words.
        why: String,
    },
    /// The reply was lost: nobody knows.
    Unknown {
        /// What was seen.
        why: String,
    },
    /// Learned by looking.
    Noticed {
        /// What.
        fact: Fact,
    },
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: Moment,
    /// About which server; `None`: about the whole fleet.
    pub server: Option<ServerName>,
    /// About which step.
    pub step: StepId,
    /// What happened.
    pub event: Event,
}

/// The steps of a server: its own, and letters about several that tell of it.
pub fn steps_about(entries: &[Entry], server: &ServerName) -> BTreeSet<StepId> {
    let tells = |event: &Event| match event {
        Event::Intended { action: Action::Letter { letter } } => {
            letter.occasion.told().iter().any(|told| told.server == *server)
        }
        _ => false,
    };
    let about = entries.iter().filter(|entry| entry.server.as_ref() == Some(server) || tells(&entry.event));
    about.map(|entry| entry.step.clone()).collect()
}

/// What was intended and done, per server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// By server.
    pub records: BTreeMap<ServerName, Record>,
    /// How many droplets the last applied census had.
    pub last_census: Option<u64>,
    /// The DigitalOcean team they were in.
    pub team: Option<String>,
    /// How the latest creates ended.
    pub breaker: Breaker,
    /// The steps that are about the whole fleet.
    pub fleet: Record,
}

impl History {
    /// Takes one entry into account.
    pub fn fold(&mut self, entry: &Entry) {
        match (&entry.server, &entry.event) {
            (Some(server), _) => {
                let record = self.records.entry(server.clone()).or_default();
                let end = record.create_end(entry);
                record.fold(entry);
                if let Some(is_good) = end {
                    let is_refused = matches!(entry.event, Event::Failed { .. });
                    let (at, server) = (entry.at, server.clone());
                    self.breaker.note(CreateEnd { at, server, is_good, is_refused });
                }
            }
            (None, Event::Noticed { fact }) => self.notice(fact),
            (None, _) => {
                let told = self.told(entry);
                self.fleet.fold(entry);
                for Told { server, step, .. } in told {
                    self.records.entry(server).or_default().told_together(entry.at, &step, &entry.step);
                }
            }
        }
    }

    /// The servers whose records change when these entries are folded, one after the other.
    pub fn touched(&self, entries: &[Entry]) -> BTreeSet<ServerName> {
        let mut names: BTreeSet<ServerName> =
            entries.iter().filter_map(|entry| entry.server.clone()).collect();
        for entry in entries {
            let intended = match &entry.event {
                Event::Intended { action: Action::Letter { letter } } => letter.occasion.told().to_vec(),
                _ => Vec::new(),
            };
            names.extend(intended.into_iter().chain(self.told(entry)).map(|told| told.server));
        }
        names
    }

    /// Of which servers the operator has been told by what this entry says is done.
    fn told(&self, entry: &Entry) -> Vec<Told> {
        match (&entry.event, self.fleet.open.get(&entry.step).map(|open| &open.action)) {
            (Event::Done { .. }, Some(Action::Letter { letter })) => letter.occasion.told().to_vec(),
            _ => Vec::new(),
        }
    }

    fn notice(&mut self, fact: &Fact) {
        match fact {
            Fact::Census { droplets, team } => {
                self.last_census = Some(*droplets);
                self.team = Some(team.clone());
            }
            Fact::BreakerOpened { opened } => self.breaker.open = Some(opened.clone()),
            Fact::BreakerReset => self.breaker.reset(),
            Fact::Adopted { .. }
            | Fact::NothingMade
            | Fact::Replaced
            | Fact::GaveUp { .. }
            | Fact::Deleted { .. }
            | Fact::Ended
            | Fact::Retry
            | Fact::Recreate => {}
        }
    }

    /// How many letters were sent to customers at or after a moment, or are still open; letters of welcome are not
    /// counted.
    pub fn letters_since(&self, from: Moment) -> usize {
        let records = || self.records.values().chain([&self.fleet]);
        let is_letter = |id: &StepId| {
            let word = id.as_str().split('/').nth(2).unwrap_or_default();
            id.as_str().starts_with("letter/") && word != "welcome" && !word.starts_with("operator-")
        };
        let is_own = |done: &Done| !matches!(done.outcome, Outcome::Together { .. });
        let done = records().flat_map(|r| &r.done);
        let done = done.filter(|(id, done)| is_letter(id) && is_own(done) && done.at >= from);
        let open = records().flat_map(|r| &r.open).filter(|(id, open)| is_letter(id) && open.since >= from);
        done.count() + open.count()
    }

    /// All refunds asked for at or after a moment, done or still open.
    pub fn refunds_since(&self, from: Moment) -> Vec<Money> {
        let done = self.records.values().flat_map(|r| r.done.values()).filter(|d| d.at >= from);
        let open = self.records.values().flat_map(|r| r.open.values()).filter(|o| o.since >= from);
        done.filter_map(|d| match &d.outcome {
            Outcome::Refunded { amount, .. } => Some(*amount),
            Outcome::Plain | Outcome::Created { .. } | Outcome::Together { .. } | Outcome::Nobody { .. } => {
                None
            }
        })
        .chain(open.filter_map(|o| match &o.action {
            Action::Refund { order, .. } => Some(order.amount),
            _ => None,
        }))
        .collect()
    }
}

impl Outcome {
    /// A refund that failed or was taken back at once: the money is with us.
    pub fn came_back(&self) -> bool {
        matches!(self, Self::Refunded { status, .. } if matches!(status.as_str(), "failed" | "canceled"))
    }
}
