//! Guard: what may be applied. A plan objects to itself; each objection is waived by its name.
//! Invariant: only `judge` makes an `Approved`, and the engine applies nothing else.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::census::Census;
use crate::model::count::count as counted;
use crate::model::history::{History, Phase};
use crate::model::ids::{DropletId, ServerName};
use crate::model::moment::{Moment, Span};
use crate::model::money::{Money, Totals};
use crate::model::plan::{Notice, Plan, Use, Uses};
use crate::model::policy::Policy;
use crate::model::step::{Action, DestroyCause, Step};

/// Above so many servers the percentage counts too.
const SMALL_FLEET: usize = 10;

/// Why a plan may not be applied as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// Too many destroys at once.
    ManyDestroys {
        /// How many.
        count: usize,
        /// How many are allowed.
        cap: usize,
        /// Of how many servers.
        fleet: usize,
    },
    /// Too many refunds in a day.
    ManyRefunds {
        /// How many with those of the last 24 hours.
        count: usize,
        /// How many are allowed.
        cap: usize,
        /// How much with that of the last 24 hours.
        sum: Totals,
        /// How much is allowed, in minor units per currency.
        sum_cap: i64,
    },
    /// Too many letters in a day.
    ManyLetters {
        /// How many with those of the last 24 hours.
        count: usize,
        /// How many are allowed.
        cap: usize,
    },
    /// Droplets, but not one file.
    EmptyFleet {
        /// How many droplets.
        droplets: usize,
    },
    /// Far fewer of the delivered droplets than there should be.
    CensusShrunk {
        /// How many were delivered, and not asked to be destroyed since.
        was: usize,
        /// How many of them are listed.
        is: usize,
    },
    /// Droplets without an SSH key, and nobody said that this is meant.
    NoSshKeys {
        /// How many.
        creates: usize,
    },
    /// Another DigitalOcean team than the ledger knows.
    OtherAccount {
        /// The ledger's.
        was: String,
        /// Now.
        is: String,
    },
}

/// A plan that may be applied.
#[derive(Debug, Clone)]
pub struct Approved(Plan);

/// Judges a plan; objections named in `allow` are waived. A daily cap holds back only what is over it and what follows
/// from that: whatever else there is to do, or to wait for, goes first.
pub fn judge(
    plan: &Plan,
    census: &Census,
    history: &History,
    allow: &BTreeSet<String>,
) -> Result<Approved, Vec<Objection>> {
    let mut objections = objections(plan, census, history);
    objections.retain(|objection| !allow.contains(objection.name()));
    if objections.is_empty() {
        return Ok(Approved(plan.clone()));
    }
    let rest = objections.iter().all(Objection::is_daily).then(|| within_caps(plan, &objections));
    rest.filter(|rest| !rest.is_settled()).map(Approved).ok_or(objections)
}

/// A plan without what is over a daily cap, first come, first served. A letter to somebody whose refund or letter is
/// held back waits too.
fn within_caps(plan: &Plan, capped: &[Objection]) -> Plan {
    let mut left = Left::of(plan, capped);
    let mut held: BTreeSet<&Option<ServerName>> = BTreeSet::new();
    let mut steps = Vec::new();
    for step in &plan.steps {
        let is_letter = matches!(&step.action, Action::Letter { letter } if !letter.is_welcome());
        let is_taken =
            (step.again || left.takes(&step.action)) && !(is_letter && held.contains(&step.server));
        if is_taken {
            steps.push(step.clone());
        } else {
            held.insert(&step.server);
        }
    }
    Plan { steps, ..plan.clone() }
}

/// How much of the daily caps is left for a plan; `None`: as much as it wants.
struct Left {
    refunds: Option<usize>,
    /// What was given back in the 24 hours before and is to be now.
    refunded: Totals,
    refund_sum: i64,
    letters: Option<usize>,
}

