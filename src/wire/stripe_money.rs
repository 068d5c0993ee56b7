//! Stripe's JSON for what was paid and given back: invoices, their payments, charges, refunds.
//! Since API 2025-03-31 the way goes invoice, invoice payment, payment intent (or charge), refund:
//! <https://docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices>.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::redact::redact_line;
use super::stripe::{Cents, Ref, STEP, Seconds, read, refund_status};
use crate::model::billing::{PaymentPart, Refund};
use crate::model::ids::{InvoiceId, PaymentId, RefundId, StepId, SubscriptionId};
use crate::model::moment::Moment;
use crate::model::money::{Currency, Money};

/// An invoice, as far as a refund depends on it.
#[derive(Debug, Clone, Deserialize)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// When it was made.
    pub created: Seconds,
    /// `paid`, among others.
    pub status: Option<String>,
    /// Why it was made: `subscription_create`, `subscription_cycle`, `subscription_update`, ...
    pub billing_reason: Option<String>,
    /// Minor units.
    pub amount_paid: Cents,
    /// Which currency.
    pub currency: Currency,
    /// The customer's balance before it, in minor units; negative is credit.
    pub starting_balance: i64,
    /// What credit notes have given back after it was paid, in minor units.
    #[serde(default)]
    pub post_payment_credit_notes_amount: i64,
    /// What was paid outside Stripe, in minor units.
    pub amount_paid_off_stripe: Option<i64>,
    parent: Option<Parent>,
}

/// One payment of an invoice.
#[derive(Debug, Deserialize)]
pub struct InvoicePayment {
    /// How much of it went to this invoice, in minor units.
    pub amount_paid: Option<Cents>,
    payment: RawPayment,
}

/// Where the money of an invoice payment came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A payment intent.
    Intent(PaymentId),
    /// A charge without a payment intent.
    Charge(PaymentId),
    /// Not through Stripe's own payments; its kind by name.
    Elsewhere(String),
}

/// A payment intent, its latest charge expanded.
#[derive(Debug, Deserialize)]
pub struct Intent {
    /// Its id.
    pub id: PaymentId,
    /// Minor units.
    pub amount_received: Cents,
    /// Which currency.
    pub currency: Currency,
    /// The charge that took the money.
    pub latest_charge: Option<Charge>,
}

/// A charge.
#[derive(Debug, Deserialize)]
pub struct Charge {
    /// Its id.
    pub id: PaymentId,
    /// Minor units.
    pub amount_captured: Cents,
    /// Minor units, pending refunds included.
    pub amount_refunded: Cents,
    /// Which currency.
    pub currency: Currency,
    /// The customer disputes it.
    pub disputed: bool,
}

/// The paid invoice that began or renewed a subscription most recently at a moment. Not the latest one
/// blindly: that may be a later renewal, or the difference of a plan change. No server is begun before the
/// first invoice is paid, so that one counts even if it seems later: then our clock is behind Stripe's.
pub fn choose(invoices: &[Invoice], at: Moment) -> Option<&Invoice> {
    let counts = |invoice: &&Invoice| {
        invoice.status.as_deref() == Some("paid")
            && match invoice.billing_reason.as_deref() {
                Some("subscription_create") => true,
                Some("subscription_cycle") => invoice.created.0 <= at,
                _ => false,
            }
    };
    // Stripe lists the newest first; the first of equals is it.
    invoices.iter().filter(counts).min_by_key(|invoice| Reverse(invoice.created))
}

/// Reads a refund.
pub fn refund(value: Value) -> Result<Refund, String> {
    let raw: RawRefund = read(value)?;
    let step = raw.metadata.unwrap_or_default().remove(STEP);
    Ok(Refund {
        id: raw.id,
        amount: Money { amount: raw.amount.0, currency: raw.currency },
        status: refund_status(raw.status.as_deref()),
        step: step.and_then(|step| StepId::parse(&step).ok()),
    })
}

/// A refund that names another payment was not asked for.
pub fn check_refunded(value: &Value, payment: &PaymentId) -> Result<(), String> {
    let key = if payment.as_str().starts_with("ch_") { "charge" } else { "payment_intent" };
    let named = value.get(key).and_then(|named| named.as_str().or_else(|| super::stripe::id(named)));
    match named {
        Some(other) if other != payment.as_str() => {
            Err(format!("asked for refunds of `{payment}`, got one of `{}`", redact_line(other, 80)))
        }
        _ => Ok(()),
    }
}

/// One payment with what was given back of it.
pub fn part(id: PaymentId, received: Money, charge: Option<&Charge>, refunds: Vec<Refund>) -> PaymentPart {
    let listed =
        refunds.iter().filter(|r| r.stands()).fold(0_i64, |sum, r| sum.saturating_add(r.amount.amount));
    let charged = charge.map_or(0, |charge| charge.amount_refunded.0);
    PaymentPart {
        id,
        received,
        refunded: listed.max(charged),
        disputed: charge.is_some_and(|charge| charge.disputed),
        refunds,
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Parent {
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct SubscriptionDetails {
    subscription: Value,
}

#[derive(Debug, Deserialize)]
struct RawPayment {
    #[serde(rename = "type")]
    kind: String,
    payment_intent: Option<Ref<PaymentId>>,
    charge: Option<Ref<PaymentId>>,
}

#[derive(Deserialize)]
struct RawRefund {
    id: RefundId,
    amount: Cents,
    currency: Currency,
    status: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

impl Invoice {
    /// What was paid.
    pub fn paid(&self) -> Money {
        Money { amount: self.amount_paid.0, currency: self.currency }
    }

    /// It says that it belongs to another subscription.
    pub fn is_of_another(&self, id: &SubscriptionId) -> bool {
        let details = self.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
        let named = details.map(|details| &details.subscription);
        let named = named.and_then(|value| value.as_str().or_else(|| super::stripe::id(value)));
        named.is_some_and(|named| named != id.as_str())
    }

    /// Why no machine may refund it, if so.
    pub fn by_hand(&self) -> Option<String> {
        let id = &self.id;
        if self.starting_balance != 0 {
            Some(format!("the customer's balance was used for the invoice `{id}`"))
        } else if self.post_payment_credit_notes_amount != 0 {
            Some(format!("a credit note was made for the invoice `{id}`"))
        } else if self.amount_paid_off_stripe.is_some_and(|amount| amount != 0) {
            Some(format!("the invoice `{id}` was paid outside Stripe"))
        } else {
            None
        }
    }
}

impl InvoicePayment {
    /// Where the money came from.
    pub fn source(self) -> Source {
        let RawPayment { kind, payment_intent, charge } = self.payment;
        match (kind.as_str(), payment_intent, charge) {
            ("payment_intent", Some(intent), _) => Source::Intent(intent.into_id()),
            ("charge", _, Some(charge)) => Source::Charge(charge.into_id()),
            _ => Source::Elsewhere(redact_line(&kind, 40)),
        }
    }
}
