//! The second door: keys, paging, the idempotency table, the rules of refunds, the controls.

use basement::model::moment::Span;
use basement::sim::billing::{Books, Broken};
use basement::sim::billing_life::Subscribe;

use super::{Reply, Shop, begin, begin_at, days, noon};

#[tokio::test]
async fn a_key_is_needed_and_a_reading_key_reads() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-month");
    let shop = Shop::open(books).await;
    let list = "/v1/subscriptions";
    let one = format!("/v1/subscriptions/{id}");
    // `curl -u sk_test_simulator:` and a restricted key that reads.
    let basic = "Basic c2tfdGVzdF9zaW11bGF0b3I6";
    for (method, path, authorization, status) in [
        ("GET", list, "", 401),
        ("GET", list, "Bearer pk_test_1", 401),
        ("GET", list, "Bearer sk_test_", 401),
        ("GET", list, "Bearer sk_test_1", 200),
        ("GET", list, basic, 200),
        ("GET", list, "Bearer rk_test_read_1", 200),
        ("DELETE", &one, "Bearer rk_test_read_1", 403),
        ("POST", "/v1/refunds", "Bearer rk_live_read_1", 403),
        ("GET", "/v1/account", "Bearer rk_test_1", 403),
        ("GET", "/v1/account", "Bearer sk_test_1", 200),
        ("PUT", list, "Bearer sk_test_1", 404),
        ("GET", "/v1/nothing", "Bearer sk_test_1", 404),
    ] {
        let reply = shop.send(method, path, "", &[("authorization", authorization)]).await;
        assert_eq!(reply.status, status, "{method} {path} {authorization}");
        assert!(reply.answer.header("request-id").is_some_and(|id| id.starts_with("req_")));
        if status == 403 {
            assert!(reply.body["error"]["message"].as_str().is_some_and(|text| text.contains("rak_")));
        }
        assert!(!reply.answer.body.contains("read_1"), "a key is never repeated");
    }
}

#[tokio::test]
async fn two_hundred_and_fifty_come_in_three_pages_newest_first() {
    let mut books = Books::new();
    for n in 1..=250 {
        begin_at(&mut books, noon(), Subscribe::nth(n, "basic-month"));
    }
    let shop = Shop::open(books).await;
    let (mut all, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let path = format!("/v1/subscriptions?status=all&limit=100&expand[]=data.latest_invoice{after}");
        let page = shop.get(&path).await;
        assert_eq!(page.body["data"][0]["latest_invoice"]["status"], "paid");
        all.extend(page.ids());
        pages += 1;
        after = format!("&starting_after={}", all.last().expect("not empty"));
        if page.body["has_more"] == false {
            break;
        }
    }
    assert_eq!((pages, all.len()), (3, 250));
    assert!(all.is_sorted_by(|a, b| a > b));
    let before = shop.get("/v1/subscriptions?limit=2&ending_before=sub_000248").await;
    assert_eq!(
        (before.ids(), &before.body["has_more"]),
        (vec!["sub_000250".into(), "sub_000249".into()], &false.into())
    );
    assert_eq!(shop.get("/v1/subscriptions").await.ids().len(), 10);
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("status=alive", "status"),
        ("starting_after=sub_9", "starting_after"),
        ("colour=red", "colour"),
        ("expand[]=data.status", "expand"),
    ] {
        let reply = shop.get(&format!("/v1/subscriptions?{query}")).await;
        assert_eq!((reply.status, reply.error().3), (400, Some(param)), "{query}");
    }
}

#[tokio::test]
async fn lists_filter() {
    let shop = Shop::open(Books::sample(noon(), 25)).await;
    let listed = async |path: &str| shop.get(path).await.ids().len();
    let all = listed("/v1/subscriptions?limit=100&status=all").await;
    let living = listed("/v1/subscriptions?limit=100").await;
    let canceled = listed("/v1/subscriptions?limit=100&status=canceled").await;
    assert_eq!((all, living + canceled), (25, 25));
    assert_eq!(listed("/v1/invoices?subscription=sub_000003&status=paid").await, 4);
    assert_eq!(listed("/v1/invoices?subscription=sub_000003&created[lt]=1760000000").await, 1);
    assert_eq!(listed("/v1/prices?lookup_keys[]=basic-month&lookup_keys[]=pro-year").await, 2);
    assert_eq!(listed("/v1/products").await, 3);
    assert_eq!(listed("/v1/customers?limit=100").await, 24);
    assert_eq!(listed("/v1/events?type=customer.deleted").await, 1);
}

