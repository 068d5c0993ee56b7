//! What customers do with their subscriptions: subscribe, stop paying, pause, cancel, go away.
//! Invariant: every change is noted in the event log, and time is caught up before it.

use std::collections::BTreeMap;

use crate::model::billing::Status;
use crate::model::ids::{CustomerId, SubscriptionId};
use crate::model::moment::{Moment, Span};

use super::billing::{
    Books, CATALOGUE, CollectionPause, CustomerRow, InvoiceStatus, ItemRow, Refusal, SubscriptionRow,
};
use super::billing_time::{due, next_end};

/// A new subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Metadata `user_id`, if the shop sets it.
    pub user_id: Option<String>,
    /// The customer's address.
    pub email: String,
    /// The customer's name.
    pub name: String,
    /// Which price of the catalogue, e.g. `basic-month`.
    pub lookup_key: String,
    /// A trial before the first payment; 0 is none.
    pub trial_days: u32,
    /// Whether the customer pays: the first invoice, and every renewal.
    pub pay: bool,
    /// An existing customer; else a new one is made.
    pub customer: Option<CustomerId>,
}

impl Default for Subscribe {
    fn default() -> Self {
        Self {
            user_id: None,
            email: "ada@example.com".to_owned(),
            name: "Ada Lovelace".to_owned(),
            lookup_key: "basic-month".to_owned(),
            trial_days: 0,
            pay: true,
            customer: None,
        }
    }
}

impl Subscribe {
    /// The `n`th user of a crowd: `user-0001`, who pays for `lookup_key`.
    pub fn nth(n: usize, lookup_key: &str) -> Self {
        let user = format!("user-{n:04}");
        Self {
            email: format!("{user}@example.com"),
            name: format!("User {n:04}"),
            user_id: Some(user),
            lookup_key: lookup_key.to_owned(),
            ..Self::default()
        }
    }
}

impl Books {
    /// Begins a subscription: `trialing` with a $0 invoice, `active` with a paid one, or `incomplete`.
    pub fn subscribe(&mut self, now: Moment, order: Subscribe) -> Result<SubscriptionId, Refusal> {
        self.tick(now);
        let price = CATALOGUE.iter().find(|p| p.lookup_key == order.lookup_key).ok_or_else(|| {
            Refusal::not_allowed(None, format!("No price has the lookup key '{}'", order.lookup_key), "price")
        })?;
        let customer = match order.customer {
            Some(id) => match self.customers.get(id.as_str()) {
                Some(row) if !row.deleted => id.as_str().to_owned(),
                _ => return Err(Refusal::missing("customer", id.as_str(), "customer")),
            },
            None => self.add_customer(now, order.email, order.name),
        };
        let trial_ends = now.plus(Span::days(u64::from(order.trial_days)));
        let trial = (order.trial_days > 0).then_some((now, trial_ends));
        let anchor = trial.map_or(now, |(_, end)| end);
        let (status, invoice) = match (trial, order.pay) {
            (Some(_), _) => (Status::Trialing, InvoiceStatus::Paid),
            (None, true) => (Status::Active, InvoiceStatus::Paid),
            (None, false) => (Status::Incomplete, InvoiceStatus::Open),
        };
        let item = ItemRow { id: self.next_id("si"), price, quantity: 1 };
        let id = self.next_id("sub");
        let row = SubscriptionRow {
            created: now,
            customer,
            status,
            metadata: order.user_id.into_iter().map(|user| ("user_id".to_owned(), user)).collect(),
            items: vec![item],
            anchor,
            start: now,
            end: trial.map_or_else(|| next_end(now, now, price.every), |(_, end)| end),
            trial,
            cancel_at_period_end: false,
            cancel_at: None,
            canceled_at: None,
            ended_at: None,
            cancel_reason: None,
            cancel_comment: None,
            collection_paused: None,
            paused_at: None,
            late_since: None,
            will_pay: order.pay,
            latest_invoice: None,
            spoilt: false,
        };
        let first = due(&row, &self.rules);
        self.wake = self.wake.map(|wake| first.map_or(wake, |first| wake.min(first)));
        self.subscriptions.insert(id.clone(), row);
        self.bill(now, &id, "subscription_create", invoice);
        self.note(now, "customer.subscription.created", &id);
        Ok(known(&id))
    }

    /// From now on this customer's renewals fail.
    pub fn stop_paying(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        self.change(now, id, |row| row.will_pay = false)
    }

