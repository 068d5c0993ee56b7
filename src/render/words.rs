//! The words for what is done: signs, verbs, and what each action is about.
//! Invariant: every text from outside passes `clean` before it reaches a terminal.

use std::fmt;

use crate::model::breaker::Opened;
use crate::model::census::Readiness;
use crate::model::desired::Fleet;
use crate::model::history::History;
use crate::model::ids::{DropletId, ServerName};
use crate::model::letter::{Letter, Occasion};
use crate::model::moment::Moment;
use crate::model::money::Money;
use crate::model::step::{Action, CreateOrder, DestroyCause, Fact};

pub use crate::model::count::count;
pub use crate::model::hidden::hides;

/// The one character a row begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// `+` something is made.
    Create,
    /// `-` something is destroyed.
    Destroy,
    /// `~` power, and what is mended.
    Power,
    /// `$` money goes back, or a subscription ends.
    Money,
    /// `@` a letter.
    Letter,
    /// `!` something is said.
    Note,
    /// `=` something is written into the ledger.
    Record,
}

/// Where a droplet's address and region are looked up for the reader.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// What is declared.
    pub fleet: &'a Fleet,
    /// What was done.
    pub history: &'a History,
}

impl Sign {
    /// The character.
    pub fn mark(self) -> char {
        match self {
            Self::Create => '+',
            Self::Destroy => '-',
            Self::Power => '~',
            Self::Money => '$',
            Self::Letter => '@',
            Self::Note => '!',
            Self::Record => '=',
        }
    }

    /// The sign of an action.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Record { .. } => Self::Record,
            Action::Destroy { .. } => Self::Destroy,
            Action::Refund { .. } | Action::Cancel { .. } => Self::Money,
            Action::Tag { .. } | Action::Create { .. } => Self::Create,
            Action::Firewall { order } if order.id.is_none() => Self::Create,
            Action::Shutdown { .. }
            | Action::PowerOff { .. }
            | Action::PowerOn { .. }
            | Action::Firewall { .. } => Self::Power,
            Action::Letter { .. } => Self::Letter,
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Write::write_char(f, self.mark())
    }
}

/// What is to be done, as a command: `power off`.
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::Record { .. } => "record",
        Action::Firewall { order } if order.id.is_some() => "mend",
        Action::Tag { .. } | Action::Firewall { .. } => "make",
        Action::Destroy { .. } => "destroy",
        Action::Refund { .. } => "refund",
        Action::Cancel { .. } => "cancel",
        Action::Shutdown { .. } => "shut down",
        Action::PowerOff { .. } => "power off",
        Action::PowerOn { .. } => "power on",
        Action::Create { .. } => "create",
        Action::Letter { .. } => "letter",
    }
}

/// What an action is about: the droplet and where it is, the money and whose it is.
pub fn what(action: &Action, server: Option<&ServerName>, places: Places<'_>) -> String {
    match action {
        Action::Record { fact } => fact_words(fact),
        Action::Tag { tag } => format!("tag `{}`", clean(tag)),
        Action::Firewall { order } => super::firewall::order(order),
        Action::Destroy { droplet, cause } => {
            let place = places.droplet(*droplet, server);
            match cause {
                DestroyCause::Promised => place,
                DestroyCause::NeverUp => format!("{place}, never up"),
                DestroyCause::NeverTold => format!("{place}, never handed over"),
            }
        }
        Action::Refund { order, attempt } => {
            format!("{} of {}, {}{}", order.amount, order.subscription, order.payment, again(*attempt))
        }
        Action::Cancel { subscription } => format!("subscription {subscription}"),
        Action::Shutdown { droplet } | Action::PowerOff { droplet } | Action::PowerOn { droplet } => {
            places.droplet(*droplet, server)
        }
        Action::Create { order } => order_words(order),
        Action::Letter { letter } => letter_words(letter),
    }
}

/// What was learned.
pub fn fact_words(fact: &Fact) -> String {
    match fact {
        Fact::Adopted { droplet, delivered: false } => format!("droplet {droplet} is its droplet"),
        Fact::Adopted { droplet, delivered: true } => {
            format!("droplet {droplet} is its droplet, taken as delivered")
        }
        Fact::NothingMade => "nothing was made".to_owned(),
        Fact::Replaced => "nobody was told of its droplet, which is gone; it is made anew".to_owned(),
        Fact::GaveUp { .. } => "its delivery failed".to_owned(),
        Fact::Deleted { droplet } => format!("droplet {droplet} was deleted outside basement"),
        Fact::Ended => "it is destroyed, and confirmed gone".to_owned(),
        Fact::Retry => "a person said: try again".to_owned(),
        Fact::Recreate => "a person said: make it anew".to_owned(),
        Fact::Census { droplets, team } => {
            format!("{} in team {}", count(*droplets, "droplet"), clean(team))
        }
        Fact::BreakerOpened { opened } => format!("breaker open: {}", failures(opened)),
        Fact::BreakerReset => "a person said: the breaker is closed".to_owned(),
    }
}

