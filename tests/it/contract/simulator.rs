//! Every answer of the simulated DigitalOcean, good and bad, against the vendor's document.

use basement::sim::requests::Exchange;
use basement::sim::trouble::Mishap;
use basement::sim::whim::{Told, Whim};
use basement::sim::world::lock;
use serde_json::{Value, json};

use super::{Spec, form};
use crate::simulator::Sim;

/// All routes of the simulated DigitalOcean that the document has.
const ROUTES: [&str; 25] = [
    "GET /v2/droplets",
    "POST /v2/droplets",
    "DELETE /v2/droplets",
    "GET /v2/droplets/:id",
    "DELETE /v2/droplets/:id",
    "GET /v2/droplets/:id/actions",
    "POST /v2/droplets/:id/actions",
    "GET /v2/droplets/:id/actions/:id",
    "GET /v2/actions/:id",
    "GET /v2/account",
    "GET /v2/sizes",
    "GET /v2/regions",
    "GET /v2/images",
    "GET /v2/images/:id",
    "GET /v2/tags",
    "POST /v2/tags",
    "GET /v2/tags/:id",
    "DELETE /v2/tags/:id",
    "POST /v2/tags/:id/resources",
    "DELETE /v2/tags/:id/resources",
    "GET /v2/firewalls",
    "POST /v2/firewalls",
    "GET /v2/firewalls/:id",
    "PUT /v2/firewalls/:id",
    "DELETE /v2/firewalls/:id",
];

