//! Reading: pages, networks, torn and odd answers, retries, wrong tokens.

use std::sync::Arc;

use basement::adapters::digitalocean::DigitalOcean;
use basement::adapters::pace::Pace;
use basement::model::census::DropletStatus;
use basement::model::ids::{DropletId, ServerName, Slug};
use basement::model::money::Money;
use basement::ports::{Cloud, Fault};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Bench, TOKEN, droplet, html, page, trouble};
use crate::scripted::{Canned, Scripted, VirtualClock};

const LIST: &str = "GET /v2/droplets?tag_name=basement&per_page=200";

fn ok(body: &Value) -> Canned {
    Canned::json(200, body)
}

fn one(droplet: &Value) -> Value {
    json!({ "droplet": droplet })
}

#[tokio::test]
async fn a_listing_has_all_its_pages() {
    let next = "http://127.0.0.1:1/v2/droplets?page=2";
    let bench =
        Bench::new([ok(&page(1..=200, 401, Some(next))), ok(&page(201..=400, 401, Some(next)))]).await;
    let fault = bench.cloud.droplets().await.expect_err("the third page is missing");
    assert_eq!(fault.detail().status, Some(418));

    let pages = [page(1..=200, 401, Some(next)), page(201..=400, 401, Some(next)), page([401], 401, None)];
    let bench = Bench::new(pages.iter().map(ok)).await;
    let droplets = bench.cloud.droplets().await.expect("a listing");
    assert_eq!(droplets.iter().map(|d| d.id.0).collect::<Vec<_>>(), (1..=401).collect::<Vec<_>>());
    // `next` names another host; pages are counted, and the token stays where it belongs.
    let lines = [LIST.to_owned(), format!("{LIST}&page=2"), format!("{LIST}&page=3")];
    assert_eq!(bench.server.lines(), lines);
    let bearer = format!("Bearer {TOKEN}");
    assert!(bench.server.seen().iter().all(|seen| seen.header("authorization") == Some(&*bearer)));
    assert_eq!(bench.pace.spent(), 3);
    assert!(bench.clock.waits().is_empty());
}

#[tokio::test]
async fn shifted_pages_are_read_anew() {
    let next = Some("/x");
    let pages = [
        page(1..=200, 201, next),
        page([200], 201, None), // one was made in front: its neighbour is seen twice, another is missed
        page(1..=200, 202, next),
        page([201], 201, None), // one was deleted in between
        page(1..=200, 201, next),
        page([201], 201, None),
    ];
    let bench = Bench::new(pages.iter().map(ok)).await;
    assert_eq!(bench.cloud.droplets().await.expect("a listing").len(), 201);
    assert_eq!((bench.server.lines().len(), bench.clock.waits()), (6, vec![1, 2]));
}

#[tokio::test]
async fn three_wrong_totals_are_a_fault() {
    let short = page([1], 2, None);
    let bench = Bench::new([&short, &short, &short].map(ok)).await;
    let fault = bench.cloud.droplets().await.expect_err("incomplete");
    assert!(matches!(fault, Fault::Unavailable { .. }));
    let message = &fault.detail().message;
    assert!(message.contains("contradicted itself 3 times"), "{message}");
    assert!(message.contains("it has 1 items, and says that there are 2"), "{message}");
    assert_eq!(bench.server.lines().len(), 3);
    // An empty page that says there is more is no end either.
    let endless = page([], 9, Some("/x"));
    let bench = Bench::new([&endless, &endless, &endless].map(ok)).await;
    assert!(bench.cloud.droplets().await.is_err());
}

#[tokio::test]
async fn a_lost_page_is_a_fault_and_never_a_shorter_list() {
    let first = ok(&page(1..=200, 201, Some("/x")));
    let bench = Bench::new([first, html(502), html(502), html(502), html(502)]).await;
    let fault = bench.cloud.droplets().await.expect_err("the second page is lost");
    assert!(matches!(fault, Fault::Unavailable { .. }));
    assert_eq!(fault.detail().request_id.as_deref(), Some("req-html"));
    assert!(fault.detail().message.contains("`502 Bad Gateway`"), "{fault}");
    assert_eq!((bench.server.lines().len(), bench.clock.waits()), (5, vec![1, 2, 4]));
}

