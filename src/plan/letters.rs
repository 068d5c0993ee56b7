//! Which letters are due: one per occasion, and none about something that is not so.

use crate::model::census::{Droplet, Readiness};
use crate::model::desired::{Because, DesiredState, Origin};
use crate::model::history::Failures;
use crate::model::ids::{DropletId, PaymentId, StepId};
use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::{Moment, Span};
use crate::model::plan::Notice;
use crate::model::policy::OnFailure;
use crate::model::step::{Action, Reason};

use super::case::{Case, Verdict};
use super::failed::Settlement;
use super::life::{intended, may};

/// The word of alerts about what is refused.
const REFUSED: &str = "operator-refused";

/// The server is ready: address, user and password.
pub(super) fn welcome(case: &Case, occasion: Occasion, reason: Reason, to: &mut Verdict) {
    send(case, to, occasion, &case.record.attempt, reason);
}

/// A welcome that may have arrived: it is said again as it was.
pub(super) fn begun_welcome<'a>(case: &Case<'a>) -> Option<&'a Occasion> {
    let id = letter_id(case, "welcome", &case.record.attempt);
    let open = case.record.open.get(&id).and_then(|open| match &open.action {
        Action::Letter { letter } => Some(&letter.occasion),
        _ => None,
    });
    open.or(case.record.maybe_told.as_ref())
}

/// When the operator was told that this try is not ready.
pub(super) fn alerted_not_ready(case: &Case) -> Option<Moment> {
    let id = letter_id(case, "operator-not-ready", &case.record.attempt);
    case.record.done.get(&id).map(|done| done.at)
}

/// To the operator: up, and not fit to be handed over. One alert per try, whatever it shows later.
pub(super) fn alert_not_ready(case: &Case, occasion: Occasion, state: Readiness, to: &mut Verdict) {
    send(case, to, occasion, &case.record.attempt, Reason::NotReady { state });
}

/// Whether the welcome was tried: a try that was refused may follow one whose reply was lost.
pub(super) fn may_be_welcomed(case: &Case) -> bool {
    let id = letter_id(case, "welcome", &case.record.attempt);
    case.record.open.contains_key(&id) || case.record.failures.contains_key(&id)
}

/// It is up again, and the customer's last word from us is that it is off.
pub(super) fn resumed(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    if let Some(address) = droplet.public_ipv4.filter(|_| case.record.told_off) {
        send(case, to, Occasion::Resumed { address }, &case.server.since.unix(), Reason::Up);
    }
}

/// It is off, as the file asks.
pub(super) fn stopped(case: &Case, to: &mut Verdict) {
    let destroy_after = case.server.destroy_after;
    let because = case.server.because.clone();
    let occasion = match because {
        Because::Cancelled | Because::Expired => Occasion::Ending { destroy_after },
        Because::PastDue | Because::Unpaid | Because::Paused => {
            Occasion::Suspended { destroy_after, because: because.to_string() }
        }
        // The customer's own switch, or a person's decision: they know.
        Because::Active | Because::Trialing | Because::SwitchedOff | Because::Other(_) => return,
    };
    let since = case.server.since;
    let is_sent = case.record.has_done(&letter_id(case, occasion.word(), &since.unix()));
    // It may be off for another reason, and the file be stale.
    if !is_sent && may(case, to, DesiredState::Stopped) {
        send(case, to, occasion, &since.unix(), Reason::Down { because, since });
    }
}

/// The server and its data are gone.
pub(super) fn ended(case: &Case, to: &mut Verdict) {
    if case.record.delivered.is_some() {
        send(case, to, Occasion::Ended, &case.record.attempt, Reason::Absent);
    }
}

/// To the operator: deleted behind our back. One alert per droplet.
pub(super) fn alert_deleted(case: &Case, droplet: DropletId, to: &mut Verdict) {
    send(case, to, Occasion::AlertDeleted { droplet }, &droplet, Reason::Absent);
}

