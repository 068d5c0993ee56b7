//! Fleet: what we promised, as the files declare it, with the catalogue's sizes filled in.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{CustomerId, PlanName, ServerName, Slug, SubscriptionId, UserSlug};
use super::moment::Moment;
use super::money::{Currency, Money};

/// How often a price is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// Every calendar month.
    Month,
    /// Every calendar year.
    Year,
}

/// What a customer pays, in minor units, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Minor units (cents).
    pub amount: i64,
    /// Which currency.
    pub currency: Currency,
    /// Per month or per year.
    pub every: Every,
}

/// The state a file asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DesiredState {
    /// Up and reachable.
    Running,
    /// Kept, but powered off.
    Stopped,
    /// A tombstone: the droplet is to be gone.
    Destroyed,
}

/// Why a file asks for its state. `generate` writes these phrases; a person may write any other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
pub enum Because {
    /// `subscription active`
    Active,
    /// `subscription trialing`
    Trialing,
    /// `subscription past due`
    PastDue,
    /// `subscription unpaid`
    Unpaid,
    /// `subscription paused`
    Paused,
    /// `subscription cancelled`
    Cancelled,
    /// `subscription expired before it was paid`
    Expired,
    /// `switched off by the customer`
    SwitchedOff,
    /// Anything else.
    Other(String),
}

/// A person's freeze on everything disruptive for one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// When it ends; `None` while its cause lasts (written by `generate` for a status it does not know).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Why, in words.
    pub reason: String,
}

/// Who pays for a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A customer's subscription (`fleet/servers`).
    Subscription {
        /// Who pays.
        customer: CustomerId,
        /// What is paid.
        subscription: SubscriptionId,
        /// How much.
        price: Price,
    },
    /// Nobody: staff or a gift (`fleet/extra`). Its letters go to the operator.
    Extra,
}

/// What droplet a server wants: the catalogue's plan with the override laid over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// DigitalOcean size slug.
    pub size: Slug,
    /// Region slug.
    pub region: Slug,
    /// Image slug.
    pub image: Slug,
    /// Install the metrics agent.
    pub monitoring: bool,
    /// Billed weekly backups.
    pub backups: bool,
    /// A public IPv6 address.
    pub ipv6: bool,
    /// MD5 fingerprints (or numbers) of SSH keys in the DigitalOcean team.
    pub ssh_keys: Vec<String>,
    /// Which cloud-init template, by name.
    pub template: String,
}

/// One server: what a customer was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its name, unique in the fleet.
    pub name: ServerName,
    /// Whose it is.
    pub user: UserSlug,
    /// Who pays.
    pub origin: Origin,
    /// Which plan of the catalogue.
    pub plan: PlanName,
    /// The droplet it wants.
    pub spec: Spec,
    /// The state asked for.
    pub state: DesiredState,
    /// Why.
    pub because: Because,
    /// Since when.
    pub since: Moment,
    /// When the subscription of a running server will end. Nothing is done for it before its file says so.
    pub ends_on: Option<Moment>,
    /// From when on `Stopped` means `Destroyed`.
    pub destroy_after: Option<Moment>,
    /// A freeze, from the file or its override.
    pub hold: Option<Hold>,
    /// The file that declares it, relative to the repository.
    pub file: String,
}

/// All servers, as declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// By name.
    pub servers: BTreeMap<ServerName, Server>,
}

impl Price {
    /// Revenue of one month, a year's price divided by twelve and rounded down to a minor unit.
    pub fn monthly(&self) -> Money {
        let amount = match self.every {
            Every::Month => self.amount,
            Every::Year => self.amount / 12,
        };
        Money { amount, currency: self.currency }
    }
}

impl Server {
    /// The state asked for at a moment: `Stopped` becomes `Destroyed` once its grace is over.
    pub fn state_at(&self, at: Moment) -> DesiredState {
        match (self.state, self.destroy_after) {
            (DesiredState::Stopped, Some(end)) if at >= end => DesiredState::Destroyed,
            (state, _) => state,
        }
    }

    /// The subscription behind it, if there is one.
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        match &self.origin {
            Origin::Subscription { subscription, .. } => Some(subscription),
            Origin::Extra => None,
        }
    }

    /// What it brings in a month while it runs.
    pub fn revenue(&self) -> Option<Money> {
        match &self.origin {
            Origin::Subscription { price, .. } => Some(price.monthly()),
            Origin::Extra => None,
        }
    }

    /// The hold that counts at a moment.
    pub fn held_at(&self, at: Moment) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.until.is_none_or(|until| at < until))
    }
}

impl Because {
    /// The phrase written in the file.
    pub fn phrase(&self) -> &str {
        match self {
            Self::Active => "subscription active",
            Self::Trialing => "subscription trialing",
            Self::PastDue => "subscription past due",
            Self::Unpaid => "subscription unpaid",
            Self::Paused => "subscription paused",
            Self::Cancelled => "subscription cancelled",
            Self::Expired => "subscription expired before it was paid",
            Self::SwitchedOff => "switched off by the customer",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for Because {
    fn from(text: String) -> Self {
        let known = [
            Self::Active,
            Self::Trialing,
            Self::PastDue,
            Self::Unpaid,
            Self::Paused,
            Self::Cancelled,
            Self::Expired,
            Self::SwitchedOff,
        ];
        known.into_iter().find(|b| b.phrase() == text).unwrap_or(Self::Other(text))
    }
}

impl From<Because> for String {
    fn from(because: Because) -> String {
        because.phrase().to_owned()
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.phrase())
    }
}

impl fmt::Display for DesiredState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Destroyed => "destroyed",
        })
    }
}
