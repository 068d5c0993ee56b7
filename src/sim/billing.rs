//! `Books`: a Stripe account in memory: what there is in it, its ids, its events.
//! Invariant: no clock and no dice inside; the same calls at the same moments give the same bytes.
//! What customers do is in `billing_life`, money in `billing_money`, time in `billing_time`.

use std::collections::BTreeMap;

use crate::model::billing::Status;
use crate::model::desired::Every;
use crate::model::ids::{CustomerId, PaymentId, RefundId, SubscriptionId};
use crate::model::moment::{Moment, Span};

use super::billing_money::Replay;

/// A Stripe account in memory.
pub struct Books {
    pub(super) live: bool,
    pub(super) rules: Rules,
    pub(super) requests: u64,
    pub(super) customers: BTreeMap<String, CustomerRow>,
    pub(super) subscriptions: BTreeMap<String, SubscriptionRow>,
    pub(super) invoices: BTreeMap<String, InvoiceRow>,
    pub(super) payments: BTreeMap<String, PaymentRow>,
    pub(super) charges: BTreeMap<String, String>,
    pub(super) refunds: BTreeMap<String, RefundRow>,
    pub(super) replays: BTreeMap<String, Replay>,
    pub(super) broken: Option<Broken>,
    /// Nothing is due for a subscription before this; `None` after a change, until somebody looks.
    pub(super) wake: Option<Moment>,
    events: Vec<Event>,
    serials: BTreeMap<&'static str, u64>,
}

/// How this account treats what goes wrong.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a failed renewal is tried again.
    pub retry_for: Span,
    /// What follows when the retries are exhausted: `true` is `unpaid`, `false` is `canceled`.
    pub then_unpaid: bool,
    /// What becomes of refunds.
    pub refunds: RefundFate,
}

/// What becomes of the next refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundFate {
    /// `succeeded` at once.
    AtOnce,
    /// `pending`, and after this span `succeeded` or `failed`.
    Later {
        /// How long it is pending.
        after: Span,
        /// Whether it succeeds then.
        succeeds: bool,
    },
}

/// The next write answers 500, and the idempotency store keeps that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Nothing is done.
    Before,
    /// It is done all the same.
    After,
}

/// An entry of the event log, as a webhook would carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// E.g. `customer.subscription.updated`.
    pub kind: &'static str,
    /// When it happened.
    pub created: Moment,
    /// The id of the object it is about.
    pub object: String,
}

/// A no in Stripe's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `invalid_request_error`, `idempotency_error` or `api_error`.
    pub kind: &'static str,
    /// E.g. `resource_missing`.
    pub code: Option<&'static str>,
    /// For a person.
    pub message: String,
    /// Which parameter.
    pub param: Option<String>,
    /// Execution had begun, so that the idempotency store keeps this answer.
    pub began: bool,
}

/// One price of the seeded catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CataloguePrice {
    /// `price_basic_month`.
    pub id: &'static str,
    /// `basic-month`.
    pub lookup_key: &'static str,
    /// `prod_basic`.
    pub product: &'static str,
    /// The product's name.
    pub name: &'static str,
    /// US cents.
    pub amount: i64,
    /// How often.
    pub every: Every,
}

/// The event of a dispute; it is noted with the charge, from which the dispute is shown.
pub(super) const DISPUTED: &str = "charge.dispute.created";

/// The catalogue every account is seeded with.
pub const CATALOGUE: [CataloguePrice; 6] = [
    price("price_basic_month", "basic-month", "prod_basic", "basic", 1_500, Every::Month),
    price("price_basic_year", "basic-year", "prod_basic", "basic", 15_000, Every::Year),
    price("price_premium_month", "premium-month", "prod_premium", "premium", 7_500, Every::Month),
    price("price_premium_year", "premium-year", "prod_premium", "premium", 75_000, Every::Year),
    price("price_pro_month", "pro-month", "prod_pro", "pro", 3_500, Every::Month),
    price("price_pro_year", "pro-year", "prod_pro", "pro", 35_000, Every::Year),
];

