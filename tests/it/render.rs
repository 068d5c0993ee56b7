//! What people read: plans, status, history, progress and money, kept as snapshots.

mod against;
mod complete;
mod fold;
mod formats;
mod injection;
mod known;
mod occasions;
mod poison;
pub mod sample;

use std::collections::BTreeMap;

use basement::model::desired::{Because, DesiredState};
use basement::model::history::{Done, Entry, Event, History, Open, Outcome, Phase, Record};
use basement::model::ids::{DropletId, RefundId, StepId};
use basement::model::insight::Insight;
use basement::model::money::{Currency, Money, Totals};
use basement::model::plan::{Note, Notice, Plan, Uses};
use basement::model::step::{Action, Fact, Reason, Step};
use basement::render::history::{history_json, history_text};
use basement::render::money::money_table;
use basement::render::progress::{failed_line, progress_line, summary, unknown_line};
use basement::render::status::{status_json, status_table};
use basement::render::text::{Style, text};
use basement::render::view::{Counts, PlanView};
use basement::render::words::clean;
use proptest::prelude::*;
use sample::{at, name, now};

const HOSTILE: &str = "x\u{1b}[2J\u{1b}[Hplan: nothing\r\n\u{9b}31m\u{202e}evil\u{200b}\u{7f}\t\0";

fn view(plan: &Plan) -> PlanView {
    PlanView::new::<&str>(plan, &sample::fleet(), &sample::history(), &[], &Insight::default())
}

fn written(plan: &Plan, width: usize) -> String {
    text(&view(plan), Style { colour: false, width })
}

#[test]
fn an_empty_plan() {
    insta::assert_snapshot!("empty_plan", written(&sample::plan(vec![], vec![]), 80));
}

#[test]
fn a_plan_that_only_waits_or_only_says() {
    let note = |notice| Note { server: Some(name("ada-7f3k2m9q")), notice };
    let waits = note(Notice::Booting { droplet: DropletId(7), until: at("2026-08-19T10:05:00Z") });
    let last = |notes| view(&sample::plan(vec![], notes)).summary;
    assert_eq!(last(vec![waits]), "nothing to do yet; 1 under way");
    assert_eq!(last(vec![note(Notice::Deleted)]), "nothing to do: 4 servers declared; 1 note");
}

#[test]
fn the_note_of_a_colleague() {
    let reason = Reason::GraceEnded {
        because: Because::Cancelled,
        since: at("2026-08-12T09:00:00Z"),
        ended: at("2026-08-19T09:00:00Z"),
    };
    let destroy =
        Action::Destroy { droplet: DropletId(123), cause: basement::model::step::DestroyCause::Promised };
    let plan = sample::plan(vec![sample::step("ada-7f3k2m9q", destroy, reason)], vec![]);
    let line = "- destroy  ada-7f3k2m9q  droplet 123, 203.0.113.7, nyc3 — subscription cancelled 12 Aug, grace ended 19 Aug\n";
    assert!(text(&view(&plan), Style::PLAIN).contains(line));
}

#[test]
fn colour_is_asked_for_and_changes_no_word() {
    let view = view(&sample::rich());
    let coloured = text(&view, Style { colour: true, width: 100 });
    let plain = text(&view, Style { colour: false, width: 100 });
    assert!(coloured.contains("\u{1b}[31m- destroy\u{1b}[0m"));
    let mut bare = String::new();
    let mut parts = coloured.split('\u{1b}');
    bare.push_str(parts.next().expect("a beginning"));
    parts.for_each(|part| bare.push_str(part.split_once('m').expect("a colour").1));
    assert_eq!(bare, plain);
}

