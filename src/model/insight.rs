//! Insight: what is known about a plan besides its steps: who declared them, whose doing they are, what comes
//! next, and what will stand in their way. Invariant: it changes no step; without it a plan is poorer, not other.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{DropletId, PaymentId, PlanName, ServerName, Slug, StepId, SubscriptionId};
use super::moment::Moment;
use super::money::Money;
use super::step::{Action, Reason, Step};

/// All that is known besides. Each part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Insight {
    /// Where a server's state is declared, and what else of it is in force.
    pub declared: BTreeMap<ServerName, Vec<Declared>>,
    /// What happened at Stripe before that.
    pub events: BTreeMap<ServerName, StripeEvent>,
    /// What goes with the droplets that are to be destroyed.
    #[serde(default)]
    pub lost: BTreeMap<DropletId, Lost>,
    /// Whose doing a step is; empty without `--base`.
    pub labels: BTreeMap<StepId, Label>,
    /// What the files that the plan is compared with ask for, and this change's do not any more.
    #[serde(default)]
    pub withdrawn: Vec<Step>,
    /// What later passes will want, soonest first.
    pub upcoming: Vec<Upcoming>,
    /// What will stand in the plan's way.
    pub concerns: Vec<Concern>,
    /// What applying it takes of the request budget.
    pub budget: Option<Budget>,
}

/// The line that declares a server's state, and the commit that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Declared {
    /// The file, relative to the repository.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// Who wrote that line.
    pub written: Written,
}

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "written", rename_all = "snake_case")]
pub enum Written {
    /// This commit.
    By(Commit),
    /// It is not committed yet.
    NotCommitted,
    /// There is no git here, or its history does not reach back so far.
    Unknown,
}

/// A commit of the fleet repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its short hash.
    pub hash: String,
    /// When its author wrote it.
    pub at: Moment,
    /// Who.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
}

/// Something that happened at Stripe. Source: Stripe API, `event`; kept there for 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StripeEvent {
    /// `evt_…`
    pub id: String,
    /// For example `customer.subscription.deleted`.
    pub kind: String,
    /// When.
    pub at: Moment,
}

/// An event of Stripe's log, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The event.
    pub event: StripeEvent,
    /// About which subscription, if it says so.
    pub subscription: Option<SubscriptionId>,
    /// About which payment (intent or charge), if it says so.
    pub payment: Option<PaymentId>,
}

/// What goes with a droplet that is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// When it was made.
    pub made: Moment,
    /// When it was last known to be up; `None`: never.
    pub last_up: Option<Moment>,
    /// Its size.
    pub size: String,
    /// Its address, which goes back to DigitalOcean.
    pub address: Option<Ipv4Addr>,
    /// How many snapshots of it there are; they outlive it.
    pub snapshots: usize,
}

/// Whose doing a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The files under review ask for it, and those they are compared with do not.
    ThisChange,
    /// The files they are compared with ask for it already.
    Pending,
    /// The live side moved away from what was reached.
    Drift,
    /// An earlier pass began it.
    InFlight,
}

/// A step that a later pass will want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upcoming {
    /// Not before this moment.
    pub at: Moment,
    /// Of which server; `None`: of the fleet.
    pub server: Option<ServerName>,
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The guard's objections that stand in its way, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
    /// It comes only if the subscription is not paid by then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_unpaid: bool,
}

/// Something that will stand in the way of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "concern", rename_all = "snake_case")]
pub enum Concern {
    /// The team may not have so many droplets.
    Quota {
        /// How many it may have.
        limit: u64,
        /// How many it has, as far as is seen.
        has: u64,
        /// How many are to be created.
        creates: u64,
        /// How many of these wait until others are gone.
        waits: u64,
        /// How many are to be destroyed by the same plan, or on their way out: with them it may fit.
        destroys: u64,
    },
    /// A size is not sold in a region (or not at all).
    SoldOut {
        /// Which size.
        size: Slug,
        /// Where.
        region: Slug,
        /// For which servers.
        servers: Vec<ServerName>,
    },
    /// There is no such image, or it is elsewhere.
    NoImage {
        /// Which.
        image: Slug,
        /// Not in this region; `None`: nowhere, or not any more.
        region: Option<Slug>,
        /// For which servers.
        servers: Vec<ServerName>,
    },
    /// An SSH key is not in the team.
    NoKey {
        /// Its fingerprint.
        key: String,
        /// For which servers.
        servers: Vec<ServerName>,
    },
    /// A plan is sold for less than its droplet costs.
    Loss {
        /// Which plan.
        plan: PlanName,
        /// What it brings in a month.
        revenue: Money,
        /// What its droplet costs a month.
        cost: Money,
    },
    /// A credential may not do what the plan needs.
    Scope {
        /// Whose: `DigitalOcean` or `Stripe`.
        vendor: String,
        /// What it may not do.
        scope: String,
    },
    /// The requests left this hour are fewer than the plan takes.
    Requests {
        /// How many it takes.
        needed: u64,
        /// How many are left.
        left: u64,
    },
}

impl Concern {
    /// Whether steps will fail by it. Else they wait, cost money, or only cannot be looked into.
    pub fn may_fail(&self) -> bool {
        match self {
            Self::Quota { limit, has, creates, waits: _, destroys } => has + creates > limit + destroys,
            Self::SoldOut { .. } | Self::NoImage { .. } | Self::NoKey { .. } => true,
            Self::Loss { .. } | Self::Scope { .. } | Self::Requests { .. } => false,
        }
    }
}

/// What applying a plan takes of DigitalOcean's request budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// About so many requests.
    pub requests: u64,
    /// About so many seconds, boots not waited for.
    pub seconds: u64,
    /// How many are left this hour; `None` if no answer has said so yet.
    pub left: Option<u64>,
    /// How many an hour has.
    pub limit: Option<u64>,
}