/// What a letter is about, and to whom it goes.
pub fn letter_words(letter: &Letter) -> String {
    let about = match &letter.occasion {
        Occasion::Welcome { address, droplet: _, host_key: _ } => format!("welcome, {address}"),
        Occasion::Suspended { destroy_after: Some(end), because: _ } => {
            format!("suspended, to be destroyed on {}", day(*end))
        }
        Occasion::Suspended { destroy_after: None, because: _ } => "suspended".to_owned(),
        Occasion::Resumed { address } => format!("resumed, {address}"),
        Occasion::Ending { destroy_after: Some(end) } => {
            format!("ending, to be destroyed on {}", day(*end))
        }
        Occasion::Ending { destroy_after: None } => "ending".to_owned(),
        Occasion::Ended => "ended".to_owned(),
        Occasion::Failed { refunded, cancelled, by_hand, .. } => {
            let by_hand = if *by_hand { ", the rest by hand" } else { "" };
            format!("not delivered, {}{by_hand}", settled(refunded, *cancelled))
        }
        Occasion::AlertFailed { .. }
        | Occasion::AlertDeleted { .. }
        | Occasion::AlertRefused { .. }
        | Occasion::AlertRefund { .. }
        | Occasion::AlertNotReady { .. }
        | Occasion::AlertUnsure { .. }
        | Occasion::AlertFirewall { .. }
        | Occasion::AlertMany { .. }
        | Occasion::AlertBreaker { .. } => format!("alert: {}", alert_words(&letter.occasion)),
    };
    format!("{about}, to {}", letter.to)
}

/// What the operator is told, in half a sentence; nothing if it is a customer who is told.
pub fn alert_words(occasion: &Occasion) -> String {
    match occasion {
        Occasion::AlertFailed { refunded, cancelled, remark, .. } => {
            let remark = remark.as_ref().map(|text| format!("; {}", clean(text))).unwrap_or_default();
            format!("not delivered, {}{remark}", settled(refunded, *cancelled))
        }
        Occasion::AlertDeleted { droplet } => format!("droplet {droplet} was deleted outside basement"),
        Occasion::AlertRefused { what, why } => {
            format!("its {} is refused: {}", clean(&what.replace('_', " ")), clean(why))
        }
        Occasion::AlertRefund { why } => format!("{}, for you to make", clean(why)),
        Occasion::AlertNotReady { address, state, until: _ } => {
            format!("{address} is not ready: {}", readiness(state))
        }
        Occasion::AlertMany { told } => {
            let servers: Vec<ServerName> = told.iter().map(|told| told.server.clone()).collect();
            let cause = told.first().map_or("", |told| told.occasion.word());
            format!("{}, {} ({})", cause_words(cause), count(told.len() as u64, "server"), names(&servers))
        }
        Occasion::AlertUnsure { droplet, .. } => format!("droplet {droplet} is taken as delivered"),
        Occasion::AlertFirewall { why, .. } => format!("the firewall is not in force: {}", clean(why)),
        Occasion::AlertBreaker { opened } => format!("{}, breaker open", failures(opened)),
        Occasion::Welcome { .. }
        | Occasion::Suspended { .. }
        | Occasion::Resumed { .. }
        | Occasion::Ending { .. }
        | Occasion::Ended
        | Occasion::Failed { .. } => String::new(),
    }
}

/// What the operator's letters of one word are about.
pub fn cause_words(word: &str) -> &'static str {
    match word {
        "operator-failed" => "deliveries that failed",
        "operator-deleted" => "droplets deleted outside basement",
        "operator-refused" => "what is refused again and again",
        "operator-not-ready" => "servers whose first boot is not over, or not good",
        "operator-refund" => "refunds that came back",
        "operator-unsure" => "servers taken as delivered",
        _ => "the fleet",
    }
}

/// What a droplet shows of its first boot.
pub fn readiness(state: &Readiness) -> String {
    match state {
        Readiness::Ready { host_key: _ } => "its first boot is over".to_owned(),
        Readiness::Failed { failed } => {
            format!("its own checks failed: {}", clean(&failed.join(", ")))
        }
        Readiness::NotYet { why, is_absent: _ } => clean(why),
        Readiness::Mismatch { told, shown } => {
            format!("its page tells the SSH key {}, and SSH shows {}", clean(told), clean(shown))
        }
    }
}

