//! The account's objects as Stripe writes them, and `expand`.
//! Invariant: every member that Stripe's document of API 2026-09-30 requires is there, null if need be.

use serde_json::{Map, Value, json};

use crate::model::billing::Status;
use crate::model::moment::Moment;

use super::billing::{Books, CATALOGUE, CustomerRow, DISPUTED, Event, RefundRow, Refusal, SubscriptionRow};
use super::stripe_money_json as money;

/// The version whose shapes these are.
pub(super) const VERSION: &str = "2026-09-30.endive";

/// The object of an id, whatever it is; the prefix tells.
pub(super) fn object(books: &Books, id: &str) -> Option<Value> {
    let (prefix, serial) = id.split_once('_')?;
    match prefix {
        "sub" => books.subscriptions.get(id).map(|row| subscription(books, id, row)),
        "cus" => books.customers.get(id).map(|row| customer(books, id, row)),
        "in" => books.invoices.get(id).map(|row| money::invoice(books, id, row)),
        "inpay" => {
            let pi = format!("pi_{serial}");
            books.payments.get(&pi).map(|row| money::invoice_payment(books, &pi, row))
        }
        "pi" => books.payments.get(id).map(|row| money::payment_intent(books, id, row)),
        "ch" => {
            let pi = books.intent_of(id)?;
            books.payments.get(&pi).and_then(|row| money::charge(books, &pi, row))
        }
        "re" => books.refunds.get(id).map(|row| refund(id, row)),
        "price" => price(books, id),
        "prod" => product(books, id),
        "evt" => books.events().iter().find(|event| event.id == id).map(|event| self::event(books, event)),
        _ => None,
    }
}

/// The account itself.
pub(super) fn account() -> Value {
    json!({
        "id": "acct_000001", "object": "account", "charges_enabled": true, "country": "US",
        "default_currency": "usd", "details_submitted": true, "email": "shop@example.com",
        "payouts_enabled": true, "type": "standard",
    })
}

/// A page of a list.
pub(super) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    let mut page = json!({ "object": "list", "data": [], "has_more": has_more, "url": url });
    page["data"] = Value::Array(data);
    page
}

/// Replaces the ids on `path` (`data.latest_invoice.payments`) by their objects.
pub(super) fn expand(books: &Books, value: &mut Value, path: &str) -> Result<(), Refusal> {
    let refuse = |text: String| Refusal::invalid(None, text, "expand");
    if path.split('.').count() > 4 {
        return Err(refuse(format!("You cannot expand more than 4 levels of a property ({path}).")));
    }
    if walk(books, value, path) {
        return Ok(());
    }
    Err(refuse(format!("This property cannot be expanded ({path}).")))
}

/// An object with these members, and null for each of `nulls`.
pub(super) fn with_nulls(object: Value, nulls: &str) -> Value {
    let mut members = match object {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for name in nulls.split_whitespace() {
        members.entry(name).or_insert(Value::Null);
    }
    Value::Object(members)
}

/// Two objects as one.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more);
    }
    object
}

/// Unix seconds, or null.
pub(super) fn time(at: Option<Moment>) -> Value {
    at.map_or(Value::Null, |at| at.unix().into())
}

/// False if the path names something that holds no id.
fn walk(books: &Books, value: &mut Value, path: &str) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        Value::Array(items) => items.iter_mut().all(|item| walk(books, item, path)),
        Value::Object(members) if members.get("deleted").is_none() => {
            if let Some(more) = unlisted(books, members, name) {
                members.insert(name.to_owned(), more);
            }
            let Some(member) = members.get_mut(name) else { return false };
            if let Value::String(id) = member {
                let Some(found) = object(books, id) else { return false };
                *member = found;
            }
            match member {
                Value::Null => true,
                Value::Object(_) | Value::Array(_) => rest.is_empty() || walk(books, member, rest),
                _ => false,
            }
        }
        _ => true,
    }
}

