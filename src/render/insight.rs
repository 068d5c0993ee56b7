//! The words for insight: who declared a server's state, what happened at Stripe, whose doing a step is.
//! Invariant: what comes from git or Stripe passes `clean`.

use crate::model::ids::ServerName;
use crate::model::insight::{Commit, Declared, Insight, Label, StripeEvent};
use crate::model::moment::Moment;

use super::words::{clean, day_seen, time_seen};

/// Where a server's state comes from, a line each, as read at `now`.
pub fn origin(server: &ServerName, insight: &Insight, now: Moment) -> Vec<String> {
    let declared = insight.declared.get(server).map(|declared| declaration(declared, now));
    let event = insight.events.get(server).map(|event| happening(event, now));
    declared.into_iter().chain(event).collect()
}

/// Whose doing a step is, in two words at most.
pub fn label(label: Label) -> &'static str {
    match label {
        Label::ThisChange => "this change",
        Label::Pending => "pending",
        Label::Drift => "drift",
        Label::InFlight => "in flight",
    }
}

fn declaration(declared: &Declared, now: Moment) -> String {
    let Declared { file, line, commit } = declared;
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = format!("{}{line}", clean(file));
    match commit {
        Some(Commit { hash, at, author, subject }) => format!(
            "declared by {place}, {} of {} by {}: {}",
            clean(hash),
            day_seen(*at, now),
            clean(author),
            clean(subject)
        ),
        None => format!("declared by {place}, not committed"),
    }
}

fn happening(event: &StripeEvent, now: Moment) -> String {
    let StripeEvent { id, kind, at } = event;
    format!("Stripe: {} at {} ({})", clean(kind), time_seen(*at, now), clean(id))
}
