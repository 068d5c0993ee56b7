//! The Stripe adapter: listing, reading, modes, keys and errors.

use std::sync::Arc;
use std::time::Duration;

use basement::adapters::stripe::{BadSetup, Stripe};
use basement::model::billing::Status;
use basement::model::desired::Every;
use basement::model::ids::{CustomerId, PaymentId, SubscriptionId};
use basement::model::money::Currency;
use basement::model::policy::Mode;
use basement::ports::{Billing, Fault};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::scripted::VirtualClock;
use crate::stripe_script::{Script, answer, error, lost, ok, page};

fn subscription(id: &str) -> Value {
    json!({
        "id": id, "object": "subscription", "customer": "cus_1", "status": "active", "livemode": false,
        "created": 1_790_000_000, "ended_at": null, "cancel_at": null, "cancel_at_period_end": false,
        "pause_collection": null, "metadata": {"user_id": "ada"}, "something_new": {"a": [1]},
        "items": {"object": "list", "has_more": false, "url": "/v1/x", "data": [{
            "id": "si_1", "quantity": 1, "current_period_start": 1_790_000_000,
            "current_period_end": 1_792_592_000, "price": price(),
        }]},
        "latest_invoice": {"id": "in_1", "object": "invoice", "created": 1_790_000_000, "status": "paid",
            "livemode": false},
    })
}

fn price() -> Value {
    json!({
        "id": "price_1", "lookup_key": "pro_month", "product": "prod_1", "currency": "usd",
        "unit_amount": 3500, "unit_amount_decimal": "3500", "billing_scheme": "per_unit", "type": "recurring",
        "transform_quantity": null, "custom_unit_amount": null,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
    })
}

fn id(text: &str) -> SubscriptionId {
    SubscriptionId::parse(text).unwrap()
}

fn make(base: &str, key: &str, mode: Mode) -> Result<Stripe, BadSetup> {
    Stripe::new(base, SecretString::from(key), mode, Arc::new(VirtualClock::default()), "basement/test")
}

#[tokio::test]
async fn all_pages_are_read() {
    let all: Vec<Value> = (0..250).rev().map(|n| subscription(&format!("sub_{n:03}"))).collect();
    let script =
        Script::start(vec![page(&all[..100], true), page(&all[100..200], true), page(&all[200..], false)])
            .await;
    let reading = script.stripe.subscriptions().await.unwrap();
    assert_eq!(reading.subscriptions.len(), 250);
    assert!(reading.unreadable.is_empty());
    assert!(reading.subscriptions.windows(2).all(|pair| pair[0].id < pair[1].id));
    let asked = script.asked();
    assert!(asked.iter().all(|asked| asked.query("status") == Some("all")
        && asked.query("limit") == Some("100")
        && asked.query("expand[0]") == Some("data.latest_invoice")));
    let cursors: Vec<_> = asked.iter().map(|asked| asked.query("starting_after")).collect();
    assert_eq!(cursors, [None, Some("sub_150"), Some("sub_050")]);
}

#[tokio::test]
async fn a_subscription_is_read_whole() {
    let script = Script::start(vec![ok(&subscription("sub_1"))]).await;
    let read = script.stripe.subscription(&id("sub_1")).await.unwrap().unwrap();
    assert_eq!(read.customer.as_str(), "cus_1");
    assert_eq!(read.user_id.as_deref(), Some("ada"));
    assert!(!read.switched_off && !read.collection_paused);
    assert!(read.latest_invoice.as_ref().unwrap().paid);
    let item = &read.items[0];
    let price = item.price.clone().unwrap();
    assert_eq!((price.amount, price.currency, price.every), (3500, Currency::USD, Every::Month));
    assert_eq!((item.lookup_key.as_deref(), item.quantity), (Some("pro_month"), Some(1)));
    assert_eq!(script.asked()[0].query("expand[0]"), Some("latest_invoice"));
}

