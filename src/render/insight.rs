//! The words for insight: who declared a server's state, what happened at Stripe, whose doing it is, what is lost.
//! Invariant: what comes from git or Stripe passes `clean`.

use crate::model::ids::ServerName;
use crate::model::insight::{Budget, Commit, Concern, Declared, Insight, Label, Lost, StripeEvent, Written};
use crate::model::moment::Moment;
use crate::model::step::{Action, Step};

use super::words::{clean, count, day_seen, first, thousands, time_seen};

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

/// A concern in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worry {
    /// In one or two words.
    pub word: &'static str,
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub cure: String,
}

/// What stands in a plan's way, and the cure.
pub fn concern(concern: &Concern) -> Worry {
    let names = |servers: &[ServerName]| first(servers.iter().map(ServerName::as_str));
    let worry = |word, text: String, cure: &str| Worry { word, text, cure: cure.to_owned() };
    match concern {
        Concern::Quota { limit, has, creates, waits, destroys } => {
            let has = format!("the team may have {} and has {has}", count(*limit, "droplet"));
            if concern.may_fail() {
                let text = format!(
                    "{has}; {creates} more {} to be created",
                    if *creates == 1 { "is" } else { "are" }
                );
                return worry("quota", text, "ask DigitalOcean for a higher limit before it is applied");
            }
            let (wait, go) =
                (if *waits == 1 { "waits" } else { "wait" }, if *destroys == 1 { "is" } else { "are" });
            let (creates, droplets) = (count(*waits, "create"), count(*destroys, "droplet"));
            let text = format!("{has}; {creates} {wait} until {droplets} {go} gone");
            worry("quota", text, "destroys come first, and then there is room")
        }
        Concern::SoldOut { size, region, servers } => worry(
            "sold out",
            format!("`{size}` is not to be had in `{region}`, for {}", names(servers)),
            "give the plan another size or region in `basement.toml`, or these servers one in fleet/overrides",
        ),
        Concern::NoImage { image, region, servers } => {
            let place = region.as_ref().map(|region| format!(" in `{region}`")).unwrap_or_default();
            worry(
                "no image",
                format!("there is no image `{image}`{place}, for {}", names(servers)),
                "name one that DigitalOcean has in `basement.toml`",
            )
        }
        Concern::NoKey { key, servers } => worry(
            "no key",
            format!("the team has no SSH key `{}`, for {}", clean(key), names(servers)),
            "add it to the team, or take it out of `basement.toml`",
        ),
        Concern::Loss { plan, revenue, cost } => worry(
            "loss",
            format!("plan `{plan}` brings in {revenue} a month, and its droplet costs {cost}"),
            "raise its price at Stripe, or give it a smaller size in `basement.toml`",
        ),
        Concern::Scope { vendor, scope } => worry(
            "scope",
            format!("the credential for {} lacks `{}`", clean(vendor), clean(scope)),
            "give it that, or make one that has it; until then the plan leaves out what hangs on it",
        ),
        Concern::Requests { needed, left } => worry(
            "requests",
            format!("it takes about {}, with {} left this hour", asked(*needed), thousands(*left)),
            "apply waits for the next hour by itself; give it a longer `--deadline`",
        ),
    }
}

/// What applying takes: `≈ 61 requests, about 40 s; 4,812 of 5,000 left this hour`.
pub fn budget(budget: &Budget) -> String {
    let Budget { requests, seconds, left, limit } = budget;
    let span = match seconds {
        0..120 => format!("{seconds} s"),
        _ => count(seconds / 60, "minute"),
    };
    let left = left.map(|left| {
        let of = limit.map(|limit| format!(" of {}", thousands(limit))).unwrap_or_default();
        format!("; {}{of} left this hour", thousands(left))
    });
    format!("≈ {}, about {span}{}", asked(*requests), left.unwrap_or_default())
}

/// `1 request`, `6,100 requests`.
fn asked(requests: u64) -> String {
    format!("{} request{}", thousands(requests), if requests == 1 { "" } else { "s" })
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
