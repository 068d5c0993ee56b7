//! Stripe's JSON for subscriptions, customers, lists and errors, read into the model.
//! Unknown fields are ignored, unknown statuses kept by name. Invariant: an item of a list that cannot
//! be read is named as unreadable, never left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::model::billing::{
    Customer, Item, LatestInvoice, Reading, RefundStatus, Status, Subscription, Unreadable,
};
use crate::model::desired::{Every, Price};
use crate::model::ids::{CustomerId, InvoiceId, SubscriptionId};
use crate::model::moment::Moment;
use crate::model::money::Currency;

/// The metadata key of a subscription that names its user.
pub const USER_ID: &str = "user_id";
/// The metadata key of a subscription with which a customer switches the server `off`.
pub const POWER: &str = "basement_power";
/// The metadata key of a refund that names the step it was made for.
pub const STEP: &str = "basement_step";
/// The metadata key of a refund that names the subscription it was made for.
pub const SUBSCRIPTION: &str = "basement_subscription";

/// One page of a list; its items are read one by one, so that one bad item does not spoil the others.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The items, unread.
    pub data: Vec<Value>,
    /// There are more pages.
    pub has_more: bool,
}

/// A reference to an object: its id, or the object itself if it was expanded (deleted ones included).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Ref<T> {
    /// Not expanded.
    Id(T),
    /// Expanded.
    Object {
        /// The object's id.
        id: T,
    },
}

/// A time in Unix seconds, after 1970 and before the year 3000: what a null or a sum gone wrong makes of a
/// time would end a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "i64")]
pub struct Seconds(pub Moment);

/// An amount of money in minor units, not negative. Source: Stripe, "Currencies": at most twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(try_from = "i64")]
pub struct Cents(pub i64);

/// What an error answer says. Source: Stripe, "Errors", <https://docs.stripe.com/api/errors>.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// `api_error`, `card_error`, `idempotency_error`, `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A short name, e.g. `charge_already_refunded`.
    pub code: Option<String>,
    /// For a person.
    pub message: Option<String>,
    /// Which parameter is wrong.
    pub param: Option<String>,
}

/// Reads one object; the error says where it is odd (`items.data[0]: missing field ...`), without its values.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let why = hide_quoted(&error.inner().to_string());
        if path == "." { why } else { format!("{path}: {why}") }
    })
}

/// An object's mode: `true` for live, `None` if it does not say (refunds, deleted customers).
pub fn livemode(value: &Value) -> Option<bool> {
    value.get("livemode")?.as_bool()
}

/// An object's id.
pub fn id(value: &Value) -> Option<&str> {
    value.get("id")?.as_str()
}

/// Whether a subscription says that it has ended.
pub fn has_ended(value: &Value) -> bool {
    matches!(value.get("status").and_then(Value::as_str), Some("canceled" | "incomplete_expired"))
}

/// Reads a whole listing of subscriptions.
pub fn reading(items: Vec<Value>) -> Reading {
    let mut reading = Reading::default();
    for item in items {
        let id = id(&item).and_then(|id| SubscriptionId::parse(id).ok());
        match subscription(item) {
            Ok(subscription) => reading.subscriptions.push(subscription),
            Err(why) => reading.unreadable.push(Unreadable { id, why }),
        }
    }
    reading.subscriptions.sort_by(|a, b| a.id.cmp(&b.id));
    reading.unreadable.sort_by(|a, b| a.id.cmp(&b.id));
    reading
}

/// Reads a subscription whose `latest_invoice` is expanded.
pub fn subscription(value: Value) -> Result<Subscription, String> {
    let raw: RawSubscription = read(value)?;
    if raw.items.has_more && raw.items.data.len() < 2 {
        return Err("items: more than the answer holds".to_owned());
    }
    let text = |key: &str| raw.metadata.get(key).map(|text| text.trim().to_owned());
    Ok(Subscription {
        user_id: text(USER_ID).filter(|user| !user.is_empty()),
        switched_off: text(POWER).is_some_and(|power| power == "off"),
        id: raw.id,
        customer: raw.customer.into_id(),
        status: raw.status,
        livemode: raw.livemode,
        created: raw.created.0,
        ended_at: raw.ended_at.map(|at| at.0),
        cancel_at_period_end: raw.cancel_at_period_end,
        cancel_at: raw.cancel_at.map(|at| at.0),
        collection_paused: raw.pause_collection.is_some(),
        items: raw.items.data.into_iter().map(item).collect(),
        latest_invoice: raw.latest_invoice.map(|invoice| LatestInvoice {
            id: invoice.id,
            created: invoice.created.0,
            paid: invoice.status.as_deref() == Some("paid"),
        }),
    })
}

/// Reads a customer; of a deleted one only the id is left.
pub fn customer(value: Value) -> Result<Customer, String> {
    let raw: RawCustomer = read(value)?;
    let given = |text: Option<String>| text.filter(|text| !raw.deleted && !text.trim().is_empty());
    Ok(Customer { id: raw.id, email: given(raw.email), name: given(raw.name), deleted: raw.deleted })
}

