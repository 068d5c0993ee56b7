//! History: what was intended and done, folded from the ledger's entries.
//! Invariant: `fold` is the only way a record changes, so rows can always be made anew from entries.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::ids::{DropletId, RefundId, ServerName, StepId};
use super::letter::Occasion;
use super::moment::Moment;
use super::money::Money;
use super::step::{Action, Fact};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No droplet, none intended.
    #[default]
    New,
    /// A create is intended; whether a droplet was made is not known.
    Creating,
    /// A droplet was made and is not delivered yet.
    Booting,
    /// The customer has it.
    Delivered,
    /// It could not be delivered.
    Failed,
    /// It was deleted outside basement.
    Deleted,
    /// It was destroyed on purpose.
    Ended,
}

/// A step that is intended and whose end is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Since when.
    pub since: Moment,
    /// What was to be done.
    pub action: Action,
}

/// A step that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// When.
    pub at: Moment,
    /// What came of it.
    pub outcome: Outcome,
}

/// How often a step failed, or its reply was lost, since it last succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How often.
    pub count: u32,
    /// When last.
    pub last: Moment,
    /// What was said last.
    pub why: String,
}

/// What the ledger knows of one server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it is in its life.
    pub phase: Phase,
    /// How many creates were intended.
    pub attempt: u32,
    /// When the last create was intended.
    pub intended: Option<Moment>,
    /// Its droplet, once known.
    pub droplet: Option<DropletId>,
    /// Its address, once told to the customer.
    pub address: Option<Ipv4Addr>,
    /// When its delivery was given up; none after another create.
    pub failed: Option<Moment>,
    /// When it was delivered.
    pub delivered: Option<Moment>,
    /// When it was last asked to shut down; none after a power on.
    pub stopped: Option<Moment>,
    /// When its power was last cut; none after a power on or a new shutdown.
    pub power_cut: Option<Moment>,
    /// When it was last asked to power on; none after a stop.
    pub powered_on: Option<Moment>,
    /// When its destruction was last asked for; none if that was refused.
    pub destroyed: Option<Moment>,
    /// The customer's last word from us is that it is off.
    pub told_off: bool,
    /// When anything of this last changed.
    pub changed: Option<Moment>,
    /// Unshown steps that are intended and not done.
    pub open: BTreeMap<StepId, Open>,
    /// Unshown steps that are done.
    pub done: BTreeMap<StepId, Done>,
    /// Steps that failed, or whose reply was lost, since they last succeeded.
    pub failures: BTreeMap<StepId, Failures>,
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
}

impl History {
    /// Takes one entry into account.
    pub fn fold(&mut self, entry: &Entry) {
        match (&entry.server, &entry.event) {
            (Some(server), _) => self.records.entry(server.clone()).or_default().fold(entry),
            (None, Event::Noticed { fact: Fact::Census { droplets, team } }) => {
                self.last_census = Some(*droplets);
                self.team = Some(team.clone());
            }
            (None, _) => {}
        }
    }

