//! Writing: creates that are never doubled, power, destroys, 429s.

use std::time::Duration;

use basement::model::ids::DropletId;
use basement::ports::{Cloud, Fault, PowerCall};
use serde_json::{Value, json};

use super::{Bench, acted, created, droplet, html, limited, order, page, trouble};
use crate::scripted::{Canned, START, Scripted};

const ID: DropletId = DropletId(42);
const CREATE: &str = "POST /v2/droplets";
const ACT: &str = "POST /v2/droplets/42/actions";
const LOOK: &str = "GET /v2/droplets/42";

fn shown(status: &str) -> Canned {
    Canned::json(200, &json!({ "droplet": droplet(42, "ada-7f3k2m9q", status) }))
}

fn unprocessable(message: &str) -> Canned {
    trouble(422, "unprocessable_entity", message)
}

#[tokio::test]
async fn a_create_says_all_at_once() {
    let bench = Bench::new([created(42)]).await;
    assert_eq!(bench.cloud.create(&order(), "#cloud-config\n").await, Ok(ID));
    let seen = bench.server.seen();
    let body: Value = serde_json::from_str(&seen[0].body).expect("JSON");
    let wanted = json!({
        "name": "ada-7f3k2m9q", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-22-04-x64",
        "ssh_keys": [289_794, "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"],
        "backups": false, "ipv6": false, "monitoring": true, "user_data": "#cloud-config\n",
        "tags": ["basement", "user-ada", "server-ada-7f3k2m9q"],
    });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn bad_user_data_is_never_sent() {
    let bench = Bench::new([created(42)]).await;
    for (bad, word) in [("x".repeat(65_537), "65536"), ("#cloud-config\n# caf\u{e9}\n".to_owned(), "line 2")]
    {
        let fault = bench.cloud.create(&order(), &bad).await.expect_err("refused");
        assert!(matches!(&fault, Fault::Refused(d) if d.message.contains(word)), "{fault}");
        assert!(fault.to_string().contains("hint:"), "{fault}");
    }
    assert!(bench.server.seen().is_empty());
    assert!(bench.cloud.create(&order(), &"x".repeat(65_536)).await.is_ok());
}

#[tokio::test]
async fn a_lost_create_is_unknown_and_sent_once() {
    let odd = Canned::json(202, &json!({"droplet": {"id": null}}));
    let torn = Canned::text(202, "{\"droplet\": {\"id\": 4");
    for lost in
        [html(502), html(520), created(42).lost(), odd, torn, Canned::text(504, ""), Canned::text(307, "")]
    {
        let bench = Bench::new([lost]).await;
        let fault = bench.cloud.create(&order(), "").await.expect_err("lost");
        assert!(matches!(fault, Fault::Unknown(_)), "{fault:?}");
        assert_eq!(bench.server.lines(), [CREATE]);
        assert!(bench.clock.waits().is_empty());
    }
}

#[tokio::test]
async fn a_refused_create_names_its_cure() {
    let cases = [
        ("creating this/these droplet(s) will exceed your droplet limit", "higher droplet limit"),
        ("Region is not available", "another region"),
        ("You specified an invalid image for Droplet creation.", "`image`"),
    ];
    for (said, cure) in cases {
        let bench = Bench::new([unprocessable(said)]).await;
        let fault = bench.cloud.create(&order(), "").await.expect_err("refused");
        let Fault::Refused(detail) = &fault else { panic!("{fault:?}") };
        assert!(detail.message.contains(said) && detail.message.contains(cure), "{}", detail.message);
        assert_eq!(detail.code.as_deref(), Some("unprocessable_entity"));
        assert_eq!(bench.server.lines(), [CREATE]);
    }
    // The other shape of errors.
    let body = json!({"error": "invalid request", "messages": ["no such key"], "root_causes": []});
    let bench = Bench::new([Canned::json(400, &body)]).await;
    let text = bench.cloud.create(&order(), "").await.expect_err("refused").to_string();
    assert!(text.contains("invalid request: no such key"), "{text}");
}

#[tokio::test]
async fn what_never_left_is_asked_again() {
    let server = Scripted::start([]).await;
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let bench = Bench::at(&base, server);
    let fault = bench.cloud.create(&order(), "").await.expect_err("nobody there");
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault:?}");
    assert_eq!(bench.clock.waits(), [1, 2, 4]);
}

