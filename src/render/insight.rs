//! The words for insight: who declared a server's state, what happened at Stripe, whose doing it is, what is lost.
//! Invariant: what comes from git or Stripe passes `clean`.

use crate::model::ids::ServerName;
use crate::model::insight::{Commit, Declared, Insight, Label, Lost, StripeEvent, Written};
use crate::model::moment::Moment;
use crate::model::step::{Action, Step};

use super::words::{clean, count, day_seen, time_seen};

/// What is lost by a step, a line each, as read at `now`.
pub fn loss_of(step: &Step, insight: &Insight, now: Moment) -> Vec<String> {
    let lost = match &step.action {
        Action::Destroy { droplet, .. } => insight.lost.get(droplet),
        _ => None,
    };
    lost.into_iter().flat_map(|lost| loss(lost, now)).collect()
}

/// Where a server's state comes from, a line each, as read at `now`.
pub fn origin(server: &ServerName, insight: &Insight, now: Moment) -> Vec<String> {
    let declared = insight.declared.get(server).into_iter().flatten().map(|place| declaration(place, now));
    let event = insight.events.get(server).map(|event| happening(event, now));
    declared.chain(event).collect()
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
    let Declared { file, line, written } = declared;
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let place = format!("declared by {}{line}", clean(file));
    match written {
        Written::By(Commit { hash, at, author, subject }) => format!(
            "{place}, {} of {} by {}: {}",
            clean(hash),
            day_seen(*at, now),
            clean(author),
            clean(subject)
        ),
        Written::NotCommitted => format!("{place}, not committed"),
        Written::Unknown => place,
    }
}

fn happening(event: &StripeEvent, now: Moment) -> String {
    let StripeEvent { id, kind, at } = event;
    format!("Stripe: {} at {} ({})", clean(kind), time_seen(*at, now), clean(id))
}

fn loss(lost: &Lost, now: Moment) -> [String; 2] {
    let Lost { made, last_up, size, address, snapshots } = lost;
    let age = match now.since(*made).as_seconds() / 86_400 {
        0 => "less than a day".to_owned(),
        days => count(days, "day"),
    };
    let up = match last_up {
        Some(at) if *at >= now => "up now".to_owned(),
        Some(at) => format!("last seen up {}", time_seen(*at, now)),
        None => "never seen up".to_owned(),
    };
    let address = address.map(|address| format!(" and its address {address}")).unwrap_or_default();
    let kept = match snapshots {
        0 => "there is no snapshot of it".to_owned(),
        1 => "one snapshot of it is kept".to_owned(),
        n => format!("{n} snapshots of it are kept"),
    };
    [
        format!("made on {}, {age} old; {up}", day_seen(*made, now)),
        format!("lost: its disk ({}){address}; {kept}", clean(size)),
    ]
}
