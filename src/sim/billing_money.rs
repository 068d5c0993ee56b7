//! Money in an account: invoices, payments, refunds, disputes, and what is true in the end.
//! Invariant: refunds that stand never exceed their payment.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::model::billing::Status;
use crate::model::ids::{PaymentId, SubscriptionId};
use crate::model::moment::Moment;
use crate::model::money::Money;

use super::billing::{
    Books, DISPUTED, InvoiceRow, InvoiceStatus, PaymentRow, RefundFate, RefundRow, Refusal,
};
use super::billing_life::known;

/// What is true of one subscription, for whoever checks a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Metadata `user_id`.
    pub user_id: Option<String>,
    /// Its status.
    pub status: Status,
    /// All that was ever paid, in minor units.
    pub paid: i64,
    /// All that was or will be given back.
    pub refunded: i64,
    /// In how many refunds that stand.
    pub refunds: usize,
}

/// A refund that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// For which subscription.
    pub subscription: SubscriptionId,
    /// When.
    pub at: Moment,
    /// Metadata `basement_step`; empty if there is none.
    pub step: String,
    /// The money is, or will be, with the customer.
    pub stands: bool,
}

/// A refund to be made; `payment` is a payment intent or a charge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefundRequest {
    /// Which payment intent or charge.
    pub payment: String,
    /// How much; all that is left without it.
    pub amount: Option<i64>,
    /// Stripe's reason.
    pub reason: Option<String>,
    /// Metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The stored result of a POST with an `Idempotency-Key`.
pub(super) struct Replay {
    pub at: Moment,
    pub fingerprint: String,
    pub request_id: String,
    pub status: u16,
    pub body: Value,
}

impl Books {
    /// Gives money back by Stripe's rules.
    pub fn refund(&mut self, now: Moment, request: RefundRequest) -> Result<String, Refusal> {
        self.tick(now);
        let (payment, charge) = self.refundable(&request)?;
        let (status, settles) = match self.rules.refunds {
            RefundFate::AtOnce => ("succeeded", None),
            RefundFate::Later { after, succeeds } => ("pending", Some((now.plus(after), succeeds))),
        };
        let amount = request.amount.unwrap_or_else(|| self.remaining(&payment));
        let RefundRequest { reason, metadata, .. } = request;
        let id = self.next_id("re");
        let row = RefundRow { created: now, payment, charge, amount, status, reason, metadata, settles };
        let charge = row.charge.clone();
        self.refunds.insert(id.clone(), row);
        self.note(now, "refund.created", &id);
        self.note(now, "charge.refunded", &charge);
        Ok(id)
    }

    /// The customer disputes a payment (payment intent or charge).
    pub fn dispute(&mut self, now: Moment, payment: &PaymentId) -> Result<(), Refusal> {
        self.tick(now);
        let missing = || Refusal::missing("charge", payment.as_str(), "charge");
        let pi = self.intent_of(payment.as_str()).ok_or_else(missing)?;
        let row = self.payments.get_mut(&pi).ok_or_else(missing)?;
        let (charge, _) = row.charge.clone().ok_or_else(missing)?;
        row.disputed = true;
        self.note(now, DISPUTED, &charge);
        Ok(())
    }

    /// Whether the customer disputes a payment.
    pub fn is_disputed(&self, payment: &PaymentId) -> bool {
        let row = self.intent_of(payment.as_str()).and_then(|pi| self.payments.get(&pi));
        row.is_some_and(|row| row.disputed)
    }

    /// Every refund there ever was, by id.
    pub fn refunds_made(&self) -> Vec<Made> {
        let invoice_of = |refund: &RefundRow| self.invoices.get(&self.payments.get(&refund.payment)?.invoice);
        let made = |refund: &RefundRow| {
            Some(Made {
                subscription: known(&invoice_of(refund)?.subscription),
                at: refund.created,
                step: refund.metadata.get("basement_step").cloned().unwrap_or_default(),
                stands: stands(refund),
            })
        };
        self.refunds.values().filter_map(made).collect()
    }

