//! Images and SSH keys by name: what is there, what is not, and what says nothing about either.

use std::collections::BTreeSet;

use basement::model::ids::Slug;
use basement::ports::{Cloud, Fault};
use serde_json::json;

use super::{Bench, html, trouble};
use crate::scripted::Canned;

const KEY: &str = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa";

fn slug() -> Slug {
    "ubuntu-22-04-x64".parse().expect("a slug")
}

#[tokio::test]
async fn an_image_is_there_elsewhere_retired_or_gone() {
    let shown =
        |status: &str| Canned::json(200, &json!({"image": {"status": status, "regions": ["nyc3", "ams3"]}}));
    // Not a member of it is needed: what says nothing bad of an image is taken for good.
    let bare = Canned::json(200, &json!({"image": {}}));
    let gone = trouble(404, "not_found", "The resource you were accessing could not be found.");
    let script = [shown("available"), shown("retired"), shown("deleted"), bare, gone];
    let bench = Bench::new(script).await;
    let mut known = Vec::new();
    for _ in 0..4 {
        known.push(bench.cloud.image(&slug()).await.expect("an answer").expect("an image"));
    }
    assert_eq!(known.iter().map(|image| image.available).collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(known[0].regions, BTreeSet::from(["ams3".to_owned(), "nyc3".to_owned()]));
    let nyc2: Slug = "nyc2".parse().expect("a slug");
    assert!(!known[0].has(&nyc2) && known[3].has(&nyc2));
    assert_eq!(bench.cloud.image(&slug()).await, Ok(None));
    assert_eq!(bench.server.lines(), ["GET /v2/images/ubuntu-22-04-x64"; 5]);
}

#[tokio::test]
async fn a_key_is_asked_for_by_its_fingerprint() {
    let shown = Canned::json(200, &json!({"ssh_key": {"id": 289_794, "fingerprint": KEY, "name": "ops"}}));
    let gone = trouble(404, "not_found", "The resource you were accessing could not be found.");
    let bench = Bench::new([shown, gone]).await;
    assert_eq!(bench.cloud.has_key(KEY).await, Ok(true));
    assert_eq!(bench.cloud.has_key("289794").await, Ok(false));
    let lines = [format!("GET /v2/account/keys/{KEY}"), "GET /v2/account/keys/289794".to_owned()];
    assert_eq!(bench.server.lines(), lines);
}

#[tokio::test]
async fn a_no_and_a_proxys_page_are_not_an_absence() {
    let no = || trouble(403, "forbidden", "You are not authorized to perform this operation");
    let bench = Bench::new([no(), no(), html(404), html(404)]).await;
    let image = bench.cloud.image(&slug()).await.expect_err("forbidden");
    assert!(image.is_forbidden() && image.to_string().contains("`image:read`"), "{image}");
    let key = bench.cloud.has_key(KEY).await.expect_err("forbidden");
    assert!(key.is_forbidden() && key.to_string().contains("`ssh_key:read`"), "{key}");
    assert!(matches!(bench.cloud.image(&slug()).await, Err(Fault::Refused(_))));
    assert!(matches!(bench.cloud.has_key(KEY).await, Err(Fault::Refused(_))));
}
