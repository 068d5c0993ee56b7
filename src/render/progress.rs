//! One line for each step that has ended, as `apply` prints it.

use crate::model::history::Outcome;
use crate::model::step::{Action, Step};

use super::words::{Sign, clean, fact_words, letter_words};

/// A step that is done: `+ created ada-7f3k2m9q (droplet 123)`.
pub fn progress_line(step: &Step, outcome: &Outcome) -> String {
    let Step { id: _, server, action, reason: _, again: _ } = step;
    if let Outcome::Nobody { why } = outcome {
        return format!("! not mailed {server} ({}): {}", about(action), clean(why));
    }
    let said = match outcome {
        Outcome::Plain | Outcome::Nobody { .. } => about(action),
        Outcome::Created { droplet } => format!("droplet {droplet}"),
        Outcome::Refunded { refund, amount, status } => format!("{amount}, {refund}, {}", clean(status)),
    };
    format!("{} {} {server} ({said})", Sign::of(action), past(action))
}

/// A step that certainly did not happen.
pub fn failed_line(step: &Step, why: &str) -> String {
    format!("! could not {} {}: {}", bare(&step.action), step.server, clean(why))
}

/// A step of which nobody knows whether it happened.
pub fn unknown_line(step: &Step, why: &str) -> String {
    format!(
        "! the reply was lost: {} {}: {}; the next pass finds out what became of it",
        bare(&step.action),
        step.server,
        clean(why)
    )
}

fn about(action: &Action) -> String {
    match action {
        Action::Record { fact } => fact_words(fact),
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

/// What was done, as a word to count by: `3 created`.
pub fn past(action: &Action) -> &'static str {
    match action {
        Action::Record { .. } => "recorded",
        Action::Destroy { .. } => "destroyed",
        Action::Refund { .. } => "refunded",
        Action::Cancel { .. } => "cancelled the subscription of",
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
