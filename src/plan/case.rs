//! One server's case: everything the decision about it may look at, and what comes of it.

use std::collections::BTreeSet;

use crate::model::billing::{Fresh, Status, Subscription};
use crate::model::census::{Census, Droplet, Question, Sighting};
use crate::model::desired::{DesiredState, Server};
use crate::model::history::Record;
use crate::model::ids::{DropletId, ServerName, StepId};
use crate::model::moment::{Moment, Span};
use crate::model::plan::{Note, Notice};
use crate::model::policy::Policy;
use crate::model::step::{Action, DestroyCause, Reason, Step};

use super::firewall::Gate;

/// DigitalOcean's clock may differ from ours by so much.
pub(super) const SKEW: Span = Span::minutes(2);
/// A destroyed droplet may be listed for some seconds; after that it is asked again.
/// Source: terraform polls a destroy for 60 s, `waitForDropletDestroy`.
const LEAVING: Span = Span::seconds(60);
/// The first wait after a refused step; it doubles with each refusal.
const FIRST_WAIT: u64 = 30;
/// The longest wait after refused steps.
const LONGEST_WAIT: u64 = 15 * 60;

/// Everything the decision about one server may look at.
pub(super) struct Case<'a> {
    pub server: &'a Server,
    pub record: &'a Record,
    pub droplets: &'a [&'a Droplet],
    /// An orphan that seems to be of the same subscription.
    pub kin: Option<&'a Droplet>,
    pub census: &'a Census,
    pub policy: &'a Policy,
    /// The breaker is open: nothing is created, and no refund begins.
    pub is_broken: bool,
    /// Whether the firewall lets droplets be made.
    pub gate: Gate,
}

/// What comes of it.
#[derive(Default)]
pub(super) struct Verdict {
    pub steps: Vec<Step>,
    pub notes: Vec<Note>,
    pub questions: BTreeSet<Question>,
}

/// What Stripe, read anew in this pass, says to a disruptive step.
pub(super) enum Consent {
    /// Go on.
    Given,
    /// Not read yet; the question is in the verdict.
    Asked,
    /// It says otherwise; the note is in the verdict.
    Withheld,
}

impl Verdict {
    pub fn extend(&mut self, other: Self) {
        let Self { steps, notes, questions } = other;
        self.steps.extend(steps);
        self.notes.extend(notes);
        self.questions.extend(questions);
    }
}

impl<'a> Case<'a> {
    /// The plan's clock.
    pub fn at(&self) -> Moment {
        self.census.at
    }

    /// What the file asks for at this moment.
    pub fn want(&self) -> DesiredState {
        self.server.state_at(self.at())
    }

    /// A step's id: the action's word, the server and what else it is about.
    pub fn id(&self, word: &str, about: &[&dyn std::fmt::Display]) -> StepId {
        let mut words: Vec<&dyn std::fmt::Display> = vec![&word, &self.server.name];
        words.extend(about);
        StepId::of(&words)
    }

    /// Says something about this server.
    pub fn note(&self, to: &mut Verdict, notice: Notice) {
        to.notes.push(Note { server: Some(self.server.name.clone()), notice });
    }

    /// Adds a step, unless it was refused a short while ago: then it says how long it waits.
    /// Returns whether it was added.
    pub fn step(&self, to: &mut Verdict, id: StepId, action: Action, reason: Reason) -> bool {
        add(to, (self.at(), self.record), Some(&self.server.name), id, action, reason)
    }