#[tokio::test]
async fn the_first_result_of_a_key_is_the_result() {
    let mut books = Books::new();
    begin(&mut books, "basic-month");
    let shop = Shop::open(books).await;
    let refund = async |form: &str, key: &str| shop.post("/v1/refunds", form, key).await;
    let half = "payment_intent=pi_000001&amount=500&metadata[a]=b";
    let first = refund(half, "k1").await;
    assert_eq!((first.status, first.replayed()), (200, false));
    let again = refund("metadata[a]=b&amount=500&payment_intent=pi_000001", "k1").await;
    assert!(again.replayed() && again.body == first.body);
    assert_ne!(again.answer.header("request-id"), first.answer.header("request-id"));
    let other = refund("payment_intent=pi_000001&amount=600", "k1").await;
    assert_eq!(other.error().1, "idempotency_error");
    // A refusal after execution began is kept; one at the gate is not.
    assert_eq!(refund("payment_intent=pi_000001&amount=9999", "k2").await.error().3, Some("amount"));
    assert!(refund("payment_intent=pi_000001&amount=9999", "k2").await.replayed());
    assert_eq!(refund("payment_intent=pi_000001&amount=nine", "k3").await.status, 400);
    assert_eq!(refund("payment_intent=pi_000001&amount=100", "k3").await.status, 200);
    // A 500 is kept too, whether or not it had its effect.
    for (broken, key, refunds) in [(Broken::Before, "k4", 2), (Broken::After, "k5", 3)] {
        shop.books().break_next_write(broken);
        assert_eq!(refund("payment_intent=pi_000001&amount=100", key).await.error().1, "api_error");
        let again = refund("payment_intent=pi_000001&amount=100", key).await;
        assert_eq!((again.status, again.replayed()), (500, true));
        assert_eq!(shop.get("/v1/refunds?payment_intent=pi_000001").await.ids().len(), refunds);
    }
    // After a day the key is new.
    shop.pass(days(1));
    let late = refund(half, "k1").await;
    assert!(late.status == 200 && !late.replayed() && late.body["id"] != first.body["id"]);
}

#[tokio::test]
async fn refunds_keep_their_rules() {
    let mut books = Books::new();
    for _ in 0..3 {
        begin(&mut books, "basic-month");
    }
    begin_at(&mut books, noon(), Subscribe { pay: false, ..Subscribe::default() });
    let shop = Shop::open(books).await;
    let disputed = shop.control("dispute", r#"{"payment": "pi_000002"}"#).await;
    assert_eq!(disputed.status, 200);
    for (n, (form, status, code, param)) in [
        ("payment_intent=pi_000001&amount=1501", 400, None, Some("amount")),
        ("payment_intent=pi_000001&amount=0", 400, Some("parameter_invalid_integer"), Some("amount")),
        ("payment_intent=pi_000001&amount=1000&reason=requested_by_customer", 200, None, None),
        ("payment_intent=pi_000001&amount=501", 400, None, Some("amount")),
        ("charge=ch_000001", 200, None, None),
        ("charge=ch_000001", 400, Some("charge_already_refunded"), None),
        ("payment_intent=pi_000001&amount=1", 400, Some("charge_already_refunded"), None),
        ("payment_intent=pi_000002", 400, Some("charge_disputed"), None),
        ("payment_intent=pi_000003&reason=whim", 400, None, Some("reason")),
        ("payment_intent=pi_000003&charge=ch_000003", 400, Some("parameter_missing"), None),
        ("payment_intent=pi_000004", 400, None, Some("payment_intent")),
        ("payment_intent=pi_999999", 404, Some("resource_missing"), Some("payment_intent")),
        ("", 400, Some("parameter_missing"), None),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = shop.post("/v1/refunds", form, &format!("key-{n}")).await;
        if status == 200 {
            assert_eq!(reply.status, 200, "{form}: {}", reply.body);
        } else {
            assert_eq!(reply.error(), (status, "invalid_request_error", code, param), "{form}");
        }
    }
    let charge = shop.get("/v1/payment_intents/pi_000001?expand[]=latest_charge").await.body;
    assert_eq!(charge["latest_charge"]["amount_refunded"], 1_500);
    assert_eq!(charge["latest_charge"]["refunded"], true);
}

#[tokio::test]
async fn a_subscription_is_changed_and_ended() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-month");
    let shop = Shop::open(books).await;
    let path = format!("/v1/subscriptions/{id}");
    let changed = shop.post(&path, "metadata[basement_power]=off&cancel_at_period_end=true", "a").await.body;
    assert_eq!(changed["metadata"]["basement_power"], "off");
    assert_eq!(
        (&changed["cancel_at_period_end"], &changed["canceled_at"]),
        (&true.into(), &noon().unix().into())
    );
    assert_eq!(changed["ended_at"], serde_json::Value::Null);
    let back = shop.post(&path, "metadata[basement_power]=&cancel_at_period_end=false", "b").await.body;
    assert_eq!((&back["metadata"], &back["cancel_at"]), (&serde_json::json!({}), &serde_json::Value::Null));
    shop.pass(Span::minutes(5));
    let bearer = [("authorization", "Bearer sk_test_1")];
    let form = "prorate=false&invoice_now=false&cancellation_details[comment]=never%20up";
    let ended = shop.send("DELETE", &path, form, &bearer).await.body;
    assert_eq!((&ended["status"], &ended["ended_at"]), (&"canceled".into(), &shop.now().unix().into()));
    assert_eq!(ended["cancellation_details"]["comment"], "never up");
    let twice = shop.send("DELETE", &path, "", &bearer).await;
    assert_eq!(twice.error(), (404, "invalid_request_error", Some("resource_missing"), Some("id")));
    assert_eq!(shop.post(&path, "cancel_at_period_end=true", "c").await.status, 400);
    assert_eq!(shop.post(&path, "metadata[note]=gone", "d").await.body["metadata"]["note"], "gone");
}

