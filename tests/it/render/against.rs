//! A labelled plan: of what is not of the change, the harmless is counted, and nothing that takes something away.

use std::collections::BTreeMap;

use basement::model::ids::StepId;
use basement::model::insight::{Insight, Label};
use basement::model::plan::Plan;
use basement::model::step::Step;
use basement::render::against::against;
use basement::render::fold::{MANY, fold};
use basement::render::markdown::markdown;
use basement::render::text::{Style, text};
use basement::render::view::PlanView;
use proptest::prelude::*;

use super::formats::view_of;
use super::sample;

const LABELS: [Label; 4] = [Label::ThisChange, Label::Drift, Label::Pending, Label::InFlight];

/// Every action for each of so many servers, the labels in turn.
fn labelled(servers: usize, of: impl Fn(usize) -> Label) -> (Plan, PlanView) {
    let steps: Vec<Step> = (0..servers)
        .flat_map(|n| sample::actions().into_iter().map(move |action| (n, action)))
        .map(|(n, action)| sample::step(&format!("user-{n:04}"), action, sample::reasons()[n % 16].clone()))
        .collect();
    let mut labels: BTreeMap<StepId, Label> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate() {
        labels.insert(step.id.clone(), of(n));
    }
    let mut ids = std::collections::BTreeSet::new();
    let steps = steps.into_iter().filter(|step| ids.insert(step.id.clone())).collect();
    let plan = sample::plan(steps, vec![]);
    let insight = Insight { labels, ..Insight::default() };
    let view = view_of(&plan, &insight, &[]);
    (plan, view)
}

#[test]
fn what_others_take_away_stays_a_row_with_its_reason() {
    let actions = sample::actions().len();
    let (plan, view) = labelled(4, |n| LABELS[n / actions]);
    let short = against(view, &plan, "main", false);
    insta::assert_snapshot!("against_main", text(&fold(short), Style { colour: false, width: 120 }));
}

/// Whether each destructive step is a row of its own, or, if a switch-off among many, named in one.
fn is_named(plan: &Plan, short: &PlanView) -> Result<(), TestCaseError> {
    for step in plan.steps.iter().filter(|step| step.action.is_destructive()) {
        let server = step.server.as_ref().expect("a server").as_str();
        let is_row = short.steps().any(|row| row.id.as_ref() == Some(&step.id) && !row.why.is_empty());
        let is_listed = short.steps().any(|row| {
            row.id.is_none() && row.takes && row.what.split([',', ':']).any(|name| name.trim() == server)
        });
        prop_assert!(is_row || is_listed, "{}", step.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_that_takes_something_away_is_folded_without_a_name(
        picks in proptest::collection::vec(0usize..4, 1..40),
        servers in prop_oneof![1usize..6, MANY..MANY + 30],
    ) {
        let (plan, view) = labelled(servers, |n| LABELS[picks[n % picks.len()]]);
        let short = fold(against(view.clone(), &plan, "main", false));
        is_named(&plan, &short)?;
        is_named(&plan, &fold(view.clone()))?;
        // The comment shows them in its warning, whosever they are.
        let comment = markdown(&view);
        let warning = comment.split("This takes away").nth(1).expect("a warning");
        let warning = warning.split("> ```\n\n").next().expect("its end");
        if comment.contains("truncated=no") {
            for row in view.steps().filter(|row| row.takes) {
                prop_assert!(warning.contains(&row.subject), "{:?}", row);
            }
        }
    }
}

#[test]
fn many_switched_off_for_one_cause_are_one_row_that_names_them() {
    let steps = |n: usize| {
        let shutdown = sample::actions().into_iter().find(|action| action.word() == "shutdown");
        sample::step(&format!("user-{n:04}"), shutdown.expect("a shutdown"), sample::reasons()[0].clone())
    };
    let plan = sample::plan((0..=MANY).map(steps).collect(), vec![]);
    let labels = plan.steps.iter().map(|step| (step.id.clone(), Label::Pending)).collect();
    let view = view_of(&plan, &Insight { labels, ..Insight::default() }, &[]);
    let short = fold(against(view, &plan, "main", false));
    let row = short.steps().find(|row| row.subject.starts_with("and ")).expect("a row for the others");
    for n in 3..=MANY {
        assert!(row.what.contains(&format!("user-{n:04}")), "{row:?}");
    }
    assert!(!row.why.is_empty() && row.label == Some(Label::Pending), "{row:?}");
}
