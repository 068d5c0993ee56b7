//! Stripe's side, as far as it matters here: subscriptions, payments, refunds.
//! Invariant: a status not known is kept by its name, never guessed.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desired::Price;
use super::ids::{CustomerId, InvoiceId, PaymentId, RefundId, StepId, SubscriptionId};
use super::moment::Moment;
use super::money::Money;

/// A subscription's status. Source: Stripe, "Subscription statuses",
/// <https://docs.stripe.com/billing/subscriptions/overview>; an open enum there, so open here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Status {
    /// First payment not made yet.
    Incomplete,
    /// First payment never made; terminal.
    IncompleteExpired,
    /// In trial.
    Trialing,
    /// In good standing.
    Active,
    /// A renewal failed and is being tried again.
    PastDue,
    /// Retries are exhausted.
    Unpaid,
    /// Service and invoices are stopped.
    Paused,
    /// Ended; terminal.
    Canceled,
    /// One that this version does not know: hold, and say so.
    Other(String),
}

/// One item of a subscription, as the contract "one item, quantity 1" wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The price's id (`price_…`).
    pub price_id: String,
    /// The price's lookup key, if it has one.
    pub lookup_key: Option<String>,
    /// The product's id (`prod_…`).
    pub product_id: String,
    /// What is paid; `Err` says what is odd (every 3 months, a metered price).
    pub price: Result<Price, String>,
    /// `None` for metered prices.
    pub quantity: Option<u64>,
    /// The current period's start.
    pub period_start: Moment,
    /// The current period's end.
    pub period_end: Moment,
}

/// The newest invoice of a subscription, as the listing expands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestInvoice {
    /// Its id.
    pub id: InvoiceId,
    /// When it was made.
    pub created: Moment,
    /// Whether its status is `paid`.
    pub paid: bool,
}

/// A subscription as Stripe shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Who pays; the customer may be deleted by now.
    pub customer: CustomerId,
    /// Its status.
    pub status: Status,
    /// Live mode or test mode.
    pub livemode: bool,
    /// When it was made.
    pub created: Moment,
    /// When it ended, if it did (not when the cancellation was asked for).
    pub ended_at: Option<Moment>,
    /// It will end with the current period.
    pub cancel_at_period_end: bool,
    /// It will end at this time.
    pub cancel_at: Option<Moment>,
    /// Collection is paused, which is *not* the status `paused`: the customer keeps the service.
    pub collection_paused: bool,
    /// Metadata `user_id`.
    pub user_id: Option<String>,
    /// Metadata `basement_power` is `off`: the customer's own switch.
    pub switched_off: bool,
    /// All its items.
    pub items: Vec<Item>,
    /// The newest invoice.
    pub latest_invoice: Option<LatestInvoice>,
}

/// One subscription that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its id, if at least that could be read.
    pub id: Option<SubscriptionId>,
    /// What was wrong with it, e.g. `items.data[0]: missing field price`.
    pub why: String,
}

/// All subscriptions: complete pages, but single items may have been unreadable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The readable ones, by id.
    pub subscriptions: Vec<Subscription>,
    /// The others.
    pub unreadable: Vec<Unreadable>,
}

/// Whom a letter goes to; read when the letter is sent, never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// `None` if there is none, or the customer was deleted.
    pub email: Option<String>,
    /// The display name, as typed by somebody.
    pub name: Option<String>,
    /// Deleted at Stripe.
    pub deleted: bool,
}

/// How a refund stands at Stripe; an open enum there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Waits for the customer.
    RequiresAction,
    /// Done.
    Succeeded,
    /// The money is back with us: a person must pay it another way.
    Failed,
    /// Taken back.
    Canceled,
    /// Not known here.
    Other(String),
}

/// A refund as Stripe shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// How it stands.
    pub status: RefundStatus,
    /// Metadata `basement_step`: ours, if it parses.
    pub step: Option<StepId>,
}

/// One payment behind an invoice, and what of it was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentPart {
    /// Payment intent, or charge.
    pub id: PaymentId,
    /// What arrived.
    pub received: Money,
    /// What was given back so far, pending refunds included.
    pub refunded: i64,
    /// The customer disputes it: money is a person's decision now.
    pub disputed: bool,
    /// The refunds there are.
    pub refunds: Vec<Refund>,
}

/// What was paid for one period of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The paid invoice.
    pub invoice: InvoiceId,
    /// When it was made.
    pub created: Moment,
    /// What the invoice says was paid.
    pub amount_paid: Money,
    /// The payments behind it; empty for a $0 trial.
    pub parts: Vec<PaymentPart>,
    /// Why no refund may be made by machine (paid outside Stripe, from credit), if so.
    pub by_hand: Option<String>,
}

/// A refund to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundOrder {
    /// Which subscription failed.
    pub subscription: SubscriptionId,
    /// Which payment is given back.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
}

/// What a pass has read anew about one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fresh {
    /// The subscription: `None` not asked, `Some(None)` Stripe does not know it.
    pub subscription: Option<Option<Subscription>>,
    /// What was paid for the period that holds a moment, by the moment asked about; `None` is nothing.
    pub payments: BTreeMap<Moment, Option<Payment>>,
}

impl Subscription {
    /// Whether Stripe, right now, says that the customer should have a running server.
    pub fn entitled(&self) -> bool {
        matches!(self.status, Status::Active | Status::Trialing) && !self.switched_off
    }
}

impl PaymentPart {
    /// What may still be given back.
    pub fn refundable(&self) -> Money {
        Money { amount: (self.received.amount - self.refunded).max(0), currency: self.received.currency }
    }
}

impl Refund {
    /// The money is, or will be, with the customer.
    pub fn stands(&self) -> bool {
        !matches!(self.status, RefundStatus::Failed | RefundStatus::Canceled)
    }
}

impl From<String> for Status {
    fn from(text: String) -> Self {
        match text.as_str() {
            "incomplete" => Self::Incomplete,
            "incomplete_expired" => Self::IncompleteExpired,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "unpaid" => Self::Unpaid,
            "paused" => Self::Paused,
            "canceled" => Self::Canceled,
            _ => Self::Other(text),
        }
    }
}

impl From<Status> for String {
    fn from(status: Status) -> String {
        match status {
            Status::Other(text) => text,
            known => known.to_string(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Other(text) => text,
        })
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Customer({}, address and name not shown)", self.id)
    }
}