/// A text from outside, made harmless: control characters and those that turn or hide text are spelt
/// out (`\u{1b}`), so that a name can neither move the cursor nor fake a line.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Which creates failed: `3 creates in a row failed (ada, bob, cleo)`.
pub fn failures(opened: &Opened) -> String {
    let Opened { since: _, failed, of } = opened;
    let names = names(failed);
    if failed.len() == *of {
        format!("{} in a row failed ({names})", count(*of as u64, "create"))
    } else {
        format!("{} of {} failed in a day ({names})", failed.len(), count(*of as u64, "create"))
    }
}

/// The first few names of servers.
pub fn names(servers: &[ServerName]) -> String {
    first(servers.iter().map(ServerName::as_str))
}

/// The first names of many: `ada, bob, cleo, dora, emil, and 3 more`.
pub fn first<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    /// So many say enough.
    const NAMED: usize = 5;
    let more = names.len().saturating_sub(NAMED);
    let mut named: Vec<String> = names.take(NAMED).map(str::to_owned).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

/// A number with its thousands apart: `4,812`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let places = digits.len();
    let apart = digits.char_indices().map(|(at, digit)| match (places - at) % 3 {
        0 if at > 0 => format!(",{digit}"),
        _ => digit.to_string(),
    });
    apart.collect()
}

/// How far ahead a moment is: `in 3 days`, `in 5 hours`; `now` if it is not.
pub fn ahead(at: Moment, now: Moment) -> String {
    let (n, unit) = match at.since(now).as_seconds() {
        0 => return "now".to_owned(),
        n @ 1..60 => (n, "second"),
        n @ 60..3_600 => (n / 60, "minute"),
        n @ 3_600..172_800 => (n / 3_600, "hour"),
        n => (n / 86_400, "day"),
    };
    format!("in {}", count(n, unit))
}

/// A day for people: `12 Aug 2026`.
pub fn day(at: Moment) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = at.date();
    let mut parts = date.split('-').map(|part| part.parse::<usize>().unwrap_or(0));
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    match (year, month.and_then(|m| MONTHS.get(m.wrapping_sub(1))), day) {
        (Some(year), Some(month), Some(day)) => format!("{day} {month} {year}"),
        _ => date,
    }
}

/// A day as read on the day `now`: the year is said only when it is another one.
pub fn day_seen(at: Moment, now: Moment) -> String {
    let text = day(at);
    match (text.rsplit_once(' '), day(now).rsplit_once(' ')) {
        (Some((short, year)), Some((_, this))) if year == this => short.to_owned(),
        _ => text,
    }
}

/// A time as read at `now`: today's without the day and to the second, `09:14` or `09:14:05`; another day's
/// to the minute, `12 Aug 09:14`; UTC.
pub fn time_seen(at: Moment, now: Moment) -> String {
    let clock = at.clock();
    if at.date() == now.date() {
        clock.strip_suffix(":00").unwrap_or(&clock).to_owned()
    } else {
        format!("{} {}", day_seen(at, now), clock.get(..5).unwrap_or(&clock))
    }
}

/// `$35.00 + €9.00`, or `nothing`.
pub fn amounts(list: &[Money]) -> String {
    let parts: Vec<String> = list.iter().filter(|m| m.amount != 0).map(ToString::to_string).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") }
}

impl Places<'_> {
    /// A droplet with its address and region, as far as they are known: `droplet 123, 203.0.113.7, nyc3`.
    pub fn droplet(self, droplet: DropletId, server: Option<&ServerName>) -> String {
        let record =
            server.and_then(|name| self.history.records.get(name)).filter(|r| r.droplet == Some(droplet));
        let address = record.and_then(|r| r.address).map(|a| a.to_string());
        let region = server.and_then(|name| self.fleet.servers.get(name)).map(|s| s.spec.region.to_string());
        [Some(format!("droplet {droplet}")), address, region]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn order_words(order: &CreateOrder) -> String {
    let CreateOrder { server: _, user: _, plan, spec, attempt } = order;
    let extras: String = [(spec.backups, ", backups"), (spec.ipv6, ", ipv6")]
        .into_iter()
        .filter_map(|(on, text)| on.then_some(text))
        .collect();
    format!("{plan}: {} in {}, {}{extras}{}", spec.size, spec.region, spec.image, again(*attempt))
}

fn settled(refunded: &[Money], cancelled: bool) -> String {
    let end = if cancelled { ", subscription ended" } else { "" };
    format!("{} refunded{end}", amounts(refunded))
}

fn again(attempt: u32) -> String {
    if attempt > 1 { format!(", try {attempt}") } else { String::new() }
}