#[tokio::test]
async fn a_429_is_waited_out_by_its_headers() {
    let reset = |ahead: i64| (START + ahead).to_string();
    let cases: [(Vec<Canned>, Vec<u64>); 4] = [
        // A burst: `retry-after` counts, and the remaining of 0 does not.
        (vec![limited().header("retry-after", "17").header("ratelimit-remaining", "0")], vec![17]),
        (vec![limited().header("ratelimit-reset", &reset(90))], vec![90]),
        (vec![limited().header("ratelimit-reset", &reset(-5)), limited()], vec![1, 2]),
        (vec![limited(), limited(), limited()], vec![1, 2, 4]),
    ];
    for (mut script, waits) in cases {
        let asked = script.len() + 1;
        script.push(created(42));
        let bench = Bench::new(script).await;
        assert_eq!(bench.cloud.create(&order(), "").await, Ok(ID));
        assert_eq!((bench.server.lines().len(), bench.clock.waits()), (asked, waits));
        assert_eq!(bench.pace.spent(), u64::try_from(asked).expect("few"));
    }
}

#[tokio::test]
async fn a_long_429_is_handed_back_to_all() {
    let bench = Bench::new([limited().header("ratelimit-reset", &(START + 1_800).to_string())]).await;
    let wanted = Some(Duration::from_secs(1_800));
    for _ in 0..2 {
        let fault = bench.cloud.droplets().await.expect_err("limited");
        assert!(matches!(&fault, Fault::Unavailable { after, .. } if *after == wanted), "{fault:?}");
    }
    // The second call knew without asking.
    assert_eq!((bench.server.lines().len(), bench.clock.waits().len()), (1, 0));
    // A longer `retry-after` is cut, and counts as one call's whole patience.
    let long = || limited().header("retry-after", "500");
    let bench = Bench::new([long(), long()]).await;
    let fault = bench.cloud.create(&order(), "").await.expect_err("limited");
    assert!(matches!(&fault, Fault::Unavailable { after: Some(_), .. }), "{fault:?}");
    assert_eq!((bench.server.lines().len(), bench.clock.waits()), (2, vec![120]));
}

