//! Storms: a list of acts of customers, operators, vendors and bad luck, thrown by seeded dice, played in
//! virtual time and judged by the laws after every run. A storm is data: it can be shrunk, saved and replayed.

use serde::{Deserialize, Serialize};
use serde_yaml::with::singleton_map_recursive;

use crate::model::moment::Span;
use crate::model::policy::{FirewallBy, NotReady};
use crate::sim::dice::Dice;
use crate::sim::memory::{Asked, Ill};
use crate::sim::trouble::Mishap;
use crate::sim::whim::Whim;

use super::meddler::Spoil;
use super::walls::{EDITS, Edit};

/// One act of a storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Somebody subscribes.
    Subscribe {
        /// Who.
        user: String,
        /// To which price.
        price: String,
        /// With so many days of trial.
        trial: u32,
    },
    /// Their renewals fail from now on.
    StopPaying(String),
    /// They pay what is owed, and go on paying.
    Pay(String),
    /// They switch to another price of the same interval: another size.
    ChangePlan {
        /// Who.
        user: String,
        /// To which price.
        price: String,
    },
    /// They cancel, at once.
    Cancel(String),
    /// They cancel for the end of the period.
    CancelAtEnd(String),
    /// They pause.
    Pause(String),
    /// They resume.
    Resume(String),
    /// They use their own switch.
    SwitchOff(String),
    /// And again.
    SwitchOn(String),
    /// They dispute their last payment.
    Dispute(String),
    /// Their customer is deleted at Stripe.
    DeleteCustomer(String),
    /// Their subscription cannot be read.
    Unreadable(String),
    /// It can again.
    Readable(String),
    /// Somebody deletes their droplet in the panel.
    DeleteDroplet(String),
    /// Somebody takes our mark off their droplet.
    Untag(String),
    /// Somebody mends the first boot of their droplet.
    Mend(String),
    /// An operator sets what follows when a server is not ready in time.
    NotReady(NotReady),
    /// An operator says who keeps everybody out.
    Firewall(FirewallBy),
    /// Somebody changes our cloud firewall in the panel.
    EditFirewall(Edit),
    /// An operator says `retry` of whatever has failed.
    Retry,
    /// An operator says `recreate` of whatever was deleted.
    Recreate,
    /// An operator closes the breaker, if it is open.
    ResetBreaker {
        /// Failed deliveries that were not settled meanwhile are tried again.
        retry: bool,
    },
    /// For so long every create goes wrong, while a timer runs `generate` and `apply` every six hours.
    Outage {
        /// How long.
        lasts: Span,
        /// How.
        mishap: Mishap,
    },
    /// For so long every boot hangs, while that timer runs.
    StuckBoots(Span),
    /// A request to DigitalOcean or Stripe, or a mail, goes wrong.
    Mishap {
        /// Which, as `sim::trouble` matches it.
        call: String,
        /// How.
        mishap: Mishap,
        /// After so many good ones.
        skip: u32,
        /// So often.
        count: u32,
    },
    /// The next droplet has a whim.
    Whim(Whim),
    /// Listings lag by so many seconds.
    Lag(u64),
    /// Stripe's next write answers 500, and the idempotency store keeps that answer for a day.
    StoredFailure {
        /// It is done all the same.
        is_done: bool,
    },
    /// So many calls to the ledger fail.
    Ledger {
        /// Which.
        call: Asked,
        /// Why.
        ill: Ill,
        /// How many.
        count: u32,
    },
    /// Our own clock is so many seconds ahead of the vendors' from now on, or behind them.
    Clock(i64),
    /// The `n`th call from now, to whomever, is spoilt.
    Spoil {
        /// Which.
        n: usize,
        /// How.
        how: Spoil,
    },
    /// The ledger is lost.
    LoseLedger,
    /// All passwords that are sealed by now cannot be opened any more.
    LosePasswords,
    /// The ledger is put back to what it was at the last `keep_ledger`.
    RestoreLedger,
    /// A copy of the ledger is kept.
    KeepLedger,
    /// Refunds of now fail at the bank after a while.
    RefundsFail,
    /// Refunds of now are pending for a while.
    RefundsWait,
    /// Time goes by.
    Advance(Span),
    /// `apply` alone, on files that may be stale.
    Apply,
    /// `generate` and `apply`.
    Run,
    /// Stripe's webhooks for what has just happened: lost (0), or each waking a pass. An event carries no work,
    /// it only wakes the loop; so one that is lost, doubled or late is a pass less, more or later.
    Wake(u32),
    /// Two applies at the same time.
    RunTwice,
}

