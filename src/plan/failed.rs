//! A failed delivery, settled in order: destroy, confirm absence, refund, end the subscription, tell.
//! Invariant: no money moves before the droplet is confirmed absent.

use crate::model::billing::{Payment, PaymentPart, RefundOrder};
use crate::model::breaker::TRIES;
use crate::model::census::{Droplet, Question, Sighting};
use crate::model::desired::DesiredState;
use crate::model::history::{Done, Outcome};
use crate::model::ids::{PaymentId, StepId, SubscriptionId};
use crate::model::moment::Span;
use crate::model::money::{Money, Totals};
use crate::model::plan::Notice;
use crate::model::policy::OnFailure;
use crate::model::step::{Action, DestroyCause, Reason};

use super::breaker;
use super::case::{Case, Verdict};
use super::letters;
use super::life::{adopt, intended};

/// Stripe's clock may be ahead of ours, and what is paid "later" than now is paid all the same.
const CLOCK: Span = Span::days(1);

/// So long a refund may be under way before its bank says no. Source: Stripe, "Refunds": up to 30 days.
const UNDER_WAY: Span = Span::days(30);

/// What goes back, and what a person must do.
#[derive(Default)]
pub(super) struct Settlement {
    /// Per currency; refunds that stand and those in this plan.
    pub refunded: Totals,
    /// Why a person must look at it.
    pub remark: Option<String>,
    /// The subscription is ended too.
    pub cancelled: bool,
}

/// Goes on settling a failed delivery.
pub(super) fn settle(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) {
    if !is_absent(case, listed, to) {
        return;
    }
    if letters::failure_is_told(case) {
        watch_refunds(case, to);
        if case.want() == DesiredState::Running {
            case.note(to, Notice::Failed);
        }
        return;
    }
    if case.is_broken && !breaker::has_begun(case.record) {
        return case.withhold(to, "refund");
    }
    let Some(settlement) = money(case, to) else { return };
    letters::failure(case, &settlement, to);
}

/// A refund that its customer was told of may still come back: for a while it is looked at in every pass.
fn watch_refunds(case: &Case, to: &mut Verdict) {
    let Some(subscription) = case.server.subscription() else { return };
    let id = |payment: &PaymentId| StepId::of(&[&"refund", subscription, payment]);
    let is_open = |done: &Done| {
        matches!(&done.outcome, Outcome::Refunded { status, .. } if status != "succeeded")
            && !done.outcome.came_back()
            && case.within(done.at, UNDER_WAY)
    };
    if !case.record.done.values().any(is_open) {
        return;
    }
    for part in payments(case, subscription, to).into_iter().flatten().flat_map(|payment| &payment.parts) {
        let step = id(&part.id);
        let is_ours = case.record.done.get(&step).is_some_and(is_open);
        let came_back = part.refunds.iter().any(|r| !r.stands() && r.step.as_ref() == Some(&step));
        if is_ours && came_back && part.refunds.iter().all(|refund| !refund.stands()) {
            letters::alert_refund(case, &part.id, to);
        }
    }
}

/// Whether the droplet is confirmed absent; destroys it or asks where it is not.
fn is_absent(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) -> bool {
    let never_up = || Reason::NeverUp { intended: intended(case), deadline: case.policy.boot_deadline };
    if let Some(droplet) = listed {
        match is_up_after_all(case, droplet).then(|| case.is_kept(to)) {
            Some(None) => {}
            Some(Some(true)) => adopt(case, droplet, Reason::Up, to),
            Some(Some(false)) | None => case.destroy(to, droplet.id, DestroyCause::NeverUp, never_up()),
        }
        return false;
    }
    if letters::failure_is_told(case) {
        return true;
    }
    let Some(id) = case.record.droplet else { return is_unfound(case, to) };
    match case.sighting(to, id) {
        None => false,
        Some(Sighting::Gone) => true,
        Some(Sighting::There(droplet)) if droplet.is_ours() => {
            case.destroy(to, id, DestroyCause::NeverUp, never_up());
            false
        }
        Some(Sighting::There(_)) => {
            case.note(to, Notice::MarkLost { droplet: id });
            false
        }
    }
}

/// It is up, and nothing was taken back yet: no destroy was asked for, no settlement begun. It came late, or it is
/// in use and the ledger is an old one; whoever is paid up keeps it.
fn is_up_after_all(case: &Case, droplet: &Droplet) -> bool {
    droplet.is_up()
        && case.want() == DesiredState::Running
        && case.record.destroyed.is_none()
        // That it is up was known when it was given up for not being ready.
        && letters::alerted_not_ready(case).is_none()
        && !breaker::has_begun(case.record)
}

/// No id was ever learned: nothing may bear the server's name.
fn is_unfound(case: &Case, to: &mut Verdict) -> bool {
    let Some(found) = case.found_by_name(to) else { return false };
    for droplet in &found {
        if droplet.is_ours() {
            let reason = Reason::NeverUp { intended: intended(case), deadline: case.policy.boot_deadline };
            case.destroy(to, droplet.id, DestroyCause::NeverUp, reason);
        } else {
            case.note(to, Notice::MarkLost { droplet: droplet.id });
        }
    }
    found.is_empty()
}

