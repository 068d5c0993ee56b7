//! The reading half of the simulated Stripe: one object, or a page of a list, newest first.

use serde_json::Value;

use crate::model::billing::Status;
use crate::model::moment::Moment;

use super::billing::{Books, CATALOGUE, Refusal};
use super::billing_life::has_ended;
use super::stripe_form::Form;
use super::stripe_json;
use super::stripe_money_json::inpay;

/// What can be read: the path, its objects' prefix and name, and the filters of its list.
const COLLECTIONS: [(&str, &str, &str, &[&str]); 10] = [
    ("charges", "ch_", "charge", &["customer", "payment_intent"]),
    ("customers", "cus_", "customer", &["email"]),
    ("events", "evt_", "event", &["type", "types"]),
    ("invoice_payments", "inpay_", "invoice_payment", &["invoice", "status"]),
    ("invoices", "in_", "invoice", &["customer", "status", "subscription"]),
    ("payment_intents", "pi_", "payment_intent", &["customer"]),
    ("prices", "price_", "price", &["active", "lookup_keys", "product"]),
    ("products", "prod_", "product", &["active", "ids"]),
    ("refunds", "re_", "refund", &["charge", "payment_intent"]),
    ("subscriptions", "sub_", "subscription", &["customer", "price", "status"]),
];

/// One object by its path, e.g. `invoices`, `in_000001`.
pub(super) fn one(books: &Books, collection: &str, id: &str, form: &Form) -> Result<Value, Refusal> {
    form.only(&["expand"])?;
    let mut found = find(books, collection, id, "id")?;
    expand(books, &mut found, form)?;
    Ok(found)
}

/// One object; a 404 names `param`.
pub(super) fn find(books: &Books, collection: &str, id: &str, param: &str) -> Result<Value, Refusal> {
    let (_, prefix, name, _) = known(collection)?;
    let found = Some(id).filter(|id| id.starts_with(prefix)).and_then(|id| stripe_json::object(books, id));
    found.ok_or_else(|| Refusal::missing(name, id, param))
}

/// Expands what `expand[]` names.
pub(super) fn expand(books: &Books, value: &mut Value, form: &Form) -> Result<(), Refusal> {
    form.list("expand").into_iter().try_for_each(|path| stripe_json::expand(books, value, path))
}

/// A page of a list.
pub(super) fn page(books: &Books, collection: &str, form: &Form) -> Result<Value, Refusal> {
    let (_, _, _, filters) = known(collection)?;
    let common = ["created", "ending_before", "expand", "limit", "starting_after"];
    form.only(&[&common, filters].concat())?;
    let limit = limit(form)?;
    let mut ids = Vec::new();
    for (id, created) in filtered(books, collection, form)? {
        if form.admits(created)? {
            ids.push(id);
        }
    }
    // Ids are counters: the newest is the greatest, and a cursor works after its object left the filter.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let cursor = |name: &str| match form.text(name) {
        Some(id) => find(books, collection, id, name)
            .map(|_| Some(id.to_owned()))
            .map_err(|refusal| Refusal { status: 400, ..refusal }),
        None => Ok(None),
    };
    let (after, before) = (cursor("starting_after")?, cursor("ending_before")?);
    ids.retain(|id| after.as_ref().is_none_or(|c| id < c) && before.as_ref().is_none_or(|c| id > c));
    let has_more = ids.len() > limit;
    let shown =
        if before.is_some() { &ids[ids.len().saturating_sub(limit)..] } else { &ids[..limit.min(ids.len())] };
    let data = shown.iter().filter_map(|id| stripe_json::object(books, id)).collect();
    let mut page = stripe_json::list(&format!("/v1/{collection}"), data, has_more);
    expand(books, &mut page, form)?;
    Ok(page)
}