#[tokio::test]
async fn an_end_that_was_asked_for_before_has_two_times() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-year");
    let shop = Shop::open(books).await;
    shop.pass(days(10));
    let asked = shop.now().unix();
    shop.control("cancel_at_period_end", r#"{"subscription": "sub_000001"}"#).await;
    shop.pass(days(400));
    let ended = shop.get(&format!("/v1/subscriptions/{id}")).await.body;
    let item = &ended["items"]["data"][0];
    assert_eq!((&ended["status"], &ended["canceled_at"]), (&"canceled".into(), &asked.into()));
    assert_eq!(ended["ended_at"], item["current_period_end"]);
    assert_eq!(ended["ended_at"], noon().plus(days(365)).unix());
    assert_eq!(shop.get("/v1/invoices").await.ids().len(), 1, "no renewal after the end");
    assert!(ended.get("current_period_end").is_none(), "periods are on items");
}

#[tokio::test]
async fn the_controls_do_what_customers_do() {
    let shop = Shop::open(Books::new()).await;
    let crowd = shop.control("subscribe", r#"{"count": 3, "lookup_key": "pro-month"}"#).await;
    assert_eq!(crowd.body["subscriptions"].as_array().map(Vec::len), Some(3));
    let done = async |verb: &str, body: &str| shop.control(verb, body).await.status;
    assert_eq!(done("subscribe", r#"{"user_id": "ada", "trial_days": 7}"#).await, 200);
    assert_eq!(done("pause", r#"{"user_id": "user-0001"}"#).await, 200);
    assert_eq!(done("set_status", r#"{"subscription": "sub_000002", "status": "odd"}"#).await, 200);
    assert_eq!(done("delete_customer", r#"{"user_id": "user-0003"}"#).await, 200);
    let truth: Reply = shop.send("GET", "/control/stripe/truth", "", &[]).await;
    let seen = |id: &str| truth.body[id]["status"].as_str().map(str::to_owned);
    assert_eq!(seen("sub_000001").as_deref(), Some("paused"));
    assert_eq!(seen("sub_000002").as_deref(), Some("odd"));
    assert_eq!(seen("sub_000003").as_deref(), Some("canceled"));
    assert_eq!(seen("sub_000004").as_deref(), Some("trialing"));
    assert_eq!(truth.body["sub_000004"]["paid"], 0);
    for (verb, body) in [
        ("dance", r#"{"user_id": "ada"}"#),
        ("cancel", "{}"),
        ("cancel", r#"{"user": "ada"}"#),
        ("subscribe", r#"{"lookup_key": "gold"}"#),
        ("cancel", "not json"),
    ] {
        assert!(shop.control(verb, body).await.body["error"].is_string(), "{verb} {body}");
    }
}