    /// Pays what is open, and every renewal from now on.
    pub fn pay(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        self.tick(now);
        let row = self.row(id)?;
        let waits = matches!(row.status, Status::Incomplete | Status::PastDue | Status::Unpaid);
        row.will_pay = true;
        if waits {
            row.status = Status::Active;
            row.late_since = None;
            self.pay_newest_invoice(now, id.as_str());
            self.note(now, "customer.subscription.updated", id.as_str());
        }
        Ok(())
    }

    /// Ends a subscription now. One that has ended is "missing", as it is at Stripe.
    pub fn cancel(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        self.tick(now);
        let row = self.row(id)?;
        if has_ended(&row.status) {
            return Err(Refusal::missing("subscription", id.as_str(), "id"));
        }
        self.end(now, id.as_str(), "cancellation_requested");
        Ok(())
    }

    /// Asks that the subscription end with its period, or takes that back.
    pub fn cancel_at_period_end(
        &mut self,
        now: Moment,
        id: &SubscriptionId,
        on: bool,
    ) -> Result<(), Refusal> {
        self.change(now, id, |row| {
            row.cancel_at_period_end = on;
            row.cancel_at = on.then_some(row.end);
            // Stripe: `canceled_at` is then the time of the request, `ended_at` that of the end.
            row.canceled_at = on.then_some(now);
            row.cancel_reason = on.then_some("cancellation_requested");
        })
    }

    /// Stops service and invoices: the status `paused`.
    pub fn pause(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        self.tick(now);
        let row = self.row(id)?;
        refuse_ended(row, id)?;
        row.status = Status::Paused;
        row.paused_at = Some(now);
        row.late_since = None;
        self.note(now, "customer.subscription.paused", id.as_str());
        Ok(())
    }

    /// Ends `paused` and a paused collection; a period that has passed meanwhile begins anew and is paid.
    pub fn resume(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        self.tick(now);
        let row = self.row(id)?;
        refuse_ended(row, id)?;
        row.collection_paused = None;
        if row.status != Status::Paused {
            self.note(now, "customer.subscription.updated", id.as_str());
            return Ok(());
        }
        row.status = Status::Active;
        row.paused_at = None;
        if row.end <= now {
            row.anchor = now;
            row.end = now;
            self.roll(now, id.as_str());
        }
        self.note(now, "customer.subscription.resumed", id.as_str());
        Ok(())
    }

    /// Stops collecting money; the status stays, the customer keeps the service.
    pub fn pause_collection(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        let pause = CollectionPause { behavior: "void".to_owned(), resumes_at: None };
        self.change(now, id, |row| row.collection_paused = Some(pause))
    }

    /// The customer's own switch: metadata `basement_power` is `off`, or absent.
    pub fn switch_off(&mut self, now: Moment, id: &SubscriptionId, off: bool) -> Result<(), Refusal> {
        let value = if off { "off" } else { "" };
        self.set_metadata(now, id, &BTreeMap::from([("basement_power".to_owned(), value.to_owned())]))
    }

    /// Merges metadata as a POST does: an empty value deletes its key.
    pub fn set_metadata(
        &mut self,
        now: Moment,
        id: &SubscriptionId,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        self.change(now, id, |row| merge(&mut row.metadata, metadata))
    }

    /// Deletes a customer: personal data goes, and its subscriptions end at once.
    pub fn delete_customer(&mut self, now: Moment, id: &CustomerId) -> Result<(), Refusal> {
        self.tick(now);
        let missing = || Refusal::missing("customer", id.as_str(), "id");
        let row = self.customers.get_mut(id.as_str()).filter(|row| !row.deleted).ok_or_else(missing)?;
        *row = CustomerRow { created: row.created, email: None, name: None, deleted: true };
        let theirs: Vec<String> = self
            .subscriptions
            .iter()
            .filter(|(_, row)| row.customer == id.as_str() && !has_ended(&row.status))
            .map(|(id, _)| id.clone())
            .collect();
        for subscription in theirs {
            self.end(now, &subscription, "cancellation_requested");
        }
        self.note(now, "customer.deleted", id.as_str());
        Ok(())
    }

