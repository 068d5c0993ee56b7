//! A labelled plan, arranged by whose doing its steps are: the change's own first, the rest folded to counts.
//! Invariant: each step stands in one section or is counted in one line.

use crate::model::insight::Label;
use crate::model::plan::Plan;
use crate::model::step::Step;

use super::insight::label as word;
use super::view::{PlanView, Row, STEPS, Section, step_words};
use super::words::{Sign, clean};

/// What is not of the change itself, in the order in which it matters.
const REST: [Label; 3] = [Label::Drift, Label::Pending, Label::InFlight];

/// Arranges the steps by their labels against `base`; all of them if `all`. Without labels nothing changes.
pub fn by_label(view: PlanView, plan: &Plan, base: &str, all: bool) -> PlanView {
    let mut sections = Vec::new();
    for section in view.sections {
        if section.title == STEPS && section.rows.iter().any(|row| row.label.is_some()) {
            sections.extend(split(section.rows, plan, base, all));
        } else {
            sections.push(section);
        }
    }
    PlanView { sections, ..view }
}

fn split(rows: Vec<Row>, plan: &Plan, base: &str, all: bool) -> Vec<Section> {
    let (own, rest): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| row.label.is_none_or(|label| label == Label::ThisChange));
    let own: Vec<Row> = own.into_iter().map(without_label).collect();
    let nothing = || vec![remark(word(Label::ThisChange), "asks for nothing by itself", "")];
    let mut sections = vec![section("This change", if own.is_empty() { nothing() } else { own })];
    let mut folded = Vec::new();
    for label in REST {
        let of_it: Vec<&Row> = rest.iter().filter(|row| row.label == Some(label)).collect();
        if of_it.is_empty() {
            continue;
        }
        if all {
            let (name, meaning) = (capital(word(label)), meaning(label, base));
            let rows = of_it.into_iter().cloned().map(without_label).collect();
            sections.push(section(&format!("{name}: {meaning}"), rows));
        } else {
            let steps: Vec<&Step> = plan.steps.iter().filter(|step| stands(&of_it, step)).collect();
            folded.push(remark(word(label), &step_words(&steps).join(", "), &meaning(label, base)));
        }
    }
    if !folded.is_empty() {
        sections.push(section("Besides it (`--all` shows each)", folded));
    }
    sections
}

fn stands(rows: &[&Row], step: &Step) -> bool {
    rows.iter().any(|row| row.id.as_ref() == Some(&step.id))
}

/// What a label means, to somebody who reads it for the first time.
fn meaning(label: Label, base: &str) -> String {
    match label {
        Label::ThisChange => "these files ask for it".to_owned(),
        Label::Pending => format!("`{}` asks for it already", clean(base)),
        Label::Drift => "the live side moved".to_owned(),
        Label::InFlight => "an earlier pass began it".to_owned(),
    }
}

/// The section's title says it already.
fn without_label(row: Row) -> Row {
    Row { label: None, ..row }
}

fn section(title: &str, rows: Vec<Row>) -> Section {
    Section { title: title.to_owned(), rows }
}

fn remark(verb: &str, what: &str, why: &str) -> Row {
    Row::new(Sign::Note, verb, "", what.to_owned(), why.to_owned())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