#[tokio::test]
async fn one_unreadable_item_is_named_and_the_others_stay() {
    let mut bad = subscription("sub_2");
    bad["items"]["data"][0].as_object_mut().unwrap().remove("price");
    let nameless = json!({"object": "subscription", "livemode": false});
    let list = [subscription("sub_3"), bad, nameless, subscription("sub_1")];
    let script = Script::start(vec![page(&list, false)]).await;
    let reading = script.stripe.subscriptions().await.unwrap();
    let ids: Vec<_> = reading.subscriptions.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["sub_1", "sub_3"]);
    assert_eq!(reading.unreadable.len(), 2);
    assert_eq!(reading.unreadable[0].id, None);
    assert_eq!(reading.unreadable[1].id, Some(id("sub_2")));
    assert_eq!(reading.unreadable[1].why, "items.data[0]: missing field `price`");
}

#[tokio::test]
async fn expanded_and_deleted_customers_and_unknown_statuses_are_read() {
    let mut deleted = subscription("sub_1");
    deleted["customer"] = json!({"id": "cus_9", "object": "customer", "deleted": true});
    deleted["items"]["data"][0]["price"]["product"] = json!({"id": "prod_9", "deleted": true});
    let mut odd = subscription("sub_2");
    odd["status"] = json!("hibernating");
    odd["metadata"] = json!({"basement_power": "off"});
    odd["pause_collection"] = json!({"behavior": "void", "resumes_at": null});
    let script = Script::start(vec![page(&[deleted, odd], false)]).await;
    let read = script.stripe.subscriptions().await.unwrap().subscriptions;
    assert_eq!(read[0].customer.as_str(), "cus_9");
    assert_eq!(read[0].items[0].product_id, "prod_9");
    assert_eq!(read[1].status, Status::Other("hibernating".to_owned()));
    assert!(read[1].switched_off && read[1].collection_paused && read[1].user_id.is_none());
}

#[test]
fn odd_prices_are_named_as_odd() {
    let odd = [
        ("/recurring/interval_count", json!(3), "is paid every 3 months"),
        ("/recurring/interval", json!("week"), "is paid every week"),
        ("/recurring/usage_type", json!("metered"), "is metered"),
        ("/recurring", Value::Null, "is paid once only"),
        ("/billing_scheme", json!("tiered"), "has tiers"),
        ("/transform_quantity", json!({"divide_by": 2}), "is not a fixed amount per server"),
        ("/unit_amount", Value::Null, "is not a whole number of cents"),
    ];
    for (pointer, value, why) in odd {
        let mut json = subscription("sub_1");
        *json["items"]["data"][0]["price"].pointer_mut(pointer).unwrap() = value;
        let read = basement::wire::stripe::subscription(json).unwrap();
        assert_eq!(read.items[0].price, Err(format!("the price `price_1` {why}")));
    }
}

#[tokio::test]
async fn a_list_without_progress_is_a_fault() {
    let twice = subscription("sub_1");
    let script = Script::start(vec![page(std::slice::from_ref(&twice), true), page(&[twice], true)]).await;
    let fault = script.stripe.subscriptions().await.unwrap_err();
    assert!(fault.to_string().contains("name `sub_1` twice"), "{fault}");

    let script = Script::start(vec![page(&[], true)]).await;
    assert!(matches!(script.stripe.subscriptions().await, Err(Fault::Unavailable { .. })));
}

#[tokio::test]
async fn live_and_test_are_never_mixed() {
    let mut live = subscription("sub_2");
    live["livemode"] = json!(true);
    let script = Script::start(vec![page(&[subscription("sub_1"), live], false)]).await;
    let fault = script.stripe.subscriptions().await.unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)));
    assert!(fault.to_string().contains("`sub_2` is of live mode, but this fleet is of test mode"), "{fault}");

    let base = "https://api.stripe.com";
    assert!(make(base, "rk_live_1", Mode::Live).is_ok());
    assert_eq!(make(base, "rk_live_1", Mode::Test).err(), Some(BadSetup::Mode("live", "test")));
    assert_eq!(make(base, "sk_test_1", Mode::Live).err(), Some(BadSetup::Mode("test", "live")));
    for key in ["", "sk_test_", "pk_test_1", "sk_test_1\n", "sk_prod_1", "whsec_1"] {
        assert_eq!(make(base, key, Mode::Test).err(), Some(BadSetup::Key), "{key}");
    }
}

