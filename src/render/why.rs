//! The words for why: reasons of steps, notes, and questions still open.
//! Every variant is matched by name, so that a new one must find its words before it compiles.

use crate::model::census::{Question, Readiness};
use crate::model::desired::DesiredState;
use crate::model::ids::{DropletId, ServerName, StepId};
use crate::model::moment::{Moment, Span};
use crate::model::plan::Notice;
use crate::model::step::{Reason, Step};

use super::firewall;
use super::words::{
    self, Places, cause_words, clean, count, day_seen, failures, names, readiness, time_seen,
};

/// A step in one line: `destroy ada-7f3k2m9q: droplet 7 - subscription cancelled 12 Aug, grace ended 19 Aug`.
pub fn step_line(step: &Step, now: Moment, places: Places<'_>) -> String {
    let whom = step.server.as_ref().map_or("the fleet", ServerName::as_str);
    let what = words::what(&step.action, step.server.as_ref(), places);
    format!("{} {whom}: {what} \u{2014} {}", words::verb(&step.action), reason(&step.reason, now))
}

/// Why a step is taken, as read at `now`.
pub fn reason(reason: &Reason, now: Moment) -> String {
    let day = |at: &Moment| day_seen(*at, now);
    let time = |at: &Moment| time_seen(*at, now);
    match reason {
        Reason::Declared { state, because, since } => {
            let declared = match state {
                DesiredState::Running => "",
                DesiredState::Stopped => ", so it is to be off",
                DesiredState::Destroyed => ", and its file is a tombstone",
            };
            format!("{} since {}{declared}", clean(because.phrase()), day(since))
        }
        Reason::GraceEnded { because, since, ended } => {
            let ends = if *ended > now { "ends" } else { "ended" };
            format!("{} {}, grace {ends} {}", clean(because.phrase()), day(since), day(ended))
        }
        Reason::Anew => "it was deleted outside basement, and is to be made anew".to_owned(),
        Reason::StillOn { asked } => format!("asked to shut down at {}, and still on", time(asked)),
        Reason::NeverUp { intended, deadline } => {
            format!("not up within {} of its create at {}", length(*deadline), time(intended))
        }
        Reason::NeverReady { intended, deadline } => {
            format!("up, but not ready within {} of its create at {}", length(*deadline), time(intended))
        }
        Reason::Unopened { said } => {
            format!("its password cannot be opened ({}); nobody has used it, so it is replaced", clean(said))
        }
        Reason::MaybeTold => {
            "its letter may have arrived, and its password cannot be opened any more: ask its customer"
                .to_owned()
        }
        Reason::Begun => "it was being destroyed before its customer was told of it".to_owned(),
        Reason::Absent => "the droplet is confirmed gone".to_owned(),
        Reason::Up => "it is up, with a public address".to_owned(),
        Reason::Ready => "its first boot is over, and it has checked itself".to_owned(),
        Reason::NotReady { state } => format!("it is up, but {}", readiness(state)),
        Reason::Down { because, since } => {
            format!("it is off: {} since {}", clean(because.phrase()), day(since))
        }
        Reason::NotDelivered { intended } => {
            format!("not delivered: its create at {} came to nothing", time(intended))
        }
        Reason::Found => "a reply was lost, and its droplet was found".to_owned(),
        Reason::NotFound { horizon } => {
            format!("a reply was lost, and no droplet was found for {}", length(*horizon))
        }
        Reason::Unrecorded => {
            "the ledger does not know this droplet, and its tag names this server".to_owned()
        }
        Reason::CreatesFail { failed, of } => format!("{failed} of the last {of} creates failed"),
        Reason::Policy => "`firewall` of basement.toml asks for it".to_owned(),
        Reason::Changed => "somebody changed it".to_owned(),
        Reason::Refused { times, said } => format!("refused {times} times in a row: {}", clean(said)),
    }
}