#[test]
fn hostile_names_and_reasons_are_spelt_out() {
    let hostile = HOSTILE.to_owned();
    let mut plan = sample::rich();
    let droplet = DropletId(1);
    plan.notes = [
        Notice::Orphan { droplet, name: hostile.clone(), monthly: Money::usd(600) },
        Notice::Held { until: None, reason: hostile.clone() },
        Notice::HoldOver { until: now(), reason: hostile.clone() },
        Notice::Stale { status: hostile.clone(), would: hostile.clone() },
        Notice::HandsOff { droplet, status: hostile.clone() },
        Notice::WrongSize { has: hostile.clone(), wants: hostile.clone() },
        Notice::RefundByHand { why: hostile.clone() },
        Notice::Waiting { step: StepId::of(&[&"x"]), until: now(), why: hostile.clone() },
    ]
    .map(|notice| Note { server: None, notice })
    .into();
    let because = Because::Other(hostile.clone());
    plan.steps[0].reason = Reason::Declared { state: DesiredState::Running, because, since: now() };
    plan.steps[1].action = Action::Record { fact: Fact::Census { droplets: 1, team: hostile.clone() } };
    let view = PlanView::new(&plan, &sample::fleet(), &sample::history(), &[HOSTILE], &Insight::default());
    let mut all = text(&view, Style::PLAIN);
    let outcome = Outcome::Refunded { refund: refund(), amount: Money::usd(1), status: hostile.clone() };
    all.push_str(&progress_line(&plan.steps[1], &outcome));
    all.push_str(&failed_line(&plan.steps[1], HOSTILE));
    all.push_str(&unknown_line(&plan.steps[1], HOSTILE));
    let event = Event::Failed { why: hostile };
    all.push_str(&history_text(&[Entry { at: now(), server: None, step: plan.steps[0].id.clone(), event }]));
    let bad = all.chars().find(|c| *c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')));
    assert_eq!(bad, None);
    assert!(all.contains(r"x\u{1b}[2J\u{1b}[Hplan: nothing\r\n\u{9b}31m\u{202e}evil\u{200b}\u{7f}\t\u{0}"));
    let last = all.lines().rev().find(|line| line.starts_with("plan: ")).expect("a summary");
    assert!(last.ends_with("1 objection"), "{last}");
}

#[test]
fn status_of_every_kind_of_server() {
    let (history, fleet) = (many_records(), sample::fleet());
    insta::assert_snapshot!("status", status_table(&history, Some(&fleet), &sample::uses(), now()));
    let value = status_json(&history, Some(&fleet), &sample::uses(), now());
    insta::assert_snapshot!("status_json", serde_json::to_string_pretty(&value).expect("json"));
    assert_eq!(
        status_table(&History::default(), None, &Uses::default(), now()),
        "breaker: closed\ncaps: nothing used up\nno servers\n"
    );
    assert!(!status_table(&history, None, &sample::uses(), now()).contains("no file"));
}

#[test]
fn history_one_line_an_entry() {
    let entries = entries();
    insta::assert_snapshot!("history", history_text(&entries));
    let value = history_json(&entries);
    assert_eq!(value["version"], 1);
    assert_eq!(value["entries"].as_array().map(Vec::len), Some(entries.len()));
    assert_eq!(value["entries"][0]["at"], "2026-08-19T10:00:00Z");
    assert_eq!(history_text(&[]), "nothing has happened yet\n");
}

#[test]
fn progress_of_every_action() {
    let mut lines: Vec<String> = sample::actions()
        .into_iter()
        .map(|action| progress_line(&sample::step("ada-7f3k2m9q", action, Reason::Up), &Outcome::Plain))
        .collect();
    let create = sample::rich().steps.into_iter().find(|s| matches!(s.action, Action::Create { .. }));
    let create = create.expect("a create");
    lines.push(progress_line(&create, &Outcome::Created { droplet: DropletId(123) }));
    lines.push(failed_line(&create, "size `s-1vcpu-2gb` is sold out in `nyc3`"));
    lines.push(unknown_line(&create, "connection reset"));
    let actions = sample::actions();
    let refunded =
        Outcome::Refunded { refund: refund(), amount: Money::usd(3500), status: "succeeded".to_owned() };
    let nobody = Outcome::Nobody { why: "no address".to_owned() };
    let done = actions.iter().map(|action| match action {
        Action::Refund { .. } => (action, &refunded),
        Action::Letter { letter } if letter.occasion.word() == "ended" => (action, &nobody),
        _ => (action, &Outcome::Plain),
    });
    lines.push(summary(done));
    insta::assert_snapshot!("progress", lines.join("\n"));
}

#[test]
fn money_in_one_and_in_two_currencies() {
    let euro = Currency::parse("eur").expect("a currency");
    let usd = |cents| Totals(BTreeMap::from([(Currency::USD, cents)]));
    insta::assert_snapshot!("money", money_table(&usd(14_000), &usd(4_200), &usd(3_500)));
    let eur = Totals(BTreeMap::from([(euro, 9_000)]));
    assert!(money_table(&eur, &usd(4_200), &Totals::default()).contains("two currencies"));
}

proptest! {
    #[test]
    fn counts_equal_steps_and_every_step_is_a_row(picks in proptest::collection::vec((0usize..30, 0usize..6), 0..40)) {
        let actions = sample::actions();
        let steps: Vec<Step> = picks.iter().map(|(action, server)| {
            sample::step(&format!("server-{server}"), actions[action % actions.len()].clone(), Reason::Up)
        }).collect();
        let plan = sample::plan(steps, vec![]);
        let view = view(&plan);
        prop_assert_eq!(view.counts.steps(), plan.steps.len());
        prop_assert_eq!(&view.counts, &Counts::of(&plan, 0));
        prop_assert_eq!(view.sections.iter().map(|s| s.rows.len()).sum::<usize>(), plan.steps.len());
        let out = text(&view, Style { colour: false, width: 60 });
        let rows = out.lines().filter(|line| *line != view.summary);
        prop_assert!(rows.clone().all(|line| line.chars().count() <= 60), "{}", out);
        prop_assert_eq!(out.lines().last(), Some(view.summary.as_str()));
        // Each server is one story: its rows stand together.
        let subjects: Vec<&String> = view.sections.iter().flat_map(|s| &s.rows).map(|r| &r.subject).collect();
        let mut runs = subjects.clone();
        runs.dedup();
        let mut unique = subjects;
        unique.sort();
        unique.dedup();
        prop_assert_eq!(runs.len(), unique.len());
        // What the summary says is given back is what the rows give back.
        let sum: i64 = plan.steps.iter().map(|s| match &s.action {
            Action::Refund { order, .. } => order.amount.amount,
            _ => 0,
        }).sum();
        prop_assert_eq!(view.summary.contains("refund"), sum > 0);
        let said = sum == 0 || view.summary.contains(&format!("({})", Money::usd(sum)));
        prop_assert!(said, "{}", view.summary);
    }

    #[test]
    fn cleaned_text_has_no_controls_and_cleaning_is_done_once(any in "\\PC*|(?s:.*)") {
        let once = clean(&any);
        prop_assert!(!once.chars().any(char::is_control));
        prop_assert_eq!(clean(&once), once);
    }
}

fn refund() -> RefundId {
    RefundId::parse("re_1").expect("a refund id")
}

fn many_records() -> History {
    let delivered = Some(at("2026-08-01T09:04:00Z"));
    let base = |phase| Record {
        phase,
        attempt: 1,
        intended: Some(at("2026-08-01T09:00:00Z")),
        droplet: Some(DropletId(123)),
        address: Some(sample::ADDRESS),
        changed: Some(at("2026-08-19T09:30:00Z")),
        ..Record::default()
    };
    let id = StepId::of(&[&"refund", &"sub_1", &"pi_1"]);
    let outcome =
        Outcome::Refunded { refund: refund(), amount: Money::usd(3500), status: "pending".to_owned() };
    let done = BTreeMap::from([(id.clone(), Done { at: now(), outcome })]);
    let refunding =
        sample::actions().into_iter().find(|a| matches!(a, Action::Refund { .. })).expect("a refund");
    let open = BTreeMap::from([(id, Open { since: now(), action: refunding, is_lost: false })]);
    let running = Record { delivered, ..base(Phase::Delivered) };
    let records = [
        ("ada-7f3k2m9q", running.clone()),
        ("bob-5d8w1x2c", Record { stopped: delivered, ..running.clone() }),
        ("cyd-9h4j6k8m", Record { destroyed: delivered, ..running.clone() }),
        ("eve-1", Record { powered_on: Some(now()), ..running }),
        ("fay-1", base(Phase::New)),
        ("gus-1", Record { attempt: 0, ..base(Phase::New) }),
        ("hal-1", base(Phase::Creating)),
        ("ida-1", base(Phase::Booting)),
        ("jon-1", base(Phase::Failed)),
        ("kay-1", Record { done, ..base(Phase::Failed) }),
        ("lee-1", Record { open, ..base(Phase::Failed) }),
        ("max-1", base(Phase::Deleted)),
        ("ned-1", base(Phase::Ended)),
    ];
    History { records: records.map(|(server, record)| (name(server), record)).into(), ..History::default() }
}

/// What becomes of every action, and every way a step can end.
fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut say = |server: Option<&str>, step: &StepId, event| {
        entries.push(Entry { at: now(), server: server.map(name), step: step.clone(), event });
    };
    for (n, action) in sample::actions().into_iter().enumerate() {
        let step = StepId::of(&[&action.word(), &"ada", &n]);
        let outcome = match &action {
            Action::Create { .. } => Outcome::Created { droplet: DropletId(123) },
            Action::Refund { order, .. } => {
                Outcome::Refunded { refund: refund(), amount: order.amount, status: "succeeded".to_owned() }
            }
            _ => Outcome::Plain,
        };
        if let Action::Record { fact } = action {
            say(Some("ada-7f3k2m9q"), &step, Event::Noticed { fact });
            continue;
        }
        say(Some("ada-7f3k2m9q"), &step, Event::Intended { action });
        say(Some("ada-7f3k2m9q"), &step, Event::Done { outcome });
    }
    let other = StepId::of(&[&"create", &"bob", &1]);
    say(Some("bob-5d8w1x2c"), &other, Event::Failed { why: "quota".to_owned() });
    say(Some("bob-5d8w1x2c"), &other, Event::Unknown { why: "reset".to_owned() });
    say(None, &other, Event::Noticed { fact: Fact::Census { droplets: 3, team: "team-1".to_owned() } });
    entries
}
