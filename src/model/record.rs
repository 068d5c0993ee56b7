//! A record: what the ledger knows of one server, folded from the entries about it.
//! Invariant: `Record::fold` is the only way it changes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::breaker::TRIES;
use super::history::{Entry, Event, Outcome};
use super::ids::{DropletId, StepId};
use super::letter::Occasion;
use super::moment::Moment;
use super::step::{Action, Fact, Undelivered};

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
    /// It was asked for, and the reply was lost; else basement itself may have ended before it asked.
    #[serde(default)]
    pub is_lost: bool,
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
    /// When first.
    pub first: Moment,
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
    /// Why it was given up.
    #[serde(default)]
    pub undelivered: Undelivered,
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
    /// When our firewall was last put in place; the fleet's record alone knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Moment>,
    /// The customer's last word from us is that it is off.
    pub told_off: bool,
    /// A welcome to its latest droplet that may have arrived: its reply was lost, or basement ended meanwhile.
    #[serde(default)]
    pub maybe_told: Option<Occasion>,
    /// How many droplets in a row were replaced before their customer was told of one.
    #[serde(default)]
    pub replaced: u32,
    /// When anything of this last changed.
    pub changed: Option<Moment>,
    /// Unshown steps that are intended and not done.
    pub open: BTreeMap<StepId, Open>,
    /// Unshown steps that are done.
    pub done: BTreeMap<StepId, Done>,
    /// Steps that failed, or whose reply was lost, since they last succeeded.
    pub failures: BTreeMap<StepId, Failures>,
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

    /// Its letter went out with those of others.
    pub(super) fn told_together(&mut self, at: Moment, step: &StepId, letter: &StepId) {
        self.changed = Some(at);
        self.failures.remove(step);
        self.open.remove(step);
        let outcome = Outcome::Together { letter: letter.clone() };
        self.done.insert(step.clone(), Done { at, outcome });
    }

    /// Since when nobody needs the latest attempt's password: its letter was accepted, its delivery was given
    /// up, its droplet is gone, or its create made nothing. None while its letter is still to be written.
    pub fn password_idle(&self) -> Option<Moment> {
        match self.phase {
            Phase::Creating | Phase::Booting => None,
            // Should it be wanted again, there is no droplet with the old one, and a new one is made.
            Phase::New => self.intended,
            Phase::Delivered | Phase::Failed | Phase::Deleted | Phase::Ended => {
                self.delivered.or(self.failed).or(self.changed)
            }
        }
    }

    /// The latest attempt whose password, with all before it, nobody has needed since before this moment.
    pub fn erasable(&self, before: Moment) -> Option<u32> {
        if self.password_idle().is_some_and(|idle| idle < before) {
            return Some(self.attempt);
        }
        // A new attempt is only begun when the one before it is over.
        self.intended.filter(|at| *at < before).and_then(|_| self.attempt.checked_sub(1))
    }

    /// Whether this entry, about to be folded, ends a create: well, or badly.
    pub(super) fn create_end(&self, entry: &Entry) -> Option<bool> {
        let open = self.open.get(&entry.step).map(|open| &open.action);
        match (&entry.event, open) {
            (Event::Done { .. }, Some(Action::Letter { letter })) => {
                (letter.is_welcome() && self.delivered.is_none()).then_some(true)
            }
            (Event::Failed { .. }, Some(Action::Create { .. })) => {
                let times = self.failures.get(&entry.step).map_or(0, |failures| failures.count) + 1;
                times.is_multiple_of(TRIES).then_some(false)
            }
            (Event::Noticed { fact: Fact::NothingMade }, _) => {
                // A kill of our own says nothing about DigitalOcean.
                let is_lost = |open: &Open| open.is_lost && matches!(open.action, Action::Create { .. });
                self.open.values().any(is_lost).then_some(false)
            }
            // What was destroyed before it was given up was wanted no more.
            (Event::Noticed { fact: Fact::GaveUp { .. } }, _) => {
                let is_tried = matches!(self.phase, Phase::Creating | Phase::Booting);
                (is_tried && self.destroyed.is_none()).then_some(false)
            }
            _ => None,
        }
    }

    fn intend(&mut self, entry: &Entry, action: &Action) {
        if let Action::Create { order } = action {
            self.phase = Phase::Creating;
            self.attempt = order.attempt;
            self.intended = Some(entry.at);
            (self.droplet, self.address, self.delivered, self.failed) = (None, None, None, None);
            (self.stopped, self.power_cut, self.powered_on, self.destroyed) = (None, None, None, None);
            self.told_off = false;
            self.maybe_told = None;
        }
        if self.open.contains_key(&entry.step) {
            self.suspect(action);
        }
        match action {
            Action::Destroy { .. } => self.destroyed = Some(entry.at),
            Action::Firewall { .. } => self.firewall = Some(entry.at),
            _ => {}
        }
        self.open
            .insert(entry.step.clone(), Open { since: entry.at, action: action.clone(), is_lost: false });
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
            | Action::Tag { .. }
            | Action::Firewall { .. }
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
            // One that is sent again is no second delivery.
            Occasion::Welcome { .. } if self.delivered.is_some() => {}
            Occasion::Welcome { address, .. } => {
                self.phase = Phase::Delivered;
                self.address = Some(*address);
                self.delivered = Some(at);
                self.told_off = false;
                self.replaced = 0;
            }
            Occasion::Suspended { .. } | Occasion::Ending { .. } => self.told_off = true,
            Occasion::Resumed { .. } => self.told_off = false,
            Occasion::Ended
            | Occasion::Failed { .. }
            | Occasion::AlertFailed { .. }
            | Occasion::AlertDeleted { .. }
            | Occasion::AlertRefused { .. }
            | Occasion::AlertMany { .. }
            | Occasion::AlertRefund { .. }
            | Occasion::AlertNotReady { .. }
            | Occasion::AlertUnsure { .. }
            | Occasion::AlertFirewall { .. }
            | Occasion::AlertBreaker { .. } => {}
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
        if let Some(action) = self.open.get(&entry.step).map(|open| open.action.clone()) {
            self.suspect(&action);
        }
        let open = self.open.get_mut(&entry.step);
        match open {
            Some(open) if matches!(open.action, Action::Create { .. }) => open.is_lost = true,
            _ => self.count_failure(entry, why),
        }
    }

    /// A welcome whose end is not known.
    fn suspect(&mut self, action: &Action) {
        if let Action::Letter { letter } = action
            && letter.is_welcome()
        {
            self.maybe_told = Some(letter.occasion.clone());
        }
    }

    fn count_failure(&mut self, entry: &Entry, why: &str) {
        let (count, first) = self.failures.get(&entry.step).map_or((0, entry.at), |f| (f.count, f.first));
        let failures = Failures { count: count + 1, first, last: entry.at, why: why.to_owned() };
        self.failures.insert(entry.step.clone(), failures);
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
            Fact::Replaced => {
                self.close_creates();
                self.phase = Phase::New;
                self.replaced += 1;
            }
            Fact::GaveUp { why } => {
                self.close_creates();
                self.phase = Phase::Failed;
                self.failed = Some(at);
                self.undelivered = *why;
            }
            Fact::Deleted { .. } => self.phase = Phase::Deleted,
            Fact::Ended => self.phase = Phase::Ended,
            Fact::Retry | Fact::Recreate => {
                self.phase = Phase::New;
                self.replaced = 0;
                self.failures.clear();
            }
            Fact::Census { .. } | Fact::BreakerOpened { .. } | Fact::BreakerReset => {}
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