fn known(
    collection: &str,
) -> Result<(&'static str, &'static str, &'static str, &'static [&'static str]), Refusal> {
    COLLECTIONS.into_iter().find(|(path, ..)| *path == collection).ok_or_else(|| Refusal {
        status: 404,
        ..Refusal::invalid(None, format!("Unrecognized request URL (/v1/{collection})."), "")
    })
}

fn limit(form: &Form) -> Result<usize, Refusal> {
    let limit = form.integer("limit")?.unwrap_or(10);
    let bad = |text: String| Refusal::invalid(Some("parameter_invalid_integer"), text, "limit");
    match limit {
        ..1 => {
            Err(bad(format!("This value must be greater than or equal to 1 (it currently is '{limit}').")))
        }
        101.. => {
            Err(bad(format!("This value must be less than or equal to 100 (it currently is '{limit}').")))
        }
        _ => Ok(usize::try_from(limit).unwrap_or(10)),
    }
}

/// Ids and times of what passes the collection's own filters.
fn filtered(books: &Books, collection: &str, form: &Form) -> Result<Vec<(String, Moment)>, Refusal> {
    let same = |name: &str, value: &str| form.text(name).is_none_or(|wanted| wanted == value);
    let among = |name: &str, value: &str| {
        let wanted = form.list(name);
        wanted.is_empty() || wanted.contains(&value)
    };
    let took = |(id, at): (&String, Moment)| (id.clone(), at);
    let charges = books.payments.iter().filter_map(|(pi, p)| Some((pi, p, p.charge.as_ref()?)));
    let seeded = Moment::from_unix(stripe_json::SEEDED);
    let inactive = form.flag("active")? == Some(false);
    Ok(match collection {
        "subscriptions" => subscriptions(books, form)?,
        "customers" => {
            let there = books.customers.iter().filter(|(_, row)| !row.deleted);
            let kept = there.filter(|(_, row)| same("email", row.email.as_deref().unwrap_or("")));
            kept.map(|(id, row)| took((id, row.created))).collect()
        }
        "invoices" => {
            let kept = books.invoices.iter().filter(|(_, row)| {
                same("customer", &row.customer)
                    && same("status", row.status.word())
                    && same("subscription", &row.subscription)
            });
            kept.map(|(id, row)| took((id, row.created))).collect()
        }
        "invoice_payments" => {
            let status = |row: &super::billing::PaymentRow| match (&row.charge, row.canceled_at) {
                (Some(_), _) => "paid",
                (None, Some(_)) => "canceled",
                (None, None) => "open",
            };
            let kept = books.payments.iter();
            let kept = kept.filter(|(_, row)| same("invoice", &row.invoice) && same("status", status(row)));
            kept.map(|(pi, row)| (inpay(pi), row.created)).collect()
        }
        "payment_intents" => {
            let kept = books.payments.iter().filter(|(_, row)| same("customer", &row.customer));
            kept.map(|(id, row)| took((id, row.created))).collect()
        }
        "charges" => charges
            .filter(|(pi, row, _)| same("payment_intent", pi) && same("customer", &row.customer))
            .map(|(_, _, (id, at))| took((id, *at)))
            .collect(),
        "refunds" => {
            let kept = books.refunds.iter();
            let kept = kept.filter(|(_, r)| same("payment_intent", &r.payment) && same("charge", &r.charge));
            kept.map(|(id, row)| took((id, row.created))).collect()
        }
        "events" => {
            let kept = books.events().iter().filter(|e| same("type", e.kind) && among("types", e.kind));
            kept.map(|event| took((&event.id, event.created))).collect()
        }
        _ if inactive => Vec::new(),
        "prices" => {
            let kept = CATALOGUE.iter();
            let kept = kept.filter(|p| among("lookup_keys", p.lookup_key) && same("product", p.product));
            kept.map(|price| (price.id.to_owned(), seeded)).collect()
        }
        _ => {
            let mut products: Vec<_> = CATALOGUE.iter().map(|price| price.product).collect();
            products.dedup();
            let kept = products.into_iter().filter(|id| among("ids", id));
            kept.map(|id| (id.to_owned(), seeded)).collect()
        }
    })
}

/// Without `status`, Stripe leaves out the cancelled ones.
fn subscriptions(books: &Books, form: &Form) -> Result<Vec<(String, Moment)>, Refusal> {
    let wanted = form.text("status");
    if let Some(text) = wanted.filter(|text| !matches!(*text, "all" | "ended"))
        && let Status::Other(_) = Status::from(text.to_owned())
    {
        return Err(Refusal::invalid(None, format!("Invalid status: {text}"), "status"));
    }
    let by_status = |status: &Status| match wanted {
        None => *status != Status::Canceled,
        Some("all") => true,
        Some("ended") => has_ended(status),
        Some(text) => status.to_string() == text,
    };
    let (customer, price) = (form.text("customer"), form.text("price"));
    let kept = books.subscriptions.iter().filter(|(_, row)| {
        by_status(&row.status)
            && customer.is_none_or(|wanted| row.customer == wanted)
            && price.is_none_or(|wanted| row.items.iter().any(|item| item.price.id == wanted))
    });
    Ok(kept.map(|(id, row)| (id.clone(), row.created)).collect())
}
