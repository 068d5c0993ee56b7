//! A labelled plan as somebody at a terminal reads it: the change's own steps first, the rest folded to counts.
//! Invariant: each step stands in one section or is counted in one line.

use std::collections::BTreeSet;

use crate::model::ids::StepId;
use crate::model::insight::Label;
use crate::model::plan::Plan;
use crate::model::step::Step;

use super::counts::step_words;
use super::insight::label as word;
use super::view::{Part, PlanView, Row, Section};
use super::words::{Sign, clean};

/// Folds what is not of the change itself, or, if `all`, says of it what `base` has to do with it.
pub fn against(view: PlanView, plan: &Plan, base: &str, all: bool) -> PlanView {
    if view.steps().all(|row| row.label.is_none()) {
        return view;
    }
    let (mut sections, mut folded) = (Vec::new(), Vec::new());
    if !view.steps().any(|row| row.label == Some(Label::ThisChange)) {
        let nothing = remark(word(Label::ThisChange), "asks for nothing by itself", "");
        sections.push(Section::new(Part::Steps, "This change", vec![nothing]));
    }
    for section in view.sections {
        match section.doing.filter(|label| section.part == Part::Steps && *label != Label::ThisChange) {
            None => sections.push(section),
            Some(label) if all => {
                let title = format!("{}: {}", capital(word(label)), meaning(label, base));
                sections.push(Section { title, ..section });
            }
            Some(label) => {
                let ids: BTreeSet<&StepId> = section.rows.iter().filter_map(|row| row.id.as_ref()).collect();
                let steps: Vec<&Step> = plan.steps.iter().filter(|step| ids.contains(&step.id)).collect();
                folded.push(remark(word(label), &step_words(&steps).join(", "), &meaning(label, base)));
            }
        }
    }
    if !folded.is_empty() {
        sections.push(Section::new(Part::Steps, "Besides it (`--all` shows each)", folded));
    }
    // A stable sort: what was added stands behind the other steps.
    sections.sort_by_key(|section| section.part);
    PlanView { sections, ..view }
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

fn remark(verb: &str, what: &str, why: &str) -> Row {
    Row::new(Sign::Note, verb, "", what.to_owned(), why.to_owned())
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