/// Lists that are only there when asked for.
fn unlisted(books: &Books, members: &Map<String, Value>, name: &str) -> Option<Value> {
    let id = members.get("id")?.as_str()?;
    match (members.get("object")?.as_str()?, name) {
        ("invoice", "payments") => {
            let pi = books.invoices.get(id)?.payment.as_ref();
            let row = pi.and_then(|pi| Some((pi, books.payments.get(pi)?)));
            let data = row.map(|(pi, row)| money::invoice_payment(books, pi, row)).into_iter().collect();
            Some(list(&format!("/v1/invoice_payments?invoice={id}"), data, false))
        }
        ("charge", "refunds") => {
            let of_it = books.refunds.iter().rev().filter(|(_, row)| row.charge == id);
            let data = of_it.map(|(id, row)| refund(id, row)).collect();
            Some(list(&format!("/v1/charges/{id}/refunds"), data, false))
        }
        // A payment that is no charge names none: nothing to expand, and no mistake.
        ("invoice_payment", "charge") => Some(Value::Null),
        _ => None,
    }
}

fn subscription(books: &Books, id: &str, row: &SubscriptionRow) -> Value {
    let items: Vec<Value> = row.items.iter().map(|item| self::item(books, id, row, item)).collect();
    let details = (row.cancel_reason.is_some() || row.cancel_comment.is_some()).then(|| {
        json!({
            "comment": row.cancel_comment, "feedback": null, "feedback_option": null,
            "reason": row.cancel_reason,
        })
    });
    let pause = row.collection_paused.as_ref();
    let mut object = json!({
        "id": id, "object": "subscription",
        "automatic_tax": { "enabled": false, "disabled_reason": null, "liability": null },
        "billing_cycle_anchor": row.anchor.unix(),
        "billing_mode": { "type": "flexible", "flexible": { "proration_discounts": "included" } },
        "billing_schedules": [],
        "cancel_at": time(row.cancel_at), "cancel_at_period_end": row.cancel_at_period_end,
        "canceled_at": time(row.canceled_at), "cancellation_details": details,
        "collection_method": "charge_automatically", "created": row.created.unix(), "currency": "usd",
        "customer": row.customer, "default_tax_rates": [], "discounts": [], "ended_at": time(row.ended_at),
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": list(&format!("/v1/subscription_items?subscription={id}"), items, false),
        "latest_invoice": row.latest_invoice, "livemode": books.live, "metadata": row.metadata,
        "pause_collection": pause.map(|p| json!({ "behavior": p.behavior, "resumes_at": time(p.resumes_at) })),
        "start_date": row.created.unix(), "status": row.status,
        "trial_start": time(row.trial.map(|(start, _)| start)),
        "trial_end": time(row.trial.map(|(_, end)| end)),
        "trial_settings": { "end_behavior": { "missing_payment_method": "create_invoice" } },
    });
    if let (Status::Paused, Some(at)) = (&row.status, row.paused_at) {
        object["status_details"] = json!({
            "paused": { "subscription": { "type": "pause_requested" }, "transitioned_at": at.unix(),
                        "type": "subscription" },
        });
    }
    with_nulls(
        object,
        "application application_fee_percent billing_cycle_anchor_config billing_thresholds \
         customer_account days_until_due default_payment_method default_source description \
         managed_payments next_pending_invoice_item_invoice on_behalf_of payment_settings \
         pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock \
         transfer_data",
    )
}

fn item(books: &Books, id: &str, row: &SubscriptionRow, item: &super::billing::ItemRow) -> Value {
    let mut object = json!({
        "id": item.id, "object": "subscription_item", "billing_thresholds": null,
        "created": row.created.unix(), "current_period_end": row.end.unix(),
        "current_period_start": row.start.unix(), "current_trial": null, "discounts": [], "metadata": {},
        "plan": plan(books, item.price), "quantity": item.quantity, "subscription": id, "tax_rates": [],
    });
    if !row.spoilt {
        object["price"] = price(books, item.price.id).unwrap_or(Value::Null);
    }
    object
}

