//! The simulated firewalls as the port door shows and takes them, without the vendor's JSON in between.

use std::collections::BTreeSet;

use crate::model::census::MARK;
use crate::model::firewall::{Firewall, FirewallOrder, NAME, Progress, Rule, Way, grouped};
use crate::model::ids::{DropletId, FirewallId};
use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_firewall::{Content, Inbound, Outbound, Peers, Wall, What};

impl Content {
    /// What an order asks for.
    pub fn of(order: &FirewallOrder) -> Self {
        let mut content = Self { name: NAME.to_owned(), tags: vec![MARK.to_owned()], ..Self::default() };
        for (opening, peers) in grouped(&order.rules) {
            let what = What { protocol: opening.protocol, ports: opening.ports };
            let peers = Peers { addresses: peers.into_iter().collect(), ..Peers::default() };
            match opening.way {
                Way::In => content.inbound_rules.push(Inbound { what, sources: peers }),
                Way::Out => content.outbound_rules.push(Outbound { what, destinations: peers }),
            }
        }
        content
    }

    fn rules(&self) -> BTreeSet<Rule> {
        let inward = self.inbound_rules.iter().map(|rule| (Way::In, &rule.what, &rule.sources));
        let outward = self.outbound_rules.iter().map(|rule| (Way::Out, &rule.what, &rule.destinations));
        let each = |(way, what, peers): (Way, &What, &Peers)| -> Vec<Rule> {
            let What { protocol, ports } = what.clone();
            let one = |peer: &String| Rule {
                way,
                protocol: protocol.clone(),
                ports: ports.clone(),
                peer: peer.clone(),
            };
            peers.addresses.iter().map(one).collect()
        };
        inward.chain(outward).flat_map(each).collect()
    }
}

impl Wall {
    /// How the engine is shown it.
    ///
    /// # Panics
    /// If an id of ours is none: a bug.
    pub fn model(&self, cloud: &Cloudlet) -> Firewall {
        Firewall {
            id: FirewallId::parse(&self.id).expect("the simulator makes good ids"),
            status: match cloud.wall_status(self) {
                "succeeded" => Progress::Succeeded,
                _ => Progress::Waiting,
            },
            pending: cloud.pending(self).len(),
            tags: self.content.tags.iter().map(|tag| tag.to_ascii_lowercase()).collect(),
            droplets: self.content.droplet_ids.iter().map(|id| DropletId(*id)).collect(),
            rules: self.content.rules(),
        }
    }
}