/// Reads an error answer; `None` if it is not one of Stripe's (HTML of a proxy).
pub fn problem(body: &str) -> Option<Problem> {
    #[derive(Deserialize)]
    struct Body {
        error: Problem,
    }
    serde_json::from_str::<Body>(body).ok().map(|body| body.error).filter(|error| error.kind.is_some())
}

/// A refund's status; an open enum at Stripe, and null for some old ones.
pub fn refund_status(text: Option<&str>) -> RefundStatus {
    match text {
        Some("pending") => RefundStatus::Pending,
        Some("requires_action") => RefundStatus::RequiresAction,
        Some("succeeded") => RefundStatus::Succeeded,
        Some("failed") => RefundStatus::Failed,
        Some("canceled") => RefundStatus::Canceled,
        other => RefundStatus::Other(other.unwrap_or("none").to_owned()),
    }
}

#[derive(Deserialize)]
struct RawSubscription {
    id: SubscriptionId,
    customer: Ref<CustomerId>,
    status: Status,
    livemode: bool,
    created: Seconds,
    ended_at: Option<Seconds>,
    cancel_at_period_end: bool,
    cancel_at: Option<Seconds>,
    pause_collection: Option<IgnoredAny>,
    // Required: were it lost, the server would get another name.
    metadata: BTreeMap<String, String>,
    items: RawItems,
    latest_invoice: Option<RawLatestInvoice>,
}

#[derive(Deserialize)]
struct RawItems {
    data: Vec<RawItem>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct RawItem {
    price: RawPrice,
    quantity: Option<u64>,
    // Since API 2025-03-31 the period stands at the item, no longer at the subscription.
    current_period_start: Seconds,
    current_period_end: Seconds,
}

#[derive(Deserialize)]
struct RawPrice {
    id: String,
    lookup_key: Option<String>,
    product: Ref<String>,
    currency: String,
    unit_amount: Option<Cents>,
    billing_scheme: Option<String>,
    recurring: Option<RawRecurring>,
    transform_quantity: Option<IgnoredAny>,
    custom_unit_amount: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RawRecurring {
    interval: String,
    interval_count: u64,
    usage_type: Option<String>,
}

#[derive(Deserialize)]
struct RawLatestInvoice {
    id: InvoiceId,
    created: Seconds,
    status: Option<String>,
}

#[derive(Deserialize)]
struct RawCustomer {
    id: CustomerId,
    #[serde(default)]
    deleted: bool,
    email: Option<String>,
    name: Option<String>,
}

impl<T> Ref<T> {
    /// The id, whether expanded or not.
    pub fn into_id(self) -> T {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

impl TryFrom<i64> for Seconds {
    type Error = String;
    fn try_from(seconds: i64) -> Result<Self, String> {
        let sane = (1..32_503_680_000).contains(&seconds);
        if sane { Ok(Self(Moment::from_unix(seconds))) } else { Err(format!("{seconds} is not a time")) }
    }
}

impl TryFrom<i64> for Cents {
    type Error = String;
    fn try_from(cents: i64) -> Result<Self, String> {
        let sane = (0..1_000_000_000_000).contains(&cents);
        if sane { Ok(Self(cents)) } else { Err(format!("{cents} is not an amount")) }
    }
}

fn item(raw: RawItem) -> Item {
    Item {
        price: price(&raw.price),
        price_id: raw.price.id,
        lookup_key: raw.price.lookup_key,
        product_id: raw.price.product.into_id(),
        quantity: raw.quantity,
        period_start: raw.current_period_start.0,
        period_end: raw.current_period_end.0,
    }
}

/// Only plain prices are understood: so many whole cents per month or per year.
fn price(raw: &RawPrice) -> Result<Price, String> {
    let odd = |why: &str| Err(format!("the price `{}` {why}", raw.id));
    let Some(recurring) = &raw.recurring else { return odd("is paid once only") };
    if recurring.usage_type.as_deref().unwrap_or("licensed") != "licensed" {
        return odd("is metered");
    }
    if raw.billing_scheme.as_deref().unwrap_or("per_unit") != "per_unit" {
        return odd("has tiers");
    }
    if raw.transform_quantity.is_some() || raw.custom_unit_amount.is_some() {
        return odd("is not a fixed amount per server");
    }
    let every = match (recurring.interval.as_str(), recurring.interval_count) {
        ("month", 1) => Every::Month,
        ("year", 1) => Every::Year,
        (interval, 1) => return odd(&format!("is paid every {interval}")),
        (interval, count) => return odd(&format!("is paid every {count} {interval}s")),
    };
    let Some(amount) = raw.unit_amount else { return odd("is not a whole number of cents") };
    let currency = Currency::parse(&raw.currency).map_err(|error| error.to_string())?;
    Ok(Price { amount: amount.0, currency, every })
}

/// Serde quotes what it found; that may be somebody's name or address.
fn hide_quoted(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => format!("{}…{}", &text[..=first], &text[last..]),
        _ => text.to_owned(),
    }
}
