//! The checker checked: planted breaches are caught, and innocent look-alikes are not.

use super::source::Source;
use super::{floors, reach, rules};

fn complaints(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&Source::new(path, text)).len()
}

#[test]
fn upward_paths_are_caught() {
    let caught = |path, text| complaints(floors::floors, path, text);
    assert_eq!(caught("src/plan/mod.rs", "use crate::engine::Pass;"), 1);
    assert_eq!(caught("src/plan/mod.rs", "use crate::render::text;"), 1);
    assert_eq!(caught("src/plan/mod.rs", "use super::render::text;"), 1);
    assert_eq!(caught("src/plan/a/b.rs", "use super::super::super::sim::world;"), 1);
    assert_eq!(caught("src/model/ids.rs", "fn f() -> crate::ports::Fault { g() }"), 1);
    assert_eq!(
        caught(
            "src/wire/x.rs",
            "use crate::{\n    model::{ids, money::Money},\n    sim::world as w,\n    ports::*,\n};"
        ),
        2
    );
    assert_eq!(caught("src/odd/mod.rs", ""), 1);
    assert_eq!(caught("src/main.rs", "fn main() { basement::engine::run() }"), 1);
}

#[test]
fn downward_paths_are_not() {
    let caught = |path, text| complaints(floors::floors, path, text);
    assert_eq!(caught("src/plan/mod.rs", "use crate::model::plan::Plan;\nuse super::model::ids;"), 0);
    assert_eq!(caught("src/plan/mod.rs", "// use crate::engine::Pass;\nlet a = \"crate::engine\";"), 0);
    assert_eq!(caught("src/plan/rules.rs", "use super::guard; use crate::plan::digest::{self, of};"), 0);
    assert_eq!(caught("src/cli/mod.rs", "use crate::{engine, sim::{self, world}};"), 0);
    assert_eq!(caught("src/main.rs", "fn main() { basement::cli::main() }"), 0);
}

#[test]
fn adapters_are_strangers() {
    let caught = |path, text| complaints(floors::adapters, path, text);
    assert_eq!(caught("src/adapters/stripe.rs", "use crate::adapters::digitalocean::DigitalOcean;"), 1);
    assert_eq!(caught("src/adapters/stripe.rs", "use super::mail::Smtp;"), 1);
    assert_eq!(
        caught("src/adapters/stripe.rs", "use super::http::{self, Answer}; use super::stripe_call;"),
        0
    );
    assert_eq!(caught("src/cli/plan.rs", "use crate::adapters::ledger::SqliteLedger;"), 1);
    assert_eq!(caught("src/cli/plan.rs", "use crate::adapters::folder;"), 0);
    assert_eq!(caught("src/cli/wiring.rs", "use crate::adapters::{ledger, mail};"), 0);
    assert_eq!(caught("src/rehearse/run.rs", "let c = crate::adapters::http::client(x);"), 1);
}

#[test]
fn banned_words_are_caught_only_in_code() {
    let caught = |path, text| complaints(rules::banned, path, text);
    assert_eq!(caught("src/plan/mod.rs", "let t = std::time::SystemTime::now();"), 1);
    assert_eq!(caught("src/adapters/clock.rs", "let t = std::time::SystemTime::now();"), 0);
    assert_eq!(caught("src/plan/mod.rs", "use rand::random; use std::fs;"), 2);
    assert_eq!(caught("src/plan/mod.rs", "let operand = 1; let strand = brand(operand);"), 0);
    assert_eq!(
        caught("src/plan/mod.rs", "/// SystemTime::now\n/* rand /* std::fs */ tokio */ let a = \"rand\";"),
        0
    );
    assert_eq!(
        caught("src/plan/mod.rs", "let a = r#\"a \" rand\"#; let b = '\"'; let c = '\\''; use tokio::x;"),
        1
    );
    assert_eq!(caught("src/plan/mod.rs", "fn f<'a>(x: &'a str) -> &'a str { x.rand() }"), 1);
    assert_eq!(caught("src/engine/mod.rs", "println!(\"x\"); #[cfg(test)] mod t {}"), 2);
    assert_eq!(caught("src/cli/mod.rs", "println!(\"x\");"), 0);
    assert_eq!(caught("tests/it/x.rs", "#[ignore]\nfn x() { todo!() }"), 2);
    assert_eq!(caught("tests/it/x.rs", "std::thread::sleep(x); a.unwrap();"), 1);
}

#[test]
fn lengths_are_counted() {
    let body = "    a();\n".repeat(69);
    let long = format!("fn long(a: [u8; 2]) {{\n{body}}}\n");
    let fine = format!("    pub(crate) async fn fine() {{\n{}}}\n", "    if a { b() }\n".repeat(68));
    assert_eq!(complaints(rules::lengths, "src/plan/a.rs", &long), 1);
    assert_eq!(complaints(rules::lengths, "src/plan/a.rs", &fine), 0);
    assert_eq!(complaints(rules::lengths, "src/plan/a.rs", &"//\n".repeat(401)), 1);
    assert_eq!(complaints(rules::lengths, "src/main.rs", &"//\n".repeat(21)), 1);
    let declared =
        Source::new("src/ports.rs", "trait T {\n    fn a();\n    fn b() {\n        c();\n    }\n}\n");
    assert_eq!(rules::functions(&declared), [(2, "b".to_owned(), 3)]);
}

#[test]
fn heads_are_asked_for() {
    assert_eq!(complaints(rules::first_line, "src/plan/a.rs", "use a;\n"), 1);
    assert_eq!(complaints(rules::first_line, "src/plan/a.rs", "//! One job.\nuse a;\n"), 0);
    assert_eq!(complaints(rules::first_line, "src/plan/a.rs", &"//! Words.\n".repeat(6)), 1);
}

#[test]
fn strays_are_found() {
    let sources = [
        ("src/lib.rs", "pub mod a;\n"),
        ("src/a/mod.rs", "mod b;\n// mod c;\n"),
        ("src/a/b.rs", "pub(crate) mod d;\n"),
        ("src/a/b/d.rs", ""),
        ("src/a/c.rs", ""),
        ("tests/t.rs", "#[path = \"t/e.rs\"]\nmod e;\n"),
        ("tests/t/e.rs", ""),
        ("tests/t/f.rs", ""),
    ];
    let sources = sources.map(|(path, text)| Source::new(path, text));
    let found = reach::strays(&sources).join("\n");
    assert_eq!(found.lines().count(), 2, "{found}");
    assert!(found.contains("src/a/c.rs:1") && found.contains("tests/t/f.rs:1"), "{found}");
}
