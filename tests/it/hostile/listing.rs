//! Listings that lead astray: other hosts, no end, the same again, other things than asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use basement::ports::{Cloud, Fault};
use serde_json::{Value, json};

use super::calls::{CALLS, Call, Clients};
use super::raw::{Raw, whole};
use crate::digitalocean::droplet;

/// Runs a call against a server that makes its answers out of the good one, by the number of the request.
async fn run(name: &str, spoil: fn(Value, u64) -> Value) -> (Raw, Result<String, Fault>) {
    let call: &'static Call = CALLS.iter().find(|call| call.name == name).expect("a call");
    let asked = AtomicU64::new(0);
    let answer = move |head: &str| {
        let (status, body) = call.good(head);
        let body = if head.starts_with(call.strike) {
            spoil(body, asked.fetch_add(1, Ordering::SeqCst))
        } else {
            body
        };
        whole(status, body.to_string())
    };
    let server = Raw::start(Arc::new(answer)).await;
    let result = Clients::new(&server.url, Duration::from_secs(30)).run(call).await;
    (server, result)
}

fn set(mut value: Value, pointer: &str, to: Value) -> Value {
    *value.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = to;
    value
}

#[tokio::test]
async fn other_things_than_asked_for_are_refused() {
    type Spoilt = (&'static str, fn(Value, u64) -> Value, &'static str);
    let cases: [Spoilt; 22] = [
        ("droplet", |v, _| set(v, "/droplet/id", json!(43)), "asked for droplet `42`, got `43`"),
        ("droplet", |v, _| set(v, "/droplet/id", json!("sub_1")), "`droplet.id`"),
        ("droplet", |v, _| set(v, "/droplet/id", json!(-42)), "`droplet.id`"),
        (
            "droplet",
            |v, _| set(v, "/droplet/created_at", json!("0001-01-01T00:00:00Z")),
            "no time of a droplet",
        ),
        ("droplet", |v, _| set(v, "/droplet/size/price_monthly", json!(-6)), "is not a price"),
        ("droplet", |v, _| set(v, "/droplet/networks/v4/1/ip_address", json!("999.1.1.1")), "public address"),
        (
            "droplet",
            |v, _| set(v, "/droplet/networks/v4/1/type", Value::Null),
            "`droplet.networks.v4[1].type`",
        ),
        ("create", |v, _| set(v, "/droplet/name", json!("eve-1")), "`eve-1`"),
        ("power", |v, _| set(v, "/action/status", json!("splendid")), "`action.status`"),
        ("subscription", |v, _| set(v, "/id", json!("sub_2")), "asked for `sub_1`, got `sub_2`"),
        ("subscription", |v, _| set(v, "/created", json!(-1)), "is not a time"),
        ("subscription", |v, _| set(v, "/created", json!(i64::MAX)), "is not a time"),
        ("subscription", |v, _| set(v, "/items/data/0/current_period_end", json!(0)), "is not a time"),
        ("subscription", |v, _| set(v, "/items/data/0/price/unit_amount", json!(-3500)), "is not an amount"),
        ("customer", |v, _| set(v, "/id", json!("cus_2")), "asked for `cus_1`, got `cus_2`"),
        ("payment", |v, _| set(v, "/data/0/amount_paid", json!(i64::MAX)), "is not an amount"),
        ("payment", |v, _| set(v, "/data/0/amount_paid", json!(-1)), "is not an amount"),
        ("payment", |v, _| set(v, "/data/0/currency", json!("money")), "currency"),
        ("cancel", |v, _| set(v, "/status", json!("active")), "not this subscription, ended"),
        ("cancel", |v, _| set(v, "/id", json!("sub_2")), "not this subscription, ended"),
        ("refund", |v, _| set(v, "/data/0/amount", json!(-9_000)), "is not an amount"),
        (
            "refund",
            |v, _| {
                set(
                    v,
                    "/data/0",
                    json!({"id": "re_9", "amount": 1, "currency": "usd",
            "payment_intent": "pi_2"}),
                )
            },
            "got one of `pi_2`",
        ),
    ];
    for (name, spoil, word) in cases {
        let (_server, result) = run(name, spoil).await;
        let fault = result.expect_err(name);
        assert!(fault.to_string().contains(word), "{name}: {fault}");
        let writes = matches!(name, "create" | "power" | "cancel");
        assert_eq!(matches!(fault, Fault::Unknown(_)), writes, "{name}: {fault:?}");
    }
    println!("hostile vendors: {} other things", cases.len());
}

