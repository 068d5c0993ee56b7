//! Stripe's event log: which event, and which subscription or payment it is about.
//! Invariant: an event that cannot be read is none: it is told, and nothing rests on it.

use serde_json::Value;

use crate::model::ids::{PaymentId, SubscriptionId};
use crate::model::insight::{Happening, StripeEvent};
use crate::model::moment::Moment;

/// Reads one event. Source: Stripe API, `event`; its object is written as of the version it was made by, so an
/// invoice may still name its subscription where it stood before 2025-03-31.
pub fn happening(value: &Value) -> Option<Happening> {
    let (id, kind) = (value["id"].as_str()?, value["type"].as_str()?);
    let at = Moment::from_unix(value["created"].as_i64()?);
    let object = &value["data"]["object"];
    let subscription = match object["object"].as_str() {
        Some("subscription") => reference(&object["id"]),
        Some("invoice") => {
            let details = &object["parent"]["subscription_details"]["subscription"];
            reference(details).or_else(|| reference(&object["subscription"]))
        }
        _ => None,
    };
    let payment = match object["object"].as_str() {
        Some("dispute") => reference(&object["payment_intent"]).or_else(|| reference(&object["charge"])),
        _ => None,
    };
    Some(Happening {
        event: StripeEvent { id: id.to_owned(), kind: kind.to_owned(), at },
        subscription: subscription.and_then(|id| SubscriptionId::parse(id).ok()),
        payment: payment.and_then(|id| PaymentId::parse(id).ok()),
    })
}

/// An id, or that of the object in its place.
fn reference(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value["id"].as_str())
}