/// Why, in the few words that many steps share: what they are grouped and filtered by.
pub fn cause(reason: &Reason) -> String {
    let few = match reason {
        Reason::Declared { because, .. }
        | Reason::GraceEnded { because, .. }
        | Reason::Down { because, .. } => {
            return clean(because.phrase());
        }
        Reason::Anew => "made anew",
        Reason::StillOn { .. } => "still on",
        Reason::NeverUp { .. } => "never up",
        Reason::Absent => "confirmed gone",
        Reason::Up => "up",
        Reason::NotDelivered { .. } => "not delivered",
        Reason::Found => "lost reply, found",
        Reason::NotFound { .. } => "lost reply, nothing found",
        Reason::Unrecorded => "unknown to the ledger",
        Reason::CreatesFail { .. } => "creates fail",
        Reason::Refused { .. } => "refused",
        Reason::NeverReady { .. } => "never ready",
        Reason::Unopened { .. } => "password lost",
        Reason::MaybeTold => "perhaps told already",
        Reason::Begun => "begun before",
        Reason::Ready => "ready",
        Reason::NotReady { .. } => "not ready",
        Reason::Policy => "as basement.toml says",
        Reason::Changed => "changed by somebody",
    };
    few.to_owned()
}

/// A note in one or two words.
pub fn notice_word(notice: &Notice) -> &'static str {
    match notice {
        Notice::Arriving { .. } => "arriving",
        Notice::Booting { .. } => "booting",
        Notice::GettingReady { .. } => "getting ready",
        Notice::NotReady { .. } => "not ready",
        Notice::PoweringOn { .. } => "powering on",
        Notice::ShuttingDown { .. } => "shutting down",
        Notice::Leaving { .. } => "leaving",
        Notice::Waiting { .. } => "waiting",
        Notice::Deleted => "deleted",
        Notice::Failed => "failed",
        Notice::Twins { .. } => "twins",
        Notice::Orphan { .. } => "orphan",
        Notice::WrongSize { .. } => "wrong size",
        Notice::Unsure { .. } => "told?",
        Notice::Untried { .. } => "not looked at",
        Notice::Held { .. } => "held",
        Notice::HoldOver { .. } => "hold is over",
        Notice::Stale { .. } => "stale file",
        Notice::HandsOff { .. } => "hands off",
        Notice::MarkLost { .. } => "mark lost",
        Notice::Stranger { .. } => "stranger",
        Notice::SameSubscription { .. } => "renamed",
        Notice::RefundByHand { .. } => "refund by hand",
        Notice::EndsOn { .. } => "ends",
        Notice::BreakerOpen { .. } => "breaker open",
        Notice::FirewallPending { .. } => "firewall",
        Notice::FirewallFirst { .. } => "firewall first",
        Notice::FirewallTwins { .. } => "two firewalls",
        Notice::FirewallLeft { .. } => "firewall left",
        Notice::NoSshKeys { .. } => "no SSH keys",
        Notice::Gathered { .. } => "alerts",
        Notice::Withheld { .. } => "withheld",
    }
}

/// Whether a note is for a person to act on; else it is only to know.
pub fn is_for_you(notice: &Notice) -> bool {
    match notice {
        Notice::Deleted
        | Notice::Failed
        | Notice::Twins { .. }
        | Notice::Orphan { .. }
        | Notice::HoldOver { .. }
        | Notice::Stale { .. }
        | Notice::HandsOff { .. }
        | Notice::MarkLost { .. }
        | Notice::Stranger { .. }
        | Notice::SameSubscription { .. }
        | Notice::RefundByHand { .. }
        | Notice::NotReady { .. }
        | Notice::Unsure { .. }
        | Notice::BreakerOpen { .. }
        | Notice::FirewallTwins { .. }
        | Notice::FirewallLeft { .. }
        | Notice::FirewallFirst { by_hand: true }
        | Notice::FirewallPending { is_failed: true, .. } => true,
        Notice::Held { until, reason: _ } => until.is_none(),
        Notice::NoSshKeys { creates: _, is_allowed } => !is_allowed,
        Notice::Arriving { .. }
        | Notice::Booting { .. }
        | Notice::GettingReady { .. }
        | Notice::PoweringOn { .. }
        | Notice::ShuttingDown { .. }
        | Notice::Leaving { .. }
        | Notice::Waiting { .. }
        | Notice::WrongSize { .. }
        | Notice::EndsOn { .. }
        | Notice::FirewallPending { is_failed: false, .. }
        | Notice::FirewallFirst { by_hand: false }
        | Notice::Gathered { .. }
        | Notice::Untried { .. }
        | Notice::Withheld { .. } => false,
    }
}

