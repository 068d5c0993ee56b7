//! Vendors that are down, refuse us or answer with somebody else's page, as an operator meets them.

use std::net::TcpListener;

use basement::sim::trouble::Mishap;

use super::Bench;

/// An address of this machine where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn no_network() {
    let mut bench = Bench::of(1);
    let dead = nobody();
    let page = |said: super::Said| said.page().replace(&dead, "NOBODY");
    for name in ["DIGITALOCEAN_API_URL", "STRIPE_API_BASE"] {
        bench.set(name, format!("http://{dead}"));
    }
    insta::assert_snapshot!("no_network_to_plan", page(bench.expect("plan", 1)));
    insta::assert_snapshot!("no_network_to_generate", page(bench.expect("generate", 1)));
    insta::assert_snapshot!(
        "no_network_to_apply",
        page(bench.expect("apply --auto-approve --deadline 1m", 5))
    );
    bench.expect("status", 0);
}

#[test]
fn a_proxys_page_instead_of_an_answer() {
    let bench = Bench::of(1);
    bench.trouble("GET /v2/", Mishap::Html502, 50);
    insta::assert_snapshot!("a_web_page_to_plan", bench.expect("plan", 1).page());
    bench.world().trouble.planned.clear();
    bench.trouble("GET /v1/", Mishap::Html502, 50);
    insta::assert_snapshot!("a_web_page_to_generate", bench.expect("generate", 1).page());
    bench.world().trouble.planned.clear();
    // A while of it is waited for.
    bench.trouble("GET /v2/", Mishap::Html502, 10);
    bench.expect("apply --auto-approve", 0);
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 1));
}

#[test]
fn credentials_that_are_refused() {
    let bench = Bench::of(1);
    bench.trouble("GET /v2/", Mishap::FailBefore(401), 50);
    insta::assert_snapshot!("token_refused_to_plan", bench.expect("plan", 1).page());
    insta::assert_snapshot!("token_refused_to_apply", bench.expect("apply --auto-approve", 1).page());
    bench.world().trouble.planned.clear();
    bench.trouble("GET /v1/", Mishap::FailBefore(401), 50);
    insta::assert_snapshot!("key_refused_to_generate", bench.expect("generate", 1).page());
    bench.world().trouble.planned.clear();
    bench.trouble("POST /v2/droplets", Mishap::FailBefore(403), 50);
    insta::assert_snapshot!("token_that_may_not_create", bench.expect("apply --auto-approve", 1).page());
    assert!(bench.droplets().is_empty());
}

#[test]
fn a_relay_that_is_down_delays_the_letter_and_nothing_else() {
    let mut bench = Bench::of(1);
    let dead = nobody();
    bench.set("BASEMENT_SMTP_URL", format!("smtp://{dead}"));
    let said = bench.expect("apply --auto-approve --deadline 2m", 5);
    insta::assert_snapshot!("no_relay_to_apply", said.page().replace(&dead, "NOBODY"));
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 0));
    bench.set("BASEMENT_SMTP_URL", bench.relay());
    bench.expect("apply --auto-approve", 0);
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 1));
    assert!(bench.letters().values().all(|count| *count == 1));
}

#[test]
fn a_size_that_the_vendor_does_not_sell() {
    let bench = Bench::of(1);
    bench.replace("basement.toml", "size = \"s-1vcpu-1gb\"", "size = \"s-1vcpu-1gib\"");
    let said = bench.run("apply --auto-approve --deadline 2m");
    insta::assert_snapshot!("a_size_that_is_not_sold", said.page());
    assert!(bench.droplets().is_empty());
}
