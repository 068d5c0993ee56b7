//! One rich plan in all four formats, kept as snapshots; the schemas of what programs read; what all formats share.

use basement::model::history::Outcome;
use basement::model::insight::Insight;
use basement::model::plan::Plan;
use basement::model::step::{Reason, Step};
use basement::render::events::{ApplyEvent, EventLine};
use basement::render::html::html;
use basement::render::json::PlanDocument;
use basement::render::markdown::{LIMIT, markdown};
use basement::render::schema::{NAMES, schema};
use basement::render::text::{Style, text};
use basement::render::verdict::Danger;
use basement::render::view::{Part, PlanView, Row};
use proptest::prelude::*;
use serde_json::Value;

use super::{also, known, sample, tale};

pub const OBJECTION: &str =
    "4 destroys at once, of 4 servers; `caps` allows 3; waive it by `--allow many-destroys`";

/// The tale with all that is known besides.
pub fn rich() -> (Plan, Insight, PlanView) {
    let (shop, plan) = (tale::shop(), sample::rich());
    let insight = known::insight(&plan);
    let view = shop.view(&plan, &insight);
    (plan, insight, view)
}

pub fn view_of(plan: &Plan, insight: &Insight, objections: &[&str]) -> PlanView {
    PlanView::new(plan, &sample::fleet(), &sample::history(), objections, insight).with_digest("d1ge57")
}

fn document(plan: &Plan, insight: &Insight, objections: &[&str]) -> PlanDocument {
    PlanDocument::new(plan, &view_of(plan, insight, objections), objections, insight)
}

#[test]
fn a_rich_plan_in_four_formats() {
    let (plan, insight, view) = rich();
    insta::assert_snapshot!("rich_plan", text(&view, Style { colour: false, width: 120 }));
    insta::assert_snapshot!("rich_plan_narrow", text(&view, Style { colour: false, width: 60 }));
    insta::assert_snapshot!("rich_plan_markdown", markdown(&view));
    insta::assert_snapshot!("rich_plan_html", html(&view).expect("a page"));
    let objections = tale::shop().objections(&plan);
    let json = PlanDocument::new(&plan, &view, &objections, &insight);
    insta::assert_snapshot!("rich_plan_json", serde_json::to_string_pretty(&json).expect("json"));
}

#[test]
fn what_cannot_be_on_one_day_is_shown_for_the_others() {
    let mut out = String::new();
    for (day, shop) in also::days() {
        let plan = shop.plan();
        let insight = known::of_day(day, &shop, &plan);
        let view = shop.view(&plan, &insight);
        let shown = text(&view, Style { colour: false, width: 120 });
        out.extend(["=== ", day, " ===\n", &shown, "\n"]);
        let document = PlanDocument::new(&plan, &view, &shop.objections(&plan), &insight);
        keeps("plan", &serde_json::to_value(document).expect("json"));
        let (comment, page) = (words_of(&markdown(&view)), plain(&html(&view).expect("a page")));
        for row in view.rows() {
            assert!(comment.contains(&words_of(&row.what)) && page.contains(&row.what), "{row:?}");
        }
    }
    insta::assert_snapshot!("other_days", out);
}

#[test]
fn the_schemas_are_published_and_the_sample_keeps_to_them() {
    for name in NAMES {
        let made = schema(name).expect("a schema");
        let made = serde_json::to_string_pretty(&made).expect("json") + "\n";
        let path = format!("examples/{name}.schema.json");
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            std::fs::write(&path, &made).expect("the folder can be written");
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == made, "`{path}` is of yesterday; hint: `basement schema {name} > {path}`");
    }
    assert_eq!(schema("nothing"), None);
    let (plan, insight, _) = rich();
    let value = serde_json::to_value(document(&plan, &insight, &[OBJECTION])).expect("json");
    keeps("plan", &value);
    let mut poorer = value.clone();
    poorer["steps"][0].as_object_mut().expect("a step").remove("reason");
    assert!(!validator("plan").is_valid(&poorer), "a step without a reason keeps to the schema");
    let mut other = value;
    other["steps"][0]["action"]["kind"] = "format_disk".into();
    assert!(!validator("plan").is_valid(&other), "an unknown kind of step keeps to the schema");
}

