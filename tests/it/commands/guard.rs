//! What is not done: what the guard objects to, what a deadline cuts off, what ctrl-C stops.

use std::io::Read as _;
use std::process::Command;

use basement::sim::whim::{Told, Whim};

use super::Bench;

#[test]
fn many_destroys_wait_for_a_word() {
    let bench = Bench::of_ended(5);
    insta::assert_snapshot!("many_destroys_planned", bench.expect("plan --exit-code", 3).page());
    let before = bench.expect("history --format json", 0).out;
    insta::assert_snapshot!("many_destroys_refused", bench.expect("apply --auto-approve", 3).page());
    assert_eq!(bench.droplets().len(), 5);
    assert_eq!(before, bench.expect("history --format json", 0).out, "something was written down");
    // Another word does not help.
    bench.expect("apply --auto-approve --allow many-refunds", 3);
    bench.expect("apply --auto-approve --allow many-destroys", 0);
    assert!(bench.droplets().is_empty());
    bench.expect("plan --exit-code", 0);
}

#[test]
fn a_deadline_that_is_too_short_is_no_harm() {
    let bench = Bench::of(1);
    insta::assert_snapshot!(
        "deadline_too_short",
        bench.expect("apply --auto-approve --deadline 10s", 5).page()
    );
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 0));
    insta::assert_snapshot!("plan_after_the_deadline", bench.expect("plan", 0).page());
    bench.expect("apply --auto-approve", 0);
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 1));
}

#[test]
fn ctrl_c_finishes_what_is_in_flight_and_the_next_run_the_rest() {
    const SERVERS: usize = 20;
    let bench = Bench::of(SERVERS);
    bench.world().trouble.latency_ms = 200;
    let (child, mut out) = bench.run_until("apply --auto-approve", "+ created");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("it starts").success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("more lines");
    let said = bench.said(&child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, 130, "{}", said.page());
    assert!(said.err.contains("hint: run `basement apply` again to resume"), "{}", said.page());
    assert!(!said.err.contains("panicked"), "{}", said.page());
    assert!(!bench.droplets().is_empty() && bench.letters().is_empty());
    // Nothing is left open: what was begun is written down.
    let history = bench.expect("history", 0).out;
    let count = |word: &str| history.matches(&format!("  {word}: ")).count();
    assert_eq!((count("intended"), count("unknown")), (count("done"), 0), "{history}");
    bench.world().trouble.latency_ms = 0;
    bench.expect("apply --auto-approve", 0);
    assert_eq!((bench.droplets().len(), bench.letters().len()), (SERVERS, SERVERS));
    assert!(bench.letters().values().all(|count| *count == 1));
    assert!(bench.world().cloud().gone.is_empty());
    bench.expect("plan --exit-code", 0);
}

#[test]
fn creates_that_fail_in_a_row_stop_creates_and_refunds() {
    let bench = Bench::of(4);
    for _ in 0..4 {
        bench.world().cloud().whims.tell(Told { whim: Whim::StuckNew, server: None, times: 1 });
    }
    let page = bench.expect("apply --auto-approve --deadline 30m", 6).page();
    // What was done before stands in the order in which it was done, which is another one every time.
    let (_, end) = page.split_once("Stopped").expect("it says that it is stopped");
    insta::assert_snapshot!("breaker_opens", end);
    assert_eq!(bench.letters().len(), 1);
    // It stays open, does nothing more, and says so.
    bench.expect("apply --auto-approve", 6);
    assert_eq!(bench.letters().values().sum::<usize>(), 1);
    insta::assert_snapshot!("breaker_planned", bench.expect("plan --exit-code", 6).page());
    insta::assert_snapshot!("breaker_status", bench.expect("status", 0).page());
    insta::assert_snapshot!("breaker_reset", bench.expect("reset breaker", 0).page());
    bench.expect("apply --auto-approve", 0);
    assert_eq!((bench.droplets().len(), bench.letters().len()), (4, 5));
    assert!(bench.books().truth().values().all(|truth| truth.refunds == 0));
    insta::assert_snapshot!("breaker_not_open", bench.expect("reset breaker", 0).page());
}

#[test]
fn many_letters_wait_for_a_word() {
    let bench = Bench::of(3);
    let settings = bench.root().join("basement.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("letters = 50", "letters = 2")).unwrap();
    bench.expect("apply --auto-approve", 0);
    let now = bench.world().now();
    for n in 1..=3 {
        let id = bench.books().of_user(&format!("user-{n:04}")).remove(0);
        bench.books().cancel(now, &id).unwrap();
    }
    bench.expect("generate --allow shrink", 0);
    let page = bench.expect("apply --auto-approve --deadline 1h", 5).page();
    let (_, end) = page.rsplit_once("Steps").expect("it shows what it did not do");
    insta::assert_snapshot!("many_letters_refused", end);
    assert_eq!(bench.letters().len(), 5, "as many as are allowed");
    bench.expect("apply --auto-approve --deadline 1h", 3);
    bench.expect("apply --auto-approve --deadline 1h --allow many-letters", 0);
    assert_eq!(bench.letters().len(), 6);
}