fn plan(books: &Books, price: &super::billing::CataloguePrice) -> Value {
    with_nulls(
        json!({
            "id": price.id, "object": "plan", "active": true, "amount": price.amount,
            "amount_decimal": price.amount.to_string(), "billing_scheme": "per_unit",
            "created": SEEDED, "currency": "usd", "interval": price.every, "interval_count": 1,
            "livemode": books.live, "metadata": {}, "product": price.product, "usage_type": "licensed",
        }),
        "meter nickname tiers_mode transform_usage trial_period_days",
    )
}

fn price(books: &Books, id: &str) -> Option<Value> {
    let price = CATALOGUE.iter().find(|price| price.id == id)?;
    Some(with_nulls(
        json!({
            "id": price.id, "object": "price", "active": true, "billing_scheme": "per_unit",
            "created": SEEDED, "currency": "usd", "livemode": books.live,
            "lookup_key": price.lookup_key, "metadata": {}, "product": price.product,
            "recurring": {
                "interval": price.every, "interval_count": 1, "meter": null,
                "trial_period_days": null, "usage_type": "licensed",
            },
            "tax_behavior": "unspecified", "type": "recurring", "unit_amount": price.amount,
            "unit_amount_decimal": price.amount.to_string(),
        }),
        "custom_unit_amount nickname tiers_mode transform_quantity",
    ))
}

fn product(books: &Books, id: &str) -> Option<Value> {
    let price = CATALOGUE.iter().find(|price| price.product == id)?;
    Some(with_nulls(
        json!({
            "id": id, "object": "product", "active": true, "created": SEEDED, "images": [],
            "livemode": books.live, "marketing_features": [], "metadata": { "plan": price.name },
            "name": price.name, "type": "service", "updated": SEEDED,
        }),
        "default_price description package_dimensions shippable tax_details url",
    ))
}

fn customer(books: &Books, id: &str, row: &CustomerRow) -> Value {
    if row.deleted {
        return json!({ "id": id, "object": "customer", "deleted": true });
    }
    with_nulls(
        json!({
            "id": id, "object": "customer", "balance": 0, "created": row.created.unix(),
            "delinquent": false, "email": row.email, "livemode": books.live, "metadata": {}, "name": row.name,
            "preferred_locales": [], "tax_exempt": "none",
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null,
                "rendering_options": null,
            },
        }),
        "address currency customer_account default_source description discount phone shipping test_clock",
    )
}

fn refund(id: &str, row: &RefundRow) -> Value {
    let mut object = json!({
        "id": id, "object": "refund", "amount": row.amount, "charge": row.charge,
        "created": row.created.unix(), "currency": "usd", "metadata": row.metadata,
        "payment_intent": row.payment, "reason": row.reason, "status": row.status,
    });
    match row.status {
        "pending" => object["pending_reason"] = "processing".into(),
        "failed" => object["failure_reason"] = "expired_or_canceled_card".into(),
        _ => {}
    }
    with_nulls(
        object,
        "balance_transaction customer customer_account payment_method receipt_number \
         source_transfer_reversal transfer_reversal",
    )
}

/// The object stands in it as it is now, not as it was: only its id and kind are to be relied on.
fn event(books: &Books, event: &Event) -> Value {
    let about = match event.kind {
        DISPUTED => money::dispute(books, &event.object, event.created),
        _ => object(books, &event.object),
    };
    json!({
        "id": event.id, "object": "event", "api_version": VERSION, "created": event.created.unix(),
        "data": { "object": about.unwrap_or_else(|| json!({ "id": event.object })) },
        "livemode": books.live, "pending_webhooks": 0,
        "request": { "id": null, "idempotency_key": null }, "type": event.kind,
    })
}

/// When the catalogue was made: 2026-01-01.
pub(super) const SEEDED: i64 = 1_767_225_600;