pub(super) struct CustomerRow {
    pub created: Moment,
    pub email: Option<String>,
    pub name: Option<String>,
    pub deleted: bool,
}

#[derive(Clone)]
pub(super) struct ItemRow {
    pub id: String,
    pub price: &'static CataloguePrice,
    pub quantity: u64,
}

pub(super) struct SubscriptionRow {
    pub created: Moment,
    pub customer: String,
    pub status: Status,
    pub metadata: BTreeMap<String, String>,
    pub items: Vec<ItemRow>,
    pub anchor: Moment,
    pub start: Moment,
    pub end: Moment,
    pub trial: Option<(Moment, Moment)>,
    pub cancel_at_period_end: bool,
    pub cancel_at: Option<Moment>,
    pub canceled_at: Option<Moment>,
    pub ended_at: Option<Moment>,
    pub cancel_reason: Option<&'static str>,
    pub cancel_comment: Option<String>,
    pub collection_paused: Option<CollectionPause>,
    pub paused_at: Option<Moment>,
    pub late_since: Option<Moment>,
    pub will_pay: bool,
    pub latest_invoice: Option<String>,
    pub spoilt: bool,
}

#[derive(Clone)]
pub(super) struct CollectionPause {
    pub behavior: String,
    pub resumes_at: Option<Moment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

pub(super) struct InvoiceRow {
    pub created: Moment,
    pub subscription: String,
    pub customer: String,
    pub reason: &'static str,
    pub status: InvoiceStatus,
    pub amount: i64,
    pub items: Vec<ItemRow>,
    pub metadata: BTreeMap<String, String>,
    pub looks_back_to: Moment,
    pub period: (Moment, Moment),
    pub paid_at: Option<Moment>,
    pub voided_at: Option<Moment>,
    pub attempts: u32,
    pub next_attempt: Option<Moment>,
    /// The payment intent, once there is one.
    pub payment: Option<String>,
}

/// A payment intent with its charge and its place behind an invoice.
pub(super) struct PaymentRow {
    pub created: Moment,
    pub charge: Option<(String, Moment)>,
    pub invoice: String,
    pub customer: String,
    pub amount: i64,
    pub canceled_at: Option<Moment>,
    pub disputed: bool,
}

pub(super) struct RefundRow {
    pub created: Moment,
    pub payment: String,
    pub charge: String,
    pub amount: i64,
    pub status: &'static str,
    pub reason: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub settles: Option<(Moment, bool)>,
}

impl Books {
    /// An empty account in test mode.
    pub fn new() -> Self {
        Self {
            live: false,
            rules: Rules { retry_for: Span::days(14), then_unpaid: true, refunds: RefundFate::AtOnce },
            requests: 0,
            customers: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            invoices: BTreeMap::new(),
            payments: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: BTreeMap::new(),
            replays: BTreeMap::new(),
            broken: None,
            wake: None,
            events: Vec::new(),
            serials: BTreeMap::new(),
        }
    }

    /// An empty account whose objects say `livemode: true`.
    pub fn live() -> Self {
        Self { live: true, ..Self::new() }
    }

    /// The account's rules, to be changed at will.
    pub fn rules(&mut self) -> &mut Rules {
        self.wake = None;
        &mut self.rules
    }

    /// Lets the next write answer 500.
    pub fn break_next_write(&mut self, broken: Broken) {
        self.broken = Some(broken);
    }

    /// Takes that back, if no write has come since.
    pub fn mend_next_write(&mut self) {
        self.broken = None;
    }

    /// Everything that happened, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// All subscriptions, by id.
    pub fn subscription_ids(&self) -> Vec<SubscriptionId> {
        self.subscriptions.keys().filter_map(|id| SubscriptionId::parse(id).ok()).collect()
    }

    /// The subscriptions of one user (metadata `user_id`), by id.
    pub fn of_user(&self, user_id: &str) -> Vec<SubscriptionId> {
        self.subscriptions
            .iter()
            .filter(|(_, row)| row.metadata.get("user_id").is_some_and(|u| u == user_id))
            .filter_map(|(id, _)| SubscriptionId::parse(id).ok())
            .collect()
    }