    /// Sets any status, one unknown to everybody too. For tests.
    pub fn set_status(&mut self, now: Moment, id: &SubscriptionId, status: &str) -> Result<(), Refusal> {
        self.change(now, id, |row| {
            row.status = Status::from(status.to_owned());
            let ended = has_ended(&row.status);
            row.canceled_at = if ended { row.canceled_at.or(Some(now)) } else { None };
            row.ended_at = if ended { row.ended_at.or(Some(now)) } else { None };
            row.late_since = (row.status == Status::PastDue).then_some(now);
            row.paused_at = (row.status == Status::Paused).then_some(now);
        })
    }

    /// Switches to another price of the same interval, paid from the next period on.
    pub fn change_price(
        &mut self,
        now: Moment,
        id: &SubscriptionId,
        lookup_key: &str,
    ) -> Result<(), Refusal> {
        let price = CATALOGUE.iter().find(|price| price.lookup_key == lookup_key);
        let row = self.row(id)?;
        refuse_ended(row, id)?;
        let every = row.items.first().map(|item| item.price.every);
        let fits = price.filter(|price| Some(price.every) == every);
        let price = fits.ok_or_else(|| {
            let text = format!("'{lookup_key}' is no price of this subscription's interval");
            Refusal::not_allowed(None, text, "price")
        })?;
        self.change(now, id, |row| row.items.iter_mut().take(1).for_each(|item| item.price = price))
    }

    /// Adds an item of another price: a shape that is no server.
    pub fn second_item(&mut self, now: Moment, id: &SubscriptionId) -> Result<(), Refusal> {
        let item = self.next_id("si");
        self.change(now, id, |row| {
            let every = row.items.first().map(|item| item.price.every);
            let other = CATALOGUE.iter().find(|price| {
                Some(price.every) == every && row.items.iter().all(|item| item.price.id != price.id)
            });
            row.items.extend(other.map(|price| ItemRow { id: item, price, quantity: 1 }));
        })
    }

    /// Sets the quantity of the first item.
    pub fn quantity(&mut self, now: Moment, id: &SubscriptionId, quantity: u64) -> Result<(), Refusal> {
        self.change(now, id, |row| row.items.iter_mut().take(1).for_each(|item| item.quantity = quantity))
    }

    /// Makes the subscription unreadable (`items.data[0].price` is missing), or readable again.
    pub fn spoil(&mut self, now: Moment, id: &SubscriptionId, spoilt: bool) -> Result<(), Refusal> {
        self.change(now, id, |row| row.spoilt = spoilt)
    }

    /// Changes a row and notes it.
    pub(super) fn change(
        &mut self,
        now: Moment,
        id: &SubscriptionId,
        change: impl FnOnce(&mut SubscriptionRow),
    ) -> Result<(), Refusal> {
        self.tick(now);
        change(self.row(id)?);
        self.note(now, "customer.subscription.updated", id.as_str());
        Ok(())
    }

    /// Ends a subscription that has not ended.
    pub(super) fn end(&mut self, at: Moment, id: &str, reason: &'static str) {
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        row.status = Status::Canceled;
        row.canceled_at = row.canceled_at.or(Some(at));
        row.ended_at = Some(at);
        row.cancel_reason = row.cancel_reason.or(Some(reason));
        row.late_since = None;
        row.paused_at = None;
        self.note(at, "customer.subscription.deleted", id);
    }

    fn add_customer(&mut self, now: Moment, email: String, name: String) -> String {
        let id = self.next_id("cus");
        let row = CustomerRow { created: now, email: Some(email), name: Some(name), deleted: false };
        self.customers.insert(id.clone(), row);
        self.note(now, "customer.created", &id);
        id
    }
}

/// Nothing can happen to it any more.
pub(super) fn has_ended(status: &Status) -> bool {
    matches!(status, Status::Canceled | Status::IncompleteExpired)
}

/// Ids made here are always well formed.
pub(super) fn known(id: &str) -> SubscriptionId {
    SubscriptionId::parse(id).expect("a counter behind `sub_`")
}

/// Stripe merges metadata; an empty value deletes.
pub(super) fn merge(into: &mut BTreeMap<String, String>, metadata: &BTreeMap<String, String>) {
    for (key, value) in metadata {
        if value.is_empty() {
            into.remove(key);
        } else {
            into.insert(key.clone(), value.clone());
        }
    }
}

fn refuse_ended(row: &SubscriptionRow, id: &SubscriptionId) -> Result<(), Refusal> {
    if has_ended(&row.status) {
        return Err(Refusal::not_allowed(None, format!("Subscription {id} has ended"), "id"));
    }
    Ok(())
}
