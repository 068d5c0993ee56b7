//! What our adapters send while whole stories are played, and what they are answered, against the vendors'
//! own documents.

use basement::sim::requests::Exchange;
use basement::sim::trouble::Mishap;
use basement::sim::world::lock;
use serde_json::{Value, json};

use super::stage::{Stage, Way};
use super::{failed, life, lost};
use crate::contract::{Spec, form};

#[tokio::test]
async fn all_requests_and_answers_obey_the_documents() {
    let Some(spec) = Spec::load() else { return };
    let mut exchanges = played(life::cancelled).await;
    exchanges.extend(played(life::late).await);
    exchanges.extend(played(life::deleted).await);
    exchanges.extend(played(failed::stuck).await);
    exchanges.extend(played(async |stage: &mut Stage| lost::create(stage, Mishap::Drop, 1).await).await);
    exchanges
        .extend(played(async |stage: &mut Stage| lost::create(stage, Mishap::RateMinute, 2).await).await);
    // What droplets say of themselves is ours, and in no vendor's document.
    exchanges.retain(|exchange| !exchange.path.starts_with("/.well-known/"));
    let wrong: Vec<String> = exchanges.iter().filter_map(|exchange| judge(&spec, exchange)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let mut calls: Vec<String> = exchanges
        .iter()
        .map(|e| format!("{} {}", e.method, basement::sim::requests::pattern(&e.path)))
        .collect();
    calls.sort();
    calls.dedup();
    insta::assert_snapshot!(calls.join("\n"), @"
    DELETE /v1/subscriptions/:id
    DELETE /v2/droplets/:id
    GET /v1/customers/:id
    GET /v1/invoice_payments
    GET /v1/invoices
    GET /v1/payment_intents/:id
    GET /v1/refunds
    GET /v1/subscriptions
    GET /v1/subscriptions/:id
    GET /v2/account
    GET /v2/droplets
    GET /v2/droplets/:id
    GET /v2/sizes
    POST /v1/refunds
    POST /v2/droplets
    POST /v2/droplets/:id/actions
    ");
}

/// Plays a story over the wire; all its exchanges.
async fn played(play: impl AsyncFn(&mut Stage)) -> Vec<Exchange> {
    let mut stage = Stage::open(Way::Wire).await;
    lock(&stage.world).requests.exchanges = Some(Vec::new());
    play(&mut stage).await;
    let exchanges = lock(&stage.world).requests.exchanges.take();
    exchanges.expect("they were kept")
}

fn judge(spec: &Spec, exchange: &Exchange) -> Option<String> {
    let Exchange { method, path, query, request, status, answer } = exchange;
    let sent = match request.as_str() {
        "" => Value::Null,
        text if path.starts_with("/v1/") => form(text),
        text => serde_json::from_str(text).unwrap_or(json!("not JSON")),
    };
    let body = if answer.is_empty() { Value::Null } else { serde_json::from_str(answer).expect("JSON") };
    let verdict = spec
        .check_request(method, path, &sent)
        .and_then(|()| spec.check_query(method, path, query))
        .and_then(|()| spec.check_answer(method, path, *status, &body));
    verdict.err()
}
