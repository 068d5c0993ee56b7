//! What is to come, in rows: a letter stands with what it tells of, and letters that follow today's steps in one row.

use std::collections::BTreeMap;

use crate::model::ids::ServerName;
use crate::model::insight::Upcoming;
use crate::model::moment::{Moment, Span};
use crate::model::plan::Plan;
use crate::model::step::Action;

use super::view::Row;
use super::why;
use super::words::{self, Places, Sign, ahead, count, first, time_seen};

/// Who does what is to come, and when: nothing runs by itself.
pub(super) const TITLE: &str = "Upcoming: each is done by the first basement apply at or after its time";

/// Letters within so long tell of what is done now.
const SOON: Span = Span::minutes(60);
/// So many of them are rows of their own.
const FEW: usize = 2;

/// Each of what is to come in one line.
pub(super) fn sentences(upcoming: &[Upcoming], places: Places<'_>, plan: &Plan) -> Vec<String> {
    upcoming.iter().map(|next| row(next, places, plan).sentence()).collect()
}

/// The rows, soonest first.
pub(super) fn rows(upcoming: &[Upcoming], places: Places<'_>, plan: &Plan) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut soon: Vec<&Upcoming> = Vec::new();
    let mut told: BTreeMap<&ServerName, usize> = BTreeMap::new();
    for next in upcoming {
        let of = next.server.as_ref().and_then(|server| told.get(server)).copied();
        match (&next.action, of) {
            (Action::Letter { letter }, Some(at)) => {
                let when = time_seen(next.at, plan.at);
                let letter = if letter.is_welcome() {
                    letter.occasion.word().to_owned()
                } else {
                    words::letter_words(letter)
                };
                rows[at].details.push(format!("then, at {when}, a letter: {letter}"));
            }
            (Action::Letter { letter }, None) if is_soon(next.at, plan) && !letter.occasion.is_alert() => {
                soon.push(next);
            }
            _ => {
                if let Some(server) = &next.server {
                    told.insert(server, rows.len());
                }
                rows.push(row(next, places, plan));
            }
        }
    }
    if soon.len() > FEW {
        rows.insert(0, letters(&soon, plan));
    } else {
        rows.splice(0..0, soon.iter().map(|next| row(next, places, plan)));
    }
    rows
}

fn is_soon(at: Moment, plan: &Plan) -> bool {
    at <= plan.at.plus(SOON)
}

/// Many letters as one row: of which kind, and to whom.
fn letters(soon: &[&Upcoming], plan: &Plan) -> Row {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for next in soon {
        if let Action::Letter { letter } = &next.action {
            let name = next.server.as_ref().map_or("fleet", |server| server.as_str());
            kinds.entry(letter.occasion.word()).or_default().push(name);
        }
    }
    let last = soon.iter().map(|next| next.at).max().unwrap_or(plan.at);
    let parts: Vec<String> =
        kinds.into_iter().map(|(kind, names)| format!("{kind} ({})", first(names.into_iter()))).collect();
    let verb = format!("{}: {}", ahead(soon[0].at, plan.at), count(soon.len() as u64, "letter"));
    let what = format!("until {}: {}", time_seen(last, plan.at), parts.join("; "));
    let row = Row::new(Sign::Letter, &verb, "", what, "they tell of what is done now".to_owned());
    Row { at: Some(soon[0].at), ..row }
}

/// A step to come: its time before its verb, its words as a step's own.
fn row(next: &Upcoming, places: Places<'_>, plan: &Plan) -> Row {
    let Upcoming { at, server, action, reason, waits, if_unpaid } = next;
    let verb = format!("{}: {}", ahead(*at, plan.at), words::verb(action));
    let subject = server.as_ref().map_or("fleet", ServerName::as_str);
    let time = time_seen(*at, plan.at);
    let what = if is_guess(action) {
        time
    } else {
        format!("{time}, {}", words::what(action, server.as_ref(), places))
    };
    let mut why = why::reason(reason, plan.at);
    if *if_unpaid {
        why.push_str(", if it is not paid by then");
    }
    for name in waits {
        why.extend(["; `", name.as_str(), "` stands in its way"]);
    }
    let row = Row::new(Sign::of(action), &verb, subject, what, why);
    Row { cause: why::cause(reason), at: Some(*at), ..row }
}

/// Whether it is about a droplet that is not there yet: it has no number and no address to show.
fn is_guess(action: &Action) -> bool {
    match action {
        Action::Destroy { droplet, .. }
        | Action::Shutdown { droplet }
        | Action::PowerOff { droplet }
        | Action::PowerOn { droplet } => droplet.is_predicted(),
        Action::Letter { letter } => letter.is_welcome(),
        Action::Record { .. }
        | Action::Tag { .. }
        | Action::Firewall { .. }
        | Action::Refund { .. }
        | Action::Cancel { .. }
        | Action::Create { .. } => false,
    }
}
