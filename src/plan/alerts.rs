//! The operator's letters: one per cause and hour, however many servers it is about.
//! Invariant: an alert is held back only while a later plan will still ask for it, or its own letter is open.

use crate::model::history::History;
use crate::model::ids::StepId;
use crate::model::letter::{Letter, Occasion, Recipient, Told};
use crate::model::moment::{Moment, Span};
use crate::model::plan::{Note, Notice};
use crate::model::step::{Action, Step};

use super::case::{self, Verdict, within};

/// The causes, by the words of their letters.
pub(super) const CAUSES: [&str; 6] = [
    "operator-failed",
    "operator-deleted",
    "operator-refused",
    "operator-not-ready",
    "operator-refund",
    "operator-unsure",
];
/// So long after a letter the next one of the same cause is held back.
const REST: Span = Span::minutes(60);

/// Puts alerts of the same cause into one letter, and holds them back for an hour after another one.
pub(super) fn gather(history: &History, at: Moment, to: &mut Verdict) {
    for cause in CAUSES {
        one_cause(cause, history, at, to);
    }
}

fn one_cause(cause: &str, history: &History, at: Moment, to: &mut Verdict) {
    let is_alert = |step: &Step| !step.again && step.server.is_some() && cause_of(&step.id) == Some(cause);
    let (mut due, rest): (Vec<Step>, Vec<Step>) =
        std::mem::take(&mut to.steps).into_iter().partition(is_alert);
    to.steps = rest;
    // One letter about several that may have arrived is asked for again as it was.
    let open = history.fleet.open.iter().find(|(id, _)| cause_of(id) == Some(cause));
    if let Some((id, Action::Letter { letter })) = open.map(|(id, open)| (id, &open.action)) {
        let told = letter.occasion.told();
        due.retain(|step| !told.iter().any(|told| told.step == step.id));
        if let Some(first) = told.first() {
            let action = Action::Letter { letter: letter.clone() };
            case::add(to, (at, &history.fleet), None, id.clone(), action, first.reason.clone());
        }
    }
    if due.is_empty() {
        return;
    }
    if let Some(last) = last_of(cause, history, at) {
        let servers = due.into_iter().filter_map(|step| step.server).collect();
        let notice = Notice::Gathered { cause: cause.to_owned(), servers, until: last.plus(REST) };
        return to.notes.push(Note { server: None, notice });
    }
    // What is still to be done about a server comes first: its letter says that it is done.
    let is_alone = |due: &Step| to.steps.iter().all(|step| step.server != due.server);
    match due.as_slice() {
        [_] => to.steps.append(&mut due),
        several if several.iter().all(is_alone) => together(&due, history, at, to),
        _ => {}
    }
}

fn together(due: &[Step], history: &History, at: Moment, to: &mut Verdict) {
    let told: Vec<Told> = due.iter().filter_map(told).collect();
    let Some(first) = told.first() else { return };
    // Named for the first of them, since an alert is told but once.
    let about = first.step.as_str().split('/').collect::<Vec<_>>();
    let [_, server, cause, about @ ..] = about.as_slice() else { return };
    let id = StepId::of(&[&"letter", &"fleet", cause, server, &about.join("/")]);
    let reason = first.reason.clone();
    let letter = Letter { server: None, to: Recipient::Operator, occasion: Occasion::AlertMany { told } };
    case::add(to, (at, &history.fleet), None, id, Action::Letter { letter }, reason);
}

fn told(step: &Step) -> Option<Told> {
    let Action::Letter { letter } = &step.action else { return None };
    let (server, step_id, reason) = (letter.server.clone()?, step.id.clone(), step.reason.clone());
    Some(Told { server, step: step_id, reason, occasion: letter.occasion.clone() })
}

/// When the last letter of this cause was sent, or begun, if that is less than an hour ago.
fn last_of(cause: &str, history: &History, at: Moment) -> Option<Moment> {
    let records = || history.records.values().chain([&history.fleet]);
    let done = records().flat_map(|record| &record.done).map(|(id, done)| (id, done.at));
    let open = records().flat_map(|record| &record.open).map(|(id, open)| (id, open.since));
    let recent = done.chain(open).filter(|(id, then)| cause_of(id) == Some(cause) && within(at, *then, REST));
    recent.map(|(_, then)| then).max()
}

/// `operator-failed` of `letter/ada-7f3k2m9q/operator-failed/1`.
fn cause_of(id: &StepId) -> Option<&str> {
    let mut words = id.as_str().split('/');
    let is_letter = words.next() == Some("letter");
    words.nth(1).filter(|_| is_letter)
}
