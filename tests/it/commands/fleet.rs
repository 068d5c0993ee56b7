//! `generate` by the real binary: 25 customers of every kind, the same bytes twice, and what it refuses.

use std::fmt::Write as _;

use basement::sim::billing::Books;
use basement::sim::world::Settings;

use super::Bench;

fn key<'a>(text: &'a str, key: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.unwrap_or("-")
}

/// One line a server: what a review looks at.
fn table(bench: &Bench) -> String {
    let mut table = String::new();
    for (name, text) in bench.servers() {
        let [plan, state, because, ends] =
            ["plan", "state", "because", "destroy_after"].map(|word| key(&text, word));
        let _ = writeln!(table, "{name:20} {plan:8} {state:9} {because} | {ends}");
    }
    table
}

#[test]
fn twenty_five_customers_of_every_kind_give_their_fleet() {
    let bench = Bench::sample();
    // Two shapes that are not sold make complaints, and nothing else.
    let said = bench.expect("generate", 5);
    insta::assert_snapshot!("sample_fleet_talk", said.err);
    insta::assert_snapshot!("sample_fleet", table(&bench));
    let summary = said.out.lines().last().unwrap_or_default().to_owned();
    insta::assert_snapshot!("sample_fleet_summary", summary);
    let before = bench.servers();
    let again = bench.expect("generate", 5);
    assert!(again.out.starts_with("generate: 0 new, 0 changed, "), "{}", again.page());
    assert!(bench.servers() == before, "the second time gave other bytes");
    bench.expect("validate", 0);
    insta::assert_snapshot!("sample_plan", bench.expect("plan", 0).page());
}

#[test]
fn an_empty_answer_is_refused_until_it_is_permitted_by_name() {
    let bench = Bench::of(5);
    let before = bench.servers();
    *bench.books() = Books::new();
    insta::assert_snapshot!("generate_from_nothing", bench.expect("generate", 3).page());
    assert!(bench.servers() == before);
    // Even then absence decides nothing: each file stays, with a complaint.
    bench.expect("generate --allow empty-answer", 5);
    assert!(bench.servers() == before);
}

#[test]
fn a_check_writes_nothing_and_says_so_by_its_exit_code() {
    let bench = Bench::new();
    bench.expect("generate --check", 0);
    bench.subscribe(1);
    bench.expect("generate --check", 2);
    assert!(bench.servers().is_empty());
}

#[test]
fn the_worlds_of_live_and_test_are_not_mixed() {
    let mut bench = Bench::of(2);
    bench.set("STRIPE_API_KEY", "sk_live_abc");
    insta::assert_snapshot!("a_live_key_for_a_test_fleet", bench.expect("generate", 1).page());
    bench.set("STRIPE_API_KEY", "sk_test_simulated");
    *bench.books() = Books::live();
    bench.subscribe(2);
    insta::assert_snapshot!("a_live_answer_for_a_test_fleet", {
        let said = bench.run("generate");
        assert!(matches!(said.code, 1 | 3), "{}", said.page());
        said.page()
    });
}

#[test]
fn an_item_that_cannot_be_read_keeps_its_file() {
    let bench = Bench::of(3);
    let before = bench.servers();
    let now = bench.world().now();
    let spoilt = bench.books().of_user("user-0002").remove(0);
    bench.books().spoil(now, &spoilt, true).unwrap();
    insta::assert_snapshot!("generate_with_an_unreadable_item", bench.expect("generate", 5).page());
    assert!(bench.servers() == before);
    bench.books().spoil(now, &spoilt, false).unwrap();
    bench.expect("generate", 0);
}

#[test]
fn files_that_shrink_too_much_are_refused() {
    let bench = Bench::of(10);
    let now = bench.world().now();
    assert_eq!(now, Settings::default().start);
    for n in 1..=4 {
        let id = bench.books().of_user(&format!("user-{n:04}")).remove(0);
        bench.books().cancel(now, &id).unwrap();
    }
    insta::assert_snapshot!("generate_that_shrinks", bench.expect("generate", 3).page());
    let said = bench.expect("generate --allow shrink", 0);
    assert!(said.out.ends_with("generate: 0 new, 4 changed, 6 as before\n"), "{}", said.page());
}