#[test]
fn a_key_goes_only_where_nobody_listens() {
    for base in ["https://api.stripe.com/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1/a/"] {
        assert!(make(base, "sk_test_1", Mode::Test).is_ok(), "{base}");
    }
    for base in ["http://api.stripe.com", "http://10.0.0.1", "ftp://localhost", "https://a:b@c.d", "nothing"]
    {
        assert!(matches!(make(base, "sk_test_1", Mode::Test), Err(BadSetup::Address(_))), "{base}");
    }
    let text = format!("{:?}", make("https://api.stripe.com", "sk_test_hush", Mode::Test).unwrap());
    assert!(!text.contains("hush"), "{text}");
}

#[tokio::test]
async fn a_customer_is_read_and_a_deleted_one_has_no_address() {
    let cus = CustomerId::parse("cus_1").unwrap();
    let script = Script::start(vec![
        ok(&json!({"id": "cus_1", "email": "ada@example.com", "name": "Ada", "livemode": false})),
        ok(&json!({"id": "cus_1", "object": "customer", "deleted": true})),
        error(404, "invalid_request_error", Some("resource_missing"), "No such customer: 'cus_1'"),
        ok(&json!({"id": "cus_1", "email": {"x": "ada@example.com"}, "livemode": false})),
        ok(&json!({"id": 7, "email": "ada@example.com", "name": 5, "livemode": false})),
    ])
    .await;
    let ada = script.stripe.customer(&cus).await.unwrap().unwrap();
    assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
    let gone = script.stripe.customer(&cus).await.unwrap().unwrap();
    assert!(gone.deleted && gone.email.is_none());
    assert_eq!(script.stripe.customer(&cus).await.unwrap(), None);
    for _ in 0..2 {
        let fault = script.stripe.customer(&cus).await.unwrap_err();
        assert!(matches!(fault, Fault::Refused(_)));
        assert!(!format!("{fault:?}").contains("ada@"), "{fault:?}");
    }
}

#[tokio::test]
async fn a_get_is_tried_again_and_html_is_no_answer() {
    let html = || answer(502, "<html><body>Bad Gateway sk_test_51secretsecretsecret</body></html>");
    let script = Script::start(vec![html(), lost(), ok(&subscription("sub_1"))]).await;
    assert!(script.stripe.subscription(&id("sub_1")).await.unwrap().is_some());
    assert_eq!(script.waits(), [500, 1000]);

    let script = Script::start(vec![html(), html(), html(), html()]).await;
    let fault = script.stripe.subscription(&id("sub_1")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault:?}");
    assert_eq!(script.waits(), [500, 1000, 2000]);
    assert_eq!(fault.detail().status, Some(502));
    assert!(fault.detail().body.contains("Bad Gateway"));
    assert!(!format!("{fault:?}").contains("51secret"), "{fault:?}");

    let script = Script::start(vec![answer(200, "<html>welcome to the hotel</html>")]).await;
    let fault = script.stripe.subscription(&id("sub_1")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault:?}");

    let script = Script::start(vec![answer(404, "<html>not here</html>")]).await;
    let fault = script.stripe.subscription(&id("sub_1")).await.unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)), "a proxy's 404 is no word of Stripe's");
}