#[tokio::test]
async fn a_listing_that_hides_tags_is_refused() {
    let mut hidden = droplet(1, "ada-7f3k2m9q", "active");
    hidden["tags"] = Value::Null;
    let body = json!({"droplets": [hidden], "links": {}, "meta": {"total": 1}});
    let bench = Bench::new([ok(&body)]).await;
    let fault = bench.cloud.droplets().await.expect_err("no tags");
    assert!(matches!(fault, Fault::Refused(_)) && fault.to_string().contains("`tag:read`"), "{fault}");
}

#[tokio::test]
async fn a_droplet_is_read_by_type_and_case() {
    let mut bare = droplet(4, "ada-7f3k2m9q", "migrating");
    bare["networks"] = json!({});
    bare["tags"] = Value::Null;
    let bench = Bench::new([
        ok(&one(&droplet(3, "ada-7f3k2m9q", "active"))),
        ok(&one(&bare)),
        trouble(404, "not_found", "The resource you were accessing could not be found."),
    ])
    .await;
    let seen = bench.cloud.droplet(DropletId(3)).await.expect("an answer").expect("a droplet");
    assert_eq!(seen.public_ipv4, Some([192, 0, 2, 7].into()));
    assert_eq!(seen.monthly, Money::usd(600));
    assert!(seen.is_ours() && seen.is_up());
    assert_eq!(seen.created_at.to_string(), "2026-11-02T09:14:00Z");
    let bare = bench.cloud.droplet(DropletId(4)).await.expect("an answer").expect("a droplet");
    assert_eq!(bare.status, DropletStatus::Other("migrating".to_owned()));
    assert!(bare.public_ipv4.is_none() && bare.tags.is_empty());
    assert_eq!(bench.cloud.droplet(DropletId(5)).await, Ok(None));
    let bench = Bench::new([html(404)]).await;
    let fault = bench.cloud.droplet(DropletId(5)).await.expect_err("a proxy's word");
    assert!(matches!(fault, Fault::Refused(_)), "{fault:?}");
}

#[tokio::test]
async fn an_unreadable_item_is_named() {
    let mut odd = droplet(77, "ada-7f3k2m9q", "active");
    odd["region"] = json!({ "slug": null });
    let body = json!({"droplets": [droplet(1, "bob-1", "active"), odd], "meta": {"total": 2}});
    let bench = Bench::new([ok(&body).header("x-request-id", "req-9")]).await;
    let fault = bench.cloud.droplets().await.expect_err("unreadable");
    assert!(matches!(fault, Fault::Refused(_)));
    let text = fault.to_string();
    for part in ["item 77", "`droplets[1].region.slug`", "null", "[request req-9]", LIST] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(bench.server.lines().len(), 1);

    // No `meta.total`: nobody could say that the list is whole.
    let bench = Bench::new([ok(&json!({"droplets": [], "links": {}}))]).await;
    let text = bench.cloud.droplets().await.expect_err("no total").to_string();
    assert!(text.contains("meta"), "{text}");
}

#[tokio::test]
async fn torn_answers_are_asked_for_again() {
    let whole = page([1, 2], 2, None);
    let torn = whole.to_string();
    let bench = Bench::new([
        Canned::text(200, &torn[..torn.len() / 2]),
        ok(&whole).lost(),
        Canned::text(200, "<html>captive</html>"),
        ok(&whole),
    ])
    .await;
    assert_eq!(bench.cloud.droplets().await.expect("a listing").len(), 2);
    assert_eq!(bench.clock.waits(), [1, 2, 4]);
}

