//! The words for insight: who declared a server's state, what happened at Stripe, whose doing a step is.
//! Invariant: what comes from git or Stripe passes `clean`.

use crate::model::ids::ServerName;
use crate::model::insight::{Budget, Commit, Concern, Declared, Insight, Label, StripeEvent};
use crate::model::moment::Moment;

use super::words::{clean, count, day_seen, first, thousands, time_seen};

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
        Concern::Quota { limit, has, creates, destroys } => {
            let room = limit.saturating_sub(*has);
            let text = format!(
                "the team may have {} and has {has}; {creates} more are to be created",
                count(*limit, "droplet")
            );
            if *creates <= room + destroys {
                let cure = "there is room once this plan has destroyed what it destroys; what is refused before \
                            that is tried again";
                return worry("quota", text, cure);
            }
            worry("quota", text, "ask DigitalOcean for a higher limit before it is applied")
        }
        Concern::SoldOut { size, region, servers } => worry(
            "sold out",
            format!("`{size}` is not to be had in `{region}`, for {}", names(servers)),
            "give the plan another size or region in `basement.toml`, or these servers one in fleet/overrides",
        ),
        Concern::NoImage { image, servers } => worry(
            "no image",
            format!("there is no image `{image}`, for {}", names(servers)),
            "name one that DigitalOcean has in `basement.toml`",
        ),
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
            format!("the credential for {} may not `{}`", clean(vendor), clean(scope)),
            "make one that may, or give this one the scope",
        ),
        Concern::Requests { needed, left } => worry(
            "requests",
            format!(
                "it takes about {} requests, and {} are left this hour",
                thousands(*needed),
                thousands(*left)
            ),
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
    format!("≈ {} requests, about {span}{}", thousands(*requests), left.unwrap_or_default())
}