    /// All refunds asked for at or after a moment, done or still open.
    pub fn refunds_since(&self, from: Moment) -> Vec<Money> {
        let done = self.records.values().flat_map(|r| r.done.values()).filter(|d| d.at >= from);
        let open = self.records.values().flat_map(|r| r.open.values()).filter(|o| o.since >= from);
        done.filter_map(|d| match &d.outcome {
            Outcome::Refunded { amount, .. } => Some(*amount),
            Outcome::Plain | Outcome::Created { .. } | Outcome::Nobody { .. } => None,
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

impl Record {
    /// Takes one entry about this server into account.
    pub fn fold(&mut self, entry: &Entry) {
        self.changed = Some(entry.at);
        match &entry.event {
            Event::Intended { action } => self.intend(entry, action),
            Event::Done { outcome } => self.finish(entry, outcome),
            Event::Failed { why } => self.fail(entry, why),
            Event::Unknown { why } => self.doubt(entry, why),
            Event::Noticed { fact } => self.notice(entry.at, fact),
        }
    }

    /// Whether an unshown step is done.
    pub fn has_done(&self, step: &StepId) -> bool {
        self.done.contains_key(step)
    }

    fn intend(&mut self, entry: &Entry, action: &Action) {
        if let Action::Create { order } = action {
            self.phase = Phase::Creating;
            self.attempt = order.attempt;
            self.intended = Some(entry.at);
            (self.droplet, self.address, self.delivered, self.failed) = (None, None, None, None);
            (self.stopped, self.power_cut, self.powered_on, self.destroyed) = (None, None, None, None);
            self.told_off = false;
        }
        if let Action::Destroy { .. } = action {
            self.destroyed = Some(entry.at);
        }
        self.open.insert(entry.step.clone(), Open { since: entry.at, action: action.clone() });
    }

    fn finish(&mut self, entry: &Entry, outcome: &Outcome) {
        self.failures.remove(&entry.step);
        let Some(open) = self.open.remove(&entry.step) else { return };
        match &open.action {
            Action::Create { .. } => {
                if let Outcome::Created { droplet } = outcome {
                    self.droplet = Some(*droplet);
                    self.phase = Phase::Booting;
                }
            }
            Action::Shutdown { .. } => {
                (self.stopped, self.power_cut, self.powered_on) = (Some(entry.at), None, None);
            }
            Action::PowerOff { .. } => (self.power_cut, self.powered_on) = (Some(entry.at), None),
            Action::PowerOn { .. } => {
                (self.stopped, self.power_cut, self.powered_on) = (None, None, Some(entry.at));
            }
            Action::Letter { letter } => self.told(entry.at, &letter.occasion),
            Action::Record { .. }
            | Action::Destroy { .. }
            | Action::Refund { .. }
            | Action::Cancel { .. } => {}
        }
        if open.action.is_unshown() {
            self.done.insert(entry.step.clone(), Done { at: entry.at, outcome: outcome.clone() });
        }
    }

    fn told(&mut self, at: Moment, occasion: &Occasion) {
        match occasion {
            Occasion::Welcome { address, .. } => {
                self.phase = Phase::Delivered;
                self.address = Some(*address);
                self.delivered = Some(at);
                self.told_off = false;
            }
            Occasion::Suspended { .. } | Occasion::Ending { .. } => self.told_off = true,
            Occasion::Resumed { .. } => self.told_off = false,
            Occasion::Ended
            | Occasion::Failed { .. }
            | Occasion::AlertFailed { .. }
            | Occasion::AlertDeleted { .. } => {}
        }
    }

    fn fail(&mut self, entry: &Entry, why: &str) {
        let open = self.open.remove(&entry.step);
        match open.map(|open| open.action) {
            Some(Action::Create { .. }) => self.phase = Phase::New,
            Some(Action::Destroy { .. }) => self.destroyed = None,
            _ => {}
        }
        self.count_failure(entry, why);
    }

    /// A lost reply is waited after like a refusal. That of a create is looked for instead, by phase.
    fn doubt(&mut self, entry: &Entry, why: &str) {
        let is_create = |open: &Open| matches!(open.action, Action::Create { .. });
        if !self.open.get(&entry.step).is_some_and(is_create) {
            self.count_failure(entry, why);
        }
    }

    fn count_failure(&mut self, entry: &Entry, why: &str) {
        let count = self.failures.get(&entry.step).map_or(0, |f| f.count) + 1;
        self.failures.insert(entry.step.clone(), Failures { count, last: entry.at, why: why.to_owned() });
    }

    fn notice(&mut self, at: Moment, fact: &Fact) {
        match fact {
            Fact::Adopted { droplet, delivered } => {
                self.droplet = Some(*droplet);
                self.close_creates();
                self.phase = if *delivered { Phase::Delivered } else { Phase::Booting };
                if *delivered {
                    self.delivered = Some(at);
                }
            }
            Fact::NothingMade => {
                self.close_creates();
                self.phase = Phase::New;
            }
            Fact::GaveUp => {
                self.close_creates();
                self.phase = Phase::Failed;
                self.failed = Some(at);
            }
            Fact::Deleted { .. } => self.phase = Phase::Deleted,
            Fact::Ended => self.phase = Phase::Ended,
            Fact::Retry | Fact::Recreate => {
                self.phase = Phase::New;
                self.failures.clear();
            }
            Fact::Census { .. } => {}
        }
    }

    /// A create that was refused before its reply was lost is not asked again as the same try.
    fn close_creates(&mut self) {
        let open = self.open.iter().filter(|(_, open)| matches!(open.action, Action::Create { .. }));
        for step in open.map(|(step, _)| step.clone()).collect::<Vec<_>>() {
            self.open.remove(&step);
            self.failures.remove(&step);
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Creating => "creating",
            Self::Booting => "booting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Ended => "ended",
        })
    }
}