#[tokio::test]
async fn every_answer_obeys_the_document() {
    let Some(spec) = Spec::load() else { return };
    let sim = Sim::start().await;
    lock(&sim.running.world).requests.exchanges = Some(Vec::new());
    successes(&sim).await;
    firewalls(&sim).await;
    refusals(&sim).await;
    mishaps(&sim).await;

    let exchanges = lock(&sim.running.world).requests.exchanges.take().expect("was set");
    let seen = lock(&sim.running.world).requests.calls.clone();
    for route in ROUTES {
        assert!(seen.contains_key(route), "`{route}` was not tried");
    }
    let mut statuses: Vec<u16> = exchanges.iter().map(|e| e.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200, 201, 202, 204, 400, 401, 403, 404, 409, 422, 429, 500, 503]);
    let wrong: Vec<String> = exchanges.iter().filter_map(|e| judge(&spec, e)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn the_judge_sees_what_is_wrong() {
    let Some(spec) = Spec::load() else { return };
    let good = json!({ "regions": [{ "name": "x", "slug": "nyc3", "features": [], "available": true,
        "sizes": [] }], "links": {}, "meta": { "total": 1 } });
    assert_eq!(spec.check_answer("GET", "/v2/regions", 200, &good), Ok(()));
    let mut bad = good.clone();
    bad["regions"][0].as_object_mut().expect("a region").remove("available");
    let why = spec.check_answer("GET", "/v2/regions", 200, &bad).expect_err("a member is missing");
    assert!(why.contains("/regions/0") && why.contains("available"), "{why}");
    assert!(spec.check_answer("GET", "/v2/regions", 200, &json!({ "regions": [] })).is_err());
    assert!(spec.check_answer("DELETE", "/v2/droplets/1", 204, &json!({})).is_err());
    assert!(spec.check_request("POST", "/v2/droplets", &json!({ "name": "a", "size": "s" })).is_err());
    let create = json!({ "name": "a", "size": "s", "image": "i" });
    assert_eq!(spec.check_request("POST", "/v2/droplets", &create), Ok(()));
    assert!(spec.check_query("GET", "/v2/droplets", "tag_name=basement&per_page=200&page=2").is_ok());
    assert!(spec.check_query("GET", "/v2/droplets", "status=new").is_err());
    let refund = form("payment_intent=pi_1&amount=100&metadata[step]=1&expand[]=charge");
    assert_eq!((&refund["amount"], &refund["metadata"]), (&json!(100), &json!({ "step": "1" })));
    assert_eq!(spec.check_request("POST", "/v1/refunds", &refund), Ok(()));
    assert!(spec.check_request("POST", "/v1/refunds", &form("amount=much")).is_err());
}

async fn successes(sim: &Sim) {
    for name in ["a", "b", "c"] {
        sim.create(name).await;
    }
    let many = json!({ "names": ["d", "e"], "size": "s-2vcpu-4gb", "image": "debian-12-x64", "region": "fra1",
        "tags": ["Basement", "env:test"], "backups": true, "ipv6": true, "monitoring": true });
    sim.ok("POST", "/v2/droplets", &many, 202).await;
    let id = sim.id("a");
    sim.ok("GET", &format!("/v2/droplets/{id}"), &Value::Null, 200).await;
    sim.advance(30).await;
    for path in [
        "",
        "?page=1&per_page=2",
        "?page=2&per_page=2",
        "?page=9",
        "?tag_name=basement&per_page=1",
        "?name=A",
    ] {
        sim.ok("GET", &format!("/v2/droplets{path}"), &Value::Null, 200).await;
    }
    let acted =
        sim.ok("POST", &format!("/v2/droplets/{id}/actions"), &json!({ "type": "shutdown" }), 201).await;
    let act = acted["action"]["id"].as_u64().expect("an id");
    for path in [
        format!("/v2/actions/{act}"),
        format!("/v2/droplets/{id}/actions"),
        format!("/v2/droplets/{id}/actions/{act}"),
    ] {
        sim.ok("GET", &path, &Value::Null, 200).await;
        sim.advance(3).await;
        sim.ok("GET", &path, &Value::Null, 200).await;
    }
    for path in [
        "account",
        "sizes",
        "sizes?per_page=1",
        "regions",
        "images?type=distribution",
        "images?type=application",
    ] {
        sim.ok("GET", &format!("/v2/{path}"), &Value::Null, 200).await;
    }
    sim.ok("GET", "/v2/images/ubuntu-22-04-x64", &Value::Null, 200).await;
    sim.ok("DELETE", "/control/images/rockylinux-9-x64", &Value::Null, 204).await;
    sim.ok("GET", "/v2/images/rockylinux-9-x64", &Value::Null, 404).await;
    sim.ok("POST", "/v2/tags", &json!({ "name": "Extra" }), 201).await;
    let resources = json!({ "resources": [{ "resource_id": id.to_string(), "resource_type": "droplet" }] });
    sim.ok("POST", "/v2/tags/extra/resources", &resources, 204).await;
    for path in ["tags", "tags?per_page=1&page=2", "tags/extra"] {
        sim.ok("GET", &format!("/v2/{path}"), &Value::Null, 200).await;
    }
    sim.ok("DELETE", "/v2/tags/extra/resources", &resources, 204).await;
    sim.ok("DELETE", "/v2/tags/extra", &Value::Null, 204).await;
    sim.ok("DELETE", &format!("/v2/droplets/{id}"), &Value::Null, 204).await;
    lock(&sim.running.world).cloud().whims.tell(Told { whim: Whim::Vanish, server: None, times: 1 });
    let gone = sim.create("gone").await;
    sim.advance(10).await;
    let act = lock(&sim.running.world).cloud().actions(gone)[0].id;
    sim.ok("GET", &format!("/v2/actions/{act}"), &Value::Null, 200).await;
}

async fn firewalls(sim: &Sim) {
    sim.create("walled").await;
    let rule = json!({ "protocol": "tcp", "ports": "22", "sources": { "addresses": ["::/0"] } });
    let all = json!({ "protocol": "icmp", "ports": "all", "destinations": { "tags": ["basement"] } });
    let good = json!({ "name": "basement", "inbound_rules": [rule], "outbound_rules": [all],
        "droplet_ids": null, "tags": ["BASEMENT"] });
    let made = sim.ok("POST", "/v2/firewalls", &good, 202).await;
    assert_eq!(made["firewall"]["status"], "waiting");
    assert_ne!(made["firewall"]["pending_changes"], json!([]));
    assert_eq!(made["firewall"]["outbound_rules"][0]["ports"], "0");
    sim.ok("POST", "/v2/firewalls", &good, 409).await;
    let one = format!("/v2/firewalls/{}", made["firewall"]["id"].as_str().expect("an id"));
    sim.advance(10).await;
    let seen = sim.ok("GET", &one, &Value::Null, 200).await;
    assert_eq!(
        (&seen["firewall"]["status"], &seen["firewall"]["pending_changes"]),
        (&json!("succeeded"), &json!([]))
    );
    let bare = json!({ "name": "basement", "outbound_rules": good["outbound_rules"] });
    let seen = sim.ok("PUT", &one, &bare, 200).await;
    assert_eq!((&seen["firewall"]["tags"], &seen["firewall"]["inbound_rules"]), (&json!([]), &json!([])));
    sim.ok("GET", "/v2/firewalls?per_page=1", &Value::Null, 200).await;
    for (key, value) in [
        ("tags", json!(["nobody-has-it"])),
        ("droplet_ids", json!([1])),
        ("name", json!("a b")),
        ("inbound_rules", json!([{ "protocol": "tcp", "ports": "x", "sources": {} }])),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        sim.ok("PUT", &one, &bad, 422).await;
    }
    sim.ok("POST", "/v2/firewalls", &json!({ "name": "empty", "tags": ["basement"] }), 422).await;
    sim.ok("DELETE", &one, &Value::Null, 204).await;
    sim.ok("DELETE", &one, &Value::Null, 404).await;
    sim.ok("PUT", &one, &good, 404).await;
}

async fn refusals(sim: &Sim) {
    let id = sim.id("b");
    let good = json!({ "name": "x", "size": "s-1vcpu-1gb", "image": "ubuntu-22-04-x64" });
    for (key, value) in [
        ("name", json!("a_b")),
        ("name", json!("")),
        ("size", json!("huge")),
        ("image", json!(1)),
        ("image", json!("rockylinux-9-x64")),
        ("ssh_keys", json!(["00:00"])),
        ("region", json!("moon1")),
        ("tags", json!(["a b"])),
        ("names", json!(["a"])),
        ("backups", json!("yes")),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        sim.ok("POST", "/v2/droplets", &bad, 422).await;
    }
    let actions = format!("/v2/droplets/{id}/actions");
    sim.ok("POST", &actions, &json!({ "type": "power_off" }), 201).await;
    sim.ok("POST", &actions, &json!({ "type": "power_on" }), 422).await;
    sim.ok("POST", &actions, &json!({ "type": "resize" }), 422).await;
    sim.ok("DELETE", "/v2/droplets?tag_name=basement", &Value::Null, 403).await;
    sim.ok("GET", "/v2/droplets?tag_name=a&name=b", &Value::Null, 400).await;
    sim.ok("GET", "/v2/droplets?per_page=201", &Value::Null, 422).await;
    sim.ok("POST", "/v2/tags", &json!({ "name": "a b" }), 400).await;
    for path in ["droplets/1", "droplets/x", "droplets/1/actions", "actions/1", "images/none", "tags/none"] {
        sim.ok("GET", &format!("/v2/{path}"), &Value::Null, 404).await;
    }
    sim.ok("DELETE", "/v2/droplets/1", &Value::Null, 404).await;
    sim.ok("DELETE", "/v2/tags/none", &Value::Null, 404).await;
    sim.ok("POST", "/v2/tags/none/resources", &json!({ "resources": [] }), 404).await;
    sim.as_token(None, "GET", "/v2/droplets", 401).await;
    sim.as_token(Some("a-read-token"), "DELETE", &format!("/v2/droplets/{id}"), 403).await;
}

async fn mishaps(sim: &Sim) {
    for mishap in [
        Mishap::FailBefore(500),
        Mishap::FailBefore(503),
        Mishap::FailAfter(500),
        Mishap::RateMinute,
        Mishap::RateHour,
    ] {
        lock(&sim.running.world).trouble.plan("GET /v2/sizes", mishap);
        let status = match mishap {
            Mishap::FailBefore(status) | Mishap::FailAfter(status) => status,
            _ => 429,
        };
        sim.ok("GET", "/v2/sizes", &Value::Null, status).await;
    }
}

fn judge(spec: &Spec, exchange: &Exchange) -> Option<String> {
    let Exchange { method, path, query, request, status, answer } = exchange;
    let body = if answer.is_empty() { Value::Null } else { serde_json::from_str(answer).expect("JSON") };
    let mut verdict = spec.check_answer(method, path, *status, &body);
    if *status < 300 {
        let sent = serde_json::from_str(request).unwrap_or(Value::Null);
        verdict = verdict
            .and_then(|()| spec.check_request(method, path, &sent))
            .and_then(|()| spec.check_query(method, path, query));
    }
    verdict.err()
}