    /// Who pays a subscription.
    pub fn customer_of(&self, id: &SubscriptionId) -> Option<CustomerId> {
        CustomerId::parse(&self.subscriptions.get(id.as_str())?.customer).ok()
    }

    /// Whether the customer has switched the server off (metadata `basement_power`).
    pub fn is_switched_off(&self, id: &SubscriptionId) -> bool {
        let row = self.subscriptions.get(id.as_str());
        row.and_then(|row| row.metadata.get("basement_power")).is_some_and(|power| power == "off")
    }

    /// A subscription's status.
    pub fn status_of(&self, id: &SubscriptionId) -> Option<Status> {
        self.subscriptions.get(id.as_str()).map(|row| row.status.clone())
    }

    /// When a subscription ended.
    pub fn ended_at(&self, id: &SubscriptionId) -> Option<Moment> {
        self.subscriptions.get(id.as_str())?.ended_at
    }

    /// The payment intents that succeeded for a subscription, oldest first.
    pub fn payments_of(&self, id: &SubscriptionId) -> Vec<PaymentId> {
        self.payments
            .iter()
            .filter(|(_, row)| row.charge.is_some() && self.pays_for(row, id.as_str()))
            .filter_map(|(pi, _)| PaymentId::parse(pi).ok())
            .collect()
    }

    /// The refunds of a payment, newest first.
    pub fn refunds_of(&self, payment: &PaymentId) -> Vec<RefundId> {
        let refunds = self.refunds.iter().rev();
        refunds
            .filter(|(_, row)| row.payment == payment.as_str() || row.charge == payment.as_str())
            .filter_map(|(id, _)| RefundId::parse(id).ok())
            .collect()
    }

    /// The next id of this prefix: `sub` gives `sub_000001`.
    pub(super) fn next_id(&mut self, prefix: &'static str) -> String {
        let serial = self.serials.entry(prefix).or_default();
        *serial += 1;
        format!("{prefix}_{serial:06}")
    }

    /// Notes what happened to the object of this id.
    pub(super) fn note(&mut self, at: Moment, kind: &'static str, object: &str) {
        let id = self.next_id("evt");
        self.events.push(Event { id, kind, created: at, object: object.to_owned() });
    }

    pub(super) fn pays_for(&self, payment: &PaymentRow, subscription: &str) -> bool {
        self.invoices.get(&payment.invoice).is_some_and(|invoice| invoice.subscription == subscription)
    }

    /// A row to be changed.
    pub(super) fn row(&mut self, id: &SubscriptionId) -> Result<&mut SubscriptionRow, Refusal> {
        self.wake = None;
        self.subscriptions
            .get_mut(id.as_str())
            .ok_or_else(|| Refusal::missing("subscription", id.as_str(), "id"))
    }
}

impl Default for Books {
    fn default() -> Self {
        Self::new()
    }
}

impl Refusal {
    /// A request that was not even begun: validation.
    pub(super) fn invalid(code: Option<&'static str>, message: impl Into<String>, param: &str) -> Self {
        let param = (!param.is_empty()).then(|| param.to_owned());
        let message = message.into();
        Self { status: 400, kind: "invalid_request_error", code, message, param, began: false }
    }

    /// A request that was begun and may not be.
    pub(super) fn not_allowed(code: Option<&'static str>, message: impl Into<String>, param: &str) -> Self {
        Self { began: true, ..Self::invalid(code, message, param) }
    }

    /// There is no such object.
    pub(super) fn missing(what: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self { status: 404, ..Self::not_allowed(Some("resource_missing"), message, param) }
    }
}

impl InvoiceStatus {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
}

const fn price(
    id: &'static str,
    lookup_key: &'static str,
    product: &'static str,
    name: &'static str,
    amount: i64,
    every: Every,
) -> CataloguePrice {
    CataloguePrice { id, lookup_key, product, name, amount, every }
}