/// Refunds and the end of the subscription; `None` while something must be known or waited for first.
fn money(case: &Case, to: &mut Verdict) -> Option<Settlement> {
    let mut settlement = Settlement::default();
    let Some(subscription) = case.server.subscription() else { return Some(settlement) };
    if case.policy.on_failure == OnFailure::Alert {
        settlement.remark = Some("policy `on_failure = \"alert\"`: nothing was refunded".to_owned());
        return Some(settlement);
    }
    // Each is tried whatever becomes of the other: a subscription that goes on is charged again.
    let is_refunded = refunds(case, subscription, &mut settlement, to);
    let is_cancelled = cancel(case, subscription, &mut settlement, to);
    (is_refunded && is_cancelled).then_some(settlement)
}

/// Ends the subscription, where policy says so; `false` if that waits after a refusal.
fn cancel(case: &Case, subscription: &SubscriptionId, settlement: &mut Settlement, to: &mut Verdict) -> bool {
    settlement.cancelled = case.policy.on_failure == OnFailure::RefundAndCancel;
    let id = StepId::of(&[&"cancel", subscription]);
    if !settlement.cancelled || case.record.has_done(&id) {
        return true;
    }
    let action = Action::Cancel { subscription: subscription.clone() };
    case.step(to, id, action, not_delivered(case))
}

/// One refund per payment; `false` if what was paid is not known yet, or one of them waits after a refusal.
fn refunds(
    case: &Case,
    subscription: &SubscriptionId,
    settlement: &mut Settlement,
    to: &mut Verdict,
) -> bool {
    let Some(payments) = payments(case, subscription, to) else { return false };
    let mut is_done = true;
    for payment in payments {
        if let Some(why) = &payment.by_hand {
            by_hand(case, settlement, why.clone(), to);
            continue;
        }
        for part in &payment.parts {
            is_done &= refund(case, subscription, part, settlement, to);
        }
    }
    is_done
}

/// What was paid for nothing; asks if it is not known yet. That is the period in which the delivery failed, not
/// the one in which it began, for a renewal meanwhile was charged too. And the present one: had the end of the
/// subscription to wait, a trial or a period may have ended since, and was charged.
fn payments<'a>(
    case: &Case<'a>,
    subscription: &SubscriptionId,
    to: &mut Verdict,
) -> Option<Vec<&'a Payment>> {
    let failed = case.record.failed.unwrap_or(intended(case));
    let mut found: Vec<&Payment> = Vec::new();
    let mut is_known = true;
    for at in [failed, case.at().max(failed).plus(CLOCK)] {
        match case.fresh().and_then(|fresh| fresh.payments.get(&at)) {
            None => {
                to.questions.insert(Question::Payment(subscription.clone(), at));
                is_known = false;
            }
            Some(Some(payment)) if found.iter().all(|other| other.invoice != payment.invoice) => {
                found.push(payment);
            }
            Some(_) => {}
        }
    }
    is_known.then_some(found)
}

fn refund(
    case: &Case,
    subscription: &SubscriptionId,
    part: &PaymentPart,
    settlement: &mut Settlement,
    to: &mut Verdict,
) -> bool {
    let id = StepId::of(&[&"refund", subscription, &part.id]);
    let standing: i64 = part.refunds.iter().filter(|r| r.stands()).map(|r| r.amount.amount).sum();
    let given = |amount| Money { amount, currency: part.received.currency };
    if let Some(done) = case.record.done.get(&id) {
        let is_listed = part.refunds.iter().any(|refund| refund.step.as_ref() == Some(&id));
        let unlisted = match &done.outcome {
            Outcome::Refunded { amount, .. } if !is_listed && !done.outcome.came_back() => amount.amount,
            _ => 0,
        };
        if standing + unlisted == 0 {
            by_hand(case, settlement, format!("the refund of `{}` failed at the bank", part.id), to);
        }
        settlement.refunded.add(given(standing + unlisted));
        return true;
    }
    if part.disputed {
        by_hand(case, settlement, format!("payment `{}` is disputed", part.id), to);
        return true;
    }
    // One that is intended already is asked again exactly as it was: the key fixes the amount.
    let open = case.record.open.get(&id).and_then(|open| match &open.action {
        Action::Refund { order, attempt } => Some((order.clone(), *attempt)),
        _ => None,
    });
    let (order, attempt) = open.unwrap_or_else(|| {
        let amount = part.refundable();
        let order = RefundOrder { subscription: subscription.clone(), payment: part.id.clone(), amount };
        (order, case.record.failures.get(&id).map_or(0, |f| f.count) + 1)
    });
    let ours = part.refunds.iter().any(|r| r.stands() && r.step.as_ref() == Some(&id));
    if let Some(why) = refused_for_good(case, &id).filter(|_| !ours) {
        by_hand(case, settlement, format!("the refund of `{}` is refused: {why}", part.id), to);
        settlement.refunded.add(given(standing));
        return true;
    }
    settlement.refunded.add(given(if ours { standing } else { standing + order.amount.amount }));
    if order.amount.amount == 0 {
        return true;
    }
    case.step(to, id, Action::Refund { order, attempt }, not_delivered(case))
}

/// Why a refund certainly was not made, and will not be: it was refused for a whole day. An outage is shorter.
fn refused_for_good<'a>(case: &Case<'a>, refund: &StepId) -> Option<&'a str> {
    let failures = case.record.failures.get(refund)?;
    let is_long = failures.count >= TRIES && failures.last >= failures.first.plus(Span::days(1));
    (is_long && !case.record.open.contains_key(refund)).then_some(failures.why.as_str())
}

fn by_hand(case: &Case, settlement: &mut Settlement, why: String, to: &mut Verdict) {
    case.note(to, Notice::RefundByHand { why: why.clone() });
    settlement.remark = Some(why);
}

fn not_delivered(case: &Case) -> Reason {
    Reason::NotDelivered { intended: intended(case) }
}
