//! A labelled plan as somebody at a terminal reads it: the change's own steps first, of the rest what takes
//! something away, and the harmless ones as counts. Invariant: each step is a row, or counted in one line.

use std::collections::BTreeSet;

use crate::model::ids::StepId;
use crate::model::insight::Label;
use crate::model::plan::Plan;
use crate::model::step::Step;

use super::counts::step_words;
use super::fold::may_count;
use super::insight::label as word;
use super::view::{Part, PlanView, Row, Section};
use super::words::{Sign, clean};

/// Folds what is not of the change itself, unless `all`. A title is markup elsewhere, so `base`, a text from
/// outside, is named in rows alone.
pub fn against(view: PlanView, plan: &Plan, base: &str, all: bool) -> PlanView {
    if view.steps().all(|row| row.label.is_none()) {
        return view;
    }
    let (mut sections, mut besides, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    if !view.steps().any(|row| row.label == Some(Label::ThisChange)) {
        let nothing = remark(word(Label::ThisChange), "asks for nothing by itself", "");
        sections.push(Section::new(Part::Steps, "This change", vec![nothing]));
    }
    for section in view.sections {
        match section.doing.filter(|label| section.part == Part::Steps && *label != Label::ThisChange) {
            None => sections.push(section),
            Some(_) if all => sections.push(section),
            Some(label) => {
                let (harmless, grave): (Vec<Row>, Vec<Row>) = section.rows.into_iter().partition(may_count);
                besides.extend(grave);
                let ids: BTreeSet<&StepId> = harmless.iter().filter_map(|row| row.id.as_ref()).collect();
                let steps: Vec<&Step> = plan.steps.iter().filter(|step| ids.contains(&step.id)).collect();
                if !steps.is_empty() {
                    let words = step_words(&steps).join(", ");
                    counted.push(remark(word(label), &words, &meaning(label, base)));
                }
            }
        }
    }
    besides.extend(counted);
    if !besides.is_empty() {
        sections.push(Section::new(Part::Steps, "Besides it (`--all` shows each)", besides));
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
