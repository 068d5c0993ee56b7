//! One line for each step that has ended, as `apply` prints it, and the sum of them.

use std::collections::BTreeMap;

use crate::model::firewall::NAME;
use crate::model::history::Outcome;
use crate::model::ids::ServerName;
use crate::model::money::Totals;
use crate::model::step::{Action, Step};

use super::words::{Sign, clean, count, fact_words, letter_words};

/// Reads well before a server's name, and not after a number.
const CANCELLED: &str = "cancelled the subscription of";

/// The same of what is about the whole fleet.
const TAGGED: &str = "made a tag for";
const WALLED: &str = "put a firewall before";

/// A step that is done: `+ created ada-7f3k2m9q (droplet 123)`.
pub fn progress_line(step: &Step, outcome: &Outcome) -> String {
    let Step { id: _, server: _, action, reason: _, again: _ } = step;
    let server = whom(step);
    if let Outcome::Nobody { why } = outcome {
        return format!("! not mailed {server} ({}): {}", about(action), clean(why));
    }
    let said = match outcome {
        Outcome::Plain | Outcome::Together { .. } | Outcome::Nobody { .. } => about(action),
        Outcome::Created { droplet } => format!("droplet {droplet}"),
        Outcome::Refunded { refund, amount, status } => format!("{amount}, {refund}, {}", clean(status)),
    };
    format!("{} {} {server} ({said})", Sign::of(action), past(action))
}

/// A step that certainly did not happen.
pub fn failed_line(step: &Step, why: &str) -> String {
    format!("! could not {} {}: {}", bare(&step.action), whom(step), clean(why))
}

/// A step of which nobody knows whether it happened.
pub fn unknown_line(step: &Step, why: &str) -> String {
    format!(
        "! the reply was lost: {} {}: {}; the next pass finds out what became of it",
        bare(&step.action),
        whom(step),
        clean(why)
    )
}

/// All that was done, counted in the order of a plan's summary: `3 created, 1 refunded ($15.00)`.
pub fn summary<'a>(done: impl Iterator<Item = (&'a Action, &'a Outcome)>) -> String {
    const ORDER: [&str; 12] = [
        TAGGED,
        WALLED,
        "created",
        "destroyed",
        "asked to shut down",
        "powered off",
        "powered on",
        "refunded",
        CANCELLED,
        "mailed",
        "not mailed",
        "recorded",
    ];
    let (mut counts, mut refunds) = (BTreeMap::new(), Totals::default());
    for (action, outcome) in done {
        let word = if matches!(outcome, Outcome::Nobody { .. }) { "not mailed" } else { past(action) };
        *counts.entry(word).or_insert(0_u64) += 1;
        if let Outcome::Refunded { amount, .. } = outcome {
            refunds.add(*amount);
        }
    }
    let words =
        ORDER.iter().filter_map(|word| Some((*word, *counts.get(word)?))).map(|(word, n)| match word {
            CANCELLED => format!("{} cancelled", count(n, "subscription")),
            WALLED => format!("{} put in place", count(n, "firewall")),
            TAGGED => format!("{} made", count(n, "tag")),
            "refunded" => format!("{n} refunded ({refunds})"),
            word => format!("{n} {word}"),
        });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "nothing was done".to_owned() } else { words.join(", ") }
}

/// The server, or the whole fleet.
fn whom(step: &Step) -> &str {
    step.server.as_ref().map_or("fleet", ServerName::as_str)
}

fn about(action: &Action) -> String {
    match action {
        Action::Record { fact } => fact_words(fact),
        Action::Tag { tag } => format!("`{}`", clean(tag)),
        Action::Firewall { .. } => format!("`{NAME}`"),
        Action::Destroy { droplet, .. }
        | Action::Shutdown { droplet }
        | Action::PowerOff { droplet }
        | Action::PowerOn { droplet } => format!("droplet {droplet}"),
        Action::Refund { order, attempt: _ } => order.amount.to_string(),
        Action::Cancel { subscription } => subscription.to_string(),
        Action::Create { order } => order.plan.to_string(),
        Action::Letter { letter } => letter_words(letter),
    }
}

/// What was done.
fn past(action: &Action) -> &'static str {
    match action {
        Action::Record { .. } => "recorded",
        Action::Tag { .. } => TAGGED,
        Action::Firewall { .. } => WALLED,
        Action::Destroy { .. } => "destroyed",
        Action::Refund { .. } => "refunded",
        Action::Cancel { .. } => CANCELLED,
        Action::Shutdown { .. } => "asked to shut down",
        Action::PowerOff { .. } => "powered off",
        Action::PowerOn { .. } => "powered on",
        Action::Create { .. } => "created",
        Action::Letter { .. } => "mailed",
    }
}

fn bare(action: &Action) -> &'static str {
    match action {
        Action::Record { .. } => "record",
        Action::Tag { .. } => "make a tag for",
        Action::Firewall { .. } => WALLED,
        Action::Destroy { .. } => "destroy",
        Action::Refund { .. } => "refund",
        Action::Cancel { .. } => "cancel the subscription of",
        Action::Shutdown { .. } => "shut down",
        Action::PowerOff { .. } => "power off",
        Action::PowerOn { .. } => "power on",
        Action::Create { .. } => "create",
        Action::Letter { .. } => "mail",
    }
}
