//! Makes a long plan short: of many servers with the same steps for the same cause a few are shown, the others
//! counted. Invariants: what is destroyed, refunded or cancelled, and what stops a plan, is never folded; of
//! what else takes something away every server is named.

use std::collections::BTreeMap;

use super::view::{Part, PlanView, Row, Section};
use super::words::{Sign, first};

/// So many of one kind are all shown.
pub const MANY: usize = 40;
/// Of more, so many are.
const SHOWN: usize = 3;

/// The same plan with its like rows folded; `--all` is the word for those who want them back.
pub fn fold(view: PlanView) -> PlanView {
    let sections = view.sections.into_iter().map(|section| match section.part {
        Part::Steps | Part::UnderWay | Part::Notes => folded(section),
        Part::Stopped
        | Part::Upcoming
        | Part::Concerns
        | Part::Questions
        | Part::Objections
        | Part::Waived => section,
    });
    PlanView { sections: sections.collect(), ..view }
}

/// What the stories that fold together have in common: each row's verb and cause.
type Kind = Vec<(String, String)>;

fn folded(section: Section) -> Section {
    let stories: Vec<&[Row]> = section.rows.chunk_by(|a, b| a.subject == b.subject).collect();
    let mut kinds: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for story in stories.iter().filter(|story| may_fold(story)) {
        kinds.entry(kind(story)).or_default().push(&story[0].subject);
    }
    kinds.retain(|_, names| names.len() > MANY);
    let mut seen: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for story in stories {
        let kind = kind(story);
        let Some(names) = kinds.get(&kind).filter(|_| may_fold(story)) else {
            rows.extend_from_slice(story);
            continue;
        };
        let seen = seen.entry(kind).or_default();
        *seen += 1;
        if *seen <= SHOWN {
            rows.extend_from_slice(story);
        } else if *seen == SHOWN + 1 {
            rows.push(rest(story, &names[SHOWN..]));
        }
    }
    Section { rows, ..section }
}

/// Whether a number may stand for a row: it takes nothing away from anybody.
pub(super) fn may_count(row: &Row) -> bool {
    !row.takes
}

fn may_fold(story: &[Row]) -> bool {
    !story.iter().any(|row| matches!(row.sign, Sign::Destroy | Sign::Money))
}

fn kind(story: &[Row]) -> Kind {
    story.iter().map(|row| (row.verb.clone(), row.cause.clone())).collect()
}

/// One row for all the others: `and 37 more`.
fn rest(story: &[Row], names: &[&str]) -> Row {
    let verbs: Vec<&str> = story.iter().map(|row| row.verb.as_str()).collect();
    let (row, verb) = (&story[0], verbs.join(", "));
    // A note's kind is its cause, and said already.
    let why = if row.cause == row.verb { String::new() } else { row.cause.clone() };
    let named = if story.iter().all(may_count) { first(names.iter().copied()) } else { names.join(", ") };
    let what = format!("{named}: `--all` shows each");
    let folded = Row::new(row.sign, &verb, &format!("and {} more", names.len()), what, why);
    let takes = story.iter().any(|row| row.takes);
    Row { label: row.label, takes, cause: row.cause.clone(), ..folded }
}