/// The users of a storm.
const USERS: [&str; 4] = ["ada", "bob", "cleo", "dora"];
/// Calls that go wrong.
const CALLS: [&str; 12] = [
    "",
    "GET /v2/droplets",
    "GET /v2/droplets/",
    "POST /v2/droplets$",
    "POST /v2/droplets/",
    "DELETE /v2/droplets",
    "SMTP mail",
    "GET /v1/",
    "GET /v1/subscriptions",
    "GET /v1/invoices",
    "POST /v1/refunds",
    "DELETE /v1/subscriptions",
];
/// How they go wrong.
const MISHAPS: [Mishap; 16] = [
    Mishap::FailBefore(500),
    Mishap::FailBefore(503),
    Mishap::FailBefore(401),
    Mishap::FailBefore(409),
    Mishap::FailBefore(422),
    Mishap::FailBefore(451),
    Mishap::FailBefore(550),
    Mishap::FailAfter(500),
    Mishap::FailAfter(502),
    Mishap::Html502,
    Mishap::Drop,
    Mishap::RateMinute,
    Mishap::RateHour,
    Mishap::Slow(45_000),
    Mishap::Locked,
    Mishap::Shifted,
];
/// Calls about the firewall.
const WALL_CALLS: [&str; 4] =
    ["GET /v2/firewalls", "POST /v2/firewalls", "PUT /v2/firewalls/", "POST /v2/tags"];
/// What is sold by the month.
const MONTHLY: [&str; 3] = ["basic-month", "pro-month", "premium-month"];

/// The storm of a seed: its acts, without the calm at the end.
pub fn throw(seed: u64) -> Vec<Act> {
    let mut dice = Dice::new(seed);
    let mut acts = vec![subscribe(&mut dice), Act::Run];
    for _ in 0..6 + dice.below(18) {
        acts.push(act(&mut dice));
        match dice.below(12) {
            0..=3 => acts.push(Act::Run),
            4 => acts.push(Act::Apply),
            5 => acts.push(Act::Wake(number(&mut dice, 4))),
            _ => {}
        }
    }
    acts.push(Act::Run);
    wall(seed, &mut acts);
    acts
}

/// A quarter of the storms have a cloud firewall, from the beginning or from some day on, and people who change it.
/// These dice are others: a seed without one is the storm it was before.
fn wall(seed: u64, acts: &mut Vec<Act>) {
    let mut dice = Dice::new(!seed);
    if dice.below(4) > 0 {
        return;
    }
    let mut at = 0;
    let by = *dice.pick(&[FirewallBy::Cloud, FirewallBy::Both]);
    for n in 0..4 + dice.below(4) {
        let act = match dice.below(8) {
            _ if n == 0 => Act::Firewall(by),
            0 => Act::Firewall(*dice.pick(&[FirewallBy::Ufw, by])),
            1 | 2 => {
                let call = (*dice.pick(&WALL_CALLS)).to_owned();
                let mishap = *dice.pick(&MISHAPS);
                Act::Mishap { call, mishap, skip: number(&mut dice, 2), count: 1 + number(&mut dice, 4) }
            }
            _ => Act::EditFirewall(*dice.pick(&EDITS)),
        };
        acts.insert(at, act);
        let left = u64::try_from(acts.len() - at).unwrap_or(1);
        at += usize::try_from(dice.below(left.div_ceil(2))).unwrap_or(0) + 1;
    }
}

