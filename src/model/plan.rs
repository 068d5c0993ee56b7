//! The plan: sorted steps, and notes on what is only said or waited for.
//! Invariant: `is_settled` is true only when nothing is to do, under way or to ask.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::breaker::Opened;
use super::census::{Question, Readiness};
use super::ids::{DropletId, FirewallId, ServerName, StepId};
use super::moment::Moment;
use super::money::{Money, Totals};
use super::step::Step;

/// Something to say without doing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Notice {
    /// Intended, nothing visible yet; listings lag.
    Arriving {
        /// Until when it is looked for.
        until: Moment,
    },
    /// Its first boot runs.
    Booting {
        /// Which.
        droplet: DropletId,
        /// Until when it may take.
        until: Moment,
    },
    /// It is up, and its first boot is not over.
    GettingReady {
        /// Which.
        droplet: DropletId,
        /// Until when it may take.
        until: Moment,
        /// What was seen.
        why: String,
    },
    /// It is up and cannot be handed over: a person must look.
    NotReady {
        /// Which.
        droplet: DropletId,
        /// What it shows.
        state: Readiness,
        /// Its delivery fails at this moment, where policy says so.
        until: Option<Moment>,
    },
    /// Powering on, asked at this moment.
    PoweringOn {
        /// When.
        asked: Moment,
    },
    /// Asked to shut down; the power is cut afterwards.
    ShuttingDown {
        /// When the power is cut.
        until: Moment,
    },
    /// Destroyed, but still listed.
    Leaving {
        /// Which.
        droplet: DropletId,
    },
    /// A step was refused or could not be asked; it is tried again.
    Waiting {
        /// Which step.
        step: StepId,
        /// From when on.
        until: Moment,
        /// What was said.
        why: String,
    },
    /// Deleted outside basement, and not made anew unless somebody says so.
    Deleted,
    /// Delivery failed and was settled; waits for `retry` or its subscription's end.
    Failed,
    /// Two droplets for one server: neither is touched.
    Twins {
        /// Which.
        droplets: Vec<DropletId>,
    },
    /// A droplet with our mark and no file.
    Orphan {
        /// Which.
        droplet: DropletId,
        /// Its name.
        name: String,
        /// What it costs a month.
        monthly: Money,
    },
    /// Another size than the file asks for.
    WrongSize {
        /// What it has.
        has: String,
        /// What the plan says.
        wants: String,
    },
    /// Taken as delivered: nobody knows whether its customer was told.
    Unsure {
        /// Which.
        droplet: DropletId,
    },
    /// So many passwords of servers that are to be handed over were not tried, for there is no key here.
    Untried {
        /// How many.
        passwords: usize,
    },
    /// Frozen by a person.
    Held {
        /// Until when.
        until: Option<Moment>,
        /// Why.
        reason: String,
    },
    /// A freeze that has run out.
    HoldOver {
        /// When it ran out.
        until: Moment,
        /// Why it was there.
        reason: String,
    },
    /// Stripe now says something else than the file: nothing disruptive is done.
    Stale {
        /// What Stripe says.
        status: String,
        /// What the file would have had done.
        would: String,
    },
    /// A droplet in a state to keep hands off.
    HandsOff {
        /// Which.
        droplet: DropletId,
        /// Its status, or `locked`.
        status: String,
    },
    /// The droplet is there, but somebody took our mark off it.
    MarkLost {
        /// Which.
        droplet: DropletId,
    },
    /// Its tag names a server whose name it does not bear, or whose droplet is another one.
    Stranger {
        /// Which.
        droplet: DropletId,
    },
    /// A droplet without a file seems to be of the same subscription, under another name: no second one is made.
    SameSubscription {
        /// Which.
        droplet: DropletId,
        /// Its name.
        name: String,
    },
    /// A refund that a person must make.
    RefundByHand {
        /// Why.
        why: String,
    },
    /// It will be destroyed at this moment.
    EndsOn {
        /// When.
        at: Moment,
    },
    /// The breaker is open: nothing is created or refunded until a person resets it.
    BreakerOpen {
        /// Since when, and why.
        opened: Opened,
    },
    /// Our firewall is not in force everywhere yet.
    FirewallPending {
        /// DigitalOcean could not put it in force.
        is_failed: bool,
        /// Droplets it has not reached yet.
        droplets: usize,
    },
    /// Not created before our firewall is in force.
    FirewallFirst {
        /// A person must see to the firewall first.
        by_hand: bool,
    },
    /// Several firewalls have our name: none is touched.
    FirewallTwins {
        /// Which.
        firewalls: Vec<FirewallId>,
    },
    /// Our firewall is still there, though the policy does not ask for it any more.
    FirewallLeft {
        /// Which.
        firewall: FirewallId,
    },
    /// Droplets are made without an SSH key, so DigitalOcean mails a password for each.
    NoSshKeys {
        /// How many.
        creates: usize,
        /// A person allows it.
        is_allowed: bool,
    },
    /// The operator is told of these at this moment or later, in one letter: another of the same cause was sent
    /// a short while ago.
    Gathered {
        /// The letter's word: `operator-failed`, `operator-deleted` or `operator-refused`.
        cause: String,
        /// Of which.
        servers: Vec<ServerName>,
        /// When.
        until: Moment,
    },
    /// Not done while the breaker is open.
    Withheld {
        /// The action's word: `create` or `refund`.
        what: String,
    },
}

