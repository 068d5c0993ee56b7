//! Letters: mails to a customer or to the operator, one per occasion.

use std::fmt;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::breaker::Opened;
use super::census::Readiness;
use super::ids::{CustomerId, DropletId, ServerName, StepId};
use super::moment::Moment;
use super::money::Money;
use super::step::{Reason, Undelivered};

/// What a letter is about. Its words are chosen in `render/letter`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Occasion {
    /// The server is ready: address, user, password.
    Welcome {
        /// Where it is.
        address: Ipv4Addr,
        /// Which droplet.
        droplet: DropletId,
        /// The fingerprint of its SSH key, `SHA256:…`, if it is known.
        #[serde(default)]
        host_key: Option<String>,
    },
    /// Switched off because money is missing or the subscription is paused.
    Suspended {
        /// When it will be destroyed, if that is settled.
        destroy_after: Option<Moment>,
        /// Why, as the file says.
        because: String,
    },
    /// Switched on again.
    Resumed {
        /// Where it is.
        address: Ipv4Addr,
    },
    /// The subscription ended: switched off, and soon destroyed.
    Ending {
        /// When.
        destroy_after: Option<Moment>,
    },
    /// The server and its data are gone.
    Ended,
    /// It could not be delivered; what was paid goes back.
    Failed {
        /// Why.
        #[serde(default)]
        why: Undelivered,
        /// What was refunded; empty for a trial.
        refunded: Vec<Money>,
        /// Whether the subscription was ended too.
        cancelled: bool,
        /// A person still has to give something back.
        by_hand: bool,
    },
    /// To the operator: a delivery failed.
    AlertFailed {
        /// Why.
        #[serde(default)]
        why: Undelivered,
        /// What was refunded.
        refunded: Vec<Money>,
        /// Whether the subscription was ended too.
        cancelled: bool,
        /// What else a person should know, e.g. why a refund must be made by hand.
        remark: Option<String>,
    },
    /// To the operator: a droplet was deleted outside basement.
    AlertDeleted {
        /// Which droplet.
        droplet: DropletId,
    },
    /// To the operator: a step is refused again and again; it is tried on.
    AlertRefused {
        /// Which: `create`, `power_on`, `refund`, `cancel` or `welcome`.
        what: String,
        /// What was said last.
        why: String,
    },
    /// To the operator: the same has become of several servers; each of them is one of the alerts above.
    AlertMany {
        /// Of which, and what is told of each.
        told: Vec<Told>,
    },
    /// To the operator: a refund that its customer was told of has come back; a person must make it.
    AlertRefund {
        /// Why.
        why: String,
    },
    /// To the operator: a server is up and cannot be handed over; its customer is not told.
    AlertNotReady {
        /// Where it is.
        address: Ipv4Addr,
        /// What it shows.
        state: Readiness,
        /// It is destroyed and refunded at this moment, if it is not mended.
        until: Option<Moment>,
    },
    /// To the operator: a server was taken as delivered, and nobody knows whether its customer was told.
    AlertUnsure {
        /// Which droplet.
        droplet: DropletId,
        /// Where it is.
        address: Option<Ipv4Addr>,
    },
    /// To the operator: the cloud firewall is not in force, and will not be by itself.
    AlertFirewall {
        /// Why.
        why: String,
        /// So many servers that are paid for wait for it.
        waiting: usize,
    },
    /// To the operator: too many creates failed; creates and refunds are stopped.
    AlertBreaker {
        /// Since when, and why.
        opened: Opened,
    },
}

/// What is told of one server in a letter about several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Which server.
    pub server: ServerName,
    /// The letter it would have had of its own; that is done with this one.
    pub step: StepId,
    /// Why.
    pub reason: Reason,
    /// What about.
    pub occasion: Occasion,
}

/// Who gets it. The address itself is read when the letter is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// The address Stripe has for this customer.
    Customer(CustomerId),
    /// The operator's address in `basement.toml`.
    Operator,
}

/// A letter to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Letter {
    /// About which server; `None`: about the whole fleet.
    pub server: Option<ServerName>,
    /// To whom.
    pub to: Recipient,
    /// What about.
    pub occasion: Occasion,
}

impl Occasion {
    /// Whether it is for the operator.
    pub fn is_alert(&self) -> bool {
        self.word().starts_with("operator-")
    }

    /// Its one word, as it stands in step ids and Message-IDs. A server's letters are sent in the order of
    /// their ids, so the operator's sort behind the customer's.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Suspended { .. } => "suspended",
            Self::Resumed { .. } => "resumed",
            Self::Ending { .. } => "ending",
            Self::Ended => "ended",
            Self::Failed { .. } => "failed",
            Self::AlertFailed { .. } => "operator-failed",
            Self::AlertDeleted { .. } => "operator-deleted",
            Self::AlertRefused { .. } => "operator-refused",
            Self::AlertMany { .. } => "operator-many",
            Self::AlertRefund { .. } => "operator-refund",
            Self::AlertNotReady { .. } => "operator-not-ready",
            Self::AlertUnsure { .. } => "operator-unsure",
            Self::AlertFirewall { .. } => "operator-firewall",
            Self::AlertBreaker { .. } => "operator-breaker",
        }
    }

    /// Of which servers a letter about several tells.
    pub fn told(&self) -> &[Told] {
        match self {
            Self::AlertMany { told } => told,
            _ => &[],
        }
    }
}

impl Letter {
    /// Whether it tells a customer that a server is theirs: such a letter is paid for, and no cap holds it.
    pub fn is_welcome(&self) -> bool {
        matches!(self.occasion, Occasion::Welcome { .. })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => write!(f, "{id}"),
            Self::Operator => f.pad("operator"),
        }
    }
}
