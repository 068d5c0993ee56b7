//! What time does to an account: renewals, retries, ends of trials, refunds that settle.
//! Invariant: what was due happens in the order it was due, with its own moment, however late one looks.

use std::collections::BTreeSet;

use crate::model::billing::Status;
use crate::model::desired::Every;
use crate::model::moment::{Moment, Span};

use super::billing::{Books, InvoiceStatus, Rules, SubscriptionRow};

/// How long a first payment may take. Source: Stripe, "Subscription statuses" (23 hours).
const FIRST_PAYMENT: Span = Span::seconds(23 * 3_600);

impl Books {
    /// Catches up with the time: everything due until `now` happens. Doing so twice changes nothing.
    pub fn tick(&mut self, now: Moment) {
        self.settle_refunds(now);
        if self.wake.is_some_and(|wake| now < wake) {
            return;
        }
        let mut agenda: BTreeSet<(Moment, String)> = self
            .subscriptions
            .iter()
            .filter_map(|(id, row)| Some((due(row, &self.rules).filter(|at| *at <= now)?, id.clone())))
            .collect();
        while let Some((at, id)) = agenda.pop_first() {
            self.turn(at, &id);
            let next = self.subscriptions.get(&id).and_then(|row| due(row, &self.rules));
            agenda.extend(next.filter(|next| *next <= now).map(|next| (next, id)));
        }
        let next = self.subscriptions.values().filter_map(|row| due(row, &self.rules)).min();
        self.wake = Some(next.unwrap_or(Moment::from_unix(i64::MAX)));
    }

    /// Begins the next period at the end of this one, and bills it.
    pub(super) fn roll(&mut self, at: Moment, id: &str) {
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        if row.status == Status::Trialing {
            row.anchor = row.end;
            row.status = Status::Active;
        }
        let every = row.items.first().map_or(Every::Month, |item| item.price.every);
        row.start = row.end;
        row.end = next_end(row.anchor, row.start, every);
        let invoice = match (&row.collection_paused, &row.status, row.will_pay) {
            (Some(pause), ..) => match pause.behavior.as_str() {
                "keep_as_draft" => InvoiceStatus::Draft,
                "mark_uncollectible" => InvoiceStatus::Uncollectible,
                _ => InvoiceStatus::Void,
            },
            (None, Status::Unpaid, _) => InvoiceStatus::Draft,
            (None, _, true) => InvoiceStatus::Paid,
            (None, _, false) => InvoiceStatus::Open,
        };
        match invoice {
            InvoiceStatus::Paid => {
                row.status = Status::Active;
                row.late_since = None;
            }
            InvoiceStatus::Open => {
                row.status = Status::PastDue;
                row.late_since = row.late_since.or(Some(at));
            }
            InvoiceStatus::Draft | InvoiceStatus::Uncollectible | InvoiceStatus::Void => {}
        }
        self.bill(at, id, "subscription_cycle", invoice);
        self.note(at, "customer.subscription.updated", id);
    }

    /// The one thing that was due at this moment for this subscription.
    fn turn(&mut self, at: Moment, id: &str) {
        let retry_for = self.rules.retry_for;
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        let over = row.end <= at;
        if row.status == Status::Incomplete {
            self.expire(at, id);
        } else if row.cancel_at.is_some_and(|end| end <= at) || (over && row.cancel_at_period_end) {
            self.end(at, id, "cancellation_requested");
        } else if resumes(row).is_some_and(|end| end <= at) {
            row.collection_paused = None;
            self.note(at, "customer.subscription.updated", id);
        } else if row.late_since.is_some_and(|since| since.plus(retry_for) <= at) {
            self.give_up(at, id);
        } else if over {
            self.roll(at, id);
        }
    }

    fn give_up(&mut self, at: Moment, id: &str) {
        if !self.rules.then_unpaid {
            return self.end(at, id, "payment_failed");
        }
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        row.status = Status::Unpaid;
        row.late_since = None;
        self.note(at, "customer.subscription.updated", id);
    }

    fn expire(&mut self, at: Moment, id: &str) {
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        row.status = Status::IncompleteExpired;
        row.canceled_at = Some(at);
        row.ended_at = Some(at);
        let invoice = row.latest_invoice.clone();
        if let Some(invoice) = invoice {
            self.void(at, &invoice);
        }
        self.note(at, "customer.subscription.updated", id);
    }
}

/// The end of the period that begins at `start`, counted in calendar months from `anchor`, so that
/// the 31st stays the last day of every month, as at Stripe.
pub(super) fn next_end(anchor: Moment, start: Moment, every: Every) -> Moment {
    let step = match every {
        Every::Month => 1,
        Every::Year => 12,
    };
    let longest = Span::days(31 * step).as_seconds();
    let mut periods = (start.since(anchor).as_seconds() / longest).max(1);
    loop {
        let end = add_months(anchor, periods * step);
        if end > start {
            return end;
        }
        periods += 1;
    }
}

/// When something happens to a subscription by itself next.
pub(super) fn due(row: &SubscriptionRow, rules: &Rules) -> Option<Moment> {
    let gives_up = row.late_since.map(|since| since.plus(rules.retry_for));
    match row.status {
        Status::Incomplete => Some(row.created.plus(FIRST_PAYMENT)),
        Status::Trialing | Status::Active | Status::PastDue | Status::Unpaid => {
            [Some(row.end), row.cancel_at, resumes(row), gives_up].into_iter().flatten().min()
        }
        Status::IncompleteExpired | Status::Paused | Status::Canceled | Status::Other(_) => None,
    }
}

fn add_months(anchor: Moment, months: u64) -> Moment {
    let whole = i64::try_from(months).ok().and_then(|n| jiff::Span::new().try_months(n).ok());
    let later = whole.and_then(|span| {
        let anchor = jiff::Timestamp::from_second(anchor.unix()).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
        anchor.checked_add(span).ok()
    });
    match later {
        Some(zoned) => Moment::from_unix(zoned.timestamp().as_second()),
        None => anchor.plus(Span::days(31 * months)),
    }
}

fn resumes(row: &SubscriptionRow) -> Option<Moment> {
    row.collection_paused.as_ref().and_then(|pause| pause.resumes_at)
}
