//! What is behind a plan's steps: the line that declares each, the event at Stripe before that, and what goes
//! with what is destroyed. Pure. Invariant: it reads a plan and changes none.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::census::{Census, Droplet, Sighting};
use crate::model::desired::{Because, Fleet};
use crate::model::history::{History, Record};
use crate::model::ids::{DropletId, ServerName};
use crate::model::insight::{Happening, Lost, StripeEvent};
use crate::model::letter::Occasion;
use crate::model::moment::{Moment, Span};
use crate::model::plan::Plan;
use crate::model::step::{Action, Reason, Step};

/// How long Stripe keeps events. Source: Stripe API, "Events": at least 30 days.
const KEPT: Span = Span::days(30);
/// A file is written this long after what happened, at most: `generate` may run once a day.
const APART: Span = Span::days(2);

/// The event of a dispute.
const DISPUTED: &str = "charge.dispute.created";

/// What to look for at Stripe: kinds of events, and from when on.
pub type Trace = (BTreeSet<&'static str>, Moment);

/// The key of a server's file that asks for its steps: `state`, `destroy_after` once a grace is over, or `ends_on`
/// for what follows from an end that is only foretold.
pub fn keys(plan: &Plan, fleet: &Fleet) -> BTreeMap<ServerName, &'static str> {
    let mut keys = BTreeMap::new();
    for step in &plan.steps {
        let Some(server) = &step.server else { continue };
        let will_end = fleet.servers.get(server).is_some_and(|server| server.ends_on.is_some());
        let key = match step.reason {
            Reason::Declared { because: Because::Cancelled, .. }
            | Reason::Down { because: Because::Cancelled, .. }
            | Reason::GraceEnded { because: Because::Cancelled, .. }
                if will_end =>
            {
                "ends_on"
            }
            Reason::GraceEnded { .. } => "destroy_after",
            _ => "state",
        };
        // The first step of a server is its most dangerous one.
        keys.entry(server.clone()).or_insert(key);
    }
    keys
}

/// The servers whose droplet is made as an override says: what is in force besides `state`.
pub fn made(plan: &Plan) -> BTreeSet<ServerName> {
    let creates = plan.steps.iter().filter(|step| matches!(step.action, Action::Create { .. }));
    creates.filter_map(|step| step.server.clone()).collect()
}

/// Which events may be behind a plan; `None` if Stripe keeps none so old, or none is behind it.
pub fn trace(plan: &Plan) -> Option<Trace> {
    let horizon = plan.at.minus(KEPT);
    let clues = plan.steps.iter().filter_map(clue).filter(|(_, since)| *since >= horizon);
    let (mut kinds, mut from) = (BTreeSet::new(), None::<Moment>);
    for (of_it, since) in clues {
        kinds.extend(of_it);
        from = Some(from.map_or(since, |from| from.min(since)));
    }
    Some((kinds, from?.minus(APART).max(horizon)))
}

/// The event behind each server's steps: of a fitting kind, and the nearest in time to what the file says.
pub fn events(
    plan: &Plan,
    fleet: &Fleet,
    census: &Census,
    found: &[Happening],
) -> BTreeMap<ServerName, StripeEvent> {
    let mut events: BTreeMap<ServerName, StripeEvent> = BTreeMap::new();
    for step in &plan.steps {
        let Some((name, (kinds, since))) = step.server.as_ref().zip(clue(step)) else { continue };
        let Some(subscription) = fleet.servers.get(name).and_then(|server| server.subscription()) else {
            continue;
        };
        let fresh = census.billing.get(subscription);
        let parts =
            fresh.into_iter().flat_map(|fresh| fresh.payments.values().flatten()).flat_map(|p| &p.parts);
        let payments: BTreeSet<_> = parts.map(|part| &part.id).collect();
        let is_ours = |found: &&Happening| {
            found.subscription.as_ref() == Some(subscription)
                || found.payment.as_ref().is_some_and(|id| payments.contains(id))
        };
        let place = |event: &StripeEvent| kinds.iter().position(|kind| *kind == event.kind);
        let fits =
            |event: &&StripeEvent| place(event).is_some() && apart(event.at, since) <= APART.as_seconds();
        let ours = found.iter().filter(is_ours).map(|found| &found.event).filter(fits);
        let nearest = ours.min_by_key(|event| (apart(event.at, since), place(event), &event.id));
        if let Some(event) = nearest.filter(|_| !events.contains_key(name)) {
            events.insert(name.clone(), event.clone());
        }
    }
    events
}

