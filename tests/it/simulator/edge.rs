//! The edge before the vendors: budgets, tokens, trouble, counts; and the controls and the outbox.

use basement::adapters::http::{self, Lost};
use basement::sim::requests::Vendor;
use basement::sim::server::Options;
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::world::{Call, ClockMode, Settings, World, lock};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Sim, order};

fn ask(world: &mut World, token: &str) -> basement::sim::world::Admission {
    world.admit(&Call { vendor: Vendor::DigitalOcean, method: "GET", path: "/v2/account", token })
}

fn pass(world: &mut World, ms: i64) {
    let to = world.now_ms() + ms;
    world.advance_to(to);
}

#[test]
fn the_minute_slides() {
    let mut world = World::new(Settings::default(), ClockMode::Manual);
    for _ in 0..250 {
        assert_eq!(ask(&mut world, "t").mishap, None);
        pass(&mut world, 100);
    }
    let burst = ask(&mut world, "t");
    assert_eq!(burst.mishap, Some(Mishap::RateMinute));
    assert_eq!((burst.rate.remaining, burst.rate.retry_after), (0, Some(35)));
    assert_eq!(ask(&mut world, "another").mishap, None, "per token");
    pass(&mut world, 35_000);
    assert_eq!(ask(&mut world, "t").mishap, None);
    assert_eq!(ask(&mut world, "t").mishap, Some(Mishap::RateMinute), "one request was forgotten, not all");
}

#[test]
fn the_hour_slides_and_says_no_retry_after() {
    let settings = Settings { hourly_limit: 10, ..Settings::default() };
    let mut world = World::new(settings, ClockMode::Manual);
    let began = world.now().unix();
    for left in (0..10).rev() {
        let admission = ask(&mut world, "t");
        assert_eq!((admission.rate.remaining, admission.rate.reset), (left, began + 3_600));
        pass(&mut world, 60_000);
    }
    let spent = ask(&mut world, "t");
    assert_eq!((spent.mishap, spent.rate.retry_after), (Some(Mishap::RateHour), None));
    pass(&mut world, 3_000_000);
    assert_eq!(ask(&mut world, "t").mishap, None);
}

#[tokio::test]
async fn every_answer_tells_the_budget() {
    let settings = Settings { minute_limit: 4, ..Settings::default() };
    let sim = Sim::with(Options { settings, ..Options::default() }).await;
    for (path, status) in [("/v2/account", 200), ("/v2/droplets/1", 404), ("/v2/nowhere", 404)] {
        let answer = sim.send("GET", path, &Value::Null).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (status, Some("5000")));
        assert_eq!(answer.header("ratelimit-reset"), Some("1793613600"));
        assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 36));
        assert_eq!(answer.header("retry-after"), None);
    }
    sim.send("GET", "/v2/account", &Value::Null).await;
    let burst = sim.send("GET", "/v2/account", &Value::Null).await;
    let body: Value = serde_json::from_str(&burst.body).expect("JSON");
    assert_eq!((burst.status, &body["id"]), (429, &json!("too_many_requests")));
    assert_eq!((burst.header("retry-after"), burst.header("ratelimit-remaining")), (Some("60"), Some("0")));
}

#[tokio::test]
async fn tokens_are_asked_for_and_read_tokens_only_read() {
    let sim = Sim::start().await;
    sim.as_token(None, "GET", "/v2/droplets", 401).await;
    sim.as_token(Some("read-only"), "GET", "/v2/droplets", 200).await;
    sim.as_token(Some("read-only"), "DELETE", "/v2/droplets/1", 403).await;
    sim.create("ada").await;
    sim.as_token(Some("operator"), "DELETE", "/v2/droplets?tag_name=basement", 403).await;
    assert_eq!(lock(&sim.running.world).cloud().machines().count(), 1);
}

#[tokio::test]
async fn trouble_strikes_before_or_after_the_effect() {
    let sim = Sim::start().await;
    let count = || lock(&sim.running.world).cloud().machines().count();
    let plan = json!({ "call": "POST /v2/droplets$", "mishap": { "fail_before": 503 }, "skip": 1 });
    sim.ok("POST", "/control/trouble", &plan, 204).await;
    sim.create("first").await;
    sim.ok("POST", "/v2/droplets", &order("second"), 503).await;
    assert_eq!(count(), 1);
    let mut made = 1;
    for (mishap, status, does) in [
        (json!({ "fail_after": 500 }), Some(500), true),
        (json!("html502"), Some(502), false),
        (json!("drop"), None, true),
        (json!("rate_minute"), Some(429), false),
        (json!("rate_hour"), Some(429), false),
        (json!({ "slow": 1 }), Some(202), true),
    ] {
        sim.ok("POST", "/control/trouble", &json!({ "call": "POST /v2/drop", "mishap": mishap }), 204).await;
        let request = sim.request("POST", "/v2/droplets").json(&order("next"));
        match (http::exchange(request).await, status) {
            (Ok(answer), Some(status)) => assert_eq!(answer.status, status, "{mishap}: {}", answer.body),
            (Err(Lost::Ambiguous(_)), None) => {}
            (other, _) => panic!("{mishap}: {other:?}"),
        }
        made += usize::from(does);
        assert_eq!(count(), made, "{mishap}");
    }
    sim.create("last").await;
}

#[test]
fn a_plan_waits_for_its_calls() {
    let mut world = World::new(Settings::default(), ClockMode::Manual);
    let planned = Planned { call: "GET /v2/d".to_owned(), mishap: Mishap::Html502, skip: 1, count: 2 };
    world.trouble.planned.push(planned);
    let mut next = |path| world.trouble.next("GET", path).is_some();
    let struck =
        ["/v2/droplets", "/v2/sizes", "/v2/droplets/1", "/v2/droplets", "/v2/droplets"].map(&mut next);
    assert_eq!(struck, [false, false, true, true, false]);
}