impl Left {
    fn of(plan: &Plan, capped: &[Objection]) -> Self {
        let Uses { destroys: _, refunds, refunded, refund_sum, letters } = &plan.uses;
        let is_capped = |is: fn(&Objection) -> bool| capped.iter().any(is);
        let new = || plan.steps.iter().filter(|step| !step.again);
        let (mut refunded, mut count) = (refunded.clone(), 0);
        for amount in new().filter_map(|step| refund(&step.action)) {
            refunded.add(Money { amount: -amount.amount, ..amount });
            count += 1;
        }
        let letters_now = new().filter(|step| is_counted_letter(&step.action)).count();
        let left = |used: &Use, now: usize| used.cap.saturating_sub(used.count.saturating_sub(now));
        Self {
            refunds: is_capped(|o| matches!(o, Objection::ManyRefunds { .. })).then(|| left(refunds, count)),
            refunded,
            refund_sum: *refund_sum,
            letters: is_capped(|o| matches!(o, Objection::ManyLetters { .. }))
                .then(|| left(letters, letters_now)),
        }
    }

    /// Whether there is room for it; it is used up then.
    fn takes(&mut self, action: &Action) -> bool {
        let one = |left: &mut Option<usize>| match left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        if let (Some(amount), Some(_)) = (refund(action), self.refunds) {
            let mut sum = self.refunded.clone();
            sum.add(amount);
            let is_within = sum.amounts().all(|money| money.amount <= self.refund_sum);
            let is_taken = is_within && one(&mut self.refunds);
            if is_taken {
                self.refunded = sum;
            }
            return is_taken;
        }
        !is_counted_letter(action) || one(&mut self.letters)
    }
}

fn refund(action: &Action) -> Option<Money> {
    match action {
        Action::Refund { order, .. } => Some(order.amount),
        _ => None,
    }
}

/// All objections to a plan, waived or not.
pub fn objections(plan: &Plan, census: &Census, history: &History) -> Vec<Objection> {
    let mut found = census_objections(census, history);
    if plan.servers == 0 && plan.droplets > 0 {
        found.push(Objection::EmptyFleet { droplets: plan.droplets });
    }
    let Uses { destroys, refunds, refunded, refund_sum, letters } = &plan.uses;
    if destroys.is_over() {
        let Use { count, cap } = *destroys;
        found.push(Objection::ManyDestroys { count, cap, fleet: plan.servers });
    }
    let new = |is: fn(&Action) -> bool| plan.steps.iter().any(|step| !step.again && is(&step.action));
    let is_sum_over = refunded.amounts().any(|money| money.amount > *refund_sum);
    if new(|action| matches!(action, Action::Refund { .. })) && (refunds.is_over() || is_sum_over) {
        let (Use { count, cap }, sum, sum_cap) = (*refunds, refunded.clone(), *refund_sum);
        found.push(Objection::ManyRefunds { count, cap, sum, sum_cap });
    }
    found.extend(plan.notes.iter().find_map(|note| match note.notice {
        Notice::NoSshKeys { creates, is_allowed: false } => Some(Objection::NoSshKeys { creates }),
        _ => None,
    }));
    if new(is_counted_letter) && letters.is_over() {
        let Use { count, cap } = *letters;
        found.push(Objection::ManyLetters { count, cap });
    }
    found
}

/// How much of each cap is used up by these steps and by what was done in the 24 hours before.
pub fn uses(steps: &[Step], servers: usize, history: &History, at: Moment, policy: &Policy) -> Uses {
    let day = at.minus(Span::days(1));
    // What is asked again was counted when it was intended.
    let new = || steps.iter().filter(|step| !step.again);
    let mut refunded = Totals::default();
    let before = history.refunds_since(day);
    let now = new().filter_map(|step| refund(&step.action));
    let refunds: Vec<Money> = before.into_iter().chain(now).collect();
    for amount in &refunds {
        refunded.add(*amount);
    }
    let letters = new().filter(|step| is_counted_letter(&step.action)).count();
    let caps = &policy.caps;
    let by_percent = servers * caps.destroy_percent / 100;
    Uses {
        destroys: Use {
            count: steps.iter().filter(|step| is_of_use(&step.action)).count(),
            cap: if servers > SMALL_FLEET { caps.destroy.min(by_percent.max(1)) } else { caps.destroy },
        },
        refunds: Use { count: refunds.len(), cap: caps.refunds },
        refunded,
        refund_sum: caps.refund_sum,
        letters: Use { count: letters + history.letters_since(day), cap: caps.letters },
    }
}