#[tokio::test]
async fn power_that_is_so_already() {
    let bench = Bench::new([acted()]).await;
    assert_eq!(bench.cloud.power(ID, PowerCall::On).await, Ok(()));
    assert_eq!(bench.server.seen()[0].body, r#"{"type":"power_on"}"#);

    let bench = Bench::new([unprocessable("Droplet is already powered off.")]).await;
    assert_eq!(bench.cloud.power(ID, PowerCall::Off).await, Ok(()));
    assert_eq!(bench.server.lines(), [ACT]);

    let bench = Bench::new([unprocessable("no can do"), shown("off")]).await;
    assert_eq!(bench.cloud.power(ID, PowerCall::Shutdown).await, Ok(()));
    assert_eq!(bench.server.lines(), [ACT, LOOK]);

    let bench = Bench::new([unprocessable("no can do"), shown("off")]).await;
    let fault = bench.cloud.power(ID, PowerCall::On).await.expect_err("refused");
    assert!(matches!(fault, Fault::Refused(_)));
}

#[tokio::test]
async fn a_busy_droplet_is_asked_later() {
    let busy = [
        "Droplet already has a pending event.",
        "there are currently blocking events processing for one or more of the droplets",
    ];
    for said in busy {
        let bench = Bench::new([unprocessable(said)]).await;
        let fault = bench.cloud.power(ID, PowerCall::Off).await.expect_err("busy");
        let wanted = Some(Duration::from_secs(10));
        assert!(matches!(&fault, Fault::Unavailable { after, .. } if *after == wanted), "{fault:?}");
        assert_eq!(bench.server.lines(), [ACT]);
    }
}

#[tokio::test]
async fn lost_power_is_looked_at_and_tried_once_more() {
    let bench = Bench::new([html(502), shown("off")]).await;
    assert_eq!(bench.cloud.power(ID, PowerCall::Off).await, Ok(()));
    assert_eq!(bench.server.lines(), [ACT, LOOK]);

    let bench = Bench::new([acted().lost(), shown("active"), acted()]).await;
    assert_eq!(bench.cloud.power(ID, PowerCall::Off).await, Ok(()));
    assert_eq!(bench.server.lines(), [ACT, LOOK, ACT]);

    // Whatever the second try says, the first may have been carried out.
    for second in [html(502), unprocessable("Droplet already has a pending event.")] {
        let bench = Bench::new([html(502), shown("active"), second]).await;
        let fault = bench.cloud.power(ID, PowerCall::Off).await.expect_err("lost");
        assert!(matches!(fault, Fault::Unknown(_)), "{fault:?}");
        assert_eq!(bench.server.lines(), [ACT, LOOK, ACT]);
    }
}

#[tokio::test]
async fn destroying_what_is_gone_is_fine() {
    let gone = || trouble(404, "not_found", "The resource you were accessing could not be found.");
    let bench = Bench::new([Canned::text(204, ""), gone()]).await;
    assert_eq!(bench.cloud.destroy(ID).await, Ok(()));
    assert_eq!(bench.cloud.destroy(ID).await, Ok(()));
    assert_eq!(bench.server.lines(), ["DELETE /v2/droplets/42"; 2]);

    let bench = Bench::new([html(502), gone()]).await;
    assert_eq!(bench.cloud.destroy(ID).await, Ok(()));
    assert_eq!(bench.clock.waits(), [1]);

    // After a lost reply a refusal no longer proves that nothing happened.
    let bench = Bench::new([html(502), unprocessable("Droplet already has a pending event.")]).await;
    assert!(matches!(bench.cloud.destroy(ID).await, Err(Fault::Unknown(_))));
    let bench = Bench::new([html(502), html(502), html(502), html(502)]).await;
    assert!(matches!(bench.cloud.destroy(ID).await, Err(Fault::Unknown(_))));
    assert_eq!(bench.clock.waits(), [1, 2, 4]);
    let bench = Bench::new([trouble(403, "forbidden", "no")]).await;
    let fault = bench.cloud.destroy(ID).await.expect_err("refused");
    assert!(fault.is_credentials() && fault.to_string().contains("`droplet:delete`"), "{fault}");
}

#[tokio::test]
async fn creates_stop_at_the_reserve_and_cleaning_goes_on() {
    let low = Canned::json(200, &page([], 0, None))
        .header("ratelimit-limit", "5000")
        .header("ratelimit-remaining", "99")
        .header("ratelimit-reset", &(START + 600).to_string());
    let bench = Bench::new([low.clone(), Canned::text(204, ""), low]).await;
    bench.cloud.droplets().await.expect("a listing");
    let fault = bench.cloud.create(&order(), "").await.expect_err("no budget");
    let wanted = Some(Duration::from_secs(600));
    assert!(matches!(&fault, Fault::Unavailable { after, .. } if *after == wanted), "{fault:?}");
    assert!(fault.to_string().contains("99 requests left"), "{fault}");
    assert_eq!(bench.cloud.destroy(ID).await, Ok(()));
    bench.cloud.droplets().await.expect("a listing");
    assert!(bench.clock.waits().is_empty());
}

#[tokio::test]
async fn no_fault_shows_the_token() {
    let bench = Bench::new([trouble(422, "unprocessable_entity", "bad token dop_v1_abcdef0123 here")]).await;
    let fault = bench.cloud.create(&order(), "").await.expect_err("refused");
    assert!(!format!("{fault:?} {fault}").contains("abcdef0123"), "{fault:?}");
}