#[tokio::test]
async fn stripe_says_when_to_ask_again() {
    let limit = || error(429, "invalid_request_error", Some("rate_limit"), "Too many requests");
    let script = Script::start(vec![
        limit().header("retry-after", "7"),
        limit().header("retry-after", "900"),
        limit().header("stripe-should-retry", "false").header("retry-after", "60"),
    ])
    .await;
    let fault = script.stripe.subscription(&id("sub_1")).await.unwrap_err();
    assert!(
        matches!(&fault, Fault::Unavailable { after: Some(after), .. } if *after == Duration::from_secs(60))
    );
    assert_eq!(script.waits(), [7_000, 30_000]);

    let script = Script::start(vec![
        error(400, "invalid_request_error", None, "odd").header("stripe-should-retry", "true"),
        ok(&subscription("sub_1")),
    ])
    .await;
    assert!(script.stripe.subscription(&id("sub_1")).await.is_ok());
}

#[tokio::test]
async fn refused_keys_are_told_with_a_cure() {
    let script = Script::start(vec![
        error(401, "invalid_request_error", None, "Invalid API Key provided: sk_test_51secretsecretsecret"),
        error(403, "invalid_request_error", None, "needs rak_subscription_read, said ada@example.com"),
    ])
    .await;
    let fault = script.stripe.subscriptions().await.unwrap_err();
    assert!(fault.is_credentials());
    assert!(fault.to_string().contains("hint: check that `STRIPE_API_KEY`"), "{fault}");
    assert!(!format!("{fault:?}").contains("51secret"), "{fault:?}");
    let fault = script.stripe.subscription(&id("sub_1")).await.unwrap_err();
    assert!(fault.is_credentials());
    let text = fault.to_string();
    assert!(text.contains("`Subscriptions (and Invoices: read)`: read"), "{text}");
    assert!(text.contains("rak_subscription_read") && text.contains("[request req_1]"), "{text}");
    assert!(!text.contains("ada@"), "{text}");
    assert_eq!(fault.detail().code.as_deref(), Some("invalid_request_error"));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stripe = make(&base, "sk_test_1", Mode::Test).unwrap();
    assert!(matches!(stripe.cancel(&id("sub_1")).await, Err(Fault::Unavailable { .. })));
}

#[tokio::test]
async fn events_name_what_they_are_about() {
    let event = |id: &str, kind: &str, object: Value| {
        json!({
            "id": id, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": false,
            "data": {"object": object},
        })
    };
    let newest = [
        event("evt_5", "customer.subscription.deleted", json!({"object": "subscription", "id": "sub_1"})),
        event(
            "evt_4",
            "invoice.paid",
            json!({"object": "invoice", "id": "in_1", "parent": {"subscription_details": {"subscription": "sub_2"}}}),
        ),
        // As it was written before 2025-03-31.
        event("evt_3", "invoice.paid", json!({"object": "invoice", "subscription": {"id": "sub_3"}})),
    ];
    let oldest = [
        event(
            "evt_2",
            "charge.dispute.created",
            json!({"object": "dispute", "charge": "ch_1", "payment_intent": null}),
        ),
        json!({"id": "evt_1", "type": 7, "livemode": false}),
    ];
    let script = Script::start(vec![page(&newest, true), page(&oldest, false)]).await;
    let kinds = ["invoice.paid", "customer.subscription.deleted", "charge.dispute.created"].into();
    let since = basement::model::moment::Moment::from_unix(1_789_000_000);
    let found = script.stripe.events(&kinds, since).await.unwrap();
    let about: Vec<(&str, Option<&str>, Option<&str>)> = found
        .iter()
        .map(|found| {
            let payment = found.payment.as_ref().map(PaymentId::as_str);
            (found.event.id.as_str(), found.subscription.as_ref().map(SubscriptionId::as_str), payment)
        })
        .collect();
    let wanted = [
        ("evt_5", Some("sub_1"), None),
        ("evt_4", Some("sub_2"), None),
        ("evt_3", Some("sub_3"), None),
        ("evt_2", None, Some("ch_1")),
    ];
    assert_eq!(about, wanted);
    let asked = script.asked();
    assert_eq!(asked[0].query("created[gte]"), Some("1789000000"));
    assert_eq!(asked[0].query("types[0]"), Some("charge.dispute.created"));
    assert_eq!(asked[1].query("starting_after"), Some("evt_3"));
}
