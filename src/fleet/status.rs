//! The table from a subscription's status to a server's state (design: "From Stripe to a state").
//! Invariant: a status that is not known changes nothing and freezes what there is.

use super::yaml::Declared;
use crate::model::billing::{Status, Subscription};
use crate::model::desired::{Because, DesiredState};
use crate::model::moment::Moment;
use crate::model::policy::Grace;
use crate::model::standing::Standing;

/// What a subscription's status asks of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No file, and nothing to say.
    Nothing,
    /// No file, and why that is worth saying.
    NotYet(String),
    /// The file as it is, and why.
    Keep(String),
    /// The file as it is, with a hold for this reason.
    Freeze(String),
    /// A file that says this.
    Be(Standing),
}

/// What a subscription's status asks for. `file` is what is declared now, never a tombstone;
/// `paid` says that the first invoice is known to be paid.
pub(super) fn verdict(
    subscription: &Subscription,
    file: Option<&Declared>,
    paid: bool,
    grace: &Grace,
    now: Moment,
) -> Verdict {
    use DesiredState::Stopped;
    let Some(file) = file else { return first(subscription, paid) };
    let ended = || subscription.ended_at;
    match &subscription.status {
        Status::Trialing => powered(subscription, Some(file), Because::Trialing, now),
        Status::Active => powered(subscription, Some(file), Because::Active, now),
        Status::PastDue => past_due(subscription, file, grace, now),
        Status::Unpaid => {
            let since = since(file, Stopped, &Because::Unpaid, now);
            stopped(Because::Unpaid, since, Some(since.plus(grace.unpaid)))
        }
        Status::Paused => {
            let since = since(file, Stopped, &Because::Paused, now);
            stopped(Because::Paused, since, Some(since.plus(grace.paused)))
        }
        Status::Canceled => {
            let since = ended().unwrap_or_else(|| since(file, Stopped, &Because::Cancelled, now));
            Verdict::Be(Standing::cancelled(since, grace))
        }
        Status::IncompleteExpired => Verdict::Be(Standing {
            state: DesiredState::Destroyed,
            because: Because::Expired,
            since: ended().unwrap_or(now),
            destroy_after: None,
        }),
        Status::Incomplete => Verdict::Keep(
            "the subscription is `incomplete` though it has a server; nothing is changed".to_owned(),
        ),
        Status::Other(status) => Verdict::Freeze(unknown(status)),
    }
}

/// A subscription without a file: only one that is paid or in trial gets a server.
fn first(subscription: &Subscription, paid: bool) -> Verdict {
    match &subscription.status {
        Status::Trialing => powered(subscription, None, Because::Trialing, subscription.created),
        Status::Active if paid => powered(subscription, None, Because::Active, subscription.created),
        Status::Active => {
            Verdict::NotYet("active, but its first invoice is not paid yet: no server until it is".to_owned())
        }
        Status::PastDue | Status::Unpaid | Status::Paused => Verdict::NotYet(format!(
            "`{}` and without a server: none is started until it is active",
            subscription.status
        )),
        Status::Incomplete | Status::IncompleteExpired | Status::Canceled => Verdict::Nothing,
        Status::Other(status) => Verdict::NotYet(format!("{}: no server is started", unknown(status))),
    }
}

/// In good standing: the customer's own switch decides. `new` is the date if nothing older is known.
fn powered(subscription: &Subscription, file: Option<&Declared>, because: Because, new: Moment) -> Verdict {
    let (state, because) = if subscription.switched_off {
        (DesiredState::Stopped, Because::SwitchedOff)
    } else {
        (DesiredState::Running, because)
    };
    let since = file.map_or(new, |file| since(file, state, &because, new));
    Verdict::Be(Standing { state, because, since, destroy_after: None })
}

/// Running until the grace is over. Once stopped it stays so: the next unpaid invoice, a month later,
/// must not begin a second grace.
fn past_due(subscription: &Subscription, file: &Declared, grace: &Grace, now: Moment) -> Verdict {
    let began = match (file.state, &file.because) {
        (DesiredState::Stopped, Because::PastDue) => return stopped(Because::PastDue, file.since, None),
        (_, Because::PastDue) => file.since,
        _ => {
            let invoice = subscription.latest_invoice.as_ref().map(|invoice| invoice.created);
            let period = || subscription.items.first().map(|item| item.period_start);
            invoice.or_else(period).unwrap_or(now)
        }
    };
    let end = Standing::not_paid(began, grace);
    if now >= end.since {
        return Verdict::Be(end);
    }
    if subscription.switched_off {
        return powered(subscription, Some(file), Because::PastDue, now);
    }
    Verdict::Be(Standing {
        state: DesiredState::Running,
        because: Because::PastDue,
        since: began,
        destroy_after: None,
    })
}

fn stopped(because: Because, since: Moment, destroy_after: Option<Moment>) -> Verdict {
    Verdict::Be(Standing { state: DesiredState::Stopped, because, since, destroy_after })
}

/// The file's own date while it says the same; else the new one.
fn since(file: &Declared, state: DesiredState, because: &Because, new: Moment) -> Moment {
    if file.state == state && file.because == *because { file.since } else { new }
}

fn unknown(status: &str) -> String {
    let short: String = status.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("unknown subscription status `{short}`")
}
