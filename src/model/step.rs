//! Steps: what to do, a closed set of kinds, and why.
//! Invariant: a step carries every choice; executing it is dull.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::billing::RefundOrder;
use super::breaker::Opened;
use super::census::{MARK, Readiness};
use super::desired::{Because, DesiredState, Spec};
use super::firewall::FirewallOrder;
use super::ids::{DropletId, PlanName, ServerName, StepId, SubscriptionId, UserSlug};
use super::letter::Letter;
use super::moment::{Moment, Span};

/// A droplet to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateOrder {
    /// For which server; also the droplet's name.
    pub server: ServerName,
    /// Whose it is.
    pub user: UserSlug,
    /// Which plan of the catalogue.
    pub plan: PlanName,
    /// What to make.
    pub spec: Spec,
    /// Which try this is, from 1; a new try only follows one that is known to have made nothing.
    pub attempt: u32,
}

/// Why a droplet is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DestroyCause {
    /// The file is a tombstone, or its grace is over.
    Promised,
    /// It never came up, so nobody has used it.
    NeverUp,
    /// It is up, but nobody was ever told of it.
    NeverTold,
}

/// Why a server could not be delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    /// Its droplet was not up in time.
    #[default]
    NeverUp,
    /// It was up, and its first boot did not end well in time.
    NeverReady,
    /// Its password was lost, on one droplet after the other.
    NeverTold,
    /// It was wanted no more before it could be made.
    Unwanted,
}

/// Something learned by looking, to be written into the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// This droplet is this server's: found after a lost reply, or after the ledger was lost.
    Adopted {
        /// Which.
        droplet: DropletId,
        /// The ledger was lost: take it as delivered, since it may be in use.
        delivered: bool,
    },
    /// Nothing was made by a create whose reply was lost; the horizon is over.
    NothingMade,
    /// A droplet that its customer was never told of is gone: it is made anew, as the next try.
    Replaced,
    /// It could not be delivered; the failed-delivery chain begins.
    GaveUp {
        /// Why.
        #[serde(default)]
        why: Undelivered,
    },
    /// It was deleted outside basement, confirmed by id.
    Deleted {
        /// Which.
        droplet: DropletId,
    },
    /// It was destroyed on purpose and is confirmed absent.
    Ended,
    /// A person said `basement retry`: a failed server may be created again.
    Retry,
    /// A person said `basement recreate`: a deleted server may be created again.
    Recreate,
    /// About the whole fleet: too many creates failed; creates and refunds stop.
    BreakerOpened {
        /// Since when, and why.
        opened: Opened,
    },
    /// About the whole fleet: a person said `basement reset breaker`.
    BreakerReset,
    /// About the whole fleet: how many droplets the last applied census had, and whose they were.
    Census {
        /// How many.
        droplets: u64,
        /// The DigitalOcean team.
        team: String,
    },
}

/// One kind of thing to do: a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Write down what was learned.
    Record {
        /// What.
        fact: Fact,
    },
    /// Make our tag, to which the firewall applies.
    Tag {
        /// Its name.
        tag: String,
    },
    /// Make our firewall, or put it in place of what became of it.
    Firewall {
        /// What.
        order: FirewallOrder,
    },
    /// Destroy a droplet.
    Destroy {
        /// Which.
        droplet: DropletId,
        /// Why it is allowed.
        cause: DestroyCause,
    },
    /// Give money back.
    Refund {
        /// What, and to whom.
        order: RefundOrder,
        /// Which try, from 1; a new one only after a definite no.
        attempt: u32,
    },
    /// End the subscription at Stripe.
    Cancel {
        /// Which.
        subscription: SubscriptionId,
    },
    /// Ask the system to shut down.
    Shutdown {
        /// Which.
        droplet: DropletId,
    },
    /// Cut the power.
    PowerOff {
        /// Which.
        droplet: DropletId,
    },
    /// Switch it on.
    PowerOn {
        /// Which.
        droplet: DropletId,
    },
    /// Make a droplet.
    Create {
        /// What.
        order: CreateOrder,
    },
    /// Send a letter.
    Letter {
        /// Which.
        letter: Letter,
    },
}

