//! The plan's formats, the schemas and the events of an apply, from the real binary.

use basement::model::history::Outcome;
use basement::render::events::{ApplyEvent, EventLine};
use basement::render::json::PlanDocument;
use basement::render::schema::{NAMES, schema};
use basement::sim::trouble::Mishap;
use serde_json::Value;

use super::Bench;

#[test]
fn one_plan_in_four_formats() {
    let bench = Bench::of(3);
    let text = bench.run("plan");
    let verdict = text.out.lines().next().expect("a first line").to_owned();
    assert_eq!(verdict, "Safe to apply: creates 3 servers; nothing is taken away.");
    let document: PlanDocument = serde_json::from_str(&bench.run("plan --format json").out).expect("json");
    assert_eq!(document.verdict.text, verdict);
    let markdown = bench.run("plan --format markdown").out;
    let digest = document.digest.expect("a digest");
    let at = document.at;
    let head = format!("<!-- basement plan: valid-at={at} digest={digest} truncated=no -->\n### {verdict}\n");
    assert!(markdown.starts_with(&head), "{markdown}");
    let page = bench.run("plan --format html").out;
    assert!(page.starts_with("<!doctype html>") && page.contains(&format!("<h1>{verdict}</h1>")), "{page}");
    let last = text.out.lines().last().expect("a last line");
    assert_eq!(last, document.summary.text);
    assert!(markdown.ends_with(&format!("**{last}**\n")) && page.contains(last));
}

#[test]
fn many_like_rows_are_folded_unless_all_are_asked_for() {
    let bench = Bench::of(60);
    let (short, long) = (bench.run("plan").out, bench.run("plan --all").out);
    assert_eq!(long.matches("\n+ create").count(), 60);
    assert_eq!(short.matches("\n+ create").count(), 4);
    assert!(short.contains("and 57 more") && short.contains("`--all` shows each"), "{short}");
    assert_eq!(short.lines().last(), long.lines().last());
}

#[test]
fn schemas_by_name() {
    let bench = Bench::new();
    assert_eq!(bench.run("schema").out, "event\nplan\n");
    for name in NAMES {
        let said: Value = serde_json::from_str(&bench.run(&format!("schema {name}")).out).expect("json");
        assert_eq!(Some(said), schema(name));
    }
    assert_eq!(bench.run("schema bogus").code, 64);
}

#[test]
fn the_events_of_an_apply() {
    let bench = Bench::of(2);
    bench.trouble("POST /v2/droplets$", Mishap::FailBefore(422), 1);
    let said = bench.run("apply --auto-approve --events");
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<EventLine> =
        said.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let events: Vec<&ApplyEvent> = lines.iter().map(|line| &line.event).collect();
    assert!(matches!(events[0], ApplyEvent::Planned { counts, .. } if counts.create == 2), "{:?}", events[0]);
    let created =
        |event: &&&ApplyEvent| matches!(event, ApplyEvent::Did { result: Outcome::Created { .. }, .. });
    assert_eq!(events.iter().filter(created).count(), 2);
    assert!(events.iter().any(|event| matches!(event, ApplyEvent::Failed { .. })), "{}", said.out);
    assert!(events.iter().any(|event| matches!(event, ApplyEvent::Sleeping { .. })), "{}", said.out);
    let last = ApplyEvent::Ended { code: 0, text: "done".to_owned() };
    assert_eq!(events.last(), Some(&&last));
    assert!(said.err.contains("apply: 2 created"), "people are talked to on stderr: {}", said.err);
}

#[test]
fn a_run_that_fails_says_so_in_its_last_event() {
    let bench = Bench::of(1);
    let said = bench.run("apply --events");
    let last: EventLine = serde_json::from_str(said.out.lines().last().expect("a line")).expect("json");
    let ApplyEvent::Ended { code, text } = last.event else { panic!("{}", said.out) };
    assert_eq!(i32::from(code), said.code);
    assert!(text.contains("there is no terminal to ask at"), "{text}");
}
