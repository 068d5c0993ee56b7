//! Sections: which rows stand together, and under which title. First what is dangerous; with labels, first
//! what this change asks for. Invariant: a server's steps are never torn apart.

use crate::model::insight::Label;
use crate::model::step::{Action, Step};

use super::insight;
use super::view::Row;
use super::words::count;

/// So many steps are taken in at a glance; more stand in groups.
const FEW: usize = 20;

/// Rows under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What part of the plan it is.
    pub part: Part,
    /// Its title.
    pub title: String,
    /// Whose doing all of it is, if the title says so.
    pub doing: Option<Label>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// The parts of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The breaker is open.
    Stopped,
    /// What is to be done.
    Steps,
    /// What was asked for before the change, and is not any more.
    Withdrawn,
    /// What was begun before.
    UnderWay,
    /// What is only said.
    Notes,
    /// What later passes will want.
    Upcoming,
    /// What will stand in the way.
    Concerns,
    /// What must be known first.
    Questions,
    /// Why it may not be applied.
    Objections,
    /// What was said against it, and waived.
    Waived,
}

impl Section {
    /// A section; its title counts what is in it.
    pub(super) fn new(part: Part, title: &str, rows: Vec<Row>) -> Self {
        Self { part, title: title.to_owned(), doing: None, rows }
    }
}

/// The steps in groups, each with its count: a few in one; else by what is worst for a server, or, if it is
/// known, by whose doing they are.
pub(super) fn of_steps(steps: &[Step], rows: Vec<Row>) -> Vec<Section> {
    let is_labelled = rows.iter().any(|row| row.label.is_some());
    if rows.len() <= FEW && !is_labelled {
        return vec![Section::new(Part::Steps, "Steps", rows)];
    }
    let mut rows = rows.into_iter();
    let mut groups: Vec<(usize, Vec<Row>)> = Vec::new();
    for story in steps.chunk_by(|a, b| a.server == b.server) {
        let story_rows: Vec<Row> = rows.by_ref().take(story.len()).collect();
        let place = if is_labelled { doing(&story_rows) } else { worst(story) };
        match groups.iter_mut().find(|(of, _)| *of == place) {
            Some((_, group)) => group.extend(story_rows),
            None => groups.push((place, story_rows)),
        }
    }
    groups.sort_by_key(|(place, _)| *place);
    let titles: [&str; 5] = if is_labelled { BY_DOING } else { BY_DANGER };
    let titled = groups.into_iter().map(|(place, rows)| {
        let title = format!("{} ({})", titles[place], count(rows.len() as u64, "step"));
        let doing = is_labelled.then_some(DOINGS[place]).flatten();
        Section { doing, ..Section::new(Part::Steps, &title, rows) }
    });
    titled.collect()
}

const BY_DANGER: [&str; 5] =
    ["Destroy, refund, cancel", "Switch off", "Switch on", "Make", "Letters and records"];

const BY_DOING: [&str; 5] = [
    "This change",
    "Drift: somebody changed it, and it is put back",
    "Pending: not of this change, and still to be done",
    "In flight: an earlier apply began it",
    "Of unknown origin",
];

const DOINGS: [Option<Label>; 5] =
    [Some(Label::ThisChange), Some(Label::Drift), Some(Label::Pending), Some(Label::InFlight), None];

fn worst(story: &[Step]) -> usize {
    let place = |step: &Step| match &step.action {
        Action::Destroy { .. } | Action::Refund { .. } | Action::Cancel { .. } => 0,
        Action::Shutdown { .. } | Action::PowerOff { .. } => 1,
        Action::PowerOn { .. } => 2,
        Action::Create { .. } | Action::Tag { .. } | Action::Firewall { .. } => 3,
        Action::Letter { .. } | Action::Record { .. } => 4,
    };
    story.iter().map(place).min().unwrap_or(4)
}

fn doing(story: &[Row]) -> usize {
    let place = |row: &Row| DOINGS.iter().position(|doing| *doing == row.label);
    story.iter().filter_map(place).min().unwrap_or(4)
}

/// Whose doing a row is, as a word for filters and brackets.
pub fn label_word(row: &Row) -> Option<&'static str> {
    row.label.map(insight::label)
}

/// The same, unless its section's title has said it.
pub fn label_unsaid(row: &Row, section: &Section) -> Option<&'static str> {
    label_word(row).filter(|_| row.label != section.doing)
}