#[tokio::test]
async fn a_refund_of_another_sum_or_step_is_not_ours() {
    let spoils: [fn(Value) -> Value; 3] = [
        |v| set(v, "/amount", json!(35)),
        |v| set(v, "/currency", json!("eur")),
        |mut v| {
            v["metadata"] = json!({"basement_step": "refund/sub_2/pi_2"});
            v
        },
    ];
    let call: &'static Call = CALLS.iter().find(|c| c.name == "refund" && c.writes).expect("a call");
    for spoil in spoils {
        let answer = move |head: &str| {
            let (status, body) = call.good(head);
            whole(status, if head.starts_with("POST") { spoil(body) } else { body }.to_string())
        };
        let server = Raw::start(Arc::new(answer)).await;
        let result = Clients::new(&server.url, Duration::from_secs(30)).run(call).await;
        assert!(matches!(result, Err(Fault::Unknown(_))), "{result:?}");
    }
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let (server, result) = run("droplets", |_, n| {
        json!({"droplets": [droplet(n + 1, "ada-7f3k2m9q", "active")], "links": {"pages": {"next": "x"}},
            "meta": {"total": u64::MAX}})
    })
    .await;
    let fault = result.expect_err("endless");
    assert!(fault.to_string().contains("no end after 1000 pages"), "{fault}");
    assert_eq!(server.seen().len(), 1_000);
    for name in ["subscriptions", "payment"] {
        let (server, result) = run(name, |v, n| {
            let v = set(v, "/has_more", json!(true));
            set(v, "/data/0/id", json!(format!("sub_{n}")))
        })
        .await;
        let fault = result.expect_err("endless");
        assert!(fault.to_string().contains("no end after 1000 pages"), "{fault}");
        assert_eq!(server.seen().len(), 1_000);
    }
}

#[tokio::test]
async fn a_next_link_leads_nowhere_else() {
    let elsewhere = Raw::start(Arc::new(|_| whole(200, "{}"))).await;
    let host = elsewhere.url.trim_start_matches("http://").to_owned();
    let nexts = [
        format!("http://{host}/v2/droplets?page=2"),
        format!("https://{host}/v2/droplets?page=2"),
        format!("http://api.example.com@{host}/v2/droplets?page=2"),
        format!("//{host}/v2/droplets?page=2"),
        "file:///etc/passwd".to_owned(),
        "\r\nhost: evil".to_owned(),
    ];
    for next in nexts {
        let answer = move |head: &str| {
            let second = head.contains("&page=2");
            let links = if second { json!({}) } else { json!({"pages": {"next": next}}) };
            let id = if second { 2 } else { 1 };
            let page = json!({"droplets": [droplet(id, "ada-7f3k2m9q", "active")], "links": links,
                "meta": {"total": 2}});
            whole(200, page.to_string())
        };
        let server = Raw::start(Arc::new(answer)).await;
        let clients = Clients::new(&server.url, Duration::from_secs(30));
        let all = clients.cloud.droplets().await.expect("both pages, from here");
        assert_eq!(all.len(), 2);
        let lines: Vec<String> =
            server.seen().iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect();
        assert_eq!(lines[1], "GET /v2/droplets?tag_name=basement&per_page=200&page=2 HTTP/1.1");
    }
    assert!(elsewhere.seen().is_empty());
}