/// A note about what takes its time; nothing about another one.
fn under_way(notice: &Notice, now: Moment) -> String {
    let time = |at: &Moment| time_seen(*at, now);
    match notice {
        Notice::Arriving { until } => {
            format!(
                "its create was asked for, and nothing is to be seen of it yet; looked for until {}",
                time(until)
            )
        }
        Notice::Booting { droplet, until } => {
            format!("droplet {droplet} is on its first boot; it has until {}", time(until))
        }
        Notice::GettingReady { droplet, until, why } => {
            format!("droplet {droplet} is up; its first boot has until {} ({})", time(until), clean(why))
        }
        Notice::NotReady { droplet, state, until } => not_ready(*droplet, state, until.map(|at| time(&at))),
        Notice::PoweringOn { asked } => format!("asked at {}", time(asked)),
        Notice::ShuttingDown { until } => format!("the power is cut at {} if it is still on", time(until)),
        Notice::Leaving { droplet } => format!("droplet {droplet} is destroyed, and still listed"),
        Notice::Waiting { step, until, why } => {
            format!("{} is tried again from {}: {}", asked(step), time(until), clean(why))
        }
        _ => String::new(),
    }
}

/// What a step is, to somebody who does not know its id.
fn asked(step: &StepId) -> String {
    let words: Vec<&str> = step.as_str().split('/').collect();
    match words.as_slice() {
        ["letter", _, word, ..] => format!("its letter `{}`", clean(word)),
        [word, ..] => format!("its {}", clean(&word.replace('_', " "))),
        [] => "it".to_owned(),
    }
}

/// A note about a freeze; nothing about another one.
fn hold(notice: &Notice, now: Moment) -> String {
    let time = |at: &Moment| time_seen(*at, now);
    match notice {
        Notice::Held { until: Some(until), reason } => {
            format!("until {}, neither switched off nor destroyed: {}", time(until), clean(reason))
        }
        Notice::Held { until: None, reason } => {
            format!("neither switched off nor destroyed for as long as this lasts: {}", clean(reason))
        }
        Notice::HoldOver { until, reason } => {
            format!("since {} ({}); take it out of fleet/overrides", time(until), clean(reason))
        }
        _ => String::new(),
    }
}

/// A note in a sentence, as read at `now`: what is so, and where there is one, the cure.
pub fn notice(notice: &Notice, server: Option<&ServerName>, now: Moment) -> String {
    let time = |at: &Moment| time_seen(*at, now);
    let named = server.map_or("SERVER", ServerName::as_str);
    match notice {
        Notice::Arriving { .. }
        | Notice::Booting { .. }
        | Notice::GettingReady { .. }
        | Notice::NotReady { .. }
        | Notice::PoweringOn { .. }
        | Notice::ShuttingDown { .. }
        | Notice::Leaving { .. }
        | Notice::Waiting { .. } => under_way(notice, now),
        Notice::Deleted => {
            format!("deleted outside basement; `basement recreate {named}` makes it anew")
        }
        Notice::Failed => {
            format!("its delivery failed and was settled; `basement retry {named}` tries again")
        }
        Notice::Twins { droplets } => {
            format!("{} bear its tag; none is touched until one is left", list(droplets))
        }
        Notice::Orphan { droplet, name, monthly } => format!(
            "droplet {droplet} `{}` costs {monthly} a month, and no file declares it; it is left alone",
            clean(name)
        ),
        Notice::WrongSize { has, wants } => {
            format!("it is a {}, and its file wants a {}; it is not resized", clean(has), clean(wants))
        }
        Notice::Unsure { .. } | Notice::Untried { .. } => untold(notice),
        Notice::Held { .. } | Notice::HoldOver { .. } => hold(notice, now),
        Notice::Stale { status, would } => format!(
            "Stripe now says `{}`, so the file's `{}` is not followed; run `basement generate`",
            clean(status),
            clean(would)
        ),
        Notice::HandsOff { droplet, status } => {
            format!("droplet {droplet} is `{}`; it is not touched", clean(status))
        }
        Notice::MarkLost { droplet } => mark_lost(*droplet),
        Notice::SameSubscription { droplet, name } => format!(
            "droplet {droplet} (`{0}`) has no file and seems to be of the same subscription; nothing is made: \
             give the file its former name, `fleet/servers/{0}.yaml`, or destroy that droplet by hand",
            clean(name)
        ),
        Notice::Stranger { droplet } => format!(
            "droplet {droplet} bears its tag, but another name or number than the ledger knows; it is not touched"
        ),
        Notice::RefundByHand { why } => clean(why),
        Notice::EndsOn { at } => format!("it will be destroyed on {}", time(at)),
        Notice::BreakerOpen { opened } => format!(
            "since {}: {}; nothing is created and no refund begins until `basement reset breaker`",
            time(&opened.since),
            failures(opened)
        ),
        Notice::FirewallPending { .. }
        | Notice::FirewallFirst { .. }
        | Notice::FirewallTwins { .. }
        | Notice::FirewallLeft { .. } => firewall::notice(notice),
        Notice::NoSshKeys { creates, is_allowed: _ } => keyless(*creates),
        Notice::Gathered { cause, servers, until } => format!(
            "the operator is told of {} ({}) by the first `basement apply` after {}: one letter an hour about {}",
            count(servers.len() as u64, "more server"),
            names(servers),
            time(until),
            cause_words(cause)
        ),
        Notice::Withheld { what } => withheld(what).to_owned(),
    }
}

