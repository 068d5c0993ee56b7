//! Census: what the cloud and Stripe show, at a moment.
//! Invariant: a census is complete (all pages, ids unique) or it does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::billing::Fresh;
use super::firewall::Firewall;
use super::ids::{DropletId, ServerName, Slug, SubscriptionId};
use super::moment::Moment;
use super::money::Money;

/// The tag that marks a droplet as ours. Lower case, since DigitalOcean's tags fold case.
pub const MARK: &str = "basement";

/// A droplet's status. Source: DigitalOcean API v2, `droplet.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DropletStatus {
    /// Being made.
    New,
    /// Powered on (its boot may still run).
    Active,
    /// Powered off (and billed in full).
    Off,
    /// One to keep hands off: `archive`, or a status this version does not know.
    Other(String),
}

/// What DigitalOcean has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Droplet {
    /// Its number.
    pub id: DropletId,
    /// Its name; not unique at DigitalOcean.
    pub name: String,
    /// Its status.
    pub status: DropletStatus,
    /// Size slug.
    pub size: String,
    /// Region slug.
    pub region: String,
    /// When it was made.
    pub created_at: Moment,
    /// The first address of type `public`; private ones come first in the answer.
    pub public_ipv4: Option<Ipv4Addr>,
    /// Its tags, in lower case.
    pub tags: BTreeSet<String>,
    /// An admin lock (not "busy"): hands off.
    pub locked: bool,
    /// What it costs a month, on or off.
    pub monthly: Money,
    /// How many snapshots were made of it.
    #[serde(default)]
    pub snapshots: usize,
}

/// The DigitalOcean account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The team's uuid (or the account's, where there is no team).
    pub team: String,
    /// How many droplets the team may have; `None` if the token may not see it.
    pub droplet_limit: Option<u64>,
    /// `active`, `warning` or `locked`.
    pub status: String,
}

/// One size of DigitalOcean's price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Price of a month.
    pub monthly: Money,
    /// Sold at all.
    pub available: bool,
    /// Where it is sold.
    pub regions: BTreeSet<String>,
}

impl Size {
    /// What a droplet of this size costs a month.
    pub fn cost(&self, has_backups: bool) -> Money {
        if has_backups { with_backups(self.monthly) } else { self.monthly }
    }
}

/// A price with weekly backups: a fifth more. Source: DigitalOcean, "Backups pricing",
/// <https://docs.digitalocean.com/products/backups/details/pricing/>.
pub fn with_backups(monthly: Money) -> Money {
    Money { amount: monthly.amount + monthly.amount / 5, ..monthly }
}

/// An image that droplets are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// It is neither retired nor still on its way.
    pub available: bool,
    /// Where it is.
    pub regions: BTreeSet<String>,
}

/// An answer to a question about one droplet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sighting {
    /// 404 by id.
    Gone,
    /// It is there, though perhaps not in the tagged listing.
    There(Box<Droplet>),
}

/// What a droplet shows of its first boot, at its own address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "ready", rename_all = "snake_case")]
pub enum Readiness {
    /// Its first boot is over, and all that it checked is well.
    Ready {
        /// The fingerprint of its SSH key, `SHA256:…`: told by its page and shown by the handshake.
        host_key: Option<String>,
    },
    /// Its first boot is over, and these of its checks failed.
    Failed {
        /// Their names, from a closed alphabet.
        failed: Vec<String>,
    },
    /// Nothing is known yet: no answer, or one that is not about this server.
    NotYet {
        /// What was seen instead.
        why: String,
        /// The droplet itself says that there is no page, and not somebody on the way.
        #[serde(default)]
        is_absent: bool,
    },
    /// The SSH key its page tells is not the one that the handshake shows.
    Mismatch {
        /// By the page.
        told: String,
        /// By the handshake.
        shown: String,
    },
}

/// A failed check of ours, not of the first boot: SSH lets nobody try a password.
pub const ASKS_NO_PASSWORD: &str = "ssh:asks-password";

