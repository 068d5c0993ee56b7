//! What happened on a stage, in words that are the same at both doors: no droplet's number is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use basement::model::history::Outcome;
use basement::sim::machine::Ending;
use basement::sim::world::lock;

use super::stage::Stage;

/// Steps done, letters and the truth, server by server; then how the runs ended and what is noted.
pub fn tell(stage: &Stage) -> String {
    let droplets = droplets(stage);
    let mut names: BTreeSet<String> = stage.setup.fleet.servers.keys().map(ToString::to_string).collect();
    names.extend(droplets.values().map(|droplet| droplet.name.clone()));
    let mut lines = Vec::new();
    for name in &names {
        let theirs = droplets.values().filter(|droplet| droplet.name == *name);
        let truth: Vec<String> = theirs.map(|d| format!("{} {}", d.short, d.truth)).collect();
        let short = |text: &str| short(text, name, &droplets);
        lines
            .push(format!("{name}: {}", if truth.is_empty() { "none".to_owned() } else { truth.join(", ") }));
        let mut steps: Vec<String> = stage
            .did
            .iter()
            .filter(|did| did.step.server.as_str() == name)
            .filter_map(|did| {
                Some(format!("  {}{}", short(did.step.id.as_str()), word(did.result.as_ref().ok()?)))
            })
            .collect();
        steps.sort();
        lines.extend(steps);
        let world = lock(&stage.world);
        let about = format!("letter.{name}.");
        let letters = world.outbox.iter().filter(|letter| letter.message_id.starts_with(&about));
        let mut letters: Vec<String> =
            letters.map(|letter| format!("  @ {} to {}", short(&letter.message_id), letter.to)).collect();
        letters.sort();
        lines.extend(letters);
    }
    lines.extend(money(stage));
    let notes: BTreeSet<String> = stage.notes.iter().map(note).collect();
    lines.push(format!("runs: {}", stage.ends.join(", ")));
    if !notes.is_empty() {
        lines.push(format!("notes: {}", notes.into_iter().collect::<Vec<_>>().join(", ")));
    }
    lines.join("\n")
}

struct Droplet {
    name: String,
    /// `#1` for a name's first droplet.
    short: String,
    truth: String,
}

/// All droplets there are and were, by number.
fn droplets(stage: &Stage) -> BTreeMap<u64, Droplet> {
    let mut world = lock(&stage.world);
    let there: Vec<(u64, String, String)> =
        world.cloud().machines().map(|m| (m.id, m.name.clone(), m.power.word().to_owned())).collect();
    let gone = world.cloud().gone.iter().map(|gone| {
        let how = match gone.ending {
            Ending::Destroyed => "destroyed",
            Ending::ByHand => "deleted by hand",
            Ending::Vanished => "vanished",
        };
        (gone.id, gone.name.clone(), how.to_owned())
    });
    let mut all: Vec<_> = gone.chain(there).collect();
    all.sort();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let number = |(id, name, truth): (u64, String, String)| {
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        (id, Droplet { name, short: format!("#{count}"), truth })
    };
    all.into_iter().map(number).collect()
}

fn short(text: &str, name: &str, droplets: &BTreeMap<u64, Droplet>) -> String {
    let text = text.replace(name, "~");
    droplets.iter().fold(text, |text, (id, droplet)| text.replace(&id.to_string(), &droplet.short))
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Plain => String::new(),
        Outcome::Created { .. } => " created".to_owned(),
        Outcome::Refunded { amount, status, .. } => format!(" {amount} {status}"),
        Outcome::Nobody { .. } => " nobody".to_owned(),
    }
}

fn money(stage: &Stage) -> Vec<String> {
    let books = stage.books.lock().unwrap_or_else(PoisonError::into_inner);
    let truth = books.truth();
    truth
        .into_iter()
        .map(|(id, truth)| {
            let back = match truth.refunds {
                0 => String::new(),
                n => format!(", {} given back in {n}", truth.refunded),
            };
            format!("{id}: {}, {} paid{back}", truth.status, truth.paid)
        })
        .collect()
}

fn note(note: &basement::model::plan::Note) -> String {
    let json = serde_json::to_value(note).expect("json");
    json["note"].as_str().expect("a word").to_owned()
}
