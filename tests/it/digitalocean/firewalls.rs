//! Tags and firewalls: what is read from scripted answers, and what a lost or odd answer means.

use basement::model::firewall::{FirewallOrder, Progress, ours};
use basement::ports::{Cloud, Fault};
use serde_json::{Value, json};

use super::{Bench, trouble};
use crate::scripted::Canned;

pub const ID: &str = "bb4b2611-3d72-467b-8602-280330ecd65c";

/// Ours as DigitalOcean shows it: other members, another order, `0` for all ports, and null for no droplets.
pub fn shown() -> Value {
    let everywhere = json!({"addresses": ["::/0", "0.0.0.0/0"]});
    let inward =
        |protocol: &str, ports: &str| json!({"protocol": protocol, "ports": ports, "sources": everywhere});
    let outward = |protocol: &str, ports: &str| json!({"protocol": protocol, "ports": ports, "destinations": everywhere});
    json!({
        "id": ID, "name": "basement", "status": "succeeded", "created_at": "2026-11-02T09:14:00Z",
        "pending_changes": [], "droplet_ids": null, "tags": ["Basement"],
        "inbound_rules": [inward("icmp", "0"), inward("tcp", "443"), inward("tcp", "22"), inward("tcp", "80")],
        "outbound_rules": [outward("udp", "all"), outward("tcp", "0"), outward("icmp", "")],
    })
}

pub fn listing(firewalls: &[Value]) -> Canned {
    Canned::json(200, &json!({"firewalls": firewalls, "links": {}, "meta": {"total": firewalls.len()}}))
}

pub fn order(id: Option<&str>) -> FirewallOrder {
    FirewallOrder { id: id.map(|id| id.parse().expect("an id")), rules: ours(), drifts: Vec::new() }
}

#[tokio::test]
async fn ours_is_read_whatever_its_spelling_and_others_are_not_shown() {
    let mut office = shown();
    office["name"] = json!("office");
    office["id"] = json!("another");
    let bench = Bench::new([listing(&[office, shown()])]).await;
    let seen = bench.cloud.firewalls().await.expect("a listing");
    let [seen] = seen.as_slice() else { panic!("one, not {seen:?}") };
    assert_eq!((seen.id.as_str(), seen.status, seen.pending), (ID, Progress::Succeeded, 0));
    assert_eq!(seen.drifts(|_| false), []);
}

#[tokio::test]
async fn what_somebody_added_is_seen_with_whom_it_is_for() {
    let mut odd = shown();
    odd["droplet_ids"] = json!([7]);
    odd["pending_changes"] = json!([{"droplet_id": 7, "removing": false, "status": "waiting"}]);
    odd["inbound_rules"][1]["sources"] = json!({"tags": ["office"], "droplet_ids": [9]});
    let bench = Bench::new([listing(&[odd])]).await;
    let seen = bench.cloud.firewalls().await.expect("a listing").remove(0);
    let drifts = serde_json::to_value(seen.drifts(|_| false)).expect("JSON");
    let rule = |drift: &str, peers: &[&str]| json!({"drift": drift, "way": "in", "protocol": "tcp", "ports": "443", "peers": peers});
    let droplet = json!({"drift": "other_droplet", "droplet": 7});
    let added = rule("added", &["droplet 9", "tag office"]);
    assert_eq!(drifts, json!([added, rule("taken", &["0.0.0.0/0", "::/0"]), droplet]));
    assert_eq!(seen.pending, 1);
}

#[tokio::test]
async fn without_its_tags_a_firewall_is_not_taken_for_untagged() {
    let mut blind = shown();
    blind.as_object_mut().expect("an object").remove("tags");
    let bench = Bench::new([listing(&[blind])]).await;
    let fault = bench.cloud.firewalls().await.expect_err("a scope is missing");
    assert!(matches!(&fault, Fault::Refused(detail) if detail.message.contains("`tags`")), "{fault}");
}

#[tokio::test]
async fn a_lost_post_is_unknown_and_not_sent_again() {
    let bench =
        Bench::new([Canned::text(202, "").lost(), Canned::json(202, &json!({"firewall": shown()}))]).await;
    let fault = bench.cloud.put_firewall(&order(None)).await.expect_err("nobody knows");
    assert!(matches!(fault, Fault::Unknown(_)), "{fault}");
    assert_eq!(bench.server.seen().len(), 1);
}

#[tokio::test]
async fn a_lost_put_is_sent_again() {
    let bench =
        Bench::new([Canned::text(200, "").lost(), Canned::json(200, &json!({"firewall": shown()}))]).await;
    bench.cloud.put_firewall(&order(Some(ID))).await.expect("the second one is answered");
    let seen = bench.server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.method == "PUT" && seen.uri == format!("/v2/firewalls/{ID}")));
}

#[tokio::test]
async fn a_second_one_of_its_name_is_refused() {
    let bench = Bench::new([trouble(409, "conflict", "duplicate name")]).await;
    let fault = bench.cloud.put_firewall(&order(None)).await.expect_err("there is one");
    assert!(matches!(&fault, Fault::Refused(detail) if detail.status == Some(409)), "{fault}");
    assert!(fault.to_string().contains("hint:"), "{fault}");
}

#[tokio::test]
async fn a_tag_that_there_is_already_is_fine_and_another_one_is_odd() {
    let made = |name: &str| Canned::json(201, &json!({"tag": {"name": name}}));
    let bench = Bench::new([made("Basement"), made("other")]).await;
    bench.cloud.ensure_tag("basement").await.expect("the same in any case");
    let fault = bench.cloud.ensure_tag("basement").await.expect_err("another one");
    assert!(matches!(fault, Fault::Unknown(_)), "{fault}");
}
