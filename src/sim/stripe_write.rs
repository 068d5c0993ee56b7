//! The writing half of the simulated Stripe, with its idempotency store.
//! Invariant: a POST with a key is carried out at most once in 24 hours; its first result is repeated.

use serde_json::{Value, json};

use crate::model::ids::SubscriptionId;
use crate::model::moment::{Moment, Span};

use super::billing::{Books, Broken, CollectionPause, Refusal, SubscriptionRow};
use super::billing_life::{has_ended, merge};
use super::billing_money::{RefundRequest, Replay};
use super::stripe_form::Form;
use super::stripe_json;
use super::stripe_read;

/// How long results are kept. Source: Stripe, "Idempotent requests" (at least 24 hours).
const KEPT: Span = Span::days(1);

/// What may be asked of Stripe by writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Post,
    Delete,
}

/// What an update does to a paused collection.
enum Pause {
    Stays,
    Ends,
    Begins(CollectionPause),
}

/// An answer before it becomes HTTP.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    /// The first request, if this is a stored result.
    pub replay_of: Option<String>,
}

/// Writes once per key. Keys on DELETE have no effect, as at Stripe.
pub(super) fn write(
    books: &mut Books,
    now: Moment,
    (verb, path): (Verb, &str),
    form: &Form,
    (key, request_id): (Option<&str>, &str),
) -> Answer {
    let key = key.filter(|_| verb == Verb::Post);
    let fingerprint = format!("{path} {form:?}");
    if let Some(key) = key {
        if key.is_empty() || key.len() > 255 {
            let text = "Idempotency keys must be 1 to 255 characters long.";
            return refuse(&Refusal::invalid(None, text, ""), request_id);
        }
        books.replays.retain(|_, replay| now < replay.at.plus(KEPT));
        match books.replays.get(key) {
            Some(replay) if replay.fingerprint == fingerprint => {
                let (status, body) = (replay.status, replay.body.clone());
                return Answer { status, body, replay_of: Some(replay.request_id.clone()) };
            }
            Some(_) => return refuse(&other_parameters(key), request_id),
            None => {}
        }
    }
    let (answer, began) = carry_out(books, now, (verb, path), form, request_id);
    if let Some(key) = key.filter(|_| began) {
        let (status, body) = (answer.status, answer.body.clone());
        let request_id = request_id.to_owned();
        books.replays.insert(key.to_owned(), Replay { at: now, fingerprint, request_id, status, body });
    }
    answer
}

/// A refusal as an answer.
pub(super) fn refuse(refusal: &Refusal, request_id: &str) -> Answer {
    let Refusal { status, kind, code, message, param, began: _ } = refusal;
    let mut error = json!({
        "type": kind, "message": message,
        "request_log_url": format!("https://dashboard.stripe.com/acct_000001/test/logs/{request_id}"),
    });
    if let Some(code) = code {
        error["code"] = (*code).into();
        error["doc_url"] = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")).into();
    }
    if let Some(param) = param {
        error["param"] = param.as_str().into();
    }
    Answer { status: *status, body: json!({ "error": error }), replay_of: None }
}

/// The answer, and whether execution had begun.
fn carry_out(
    books: &mut Books,
    now: Moment,
    (verb, path): (Verb, &str),
    form: &Form,
    request_id: &str,
) -> (Answer, bool) {
    let broken = books.broken.take();
    let result =
        if broken == Some(Broken::Before) { Ok(Value::Null) } else { route(books, now, verb, path, form) };
    match (broken, result) {
        (Some(_), Ok(_)) => {
            let message = "An unknown error occurred".to_owned();
            let refusal =
                Refusal { status: 500, kind: "api_error", code: None, message, param: None, began: true };
            (refuse(&refusal, request_id), true)
        }
        (_, Ok(body)) => (Answer { status: 200, body, replay_of: None }, true),
        (_, Err(refusal)) => (refuse(&refusal, request_id), refusal.began),
    }
}

fn route(books: &mut Books, now: Moment, verb: Verb, path: &str, form: &Form) -> Result<Value, Refusal> {
    let id = match (verb, path.split_once('/')) {
        (Verb::Post, None) if path == "refunds" => create_refund(books, now, form)?,
        (Verb::Post, Some(("subscriptions", id))) => update(books, now, id, form)?,
        (Verb::Delete, Some(("subscriptions", id))) => cancel(books, now, id, form)?,
        _ => {
            let text = format!("Unrecognized request URL (/v1/{path}).");
            return Err(Refusal { status: 404, ..Refusal::invalid(None, text, "") });
        }
    };
    let mut body = stripe_json::object(books, &id).unwrap_or(Value::Null);
    stripe_read::expand(books, &mut body, form)?;
    Ok(body)
}