/// Whether somebody may have used what is destroyed. What never came up nobody has, and an outage that leaves
/// many such droplets is the breaker's matter.
fn is_of_use(action: &Action) -> bool {
    matches!(action, Action::Destroy { cause: DestroyCause::Promised, .. })
}

/// A letter of welcome is paid for, and the operator must hear of trouble: no cap holds those.
fn is_counted_letter(action: &Action) -> bool {
    matches!(action, Action::Letter { letter } if !letter.is_welcome() && !letter.occasion.is_alert())
}

/// What the census alone objects to, before a single question is asked about it.
pub fn census_objections(census: &Census, history: &History) -> Vec<Objection> {
    let mut found = Vec::new();
    let kept = history.records.values().filter(|r| r.phase == Phase::Delivered && r.destroyed.is_none());
    let kept: BTreeSet<DropletId> = kept.filter_map(|record| record.droplet).collect();
    let (was, is) = (kept.len(), kept.iter().filter(|id| census.droplets.contains_key(id)).count());
    if was >= 4 && is < was.div_ceil(2) {
        found.push(Objection::CensusShrunk { was, is });
    }
    if let (Some(was), Some(account)) = (&history.team, &census.account)
        && *was != account.team
    {
        found.push(Objection::OtherAccount { was: was.clone(), is: account.team.clone() });
    }
    found
}

impl Approved {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

impl Objection {
    /// All names, for a command line to check what it is given.
    pub const NAMES: [&str; 7] = [
        "many-destroys",
        "many-refunds",
        "many-letters",
        "empty-fleet",
        "census-shrunk",
        "other-account",
        "no-ssh-keys",
    ];

    /// Whether it is about a cap of a day: what is over it waits.
    fn is_daily(&self) -> bool {
        matches!(self, Self::ManyRefunds { .. } | Self::ManyLetters { .. })
    }

    /// Whether an approval of what a plan takes away waives it: the others are about the world, not about steps.
    pub fn is_approvable(name: &str) -> bool {
        matches!(name, "many-destroys" | "many-refunds")
    }

    /// The name it is waived by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ManyDestroys { .. } => "many-destroys",
            Self::ManyRefunds { .. } => "many-refunds",
            Self::ManyLetters { .. } => "many-letters",
            Self::EmptyFleet { .. } => "empty-fleet",
            Self::CensusShrunk { .. } => "census-shrunk",
            Self::OtherAccount { .. } => "other-account",
            Self::NoSshKeys { .. } => "no-ssh-keys",
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |n: usize, noun| counted(n as u64, noun);
        match self {
            Self::ManyDestroys { count, cap, fleet } => {
                let (destroys, servers) = (n(*count, "destroy"), n(*fleet, "server"));
                write!(f, "{destroys} at once, of {servers}; `caps` allows {cap}")
            }
            Self::ManyRefunds { count, cap, sum, sum_cap } => {
                let refunds = n(*count, "refund");
                write!(f, "{refunds} ({sum}) in 24 hours; `caps` allows {cap} and {sum_cap} minor units")
            }
            Self::ManyLetters { count, cap } => {
                let letters = n(*count, "letter");
                write!(f, "{letters} in 24 hours, those of welcome not counted; `caps` allows {cap}")
            }
            Self::EmptyFleet { droplets } => {
                write!(
                    f,
                    "there is not one file in the fleet, and DigitalOcean shows {droplets} of its droplets"
                )
            }
            Self::CensusShrunk { was, is } => {
                write!(f, "DigitalOcean shows {is} of the {was} droplets that customers have")
            }
            Self::NoSshKeys { creates } => {
                write!(
                    f,
                    "{creates} to be created without an SSH key; name keys in `ssh_keys` of basement.toml, or set `allow_no_ssh_keys`"
                )
            }
            Self::OtherAccount { was, is } => {
                write!(f, "this token is of the DigitalOcean team `{is}`; the ledger knows `{was}`")
            }
        }
    }
}