/// Something to say, about a server or about the fleet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// About which server; `None`: about none of the files.
    pub server: Option<ServerName>,
    /// What.
    #[serde(flatten)]
    pub notice: Notice,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The census's moment.
    pub at: Moment,
    /// How many servers the files declare.
    pub servers: usize,
    /// How many of our droplets there are.
    pub droplets: usize,
    /// Sorted: what is dangerous first, then by server and by the order in which a server's steps are taken.
    pub steps: Vec<Step>,
    /// Sorted by server.
    pub notes: Vec<Note>,
    /// What must be known before this plan may be applied; empty once all is known.
    pub questions: BTreeSet<Question>,
    /// Money a month, as declared and as it is.
    pub money: MoneyLine,
    /// How much of each cap is used up.
    pub uses: Uses,
}

/// How much of what may be done at once, or in a day, is used up: by a plan, and by what was done before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uses {
    /// Destroys in this plan, of droplets that were up.
    pub destroys: Use,
    /// Refunds in 24 hours.
    pub refunds: Use,
    /// Their sum.
    pub refunded: Totals,
    /// How much may be refunded in 24 hours, in minor units per currency.
    pub refund_sum: i64,
    /// Letters in 24 hours; those of welcome are paid for and not counted.
    pub letters: Use,
}

/// A count and its cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    /// How many.
    pub count: usize,
    /// How many are allowed.
    pub cap: usize,
}

/// Money a month before and after the plan. What changes is the sum of what its steps change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoneyLine {
    /// Revenue of what is served now.
    #[serde(default)]
    pub revenue_now: Totals,
    /// Revenue of all servers that are paid for, as declared: when the plan is done.
    pub revenue: Totals,
    /// What the droplets cost now.
    pub cost: Totals,
    /// What they will cost when the plan is done.
    pub cost_after: Totals,
    /// What the plan refunds.
    pub refunds: Totals,
    /// What would have to be refunded if all its creates failed.
    #[serde(default)]
    pub exposure: Totals,
    /// What droplets that are off, and stay, go on costing.
    #[serde(default)]
    pub stopped: Totals,
    /// What orphans cost.
    #[serde(default)]
    pub orphans: Totals,
    /// How many creates have a size that is not in the price list: `cost_after` is without them.
    #[serde(default)]
    pub unpriced: usize,
    /// What single steps change; those that change nothing are left out.
    #[serde(default)]
    pub steps: BTreeMap<StepId, StepMoney>,
}

/// What a step changes in a month's money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepMoney {
    /// In revenue.
    pub revenue: Option<Money>,
    /// In cost.
    pub cost: Option<Money>,
    /// What the droplet goes on costing once it is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<Money>,
}

impl Use {
    /// More than is allowed.
    pub fn is_over(&self) -> bool {
        self.count > self.cap
    }
}

impl Notice {
    /// Whether something is under way, so that another pass will find it changed.
    pub fn waits(&self) -> bool {
        matches!(
            self,
            Self::Arriving { .. }
                | Self::Booting { .. }
                | Self::GettingReady { .. }
                | Self::NotReady { until: Some(_), .. }
                | Self::PoweringOn { .. }
                | Self::ShuttingDown { .. }
                | Self::Leaving { .. }
                | Self::Waiting { .. }
                | Self::FirewallPending { .. }
                | Self::FirewallFirst { by_hand: false }
        )
    }
}

impl Plan {
    /// Nothing to do, nothing under way and nothing to ask.
    pub fn is_settled(&self) -> bool {
        let Self { at: _, servers: _, droplets: _, steps, notes, questions, money: _, uses: _ } = self;
        steps.is_empty() && questions.is_empty() && !notes.iter().any(|note| note.notice.waits())
    }

    /// Creates and refunds are stopped.
    pub fn is_broken(&self) -> bool {
        self.notes.iter().any(|note| matches!(note.notice, Notice::BreakerOpen { .. }))
    }
}
