//! Tags and firewalls: DigitalOcean's JSON to the model, and orders to request bodies. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Links, Meta, More as _, Page, Unreadable, read};
use crate::model::census::MARK;
use crate::model::firewall::{
    ALL_PORTS, Firewall, FirewallOrder, NAME, Opening, Progress, Rule, Way, grouped,
};
use crate::model::ids::{DropletId, FirewallId};

/// A page of firewalls; one of another name is kept as `None`: it is none of our business.
pub fn firewalls(body: &str) -> Result<Page<Option<Firewall>>, Unreadable> {
    let page: RawFirewalls = read(body)?;
    let items = page.firewalls.into_iter().map(RawFirewall::model).collect();
    Ok(Page { items, total: page.meta.total, more: page.links.more() })
}

/// Whether an answer shows our firewall: after a POST or a PUT.
pub fn firewall_put(body: &str) -> Result<(), Unreadable> {
    let One { firewall: Named { name } } = read(body)?;
    if name == NAME { Ok(()) } else { Err(Unreadable::Odd(format!("it is about the firewall `{name}`"))) }
}

/// Whether an answer shows the tag just made; it keeps the spelling it was first made with.
pub fn tag_made(body: &str, tag: &str) -> Result<(), Unreadable> {
    let name = read::<TagBody>(body)?.tag.name;
    let is_it = name.eq_ignore_ascii_case(tag);
    if is_it { Ok(()) } else { Err(Unreadable::Odd(format!("it is about the tag `{name}`"))) }
}

/// The body of `POST /v2/tags`.
pub fn tag_body(tag: &str) -> Value {
    json!({ "name": tag })
}

/// The body of `POST /v2/firewalls`, and of a PUT, which resets what it does not name.
pub fn firewall_body(order: &FirewallOrder) -> Value {
    let rules = |way: Way, peers: &str| -> Vec<Value> {
        let groups = grouped(order.rules.iter().filter(|rule| rule.way == way));
        let rule = |(what, addresses): (Opening, BTreeSet<String>)| json!({ "protocol": what.protocol, "ports": what.ports, peers: { "addresses": addresses } });
        groups.into_iter().map(rule).collect()
    };
    json!({
        "name": NAME,
        "inbound_rules": rules(Way::In, "sources"),
        "outbound_rules": rules(Way::Out, "destinations"),
        "droplet_ids": [],
        "tags": [MARK],
    })
}

#[derive(Deserialize)]
struct RawFirewalls {
    firewalls: Vec<RawFirewall>,
    meta: Meta,
    #[serde(default)]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct One {
    firewall: Named,
}

#[derive(Deserialize)]
struct TagBody {
    tag: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// A member that must be there, though it may be null: without `tag:read` there are no `tags`, and a firewall
/// without tags would be put in place again and again.
#[derive(Deserialize)]
struct RawFirewall {
    id: FirewallId,
    name: String,
    status: Progress,
    #[serde(default)]
    pending_changes: Option<Vec<Value>>,
    #[serde(deserialize_with = "nullable")]
    droplet_ids: Vec<DropletId>,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    inbound_rules: Vec<RawRule>,
    #[serde(deserialize_with = "nullable")]
    outbound_rules: Vec<RawRule>,
}

#[derive(Deserialize)]
struct RawRule {
    protocol: String,
    #[serde(default)]
    ports: Option<String>,
    #[serde(default, alias = "destinations")]
    sources: Option<Peers>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Peers {
    addresses: Option<Vec<String>>,
    droplet_ids: Option<Vec<u64>>,
    load_balancer_uids: Option<Vec<String>>,
    kubernetes_ids: Option<Vec<String>>,
    tags: Option<Vec<String>>,
}

impl RawFirewall {
    fn model(self) -> Option<Firewall> {
        if self.name != NAME {
            return None;
        }
        let inward = self.inbound_rules.into_iter().flat_map(|rule| rule.model(Way::In));
        let outward = self.outbound_rules.into_iter().flat_map(|rule| rule.model(Way::Out));
        Some(Firewall {
            id: self.id,
            status: self.status,
            pending: self.pending_changes.map_or(0, |changes| changes.len()),
            tags: self.tags.iter().map(|tag| tag.to_ascii_lowercase()).collect(),
            droplets: self.droplet_ids.into_iter().collect(),
            rules: inward.chain(outward).collect(),
        })
    }
}

impl RawRule {
    /// One rule for each peer. All ports are `0` in answers, `all` in older ones, and nothing at times for ICMP.
    fn model(self, way: Way) -> Vec<Rule> {
        let ports = self.ports.filter(|ports| !ports.is_empty() && ports != "all");
        let ports = ports.unwrap_or_else(|| ALL_PORTS.to_owned());
        let peers = self.sources.unwrap_or_default().words();
        let rule = |peer| Rule { way, protocol: self.protocol.clone(), ports: ports.clone(), peer };
        peers.into_iter().map(rule).collect()
    }
}

impl Peers {
    /// Each in words; an address as it is. A rule for nobody opens nothing, and yet somebody has put it there.
    fn words(self) -> Vec<String> {
        let named = |what: &str, list: Option<Vec<String>>| -> Vec<String> {
            list.unwrap_or_default().into_iter().map(|name| format!("{what} {name}")).collect()
        };
        let droplets = self.droplet_ids.map(|ids| ids.iter().map(ToString::to_string).collect());
        let mut all = self.addresses.unwrap_or_default();
        all.extend(named("droplet", droplets));
        all.extend(named("load balancer", self.load_balancer_uids));
        all.extend(named("cluster", self.kubernetes_ids));
        all.extend(named("tag", self.tags));
        if all.is_empty() { vec!["nobody".to_owned()] } else { all }
    }
}

fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(source).map(Option::unwrap_or_default)
}
