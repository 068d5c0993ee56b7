//! Images that are retired and SSH keys that come and go, by the vendor's API and by `/control`.

use serde_json::{Value, json};

use super::{Sim, order};

#[tokio::test]
async fn an_image_is_retired() {
    let sim = Sim::start().await;
    let mut old = order("ada");
    old["image"] = json!("debian-12-x64");
    assert_eq!(sim.get("/v2/images/debian-12-x64").await["image"]["slug"], "debian-12-x64");
    assert_eq!(sim.get("/v2/images").await["meta"]["total"], 4);
    sim.ok("POST", "/v2/droplets", &old, 202).await;
    sim.ok("DELETE", "/control/images/debian-12-x64", &Value::Null, 204).await;
    sim.ok("DELETE", "/control/images/debian-12-x64", &Value::Null, 404).await;
    let gone = sim.ok("GET", "/v2/images/debian-12-x64", &Value::Null, 404).await;
    assert_eq!(gone["id"], "not_found");
    assert_eq!(sim.get("/v2/images").await["meta"]["total"], 3);
    let no = sim.ok("POST", "/v2/droplets", &old, 422).await;
    assert_eq!(no["message"], "You specified an invalid image for Droplet creation.");
}

#[tokio::test]
async fn keys_come_and_go() {
    let sim = Sim::start().await;
    let keys = sim.get("/v2/account/keys").await;
    let (id, fingerprint) = (&keys["ssh_keys"][0]["id"], &keys["ssh_keys"][0]["fingerprint"]);
    let by_print = format!("/v2/account/keys/{}", fingerprint.as_str().expect("a fingerprint"));
    assert_eq!(sim.get(&by_print).await["ssh_key"], keys["ssh_keys"][0]);
    assert_eq!(sim.get(&format!("/v2/account/keys/{id}")).await["ssh_key"], keys["ssh_keys"][0]);
    let mut with_keys = order("ada");
    with_keys["ssh_keys"] = json!([id, fingerprint]);
    sim.ok("POST", "/v2/droplets", &with_keys, 202).await;
    let other = "aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa";
    sim.ok("GET", &format!("/v2/account/keys/{other}"), &Value::Null, 404).await;
    with_keys["ssh_keys"] = json!([other]);
    let no = sim.ok("POST", "/v2/droplets", &with_keys, 422).await;
    assert!(no["message"].as_str().is_some_and(|why| why.contains("invalid key identifiers")), "{no}");
    sim.ok("POST", &format!("/control/keys/{other}"), &Value::Null, 204).await;
    sim.ok("POST", "/v2/droplets", &with_keys, 202).await;
    sim.ok("DELETE", &by_print.replace("/v2/account", "/control"), &Value::Null, 204).await;
    sim.ok("GET", &by_print, &Value::Null, 404).await;
    sim.ok("DELETE", "/control/keys/1", &Value::Null, 404).await;
}
