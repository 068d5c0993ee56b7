//! What a person at the controls makes customers do: `POST /control/stripe/<verb>`, and the truth to check against.
//! A subscription is named by `subscription`, or by `user_id` (all of that user's).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::ids::{CustomerId, PaymentId, SubscriptionId};
use crate::model::moment::{Moment, Span};

use super::billing::{Books, Broken, RefundFate, Refusal};
use super::billing_life::Subscribe;
use super::billing_money::Truth;
use super::stripe_http::Now;

/// The verbs, for the message when one is not known.
const VERBS: &str = "subscribe, cancel, cancel_at_period_end, stop_paying, pay, pause, resume, pause_collection, \
                     switch_off, switch_on, delete_customer, dispute, set_status, second_item, quantity, spoil, mend, \
                     refunds, retries, break_next_write";

/// What a verb may be told; each verb reads its own.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Body {
    subscription: Option<SubscriptionId>,
    user_id: Option<String>,
    customer: Option<CustomerId>,
    payment: Option<PaymentId>,
    email: Option<String>,
    name: Option<String>,
    lookup_key: Option<String>,
    trial_days: u32,
    pay: Option<bool>,
    count: Option<usize>,
    status: Option<String>,
    quantity: Option<u64>,
    on: Option<bool>,
    after: Option<Span>,
    succeeds: Option<bool>,
    then_unpaid: Option<bool>,
    effect: bool,
}

/// Everything under `/control/stripe/`.
pub fn control(books: Arc<Mutex<Books>>, now: Now) -> Router {
    let (readers_books, readers_now) = (Arc::clone(&books), Arc::clone(&now));
    let truth = move || {
        let now = readers_now();
        let mut books = readers_books.lock().unwrap_or_else(PoisonError::into_inner);
        books.tick(now);
        let truth: BTreeMap<SubscriptionId, Truth> = books.truth();
        async move { Json(truth) }
    };
    let act = move |Path(verb): Path<String>, body: Result<Json<Body>, JsonRejection>| {
        let now = now();
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match body {
            Ok(Json(body)) => act(&mut books, now, &verb, body).map_err(|refusal| refusal.message),
            Err(rejection) => Err(rejection.body_text()),
        };
        let answer = match result {
            Ok(touched) => (StatusCode::OK, Json(json!({ "subscriptions": touched }))),
            Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))),
        };
        async move { answer as (StatusCode, Json<Value>) }
    };
    Router::new().route("/control/stripe/truth", get(truth)).route("/control/stripe/{verb}", post(act))
}

/// Does one thing; the answer names the subscriptions it was done to.
fn act(books: &mut Books, now: Moment, verb: &str, body: Body) -> Result<Vec<SubscriptionId>, Refusal> {
    match verb {
        "subscribe" => return subscribe(books, now, body),
        "refunds" | "retries" | "break_next_write" => {
            set_rules(books, verb, &body);
            return Ok(Vec::new());
        }
        _ => {}
    }
    if let ("dispute", Some(payment)) = (verb, &body.payment) {
        return books.dispute(now, payment).map(|()| Vec::new());
    }
    if let ("delete_customer", Some(customer)) = (verb, &body.customer) {
        return books.delete_customer(now, customer).map(|()| Vec::new());
    }
    let named: Vec<SubscriptionId> = match (&body.subscription, &body.user_id) {
        (Some(id), _) => vec![id.clone()],
        (None, Some(user)) => books.of_user(user),
        (None, None) => Vec::new(),
    };
    if named.is_empty() {
        let text = "no subscription is named; hint: give `subscription` or a `user_id` that has one";
        return Err(Refusal::invalid(None, text, "subscription"));
    }
    for id in &named {
        act_on(books, now, verb, id, &body)?;
    }
    Ok(named)
}

fn act_on(
    books: &mut Books,
    now: Moment,
    verb: &str,
    id: &SubscriptionId,
    body: &Body,
) -> Result<(), Refusal> {
    let on = body.on.unwrap_or(true);
    match verb {
        "cancel" => books.cancel(now, id),
        "cancel_at_period_end" => books.cancel_at_period_end(now, id, on),
        "stop_paying" => books.stop_paying(now, id),
        "pay" => books.pay(now, id),
        "pause" => books.pause(now, id),
        "resume" => books.resume(now, id),
        "pause_collection" => books.pause_collection(now, id),
        "switch_off" => books.switch_off(now, id, true),
        "switch_on" => books.switch_off(now, id, false),
        "second_item" => books.second_item(now, id),
        "quantity" => books.quantity(now, id, body.quantity.unwrap_or(2)),
        "spoil" => books.spoil(now, id, true),
        "mend" => books.spoil(now, id, false),
        "set_status" => books.set_status(now, id, body.status.as_deref().unwrap_or("active")),
        "delete_customer" => match books.customer_of(id) {
            Some(customer) => books.delete_customer(now, &customer),
            None => Err(Refusal::missing("subscription", id.as_str(), "subscription")),
        },
        "dispute" => match books.payments_of(id).last() {
            Some(payment) => books.dispute(now, payment),
            None => Err(Refusal::invalid(None, format!("`{id}` has no payment"), "subscription")),
        },
        _ => {
            let text = format!("`{verb}` is no verb of this control; hint: {VERBS}");
            Err(Refusal::invalid(None, text, ""))
        }
    }
}

fn subscribe(books: &mut Books, now: Moment, body: Body) -> Result<Vec<SubscriptionId>, Refusal> {
    const MOST: usize = 100_000;
    let lookup_key = body.lookup_key.unwrap_or_else(|| "basic-month".to_owned());
    let count = body.count.unwrap_or(1);
    if count > MOST {
        return Err(Refusal::invalid(None, format!("`count` is more than {MOST}"), "count"));
    }
    let before = books.subscription_ids().len();
    (1..=count)
        .map(|n| {
            let nth = Subscribe::nth(before + n, &lookup_key);
            // A crowd is numbered; a single customer is whoever the body says.
            let one = body.count.is_none();
            let order = Subscribe {
                user_id: body.user_id.clone().filter(|_| one).or(nth.user_id),
                email: body.email.clone().filter(|_| one).unwrap_or(nth.email),
                name: body.name.clone().filter(|_| one).unwrap_or(nth.name),
                customer: body.customer.clone(),
                trial_days: body.trial_days,
                pay: body.pay.unwrap_or(true),
                lookup_key: nth.lookup_key,
            };
            books.subscribe(now, order)
        })
        .collect()
}

fn set_rules(books: &mut Books, verb: &str, body: &Body) {
    match verb {
        "refunds" => {
            let succeeds = body.succeeds.unwrap_or(true);
            books.rules().refunds =
                body.after.map_or(RefundFate::AtOnce, |after| RefundFate::Later { after, succeeds });
        }
        "retries" => {
            let rules = books.rules();
            rules.retry_for = body.after.unwrap_or(rules.retry_for);
            rules.then_unpaid = body.then_unpaid.unwrap_or(rules.then_unpaid);
        }
        _ => books.break_next_write(if body.effect { Broken::After } else { Broken::Before }),
    }
}