/// A storm as YAML: what `basement rehearse --save` writes.
pub fn print(acts: &[Act]) -> Result<String, serde_yaml::Error> {
    let mut bytes = Vec::new();
    singleton_map_recursive::serialize(&acts, &mut serde_yaml::Serializer::new(&mut bytes))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads one.
pub fn parse(text: &str) -> Result<Vec<Act>, serde_yaml::Error> {
    singleton_map_recursive::deserialize(serde_yaml::Deserializer::from_str(text))
}

/// The word an act is counted by.
pub fn word(act: &Act) -> String {
    match act {
        Act::Mishap { mishap, .. } => format!("mishap {}", first_word(&format!("{mishap:?}"))),
        Act::Whim(whim) => format!("whim {}", first_word(&format!("{whim:?}"))),
        Act::Spoil { how, .. } => format!("spoil {how:?}"),
        Act::Ledger { call, ill, .. } => format!("ledger {call:?} {ill:?}"),
        Act::Wake(times) => format!("wake {times}"),
        Act::Outage { mishap, .. } => format!("outage {}", first_word(&format!("{mishap:?}"))),
        Act::Clock(seconds) => format!("clock {}", if *seconds < 0 { "behind" } else { "ahead" }),
        other => first_word(&format!("{other:?}")),
    }
}

fn first_word(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

fn act(dice: &mut Dice) -> Act {
    match dice.below(24) {
        0..=2 => subscribe(dice),
        3..=8 => customer(dice),
        9 => operator(dice),
        10..=15 => vendor(dice),
        16..=17 => Act::Spoil { n: usize::try_from(dice.below(60)).unwrap_or(0), how: *dice.pick(&SPOILS) },
        18 => ours(dice),
        19 => Act::Advance(*dice.pick(&[Span::seconds(40), Span::minutes(7), Span::minutes(90)])),
        _ => Act::Advance(*dice.pick(&[Span::days(1), Span::days(6), Span::days(15), Span::days(33)])),
    }
}

const SPOILS: [Spoil; 5] =
    [Spoil::FailBefore, Spoil::FailAfter, Spoil::CrashBefore, Spoil::CrashAfter, Spoil::Twice];

fn subscribe(dice: &mut Dice) -> Act {
    let price = dice.pick(&["basic-month", "pro-month", "premium-month", "basic-year"]);
    let trial = *dice.pick(&[0, 0, 0, 3]);
    Act::Subscribe { user: user(dice), price: (*price).to_owned(), trial }
}

fn customer(dice: &mut Dice) -> Act {
    let user = user(dice);
    if dice.below(14) == 0 {
        return Act::ChangePlan { user, price: (*dice.pick(&MONTHLY)).to_owned() };
    }
    let acts: [fn(String) -> Act; 15] = [
        Act::StopPaying,
        Act::StopPaying,
        Act::Pay,
        Act::Pay,
        Act::Cancel,
        Act::Cancel,
        Act::CancelAtEnd,
        Act::Pause,
        Act::Resume,
        Act::SwitchOff,
        Act::SwitchOn,
        Act::Dispute,
        Act::DeleteCustomer,
        Act::Unreadable,
        Act::Readable,
    ];
    dice.pick(&acts)(user)
}

fn operator(dice: &mut Dice) -> Act {
    match dice.below(12) {
        11 => Act::LosePasswords,
        9 => Act::Mend(user(dice)),
        10 => Act::NotReady(*dice.pick(&[NotReady::Alert, NotReady::Fail])),
        7 => Act::ResetBreaker { retry: dice.below(2) == 0 },
        0 => Act::DeleteDroplet(user(dice)),
        1 => Act::Untag(user(dice)),
        2 => Act::Retry,
        3 => Act::Recreate,
        4 => Act::LoseLedger,
        5 => Act::RestoreLedger,
        6 => Act::KeepLedger,
        _ => Act::RunTwice,
    }
}

/// Trouble at home: the ledger's file, and the clock.
fn ours(dice: &mut Dice) -> Act {
    if dice.below(3) == 0 {
        return Act::Clock(*dice.pick(&[-10_800, -600, -90, -5, 0, 5, 90, 600, 10_800]));
    }
    Act::Ledger {
        call: *dice.pick(&[Asked::Hold, Asked::History, Asked::Append, Asked::Append]),
        ill: *dice.pick(&[Ill::Busy, Ill::Full, Ill::Failing]),
        count: 1 + number(dice, 12),
    }
}

fn vendor(dice: &mut Dice) -> Act {
    match dice.below(25) {
        24 => {
            let lasts = *dice.pick(&[Span::minutes(60), Span::minutes(600), Span::days(1)]);
            let mishaps = [Mishap::FailBefore(503), Mishap::FailBefore(422), Mishap::RateHour];
            match mishaps.get(usize::try_from(dice.below(5)).unwrap_or(0)) {
                Some(mishap) => Act::Outage { lasts, mishap: *mishap },
                None => Act::StuckBoots(lasts),
            }
        }
        0..=3 => Act::Lag(*dice.pick(&[0, 3, 20, 90, 200])),
        4 | 5 => Act::RefundsFail,
        6 | 7 => Act::RefundsWait,
        8 | 9 => Act::StoredFailure { is_done: dice.below(2) == 0 },
        10..=15 => Act::Whim(*dice.pick(&[
            Whim::StuckNew,
            Whim::SlowBoot(200),
            Whim::SlowBoot(400),
            Whim::Vanish,
            Whim::NoAddress(60),
            Whim::NoAddress(900),
            Whim::NeverReady,
            Whim::SlowFirstBoot(300),
            Whim::SlowFirstBoot(1_200),
            Whim::FirstBootFails,
            Whim::OtherServer,
            Whim::OtherKey,
            Whim::IgnoreShutdown,
            Whim::IgnorePowerOff,
            Whim::IgnorePowerOn,
            Whim::Busy(20),
            Whim::Busy(300),
            Whim::LoseDelete,
            Whim::IgnoreDelete,
            Whim::VanishLater(30),
            Whim::VanishLater(3_000),
            Whim::TagLag(40),
            Whim::TagLag(240),
        ])),
        _ => Act::Mishap {
            call: (*dice.pick(&CALLS)).to_owned(),
            mishap: *dice.pick(&MISHAPS),
            skip: number(dice, 4),
            count: 1 + number(dice, 12),
        },
    }
}

fn number(dice: &mut Dice, below: u32) -> u32 {
    u32::try_from(dice.below(u64::from(below))).unwrap_or(0)
}

fn user(dice: &mut Dice) -> String {
    (*dice.pick(&USERS)).to_owned()
}
