//! What happened on a stage, in words that are the same at both doors: no droplet's number is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use basement::model::history::Outcome;
use basement::sim::machine::Ending;
use basement::sim::world::lock;

use super::stage::Stage;

/// Truth, steps done and letters of every server; the money; how the runs ended and what is noted.
/// What went in the same way is told once.
pub fn tell(stage: &Stage) -> String {
    let droplets = droplets(stage);
    let mut names: BTreeSet<String> = stage.setup.fleet.servers.keys().map(ToString::to_string).collect();
    names.extend(droplets.values().map(|droplet| droplet.name.clone()));
    let servers = names.into_iter().map(|name| {
        let story = story(stage, &name, &droplets);
        (name, story)
    });
    let mut lines = once(servers);
    lines.extend(fleet(stage));
    lines.extend(once(money(stage).into_iter()));
    lines.push(format!("runs: {}", stage.ends.join(", ")));
    let notes: BTreeSet<String> = stage.notes.iter().map(note).collect();
    if !notes.is_empty() {
        lines.push(format!("notes: {}", notes.into_iter().collect::<Vec<_>>().join(", ")));
    }
    lines.join("\n")
}

/// `name, name: story`, in the order of the first names.
fn once(stories: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for (name, story) in stories {
        match told.iter_mut().find(|(other, _)| *other == story) {
            Some((_, names)) => names.push(name),
            None => told.push((story, vec![name])),
        }
    }
    told.into_iter().map(|(story, names)| format!("{}: {story}", names.join(", "))).collect()
}

/// One server's.
fn story(stage: &Stage, name: &str, droplets: &BTreeMap<u64, Droplet>) -> String {
    let theirs = droplets.values().filter(|droplet| droplet.name == *name);
    let truth: Vec<String> = theirs.map(|d| format!("{} {}", d.short, d.truth)).collect();
    let short = |text: &str| short(text, name, droplets);
    let steps = stage
        .did
        .iter()
        .filter(|did| did.step.server.as_ref().is_some_and(|server| server.as_str() == name))
        .filter_map(|did| {
            let outcome = did.result.as_ref().ok()?;
            Some(format!("  {}{}", short(did.step.id.as_str()), word(outcome)))
        });
    let mut steps: Vec<String> = steps.collect();
    steps.sort();
    let (user, _) = name.rsplit_once('-').unwrap_or((name, ""));
    let customer = format!("{user}@example.com");
    let world = lock(&stage.world);
    let about = format!("letter.{name}.");
    let letters = world.outbox.iter().filter(|letter| letter.message_id.starts_with(&about));
    let mut letters: Vec<String> = letters
        .map(|letter| {
            let to = if letter.to == customer { "the customer" } else { &letter.to };
            format!("  @ {} to {to}", short(&letter.message_id))
        })
        .collect();
    letters.sort();
    let truth = if truth.is_empty() { "none".to_owned() } else { truth.join(", ") };
    std::iter::once(truth).chain(steps).chain(letters).collect::<Vec<_>>().join("\n")
}

/// What is about no single server; its letters are named for a moment, which differs from door to door.
fn fleet(stage: &Stage) -> Option<String> {
    let dateless = |id: &str| id.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let steps = stage.did.iter().filter(|did| did.step.server.is_none() && did.result.is_ok());
    let steps = steps.map(|did| format!("  {}", dateless(did.step.id.as_str())));
    let world = lock(&stage.world);
    let letters = world.outbox.iter().filter(|letter| letter.message_id.starts_with("letter.fleet."));
    let letters = letters.map(|letter| format!("  @ {} to {}", dateless(&letter.message_id), letter.to));
    let lines: Vec<String> = steps.chain(letters).collect();
    (!lines.is_empty()).then(|| format!("the fleet:\n{}", lines.join("\n")))
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
        Outcome::Together { .. } => " together".to_owned(),
        Outcome::Nobody { .. } => " nobody".to_owned(),
    }
}

fn money(stage: &Stage) -> Vec<(String, String)> {
    let books = stage.books.lock().unwrap_or_else(PoisonError::into_inner);
    let truth = books.truth();
    truth
        .into_iter()
        .map(|(id, truth)| {
            let back = match truth.refunds {
                0 => String::new(),
                n => format!(", {} given back in {n}", truth.refunded),
            };
            (id.to_string(), format!("{}, {} paid{back}", truth.status, truth.paid))
        })
        .collect()
}

fn note(note: &basement::model::plan::Note) -> String {
    let json = serde_json::to_value(note).expect("json");
    json["note"].as_str().expect("a word").to_owned()
}