    /// What is true, per subscription.
    pub fn truth(&self) -> BTreeMap<SubscriptionId, Truth> {
        let mut truth: BTreeMap<SubscriptionId, Truth> = BTreeMap::new();
        for (id, row) in &self.subscriptions {
            let (user_id, status) = (row.metadata.get("user_id").cloned(), row.status.clone());
            truth.insert(known(id), Truth { user_id, status, paid: 0, refunded: 0, refunds: 0 });
        }
        for (pi, payment) in self.payments.iter().filter(|(_, payment)| payment.charge.is_some()) {
            let subscription =
                self.invoices.get(&payment.invoice).map(|invoice| known(&invoice.subscription));
            let Some(entry) = subscription.and_then(|id| truth.get_mut(&id)) else { continue };
            entry.paid += payment.amount;
            entry.refunded += self.refunded(pi);
            entry.refunds += self.refunds.values().filter(|r| r.payment == *pi && stands(r)).count();
        }
        truth
    }

    /// All that was paid, less what was given back.
    pub fn takings(&self) -> Money {
        Money::usd(self.truth().values().map(|t| t.paid - t.refunded).sum())
    }

    /// Makes an invoice for the current period. A paid one of more than $0 has a payment.
    pub(super) fn bill(&mut self, at: Moment, id: &str, reason: &'static str, status: InvoiceStatus) {
        let invoice = self.next_id("in");
        let Some(row) = self.subscriptions.get_mut(id) else { return };
        let charged = row.status != Status::Trialing;
        let items = row.items.clone();
        let sum: i64 = items.iter().map(|i| i.price.amount * i64::try_from(i.quantity).unwrap_or(0)).sum();
        let previous = row.latest_invoice.replace(invoice.clone());
        let late = row.late_since.filter(|_| status == InvoiceStatus::Open);
        let (customer, metadata, period) = (row.customer.clone(), row.metadata.clone(), (row.start, row.end));
        let looks_back_to =
            previous.and_then(|p| self.invoices.get(&p)).map_or(at, |previous| previous.period.0);
        let new = InvoiceRow {
            created: at,
            subscription: id.to_owned(),
            customer,
            reason,
            status: if status == InvoiceStatus::Paid { InvoiceStatus::Open } else { status },
            amount: if charged { sum } else { 0 },
            items,
            metadata,
            looks_back_to,
            period,
            paid_at: None,
            voided_at: (status == InvoiceStatus::Void).then_some(at),
            attempts: u32::from(matches!(status, InvoiceStatus::Open | InvoiceStatus::Paid)),
            next_attempt: late.map(|since| since.plus(self.rules.retry_for)),
            payment: None,
        };
        self.invoices.insert(invoice.clone(), new);
        match status {
            InvoiceStatus::Paid => self.collect(at, &invoice),
            InvoiceStatus::Open => {
                self.intend(at, &invoice);
                self.note(at, "invoice.payment_failed", &invoice);
            }
            InvoiceStatus::Draft | InvoiceStatus::Uncollectible | InvoiceStatus::Void => {}
        }
    }

    /// Pays the newest invoice that waits for money.
    pub(super) fn pay_newest_invoice(&mut self, at: Moment, id: &str) {
        let waits = |row: &InvoiceRow| matches!(row.status, InvoiceStatus::Open | InvoiceStatus::Draft);
        let newest = self.invoices.iter().rev().find(|(_, row)| row.subscription == id && waits(row));
        if let Some(invoice) = newest.map(|(invoice, _)| invoice.clone()) {
            self.collect(at, &invoice);
        }
    }

    /// Voids an invoice and the payment it waits for.
    pub(super) fn void(&mut self, at: Moment, invoice: &str) {
        let Some(row) = self.invoices.get_mut(invoice) else { return };
        row.status = InvoiceStatus::Void;
        row.voided_at = Some(at);
        row.next_attempt = None;
        if let Some(payment) = row.payment.as_ref().and_then(|pi| self.payments.get_mut(pi)) {
            payment.canceled_at = Some(at);
        }
        self.note(at, "invoice.voided", invoice);
    }

