//! `doctor`: what it says of a sound shop and of sick ones, and that it changes nothing by asking.

use std::fs;

use basement::sim::trouble::Mishap;

use super::{Bench, files, hush};

#[test]
fn a_sound_shop() {
    let bench = Bench::of(2);
    insta::assert_snapshot!("doctor_before_the_first_apply", bench.expect("doctor", 0).page());
    bench.expect("apply --auto-approve", 0);
    insta::assert_snapshot!("doctor_of_a_sound_shop", bench.expect("doctor", 0).page());
    let json: serde_json::Value =
        serde_json::from_str(&bench.expect("doctor --format json", 0).out).expect("JSON");
    assert_eq!((json["version"].as_u64(), json["ok"].as_bool()), (Some(1), Some(true)));
    assert!(json["checks"].as_array().expect("a list").iter().all(|check| check["ok"] == true));
}

#[test]
fn a_shop_with_everything_wrong() {
    let mut bench = Bench::of(2);
    bench.expect("apply --auto-approve", 0);
    for call in ["GET /v2/tags", "GET /v1/charges", "GET /v1/refunds"] {
        bench.trouble(call, Mishap::FailBefore(403), 9);
    }
    bench.set("BASEMENT_SMTP_URL", format!("smtp://shop:{}@127.0.0.1:1", hush::SMTP_PASSWORD));
    bench.set("BASEMENT_SEAL_KEYS", "7:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    bench.write("cloud-init/base.yaml", "#cloud-config\n# {{root_hash}} {{no_such_blank}} {{server_id}}\n");
    insta::assert_snapshot!("doctor_with_everything_wrong", bench.expect("doctor", 1).page());
    let json = bench.expect("doctor --format json", 1).out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let bad = json["checks"].as_array().expect("a list").iter().filter(|check| check["ok"] == false);
    assert!(bad.clone().count() >= 6 && bad.into_iter().all(|check| check["cure"].is_string()), "{json}");
}

#[test]
fn credentials_that_are_missing_unknown_or_of_the_wrong_kind() {
    let mut bench = Bench::new();
    bench.set("DIGITALOCEAN_TOKEN", hush::TOKEN.replace("dop_", "dor_"));
    bench.set("STRIPE_API_KEY", hush::STRIPE_KEY.replace("sk_test", "sk_live"));
    bench.unset("BASEMENT_SMTP_URL");
    insta::assert_snapshot!("doctor_of_wrong_credentials", bench.expect("doctor", 1).page());
    bench.set("DIGITALOCEAN_TOKEN", hush::TOKEN);
    bench.set("STRIPE_API_KEY", hush::STRIPE_KEY.replace("sk_test", "rk_test"));
    for call in ["GET /v2/", "GET /v1/"] {
        bench.trouble(call, Mishap::FailBefore(401), 9);
    }
    bench.set("BASEMENT_SMTP_URL", bench.relay());
    insta::assert_snapshot!("doctor_of_refused_credentials", bench.expect("doctor", 1).page());
}

#[test]
fn a_clock_that_is_wrong() {
    let mut bench = Bench::new();
    bench.expect("doctor", 0);
    // The simulated vendors' clock is years away from this machine's, or at least a day.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let ours = i64::try_from(now.as_secs()).expect("not for ever");
    if (bench.world().now().unix() - ours).abs() < 86_400 {
        bench.advance(10 * 86_400);
    }
    bench.unset("BASEMENT_CLOCK_URL");
    let said = bench.expect("doctor", 1);
    assert_eq!(said.out.matches("this machine's clock is ").count(), 2, "{}", said.page());
}

#[test]
fn a_token_that_may_not_read_firewalls_where_one_is_wanted() {
    let bench = Bench::new();
    bench.trouble("GET /v2/firewalls", Mishap::FailBefore(403), 9);
    bench.expect("doctor", 0);
    bench.replace("basement.toml", "firewall = \"ufw\"", "firewall = \"cloud\"");
    let said = bench.expect("doctor", 1);
    assert!(said.out.contains("!!  DigitalOcean firewall:read"), "{}", said.page());
}

#[test]
fn it_asks_and_changes_nothing() {
    let bench = Bench::of(1);
    bench.expect("apply --auto-approve", 0);
    let letters = bench.letters();
    bench.world().requests.exchanges = Some(Vec::new());
    let before =
        (files(&bench.root().join("fleet")), fs::read(bench.root().join("basement.toml")).expect("it"));
    let history = bench.expect("history --format json", 0).out;
    bench.expect("doctor", 0);
    let after =
        (files(&bench.root().join("fleet")), fs::read(bench.root().join("basement.toml")).expect("it"));
    assert!(before == after && bench.letters() == letters);
    assert_eq!(bench.expect("history --format json", 0).out, history);
    let world = bench.world();
    let asked = world.requests.exchanges.as_ref().expect("kept");
    assert!(asked.len() >= 10 && asked.iter().all(|one| one.method == "GET"));
    drop(world);
    let bare = Bench::new();
    bare.expect("doctor", 0);
    assert!(!bare.root().join(".basement").exists(), "a ledger or a key was made");
}
