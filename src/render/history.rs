//! The ledger's entries for people and machines: one line an entry.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::desired::Fleet;
use crate::model::history::{Entry, Event, History, Outcome};
use crate::model::ids::StepId;
use crate::model::step::Action;

use super::json::VERSION;
use super::tables::length;
use super::words::{self, Places, Sign, clean, fact_words};

/// One line an entry, in the order given: time, sign, server, what happened.
pub fn history_text(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "nothing has happened yet\n".to_owned();
    }
    let lines = lines(entries);
    let widest = lines.iter().map(|line| length(&line.server)).max().unwrap_or(0);
    let written = entries.iter().zip(&lines).map(|(entry, line)| {
        let gap = " ".repeat(widest - length(&line.server));
        format!("{}  {} {}{gap}  {}\n", entry.at, line.sign, line.server, line.words)
    });
    written.collect()
}

/// The same for machines: each entry as it is stored, and its words.
pub fn history_json(entries: &[Entry]) -> Value {
    let lines = lines(entries);
    let entries: Vec<Value> = entries
        .iter()
        .zip(&lines)
        .map(|(entry, line)| {
            let Entry { at, server, step, event } = entry;
            let sign = line.sign.mark();
            json!({ "at": at, "server": server, "step": step, "sign": sign, "text": line.words, "data": event })
        })
        .collect();
    json!({ "version": VERSION, "entries": entries })
}

struct Line {
    sign: Sign,
    server: String,
    words: String,
}

/// An end names only its step; what it was the end of was said when it was intended.
fn lines(entries: &[Entry]) -> Vec<Line> {
    let mut intended: BTreeMap<&StepId, &Action> = BTreeMap::new();
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Event::Intended { action } = &entry.event {
            intended.insert(&entry.step, action);
        }
        lines.push(line(entry, intended.get(&entry.step).copied()));
    }
    lines
}

fn line(entry: &Entry, action: Option<&Action>) -> Line {
    let Entry { at: _, server, step, event } = entry;
    let what = action.map_or_else(|| step.to_string(), |action| about(entry, action));
    let sign = action.map_or(Sign::Record, Sign::of);
    let (sign, words) = match event {
        Event::Intended { action: _ } => (sign, format!("intended: {what}")),
        Event::Done { outcome: Outcome::Plain | Outcome::Together { .. } } => (sign, format!("done: {what}")),
        Event::Done { outcome: Outcome::Created { droplet } } => {
            (sign, format!("done: {what}: droplet {droplet}"))
        }
        Event::Done { outcome: Outcome::Refunded { refund, amount, status } } => {
            (sign, format!("done: {what}: {amount} as {refund}, {}", clean(status)))
        }
        Event::Done { outcome: Outcome::Nobody { why } } => {
            (sign, format!("not sent: {what}: {}", clean(why)))
        }
        Event::Failed { why } => (Sign::Note, format!("failed: {what}: {}", clean(why))),
        Event::Unknown { why } => (Sign::Note, format!("reply lost: {what}: {}", clean(why))),
        Event::Noticed { fact } => (Sign::Record, format!("seen: {}", fact_words(fact))),
    };
    Line { sign, server: server.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string), words }
}

fn about(entry: &Entry, action: &Action) -> String {
    let places = Places { fleet: &Fleet::default(), history: &History::default() };
    let again = if entry.step.as_str().contains("/again/") { ", again" } else { "" };
    format!("{} {}{again}", words::verb(action), words::what(action, entry.server.as_ref(), places))
}