    /// Pending refunds whose time has come succeed or fail.
    pub(super) fn settle_refunds(&mut self, now: Moment) {
        let due = |row: &RefundRow| row.settles.filter(|(at, _)| *at <= now);
        let settled: Vec<(String, Moment, bool)> = self
            .refunds
            .iter()
            .filter_map(|(id, row)| due(row).map(|(at, succeeds)| (id.clone(), at, succeeds)))
            .collect();
        for (id, at, succeeds) in settled {
            if let Some(row) = self.refunds.get_mut(&id) {
                row.settles = None;
                row.status = if succeeds { "succeeded" } else { "failed" };
            }
            self.note(at, if succeeds { "refund.updated" } else { "refund.failed" }, &id);
        }
    }

    /// The sum of the refunds of a payment intent that stand.
    pub(super) fn refunded(&self, pi: &str) -> i64 {
        self.refunds.values().filter(|row| row.payment == pi && stands(row)).map(|row| row.amount).sum()
    }

    /// The payment intent behind the id of an intent or a charge.
    pub(super) fn intent_of(&self, payment: &str) -> Option<String> {
        match self.charges.get(payment) {
            Some(pi) => Some(pi.clone()),
            None => self.payments.contains_key(payment).then(|| payment.to_owned()),
        }
    }

    fn remaining(&self, pi: &str) -> i64 {
        self.payments.get(pi).map_or(0, |row| row.amount - self.refunded(pi))
    }

    fn refundable(&self, request: &RefundRequest) -> Result<(String, String), Refusal> {
        let is_charge = request.payment.starts_with("ch_");
        let (what, param) =
            if is_charge { ("charge", "charge") } else { ("payment_intent", "payment_intent") };
        let missing = || Refusal::missing(what, &request.payment, param);
        let pi = self.intent_of(&request.payment).ok_or_else(missing)?;
        let row = self.payments.get(&pi).ok_or_else(missing)?;
        let Some((charge, _)) = row.charge.clone() else {
            let text = format!("This PaymentIntent ({pi}) does not have a successful charge to refund.");
            return Err(Refusal::not_allowed(None, text, "payment_intent"));
        };
        if row.disputed {
            let text = format!("Charge {charge} has been charged back; cannot issue a refund.");
            return Err(Refusal::not_allowed(Some("charge_disputed"), text, ""));
        }
        let remaining = self.remaining(&pi);
        if remaining == 0 {
            let text = format!("Charge {charge} has already been refunded.");
            return Err(Refusal::not_allowed(Some("charge_already_refunded"), text, ""));
        }
        if let Some(amount) = request.amount.filter(|amount| *amount > remaining) {
            let (amount, remaining) = (Money::usd(amount), Money::usd(remaining));
            let text =
                format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({remaining})");
            return Err(Refusal::not_allowed(None, text, "amount"));
        }
        Ok((pi, charge))
    }

    /// The money arrives.
    fn collect(&mut self, at: Moment, invoice: &str) {
        let Some(row) = self.invoices.get_mut(invoice) else { return };
        row.status = InvoiceStatus::Paid;
        row.paid_at = Some(at);
        row.next_attempt = None;
        row.attempts = row.attempts.max(1);
        if row.amount > 0 {
            let charge = self.next_id("ch");
            let pi = self.intend(at, invoice);
            if let Some(payment) = self.payments.get_mut(&pi) {
                payment.charge = Some((charge.clone(), at));
            }
            self.charges.insert(charge.clone(), pi);
            self.note(at, "charge.succeeded", &charge);
        }
        self.note(at, "invoice.paid", invoice);
    }

    /// The payment intent of an invoice, made if there is none.
    fn intend(&mut self, at: Moment, invoice: &str) -> String {
        if let Some(pi) = self.invoices.get(invoice).and_then(|row| row.payment.clone()) {
            return pi;
        }
        let pi = self.next_id("pi");
        if let Some(row) = self.invoices.get_mut(invoice) {
            row.payment = Some(pi.clone());
            let payment = PaymentRow {
                created: at,
                charge: None,
                invoice: invoice.to_owned(),
                customer: row.customer.clone(),
                amount: row.amount,
                canceled_at: None,
                disputed: false,
            };
            self.payments.insert(pi.clone(), payment);
        }
        pi
    }
}

/// The money is, or will be, with the customer.
pub(super) fn stands(row: &RefundRow) -> bool {
    row.status != "failed"
}