impl Readiness {
    /// The droplet itself says that its first boot is not over, or not good. Whoever keeps passwords from being tried
    /// may be its customer.
    pub fn is_unfinished(&self) -> bool {
        match self {
            Self::Failed { failed } => failed.iter().all(|check| check != ASKS_NO_PASSWORD),
            Self::NotYet { why: _, is_absent } => *is_absent,
            Self::Ready { .. } | Self::Mismatch { .. } => false,
        }
    }
}

/// Whether the password that a droplet was made with can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secret {
    /// It can.
    Opens,
    /// Nobody is here who could try: that it can is taken for granted, and said.
    Untried,
    /// It never will.
    Lost {
        /// Why.
        why: String,
    },
}

/// Something a plan must know before it may decide; `engine/observe` answers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Question {
    /// Is this droplet really gone?
    Droplet(DropletId),
    /// Is there a droplet of this name, with or without tags?
    Named(ServerName),
    /// How does our firewall stand?
    Firewall,
    /// What does Stripe say of this subscription now?
    Subscription(SubscriptionId),
    /// What was paid for the period that holds this moment?
    Payment(SubscriptionId, Moment),
    /// Is the first boot of this droplet over, made by this try for this server?
    Ready {
        /// Which.
        droplet: DropletId,
        /// Where it is asked.
        address: Ipv4Addr,
        /// Whose it is.
        server: ServerName,
        /// Which create made it.
        attempt: u32,
    },
    /// Can the password be opened that this try for this server was made with?
    Password(ServerName, u32),
}

/// What the cloud and Stripe show, at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// When it was taken; the plan's only clock.
    pub at: Moment,
    /// All droplets tagged `basement`, by id.
    pub droplets: BTreeMap<DropletId, Droplet>,
    /// Whose account it is.
    pub account: Option<Account>,
    /// The price list, by slug.
    pub sizes: BTreeMap<Slug, Size>,
    /// Answers by id.
    pub sightings: BTreeMap<DropletId, Sighting>,
    /// Answers by name.
    pub named: BTreeMap<ServerName, Vec<Droplet>>,
    /// All firewalls of our name, once asked for: one, none or, by somebody's mistake, several.
    pub firewalls: Option<Vec<Firewall>>,
    /// Answers from Stripe.
    pub billing: BTreeMap<SubscriptionId, Fresh>,
    /// Answers of droplets themselves.
    pub readiness: BTreeMap<DropletId, Readiness>,
    /// Answers about passwords, of each server's latest try.
    pub secrets: BTreeMap<ServerName, Secret>,
}

impl Census {
    /// A census of these droplets, with nothing else known.
    pub fn new(at: Moment, droplets: impl IntoIterator<Item = Droplet>) -> Self {
        Self {
            at,
            droplets: droplets.into_iter().map(|d| (d.id, d)).collect(),
            account: None,
            sizes: BTreeMap::new(),
            sightings: BTreeMap::new(),
            named: BTreeMap::new(),
            firewalls: None,
            billing: BTreeMap::new(),
            readiness: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Image {
    /// Whether it is in a region. One that tells none is taken to be everywhere.
    pub fn has(&self, region: &Slug) -> bool {
        self.regions.is_empty() || self.regions.contains(region.as_str())
    }
}

impl Droplet {
    /// Whether it carries our mark.
    pub fn is_ours(&self) -> bool {
        self.tags.contains(MARK)
    }

    /// The server its tag names.
    pub fn server(&self) -> Option<ServerName> {
        self.tags.iter().find_map(|tag| ServerName::parse(tag.strip_prefix("server-")?).ok())
    }

    /// Powered on, with a public address.
    pub fn is_up(&self) -> bool {
        self.status == DropletStatus::Active && self.public_ipv4.is_some()
    }
}

impl From<String> for DropletStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "new" => Self::New,
            "active" => Self::Active,
            "off" => Self::Off,
            _ => Self::Other(text),
        }
    }
}

impl From<DropletStatus> for String {
    fn from(status: DropletStatus) -> String {
        status.to_string()
    }
}

impl fmt::Display for DropletStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Off => "off",
            Self::Other(text) => text,
        })
    }
}