/// Why a step is taken. `render/words` puts it into a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// The file asks for this state.
    Declared {
        /// Which state.
        state: DesiredState,
        /// Why.
        because: Because,
        /// Since when.
        since: Moment,
    },
    /// The file's grace is over.
    GraceEnded {
        /// Why it was stopped.
        because: Because,
        /// Since when it was stopped.
        since: Moment,
        /// When the grace ended.
        ended: Moment,
    },
    /// A droplet deleted outside, and policy or a person says to make it anew.
    Anew,
    /// Asked to shut down, and still on.
    StillOn {
        /// When it was asked.
        asked: Moment,
    },
    /// Not up within the deadline.
    NeverUp {
        /// When its create was intended.
        intended: Moment,
        /// The deadline.
        deadline: Span,
    },
    /// Up, and not ready within the deadline.
    NeverReady {
        /// When its create was intended.
        intended: Moment,
        /// The deadline.
        deadline: Span,
    },
    /// Its password can never be told, and nobody has used it.
    Unopened {
        /// Why it cannot.
        said: String,
    },
    /// Its welcome letter may have arrived, and its password can never be told again.
    MaybeTold,
    /// Its destruction was begun before its customer was told of it.
    Begun,
    /// The droplet is confirmed absent.
    Absent,
    /// Active, with a public address.
    Up,
    /// Its first boot is over, and all that it checked is well.
    Ready,
    /// It is up, and this stands between it and its customer.
    NotReady {
        /// What it shows.
        state: Readiness,
    },
    /// Powered off, as the file asks.
    Down {
        /// Why.
        because: Because,
        /// Since when.
        since: Moment,
    },
    /// The delivery failed at this moment.
    NotDelivered {
        /// When its create was intended.
        intended: Moment,
    },
    /// A reply was lost, and the droplet was found.
    Found,
    /// A reply was lost, and nothing was found through the horizon.
    NotFound {
        /// How long it was looked for.
        horizon: Span,
    },
    /// The ledger does not know the droplet; its tag names the server.
    Unrecorded,
    /// Too many creates failed.
    CreatesFail {
        /// How many servers.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// The policy asks for something that there is not.
    Policy,
    /// Somebody changed it.
    Changed,
    /// Its create is refused again and again.
    Refused {
        /// How often.
        times: u32,
        /// What was said last.
        said: String,
    },
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What it is about.
    pub id: StepId,
    /// For which server; `None`: about the whole fleet.
    pub server: Option<ServerName>,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// It was intended before and its end is not known: it is asked again with the same key.
    pub again: bool,
}

impl CreateOrder {
    /// The droplet's tags, all in the create request itself.
    pub fn tags(&self) -> [String; 3] {
        [MARK.to_owned(), format!("user-{}", self.user), format!("server-{}", self.server)]
    }
}

impl Action {
    /// Its place in a server's order of work, and on the page: what is dangerous first.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Record { .. } => 0,
            Self::Tag { .. } => 1,
            Self::Firewall { .. } => 2,
            Self::Destroy { .. } => 3,
            Self::Refund { .. } => 4,
            Self::Cancel { .. } => 5,
            Self::Shutdown { .. } => 6,
            Self::PowerOff { .. } => 7,
            Self::PowerOn { .. } => 8,
            Self::Create { .. } => 9,
            Self::Letter { .. } => 10,
        }
    }

    /// How much it should be looked at before it is allowed; 0 is the most.
    pub fn danger(&self) -> u8 {
        match self {
            Self::Destroy { .. } => 0,
            Self::Refund { .. } => 1,
            Self::Cancel { .. } => 2,
            Self::Shutdown { .. } | Self::PowerOff { .. } => 3,
            Self::Firewall { .. } | Self::PowerOn { .. } => 4,
            Self::Tag { .. } | Self::Create { .. } => 5,
            Self::Letter { .. } => 6,
            Self::Record { .. } => 7,
        }
    }

    /// Whether it takes something away from somebody: what an approval is about, and no summary may hide.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Destroy { .. }
            | Self::Refund { .. }
            | Self::Cancel { .. }
            | Self::Shutdown { .. }
            | Self::PowerOff { .. } => true,
            // Somebody's rules are taken away, and somebody may need them.
            Self::Firewall { order } => order.takes_away(),
            Self::Record { .. }
            | Self::Tag { .. }
            | Self::PowerOn { .. }
            | Self::Create { .. }
            | Self::Letter { .. } => false,
        }
    }

    /// Its word, as in step ids and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Record { .. } => "record",
            Self::Tag { .. } => "tag",
            Self::Firewall { .. } => "firewall",
            Self::Destroy { .. } => "destroy",
            Self::Refund { .. } => "refund",
            Self::Cancel { .. } => "cancel",
            Self::Shutdown { .. } => "shutdown",
            Self::PowerOff { .. } => "power_off",
            Self::PowerOn { .. } => "power_on",
            Self::Create { .. } => "create",
            Self::Letter { .. } => "letter",
        }
    }

    /// Its effect cannot be seen in a census, so the ledger alone knows whether it happened.
    pub fn is_unshown(&self) -> bool {
        matches!(self, Self::Refund { .. } | Self::Cancel { .. } | Self::Letter { .. })
    }
}