#[tokio::test]
async fn find_asks_by_name_and_takes_only_that() {
    let mut other = droplet(2, "someone-else", "active");
    other["tags"] = json!([]);
    let body = json!({"droplets": [droplet(1, "Ada-7f3k2m9q", "new"), other], "meta": {"total": 2}});
    let bench = Bench::new([ok(&body)]).await;
    let name = ServerName::parse("ada-7f3k2m9q").expect("a name");
    let found = bench.cloud.find(&name).await.expect("an answer");
    assert_eq!(found.iter().map(|d| d.id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(bench.server.lines(), ["GET /v2/droplets?name=ada-7f3k2m9q&per_page=200"]);
}

#[tokio::test]
async fn account_and_sizes() {
    let account = json!({"account": {"uuid": "u-1", "status": "active", "droplet_limit": 25,
        "team": {"uuid": "t-1", "name": "My Team"}}});
    let alone = json!({"account": {"uuid": "u-1", "status": "warning"}});
    let size = |slug: &str, price: f64| {
        json!({"slug": slug, "price_monthly": price, "price_hourly": 0.1, "available": true,
            "regions": ["nyc3", "ams3"], "vcpus": 1})
    };
    let sizes = json!({"sizes": [size("s-1vcpu-1gb", 6.0), size("s-2vcpu-2gb", 17.999), size("ODD", 1.0)],
        "links": {}, "meta": {"total": 3}});
    let bench = Bench::new([ok(&account), ok(&alone), ok(&sizes)]).await;
    let first = bench.cloud.account().await.expect("an account");
    assert_eq!((first.team.as_str(), first.droplet_limit), ("t-1", Some(25)));
    let second = bench.cloud.account().await.expect("an account");
    assert_eq!((second.team.as_str(), second.droplet_limit), ("u-1", None));
    let sizes = bench.cloud.sizes().await.expect("sizes");
    let monthly = |slug: &str| sizes[&Slug::parse(slug).expect("a slug")].monthly;
    assert_eq!((monthly("s-1vcpu-1gb"), monthly("s-2vcpu-2gb")), (Money::usd(600), Money::usd(1_800)));
    assert_eq!(sizes.len(), 2);
    assert_eq!(bench.server.lines()[2], "GET /v2/sizes?per_page=200");
}

#[tokio::test]
async fn wrong_tokens_name_the_cure() {
    let bench = Bench::new([
        trouble(401, "unauthorized", "Unable to authenticate you"),
        trouble(403, "forbidden", "You are not authorized to perform this operation"),
    ])
    .await;
    let fault = bench.cloud.account().await.expect_err("refused");
    assert!(fault.is_credentials() && fault.to_string().contains("`DIGITALOCEAN_TOKEN`"), "{fault}");
    let fault = bench.cloud.droplets().await.expect_err("refused");
    assert!(fault.is_credentials());
    let detail = fault.detail();
    assert_eq!((detail.code.as_deref(), detail.request_id.as_deref()), (Some("forbidden"), Some("req-1")));
    assert!(detail.message.contains("`droplet:read`, `tag:read`"), "{}", detail.message);
    assert_eq!(bench.server.lines().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Scripted::start([]).await;
    let away = Canned::text(302, "").header("location", &format!("{}/v2/account", elsewhere.url));
    let bench = Bench::new([away]).await;
    let fault = bench.cloud.account().await.expect_err("a redirect");
    assert!(matches!(&fault, Fault::Refused(d) if d.message.contains("DIGITALOCEAN_API_URL")), "{fault}");
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_token_never_travels_in_the_clear() {
    let clock = Arc::new(VirtualClock::default());
    let make = |base: &str, token: &str| {
        let pace = Arc::new(Pace::new(clock.clone()));
        DigitalOcean::new(base, SecretString::from(token.to_owned()), pace, clock.clone(), "test").err()
    };
    assert_eq!(make("https://api.example.com/", TOKEN), None);
    assert_eq!(make("http://[::1]:9/", TOKEN), None);
    for bad in ["http://api.example.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "nonsense"] {
        let error = make(bad, TOKEN).expect("an error");
        assert!(error.contains(bad) && error.contains("hint:"), "{error}");
    }
    assert!(make("https://api.example.com", "two words").expect("an error").contains("blank"));
}