fn create_refund(books: &mut Books, now: Moment, form: &Form) -> Result<String, Refusal> {
    form.only(&["amount", "charge", "expand", "metadata", "payment_intent", "reason"])?;
    let amount = form.integer("amount")?;
    if amount.is_some_and(|amount| amount < 1) {
        let text = "Invalid positive integer";
        return Err(Refusal::invalid(Some("parameter_invalid_integer"), text, "amount"));
    }
    let reason = form.text("reason");
    if let Some(text) = reason.filter(|r| !matches!(*r, "duplicate" | "fraudulent" | "requested_by_customer"))
    {
        return Err(Refusal::invalid(None, format!("Invalid reason: {text}"), "reason"));
    }
    let ((Some(payment), None) | (None, Some(payment))) = (form.text("payment_intent"), form.text("charge"))
    else {
        let text = "One of the following params should be provided for this request: \
                    payment_intent or charge.";
        return Err(Refusal::invalid(Some("parameter_missing"), text, ""));
    };
    let mut metadata = form.map("metadata");
    metadata.retain(|_, value| !value.is_empty());
    let request =
        RefundRequest { payment: payment.to_owned(), amount, reason: reason.map(str::to_owned), metadata };
    books.refund(now, request)
}

fn update(books: &mut Books, now: Moment, id: &str, form: &Form) -> Result<String, Refusal> {
    form.only(&["cancel_at_period_end", "cancellation_details", "expand", "metadata", "pause_collection"])?;
    let at_period_end = form.flag("cancel_at_period_end")?;
    let pause = pause(form)?;
    let (metadata, clear) = (form.map("metadata"), form.text("metadata") == Some(""));
    let comment = form.text("cancellation_details[comment]").map(str::to_owned);
    let subscription = parse(id)?;
    let row = books.row(&subscription)?;
    if has_ended(&row.status) && (at_period_end.is_some() || !matches!(pause, Pause::Stays)) {
        let text = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(Refusal::not_allowed(None, text, ""));
    }
    if let Some(on) = at_period_end {
        books.cancel_at_period_end(now, &subscription, on)?;
    }
    books.change(now, &subscription, |row: &mut SubscriptionRow| {
        if clear {
            row.metadata.clear();
        }
        merge(&mut row.metadata, &metadata);
        row.cancel_comment = comment.or(row.cancel_comment.take());
        match pause {
            Pause::Stays => {}
            Pause::Ends => row.collection_paused = None,
            Pause::Begins(pause) => row.collection_paused = Some(pause),
        }
    })?;
    Ok(id.to_owned())
}

fn cancel(books: &mut Books, now: Moment, id: &str, form: &Form) -> Result<String, Refusal> {
    form.only(&["cancellation_details", "expand", "invoice_now", "prorate"])?;
    if form.flag("invoice_now")? == Some(true) || form.flag("prorate")? == Some(true) {
        return Err(Refusal::invalid(
            None,
            "The simulator makes no final invoices and no credits.",
            "prorate",
        ));
    }
    let subscription = parse(id)?;
    books.cancel(now, &subscription)?;
    if let Some(comment) = form.text("cancellation_details[comment]") {
        books.row(&subscription)?.cancel_comment = Some(comment.to_owned());
    }
    Ok(id.to_owned())
}

fn pause(form: &Form) -> Result<Pause, Refusal> {
    if form.text("pause_collection") == Some("") {
        return Ok(Pause::Ends);
    }
    let resumes_at = form.integer("pause_collection[resumes_at]")?.map(Moment::from_unix);
    match form.text("pause_collection[behavior]") {
        None => Ok(Pause::Stays),
        Some(behavior @ ("keep_as_draft" | "mark_uncollectible" | "void")) => {
            Ok(Pause::Begins(CollectionPause { behavior: behavior.to_owned(), resumes_at }))
        }
        Some(text) => {
            Err(Refusal::invalid(None, format!("Invalid behavior: {text}"), "pause_collection[behavior]"))
        }
    }
}

fn parse(id: &str) -> Result<SubscriptionId, Refusal> {
    SubscriptionId::parse(id).map_err(|_| Refusal::missing("subscription", id, "id"))
}

fn other_parameters(key: &str) -> Refusal {
    let message = format!(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. \
         Try using a key other than '{key}' if you meant to execute a different request."
    );
    Refusal { kind: "idempotency_error", ..Refusal::invalid(None, message, "") }
}