/// What goes with the droplets that a plan destroys.
pub fn lost(plan: &Plan, census: &Census, history: &History) -> BTreeMap<DropletId, Lost> {
    let unknown = Record::default();
    let mut lost = BTreeMap::new();
    for step in &plan.steps {
        let Action::Destroy { droplet: id, .. } = &step.action else { continue };
        let record = step.server.as_ref().and_then(|server| history.records.get(server));
        if let Some(droplet) = seen(*id, census) {
            lost.insert(*id, loss(droplet, record.unwrap_or(&unknown), plan.at));
        }
    }
    lost
}

fn loss(droplet: &Droplet, record: &Record, now: Moment) -> Lost {
    let Record { delivered, powered_on, stopped, power_cut, .. } = record;
    // Whatever was asked of it while it was on.
    let known = [*delivered, *powered_on, *stopped, *power_cut].into_iter().flatten().max();
    Lost {
        made: droplet.created_at,
        last_up: if droplet.is_up() { Some(now) } else { known },
        size: droplet.size.clone(),
        address: droplet.public_ipv4,
        snapshots: droplet.snapshots,
    }
}

fn seen(id: DropletId, census: &Census) -> Option<&Droplet> {
    let by_id = || match census.sightings.get(&id) {
        Some(Sighting::There(droplet)) => Some(droplet.as_ref()),
        Some(Sighting::Gone) | None => None,
    };
    let by_name = || census.named.values().flatten().find(|droplet| droplet.id == id);
    census.droplets.get(&id).or_else(by_id).or_else(by_name)
}

/// The kinds of events that may be behind a step, the likeliest first, and when.
fn clue(step: &Step) -> Option<(&'static [&'static str], Moment)> {
    match &step.reason {
        Reason::Declared { because, since, state: _ }
        | Reason::GraceEnded { because, since, ended: _ }
        | Reason::Down { because, since } => {
            let kinds = kinds(because);
            (!kinds.is_empty()).then_some((kinds, *since))
        }
        Reason::NotDelivered { intended } if is_left_to_a_person(&step.action) => {
            Some((&[DISPUTED], *intended))
        }
        Reason::NotDelivered { .. }
        | Reason::Anew
        | Reason::StillOn { .. }
        | Reason::NeverUp { .. }
        | Reason::NeverReady { .. }
        | Reason::Unopened { .. }
        | Reason::MaybeTold
        | Reason::Begun
        | Reason::Ready
        | Reason::NotReady { .. }
        | Reason::Absent
        | Reason::Up
        | Reason::Found
        | Reason::NotFound { .. }
        | Reason::Unrecorded
        | Reason::CreatesFail { .. }
        | Reason::Policy
        | Reason::Changed
        | Reason::Refused { .. } => None,
    }
}

fn kinds(because: &Because) -> &'static [&'static str] {
    match because {
        Because::Active => &["invoice.paid"],
        Because::Trialing => &["customer.subscription.created", "customer.subscription.updated"],
        Because::PastDue => &["invoice.payment_failed", "customer.subscription.updated"],
        Because::Paused => &["customer.subscription.paused", "customer.subscription.updated"],
        Because::Unpaid | Because::SwitchedOff | Because::Expired => &["customer.subscription.updated"],
        Because::Cancelled => &["customer.subscription.deleted"],
        Because::Other(_) => &[],
    }
}

/// A refund that the letter leaves to a person: most often the payment is disputed.
fn is_left_to_a_person(action: &Action) -> bool {
    let Action::Letter { letter } = action else { return false };
    match &letter.occasion {
        Occasion::Failed { by_hand, .. } => *by_hand,
        Occasion::AlertFailed { remark, .. } => remark.is_some(),
        _ => false,
    }
}

fn apart(a: Moment, b: Moment) -> u64 {
    a.unix().abs_diff(b.unix())
}
