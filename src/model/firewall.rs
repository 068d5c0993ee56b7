//! The cloud firewall: the one we keep at DigitalOcean, as it should be and as it is seen.
//! Invariant: rules are compared one peer at a time, so it does not matter how a vendor groups them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::census::MARK;
use super::ids::{DropletId, FirewallId};

/// The name of ours. Source: DigitalOcean refuses a second firewall of one name (409, "duplicate name").
pub const NAME: &str = "basement";
/// Everybody: all of IPv4, and all of IPv6.
pub const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];
/// All ports of a protocol. Source: DigitalOcean API v2, `ports`: `"0"` when all are open, and always for ICMP.
pub const ALL_PORTS: &str = "0";

/// Which way a rule lets traffic through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To the droplets.
    In,
    /// From them.
    Out,
}

/// What is let through, to or from one peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Which way.
    pub way: Way,
    /// `tcp`, `udp` or `icmp`.
    pub protocol: String,
    /// A port, a range, or [`ALL_PORTS`].
    pub ports: String,
    /// An address with its mask, or words for what else there may be (`tag office`).
    pub peer: String,
}

/// How far DigitalOcean has carried it out. Source: API v2, `firewall.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// Not everywhere yet.
    Waiting,
    /// Everywhere.
    Succeeded,
    /// It could not be.
    Failed,
}

/// A firewall as it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firewall {
    /// Its id.
    pub id: FirewallId,
    /// Its status.
    pub status: Progress,
    /// Droplets that it has not reached yet.
    pub pending: usize,
    /// To droplets of which tags it applies, in lower case.
    pub tags: BTreeSet<String>,
    /// To which droplets it applies besides.
    pub droplets: BTreeSet<DropletId>,
    /// What it lets through.
    pub rules: BTreeSet<Rule>,
}

/// One way in which the firewall is not ours any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "drift", rename_all = "snake_case")]
pub enum Drift {
    /// Somebody opened something.
    Added {
        /// What, without its peer.
        #[serde(flatten)]
        what: Opening,
        /// To whom.
        peers: BTreeSet<String>,
    },
    /// Somebody closed something of ours.
    Taken {
        /// What, without its peer.
        #[serde(flatten)]
        what: Opening,
        /// To whom.
        peers: BTreeSet<String>,
    },
    /// DigitalOcean could not put it in force.
    Failed,
    /// It does not apply to our droplets.
    Unmarked,
    /// It applies to droplets of another tag too.
    OtherTag {
        /// Which.
        tag: String,
    },
    /// It applies to a droplet that is not ours.
    OtherDroplet {
        /// Which.
        droplet: DropletId,
    },
}

/// A rule without its peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Opening {
    /// Which way.
    pub way: Way,
    /// `tcp`, `udp` or `icmp`.
    pub protocol: String,
    /// A port, a range, or [`ALL_PORTS`].
    pub ports: String,
}

/// Our firewall, to be made or to be put in place of what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirewallOrder {
    /// The one whose content is replaced; `None`: there is none yet.
    pub id: Option<FirewallId>,
    /// What it lets through.
    pub rules: BTreeSet<Rule>,
    /// What is replaced: the reason why, and what a yes is bound to.
    pub drifts: Vec<Drift>,
}

impl FirewallOrder {
    /// Somebody's rules are taken away, and somebody may need them.
    pub fn takes_away(&self) -> bool {
        self.id.is_some() && self.drifts.iter().any(|drift| *drift != Drift::Failed)
    }
}

/// What ours lets through: SSH, the web and ICMP (without which long packets get lost) to the droplets, and
/// everything from them: what no rule lets through is blocked, both ways.
pub fn ours() -> BTreeSet<Rule> {
    let inward = [("tcp", "22"), ("tcp", "80"), ("tcp", "443"), ("icmp", ALL_PORTS)];
    let outward = ["tcp", "udp", "icmp"].map(|protocol| (protocol, ALL_PORTS));
    let inward = inward.map(|(protocol, ports)| (Way::In, protocol, ports));
    let outward = outward.map(|(protocol, ports)| (Way::Out, protocol, ports));
    inward
        .into_iter()
        .chain(outward)
        .flat_map(|(way, protocol, ports)| {
            EVERYWHERE.map(|peer| Rule {
                way,
                protocol: protocol.to_owned(),
                ports: ports.to_owned(),
                peer: peer.to_owned(),
            })
        })
        .collect()
}

/// Rules by what they open, each with all its peers.
pub fn grouped<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> BTreeMap<Opening, BTreeSet<String>> {
    let mut groups: BTreeMap<Opening, BTreeSet<String>> = BTreeMap::new();
    for Rule { way, protocol, ports, peer } in rules {
        let opening = Opening { way: *way, protocol: protocol.clone(), ports: ports.clone() };
        groups.entry(opening).or_default().insert(peer.clone());
    }
    groups
}

impl Firewall {
    /// In what it differs from ours. `is_ours` knows our droplets: for them it is the tag that counts.
    pub fn drifts(&self, is_ours: impl Fn(DropletId) -> bool) -> Vec<Drift> {
        let ours = ours();
        let added = grouped(self.rules.difference(&ours)).into_iter();
        let taken = grouped(ours.difference(&self.rules)).into_iter();
        let tags = self.tags.iter().filter(|tag| *tag != MARK);
        let droplets = self.droplets.iter().filter(|id| !is_ours(**id));
        added
            .map(|(what, peers)| Drift::Added { what, peers })
            .chain(taken.map(|(what, peers)| Drift::Taken { what, peers }))
            .chain((!self.tags.contains(MARK)).then_some(Drift::Unmarked))
            .chain(tags.map(|tag| Drift::OtherTag { tag: tag.clone() }))
            .chain(droplets.map(|droplet| Drift::OtherDroplet { droplet: *droplet }))
            .collect()
    }

    /// It is carried out everywhere.
    pub fn is_settled(&self) -> bool {
        self.status == Progress::Succeeded && self.pending == 0
    }
}