#[test]
fn every_event_of_an_apply_keeps_to_its_schema_and_is_one_line() {
    let plan = sample::rich();
    let mut events = vec![
        ApplyEvent::planned(&plan, "d1ge57".to_owned(), 1),
        ApplyEvent::Sleeping { seconds: 5, servers: 2, why: None },
        ApplyEvent::Ended { code: 5, text: "error: not all is done yet".to_owned() },
    ];
    for step in &plan.steps {
        events.push(ApplyEvent::did(step, &Outcome::Plain));
        events.push(ApplyEvent::failed(step, super::HOSTILE));
        events.push(ApplyEvent::unknown(step, "connection reset"));
    }
    for event in events {
        let line = event.clone().to_line();
        assert!(!line.contains('\n'), "{line}");
        keeps("event", &serde_json::from_str(&line).expect("json"));
        let read: EventLine = serde_json::from_str(&line).expect("an event");
        assert_eq!((read.version, read.event), (1, event));
    }
}

fn validator(name: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&schema(name).expect("a schema")).expect("a schema that is one")
}

fn keeps(name: &str, value: &Value) {
    let wrong: Vec<String> =
        validator(name).iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Plans of any steps, more or fewer than fold.
fn any_plan(most: usize) -> impl Strategy<Value = Plan> {
    let step = (0usize..30, 0usize..200, 0usize..16);
    (proptest::collection::vec(step, 0..most), any::<bool>()).prop_map(|(picks, with_notes)| {
        let (actions, reasons): (_, Vec<Reason>) = (sample::actions(), sample::reasons());
        let mut steps: Vec<Step> = picks
            .iter()
            .map(|(action, server, reason)| {
                let action = actions[action % actions.len()].clone();
                sample::step(&format!("server-{server}"), action, reasons[reason % reasons.len()].clone())
            })
            .collect();
        steps.sort_by(|a, b| a.id.cmp(&b.id));
        steps.dedup_by(|a, b| a.id == b.id);
        let rich = sample::rich();
        let notes = if with_notes { rich.notes } else { Vec::new() };
        Plan { money: rich.money, ..sample::plan(steps, notes) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn json_read_back_is_what_was_written(plan in any_plan(60), known in any::<bool>()) {
        let insight = if known { known::insight(&plan) } else { Insight::default() };
        let written = document(&plan, &insight, &[OBJECTION]);
        let text = serde_json::to_string(&written).expect("json");
        let read: PlanDocument = serde_json::from_str(&text).expect("a document");
        prop_assert_eq!(&read, &written);
        prop_assert_eq!(read.steps.len(), plan.steps.len());
    }

    #[test]
    fn every_row_is_in_every_format(plan in any_plan(60), known in any::<bool>()) {
        let insight = if known { known::insight(&plan) } else { Insight::default() };
        let view = view_of(&plan, &insight, &[OBJECTION]);
        let page = plain(&html(&view).expect("a page"));
        let (text, comment) = (text(&view, Style::PLAIN), markdown(&view));
        prop_assert!(comment.contains("truncated=no"));
        let comment = words_of(&comment);
        let json = serde_json::to_string(&document(&plan, &insight, &[OBJECTION])).expect("json");
        let json: Value = serde_json::from_str(&json).expect("json");
        let json = strings(&json);
        for row in view.rows() {
            prop_assert!(text.contains(&row.what) && text.contains(&row.why), "{:?}", row);
            prop_assert!(comment.contains(&words_of(&row.what)), "{:?}", row);
            prop_assert!(page.contains(&row.what) && page.contains(&row.why), "{:?}", row);
            // Notes without a server and questions are data in JSON; the words of all others are there.
            let said = if is_in_words(&view, row) { json.contains(row.what.as_str()) } else { true };
            prop_assert!(said, "{:?}", row);
        }
    }

    #[test]
    fn the_comment_fits_and_says_so_when_it_does_not(many in 1usize..4) {
        let steps = (0..many * 3_000).map(|n| {
            let actions = sample::actions();
            let action = actions[n % actions.len()].clone();
            sample::step(&format!("server-{n}"), action, Reason::Up)
        });
        let plan = sample::plan(steps.collect(), vec![]);
        let out = markdown(&view_of(&plan, &Insight::default(), &[]));
        prop_assert!(out.chars().count() <= LIMIT);
        prop_assert!(out.starts_with("<!-- basement plan: valid-at=2026-08-19T10:00:00Z digest=d1ge57 truncated=yes -->"));
        prop_assert!(out.contains("A truncated plan cannot be approved"));
        prop_assert_eq!(out.matches("```").count() % 2, 0);
        prop_assert_eq!(out.matches("<details>").count(), out.matches("</details>").count());
    }
}

#[test]
fn whatever_takes_something_away_asks_for_care() {
    for action in sample::actions() {
        let takes = action.is_destructive();
        let plan = sample::plan(vec![sample::step("ada-7f3k2m9q", action.clone(), Reason::Up)], vec![]);
        let view = view_of(&plan, &Insight::default(), &[]);
        let wanted = if takes { Danger::Careful } else { Danger::Safe };
        assert_eq!(view.danger, wanted, "{action:?}: {}", view.verdict);
    }
}

/// A destroy stands once, with all that is said of it: many of them are read, and can be approved.
#[test]
fn the_comment_of_sixty_destroys_is_whole() {
    let (plan, insight, _) = rich();
    let first = plan.steps.iter().find(|step| step.server == Some(sample::name("ada-7f3k2m9q")));
    let first = first.expect("a destroy");
    let (mut many, mut steps) = (insight.clone(), Vec::new());
    for n in 0..60 {
        let step = sample::step(&format!("user-{n:03}"), first.action.clone(), first.reason.clone());
        let name = step.server.clone().expect("a server");
        many.declared.insert(name.clone(), insight.declared[&sample::name("ada-7f3k2m9q")].clone());
        many.events.insert(name, insight.events[&sample::name("ada-7f3k2m9q")].clone());
        steps.push(step);
    }
    let out = markdown(&view_of(&sample::plan(steps, vec![]), &many, &[OBJECTION]));
    assert!(out.contains("truncated=no"), "{}", out.chars().count());
    assert_eq!((out.matches("user-059  ").count(), out.matches("- destroy").count()), (1, 60));
}

#[test]
fn the_comment_of_ten_thousand_steps_fits() {
    let actions = sample::actions();
    let step = |n: usize| {
        sample::step(
            &format!("server-{n}"),
            actions[n % actions.len()].clone(),
            sample::reasons()[n % 16].clone(),
        )
    };
    let plan = sample::plan((0..10_000).map(step).collect(), sample::rich().notes);
    let insight = known::insight(&plan);
    let out = markdown(&view_of(&plan, &insight, &[OBJECTION]));
    assert!(out.chars().count() <= LIMIT, "{}", out.chars().count());
    assert!(out.contains("truncated=yes") && words_of(&out).contains(OBJECTION), "{out}");
}

/// Whether JSON has a row's `what` in words: it has questions and the order of sentences as data.
fn is_in_words(view: &PlanView, row: &Row) -> bool {
    let section = view.sections.iter().find(|section| section.rows.contains(row)).expect("its section");
    !matches!(section.part, Part::Questions | Part::Upcoming | Part::Concerns)
}

/// All strings of a value, one a line.
fn strings(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(list) => list.iter().map(strings).collect(),
        Value::Object(map) => map.values().map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// A text without what wrapping and quoting put in.
fn words_of(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != ">").collect::<Vec<_>>().join(" ")
}

/// A page's text: tags taken out, entities read.
pub fn plain(page: &str) -> String {
    let mut out = String::new();
    for part in page.split('<') {
        out.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    entities.iter().fold(out, |out, (entity, c)| out.replace(entity, c))
}