    /// The answer about a droplet's existence; asks if it is not known yet.
    pub fn sighting(&self, to: &mut Verdict, id: DropletId) -> Option<&'a Sighting> {
        let answer = self.census.sightings.get(&id);
        if answer.is_none() {
            to.questions.insert(Question::Droplet(id));
        }
        answer
    }

    /// Droplets of this server's name which the last create may have made; asks if that is not known yet.
    pub fn found_by_name(&self, to: &mut Verdict) -> Option<Vec<&'a Droplet>> {
        let Some(found) = self.census.named.get(&self.server.name) else {
            to.questions.insert(Question::Named(self.server.name.clone()));
            return None;
        };
        let from = self.record.intended.unwrap_or(self.at()).minus(SKEW);
        let name = self.server.name.as_str();
        Some(found.iter().filter(|d| d.name.eq_ignore_ascii_case(name) && d.created_at >= from).collect())
    }

    /// Destroys a droplet, or says that an earlier destruction is still being carried out.
    pub fn destroy(&self, to: &mut Verdict, droplet: DropletId, cause: DestroyCause, reason: Reason) {
        if self.is_leaving() {
            return self.note(to, Notice::Leaving { droplet });
        }
        let id = self.id("destroy", &[&droplet]);
        self.step(to, id, Action::Destroy { droplet, cause }, reason);
    }

    /// Whether it was asked to be destroyed a moment ago.
    pub fn is_leaving(&self) -> bool {
        self.record.destroyed.is_some_and(|asked| self.within(asked, LEAVING))
    }

    /// Whether something done at a moment is less than a span ago. What the ledger dates later than now was
    /// written by a clock that has been set back since: it is long ago.
    pub fn within(&self, done: Moment, span: Span) -> bool {
        within(self.at(), done, span)
    }

    /// Something is not done while the breaker is open.
    pub fn withhold(&self, to: &mut Verdict, what: &str) {
        self.note(to, Notice::Withheld { what: what.to_owned() });
    }

    /// What has been read anew about the subscription.
    pub fn fresh(&self) -> Option<&'a Fresh> {
        self.census.billing.get(self.server.subscription()?)
    }

    /// Whether Stripe, read anew, says that this server is not lost to its customer; asks if that is not known yet.
    /// One without a subscription is its file's matter.
    pub fn is_kept(&self, to: &mut Verdict) -> Option<bool> {
        let Some(id) = self.server.subscription() else { return Some(true) };
        let Some(known) = self.fresh().and_then(|fresh| fresh.subscription.as_ref()) else {
            to.questions.insert(Question::Subscription(id.clone()));
            return None;
        };
        Some(known.as_ref().is_some_and(|subscription| !lets(subscription, DesiredState::Destroyed)))
    }

    /// Whether Stripe, read anew, lets a server be stopped (or destroyed): nobody paid up ever is.
    pub fn consent(&self, to: &mut Verdict, would: DesiredState) -> Consent {
        let Some(id) = self.server.subscription() else { return Consent::Given };
        match self.fresh().and_then(|fresh| fresh.subscription.as_ref()) {
            None => {
                to.questions.insert(Question::Subscription(id.clone()));
                return Consent::Asked;
            }
            Some(Some(subscription)) if lets(subscription, would) => return Consent::Given,
            Some(_) => {}
        }
        self.is_stale(to, would);
        Consent::Withheld
    }

    /// The file would have something done that Stripe, read anew, speaks against.
    pub fn is_stale(&self, to: &mut Verdict, would: DesiredState) {
        let known = self.fresh().and_then(|fresh| fresh.subscription.as_ref()?.as_ref());
        let status = known.map_or("no such subscription".to_owned(), |known| known.status.to_string());
        self.note(to, Notice::Stale { status, would: would.to_string() });
    }
}

/// Adds a step of a server or of the whole fleet, unless it was refused a short while before now: then it is
/// said how long it waits. Returns whether it was added.
pub(super) fn add(
    to: &mut Verdict,
    (at, record): (Moment, &Record),
    server: Option<&ServerName>,
    id: StepId,
    action: Action,
    reason: Reason,
) -> bool {
    let server = server.cloned();
    if let Some(failures) = record.failures.get(&id) {
        let wait = (FIRST_WAIT << failures.count.saturating_sub(1).min(10)).min(LONGEST_WAIT);
        let until = failures.last.plus(Span::seconds(wait));
        if within(at, failures.last, Span::seconds(wait)) {
            let notice = Notice::Waiting { step: id, until, why: failures.why.clone() };
            to.notes.push(Note { server, notice });
            return false;
        }
    }
    let again = record.open.contains_key(&id);
    to.steps.push(Step { id, server, action, reason, again });
    true
}

/// Whether something done at a moment is less than a span before now.
pub(super) fn within(at: Moment, done: Moment, span: Span) -> bool {
    done <= at && at < done.plus(span)
}

fn lets(subscription: &Subscription, would: DesiredState) -> bool {
    match &subscription.status {
        Status::Other(_) => false,
        Status::Active | Status::Trialing => would == DesiredState::Stopped && subscription.switched_off,
        // Its payment is still being tried: it may be off meanwhile, and is not lost.
        Status::Incomplete | Status::PastDue => would == DesiredState::Stopped,
        Status::IncompleteExpired | Status::Unpaid | Status::Paused | Status::Canceled => true,
    }
}