#[tokio::test]
async fn requests_are_counted_by_vendor_and_pattern() {
    let sim = Sim::start().await;
    let id = sim.create("ada").await;
    for path in [format!("/v2/droplets/{id}"), "/v2/droplets/7".to_owned(), "/v2/tags/x".to_owned()] {
        sim.send("GET", &path, &Value::Null).await;
    }
    let counts = sim.get("/control/requests").await;
    assert_eq!(counts["vendors"], json!({ "digitalocean": 4 }));
    let calls = json!({ "GET /v2/droplets/:id": 2, "GET /v2/tags/:id": 1, "POST /v2/droplets": 1 });
    assert_eq!(counts["calls"], calls);
    sim.ok("DELETE", "/control/requests", &Value::Null, 204).await;
    assert_eq!(sim.get("/control/requests").await["calls"], json!({}));
}

#[tokio::test]
async fn the_clock_and_the_truth_are_served() {
    let sim = Sim::start().await;
    let start = sim.get("/control/clock").await;
    assert_eq!(start, json!({ "unix_ms": 1_793_610_000_000_i64, "manual": true }));
    let later = json!({ "until_ms": 1_793_610_000_500_i64 });
    for _ in 0..2 {
        let after = sim.ok("POST", "/control/clock/sleep", &later, 200).await;
        assert_eq!(after["unix_ms"], later["until_ms"]);
    }
    let id = sim.create("ada").await;
    let truth = sim.get("/control/droplets").await["droplets"][0].clone();
    assert_eq!((&truth["listed"], &truth["user_data"]), (&json!(false), &json!(true)));
    let user_data = sim.send("GET", &format!("/control/user-data/{id}"), &Value::Null).await;
    assert_eq!(user_data.body, "#cloud-config\n");
    let whim = json!({ "whim": { "no_address": 60 }, "server": "ada" });
    sim.ok("POST", "/control/whim", &whim, 204).await;
    sim.ok("POST", "/control/whim", &json!({ "whim": "rain" }), 400).await;
    sim.ok("POST", "/control/latency", &json!({ "ms": 1 }), 204).await;
    sim.ok("DELETE", "/control/droplets/ada", &Value::Null, 204).await;
    sim.ok("GET", &format!("/v2/droplets/{id}"), &Value::Null, 404).await;
    sim.ok("DELETE", "/control/droplets/ada", &Value::Null, 404).await;
}

#[tokio::test]
async fn both_vendors_stand_behind_the_edge() {
    let sim = Sim::start().await;
    lock(&sim.running.world).trouble.plan("GET /v1/", Mishap::FailBefore(500));
    let answer = sim.send("GET", "/v1/subscriptions", &Value::Null).await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &body["error"]["type"]), (500, &json!("api_error")));
    assert_eq!(answer.header("ratelimit-limit"), None);
    assert_eq!(lock(&sim.running.world).requests.of(Vendor::Stripe), 1);
}

#[tokio::test]
async fn mails_over_smtp_land_in_the_outbox() {
    let sim = Sim::start().await;
    lock(&sim.running.world).trouble.planned.push(Planned {
        call: "SMTP mail".to_owned(),
        mishap: Mishap::FailBefore(450),
        skip: 1,
        count: 1,
    });
    assert_eq!(smtp(&sim).await, "250");
    assert_eq!(smtp(&sim).await, "450");
    lock(&sim.running.world).trouble.plan("SMTP mail", Mishap::Drop);
    assert_eq!(smtp(&sim).await, "");
    let mails = sim.get("/control/outbox").await["mails"].clone();
    assert_eq!(mails.as_array().expect("mails").len(), 2);
    let mail = &mails[0];
    assert_eq!((&mail["to"], &mail["subject"]), (&json!("ada@example.com"), &json!("Hello")));
    assert_eq!((&mail["message_id"], &mail["at"]), (&json!("a.b"), &json!("2026-11-02T09:00:00Z")));
    assert!(mail["text"].as_str().expect("text").contains("body"));
    sim.ok("DELETE", "/control/outbox", &Value::Null, 204).await;
    assert!(lock(&sim.running.world).outbox.is_empty());
}

/// Sends one mail; the status after DATA, empty if the connection was cut.
async fn smtp(sim: &Sim) -> String {
    let mut line = BufReader::new(TcpStream::connect(sim.running.smtp).await.expect("open"));
    let mut answer = String::new();
    line.read_line(&mut answer).await.expect("a greeting");
    for words in [
        "HELO test",
        "MAIL FROM:<op@example.com>",
        "RCPT TO:<ada@example.com>",
        "DATA",
        "Subject: Hello\r\nMessage-ID: <a.b@example.com>\r\nTo: ada@example.com\r\n\r\nbody\r\n.",
    ] {
        answer.clear();
        line.write_all(format!("{words}\r\n").as_bytes()).await.expect("sent");
        line.read_line(&mut answer).await.expect("an answer or the end");
    }
    answer.chars().take(3).collect()
}

#[tokio::test]
async fn a_real_clock_runs_as_fast_as_told() {
    let clock = ClockMode::Real { speed: 1_000.0 };
    let sim = Sim::with(Options { clock, ..Options::default() }).await;
    let id = sim.create("ada").await;
    let until = sim.get("/control/clock").await["unix_ms"].as_i64().expect("a time") + 25_000;
    let woken = sim.ok("POST", "/control/clock/sleep", &json!({ "until_ms": until }), 200).await;
    assert!(woken["unix_ms"].as_i64().expect("a time") >= until);
    assert_eq!(sim.get(&format!("/v2/droplets/{id}")).await["droplet"]["status"], "active");
}