fn not_ready(droplet: DropletId, state: &Readiness, until: Option<String>) -> String {
    let what = readiness(state);
    match until {
        Some(until) => {
            format!("droplet {droplet}: {what}; its delivery fails at {until} unless it is mended")
        }
        None => format!("droplet {droplet}: {what}; its customer is told when it is mended"),
    }
}

/// A note about a letter that may not have come, or may not come; nothing about another one.
fn untold(notice: &Notice) -> String {
    match notice {
        Notice::Unsure { droplet } => {
            format!("droplet {droplet} is taken as delivered; nobody knows whether its customer was told")
        }
        Notice::Untried { passwords } => format!(
            "{}: not looked at, for there is no seal key here; a server whose password is lost is replaced instead \
             of told of (`--allow lost-key`)",
            count(*passwords as u64, "password")
        ),
        _ => String::new(),
    }
}

fn mark_lost(droplet: DropletId) -> String {
    format!("droplet {droplet} has lost its tag `basement`; it is not touched until the tag is back")
}

fn keyless(creates: usize) -> String {
    format!(
        "{} without an SSH key: DigitalOcean mails the account's owner a root password each time, which ours \
         replaces on the first boot; `ssh_keys` in basement.toml ends that",
        count(creates as u64, "create")
    )
}

fn withheld(what: &str) -> &'static str {
    match what {
        "create" => "paid for and not created while the breaker is open",
        _ => {
            "its delivery failed; `basement reset breaker` tries it again, and with `--no-retry` its money goes back"
        }
    }
}

/// A question that must be answered before the plan may be applied.
pub fn question(question: &Question, now: Moment) -> (String, String) {
    match question {
        Question::Droplet(droplet) => {
            ("DigitalOcean".to_owned(), format!("is droplet {droplet} really gone?"))
        }
        Question::Named(server) => ("DigitalOcean".to_owned(), format!("is there a droplet named {server}?")),
        Question::Firewall => ("DigitalOcean".to_owned(), "how does our firewall stand?".to_owned()),
        Question::Subscription(id) => ("Stripe".to_owned(), format!("how does {id} stand now?")),
        Question::Password(server, attempt) => {
            ("the ledger".to_owned(), format!("can the password of {server} be opened (try {attempt})?"))
        }
        Question::Ready { droplet, address, server: _, attempt: _ } => {
            ("the droplet".to_owned(), format!("is the first boot of droplet {droplet} at {address} over?"))
        }
        Question::Payment(id, at) => {
            ("Stripe".to_owned(), format!("what was paid for {id} on {}?", day_seen(*at, now)))
        }
    }
}

fn list(droplets: &[DropletId]) -> String {
    let numbers: Vec<String> = droplets.iter().map(ToString::to_string).collect();
    match numbers.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("droplets {} and {last}", rest.join(", ")),
        _ => format!("droplets {}", numbers.join(", ")),
    }
}

fn length(span: Span) -> String {
    let n = span.as_seconds();
    let (n, unit) = match n {
        0 => (0, "second"),
        _ if n.is_multiple_of(86_400) => (n / 86_400, "day"),
        _ if n.is_multiple_of(3_600) => (n / 3_600, "hour"),
        _ if n.is_multiple_of(60) => (n / 60, "minute"),
        _ => (n, "second"),
    };
    count(n, unit)
}