/// To the operator: taken for delivered, and nobody knows whether its customer was told. One that is older than a day
/// has been used, or somebody has asked.
pub(super) fn alert_unsure(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let day = Span::days(1);
    let is_told = case.record.has_done(&letter_id(case, "welcome", &case.record.attempt));
    let taken = case.record.delivered.filter(|at| !is_told && *at < droplet.created_at.plus(day));
    let Some(taken) = taken else { return };
    let occasion = Occasion::AlertUnsure { droplet: droplet.id, address: droplet.public_ipv4 };
    send(case, to, occasion, &droplet.id, Reason::MaybeTold);
    if case.within(taken, day) {
        case.note(to, Notice::Unsure { droplet: droplet.id });
    }
}

/// To the operator: a step without which somebody is not served, or not paid back, is refused again and again. One
/// alert per try, and one a day: another try that is refused in the same way is no news.
pub(super) fn alert_refused(case: &Case, what: &str, failures: &Failures, to: &mut Verdict) {
    let about = |attempt: &dyn std::fmt::Display| format!("{what}-{attempt}");
    let own = about(&case.record.attempt);
    let (id, all) = (letter_id(case, REFUSED, &own), letter_id(case, REFUSED, &about(&"")));
    let is_other = |other: &StepId| *other != id && other.as_str().starts_with(all.as_str());
    let done = case.record.done.iter().map(|(id, done)| (id, done.at));
    // One that was begun may have arrived.
    let open = case.record.open.iter().map(|(id, open)| (id, open.since));
    if done.chain(open).any(|(id, at)| is_other(id) && case.within(at, Span::days(1))) {
        return;
    }
    let (times, why) = (failures.count, failures.why.clone());
    let reason = Reason::Refused { times, said: why.clone() };
    send(case, to, Occasion::AlertRefused { what: what.to_owned(), why }, &own, reason);
}

/// To the operator: a refund came back after its customer had been told of it. One alert per payment.
pub(super) fn alert_refund(case: &Case, payment: &PaymentId, to: &mut Verdict) {
    let why = format!("the refund of `{payment}` failed at the bank");
    let reason = Reason::NotDelivered { intended: intended(case) };
    send(case, to, Occasion::AlertRefund { why }, payment, reason);
}

/// To the customer and to the operator: the delivery failed.
pub(super) fn failure(case: &Case, settlement: &Settlement, to: &mut Verdict) {
    let Settlement { refunded, remark, cancelled } = settlement;
    let (refunded, cancelled, by_hand) =
        (refunded.amounts().collect::<Vec<_>>(), *cancelled, remark.is_some());
    let reason = || Reason::NotDelivered { intended: intended(case) };
    let why = case.record.undelivered;
    if tells_customer(case) {
        let occasion = Occasion::Failed { why, refunded: refunded.clone(), cancelled, by_hand };
        send(case, to, occasion, &case.record.attempt, reason());
    }
    let occasion = Occasion::AlertFailed { why, refunded, cancelled, remark: remark.clone() };
    send(case, to, occasion, &case.record.attempt, reason());
}

/// Whether all letters of a failed delivery are out. The operator's is the last: one to the customer that was
/// not so much as tried before it was not due, and a later change of policy does not open the matter again.
pub(super) fn failure_is_told(case: &Case) -> bool {
    let id = |word: &str| letter_id(case, word, &case.record.attempt);
    let customers = id("failed");
    let is_due = case.record.open.contains_key(&customers) || case.record.failures.contains_key(&customers);
    case.record.has_done(&id("operator-failed")) && !is_due
}

/// With `on_failure = "alert"` nothing was given back: what to write is a person's decision.
fn tells_customer(case: &Case) -> bool {
    matches!(case.server.origin, Origin::Subscription { .. }) && case.policy.on_failure != OnFailure::Alert
}

fn send(case: &Case, to: &mut Verdict, occasion: Occasion, about: &dyn std::fmt::Display, reason: Reason) {
    let id = letter_id(case, occasion.word(), about);
    if case.record.has_done(&id) {
        return;
    }
    let recipient = match (&occasion, &case.server.origin) {
        (occasion, _) if occasion.is_alert() => Recipient::Operator,
        (_, Origin::Extra) => Recipient::Operator,
        (_, Origin::Subscription { customer, .. }) => Recipient::Customer(customer.clone()),
    };
    let letter = Letter { server: Some(case.server.name.clone()), to: recipient, occasion };
    case.step(to, id, Action::Letter { letter }, reason);
}

fn letter_id(case: &Case, word: &str, about: &dyn std::fmt::Display) -> StepId {
    case.id("letter", &[&word, about])
}
