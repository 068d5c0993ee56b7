//! Firewalls of the simulated cloud. Invariant: as at the real place, none has another's name, and none applies
//! to a tag that does not exist. Source: DigitalOcean API v2, "Firewalls", and its documented limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::census::MARK;
use crate::model::firewall::NAME;
use crate::sim::cloud::Cloudlet;
use crate::sim::machine::{Machine, Refusal};

/// What a client sends, and what stands in the answer: what is let through, and for which droplets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Its name, unique in the team.
    #[serde(default)]
    pub name: String,
    /// To the droplets.
    #[serde(default, deserialize_with = "nullable")]
    pub inbound_rules: Vec<Inbound>,
    /// From them.
    #[serde(default, deserialize_with = "nullable")]
    pub outbound_rules: Vec<Outbound>,
    /// Single droplets.
    #[serde(default, deserialize_with = "nullable")]
    pub droplet_ids: Vec<u64>,
    /// All droplets of these tags.
    #[serde(default, deserialize_with = "nullable")]
    pub tags: Vec<String>,
}

/// Lets something in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// From whom.
    pub sources: Peers,
}

/// Lets something out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound {
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// To whom.
    pub destinations: Peers,
}

/// A protocol and its ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// `tcp`, `udp` or `icmp`.
    pub protocol: String,
    /// A port, a range, `all` or `0`.
    #[serde(default)]
    pub ports: String,
}

/// Addresses, and whoever else is meant, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peers {
    /// Addresses with their masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub others: BTreeMap<String, serde_json::Value>,
}

/// A firewall as it truly is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wall {
    /// Its id.
    pub id: String,
    /// What it is.
    pub content: Content,
    /// When it was made, in milliseconds.
    pub created: i64,
    /// When it was last changed, in milliseconds.
    pub changed: i64,
}

impl Cloudlet {
    /// All firewalls, oldest first.
    pub fn walls(&self) -> &[Wall] {
        &self.walls
    }

    /// One firewall.
    pub fn wall(&self, id: &str) -> Option<&Wall> {
        self.walls.iter().find(|wall| wall.id == id)
    }

    /// Makes a firewall; its id.
    pub fn make_wall(&mut self, content: Content) -> Result<String, Refusal> {
        if self.walls.iter().any(|wall| wall.content.name == content.name) {
            return Err(Refusal { status: 409, id: "conflict", message: "duplicate name".to_owned() });
        }
        let content = self.checked(content)?;
        self.walled += 1;
        let id = format!("bb4b2611-3d72-467b-8602-{:012x}", self.walled);
        self.walls.push(Wall { id: id.clone(), content, created: self.now, changed: self.now });
        Ok(id)
    }

    /// Replaces all of a firewall: what is not named is reset.
    pub fn replace_wall(&mut self, id: &str, content: Content) -> Result<(), Refusal> {
        let content = self.checked(content)?;
        self.blame(id);
        let now = self.now;
        let wall = self.walls.iter_mut().find(|wall| wall.id == id).ok_or_else(Refusal::not_found)?;
        (wall.content, wall.changed) = (content, now);
        Ok(())
    }

    /// Takes a firewall away; false if there is none.
    pub fn delete_wall(&mut self, id: &str) -> bool {
        self.blame(id);
        let before = self.walls.len();
        self.walls.retain(|wall| wall.id != id);
        self.walls.len() < before
    }

    /// Changes our firewall as somebody in the control panel would; false if there is none.
    pub fn edit_wall(&mut self, edit: impl FnOnce(&mut Content)) -> bool {
        let now = self.now;
        let Some(wall) = self.walls.iter_mut().find(|wall| wall.content.name == NAME) else { return false };
        edit(&mut wall.content);
        wall.changed = now;
        true
    }

    /// Takes our firewall away, as somebody in the control panel would.
    pub fn remove_wall_by_hand(&mut self) {
        self.walls.retain(|wall| wall.content.name != NAME);
    }

    /// The droplets that a firewall has not reached yet: those it applies to that are new, or for which it is.
    pub fn pending(&self, wall: &Wall) -> Vec<u64> {
        let lag = self.wall_lag();
        let is_meant = |m: &&Machine| {
            wall.content.droplet_ids.contains(&m.id) || wall.content.tags.iter().any(|tag| m.has_tag(tag))
        };
        let is_new = |m: &&Machine| self.now < m.created.max(wall.changed).saturating_add(lag);
        self.machines.values().filter(is_meant).filter(is_new).map(|m| m.id).collect()
    }

    /// `waiting` or `succeeded`.
    pub fn wall_status(&self, wall: &Wall) -> &'static str {
        let is_new = self.now < wall.changed.saturating_add(self.wall_lag());
        if is_new || !self.pending(wall).is_empty() { "waiting" } else { "succeeded" }
    }

    /// Whether a firewall of our name applies to our tag: what is made now comes up behind it.
    pub fn is_walled(&self) -> bool {
        self.walls.iter().any(|wall| wall.content.name == NAME && wall.content.tags.iter().any(|t| t == MARK))
    }

    fn wall_lag(&self) -> i64 {
        i64::try_from(self.settings.firewall_seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    /// Remembers that a firewall of another name was touched through the API.
    fn blame(&mut self, id: &str) {
        let other = self.wall(id).map(|wall| wall.content.name.clone()).filter(|name| name != NAME);
        self.others_touched.extend(other);
    }

    fn checked(&self, mut content: Content) -> Result<Content, Refusal> {
        let no = |message: String| Err(Refusal::unprocessable(message));
        if !is_name(&content.name) {
            return no(
                "firewall name must only contain alphanumeric characters, dashes and periods".to_owned()
            );
        }
        let rules = content.inbound_rules.len() + content.outbound_rules.len();
        if rules == 0 || rules > 50 {
            return no("a firewall must have at least one rule, and no more than 50".to_owned());
        }
        if content.droplet_ids.len() > 10 {
            return no("firewall must have no more than 10 droplets".to_owned());
        }
        if content.tags.len() > 5 {
            return no("firewall must have no more than 5 tags".to_owned());
        }
        if let Some(id) = content.droplet_ids.iter().find(|id| !self.machines.contains_key(id)) {
            return no(format!("droplet {id} does not exist"));
        }
        for tag in &mut content.tags {
            match self.spelling(tag) {
                Some(spelling) => *tag = spelling.to_owned(),
                None => return no(format!("tag {tag} does not exist")),
            }
        }
        let inward = content.inbound_rules.iter_mut().map(|rule| &mut rule.what);
        for what in inward.chain(content.outbound_rules.iter_mut().map(|rule| &mut rule.what)) {
            what.check()?;
        }
        Ok(content)
    }
}

impl What {
    /// As the vendor shows it: `0` for all ports, and always for ICMP.
    fn check(&mut self) -> Result<(), Refusal> {
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
        let is_range = |(from, to): (&str, &str)| is_port(from) && is_port(to);
        match (self.protocol.as_str(), self.ports.as_str()) {
            ("icmp", _) | ("tcp" | "udp", "all" | "0") => "0".clone_into(&mut self.ports),
            ("tcp" | "udp", ports) if is_port(ports) || ports.split_once('-').is_some_and(is_range) => {}
            ("tcp" | "udp", ports) => return Err(Refusal::unprocessable(format!("invalid ports `{ports}`"))),
            (protocol, _) => return Err(Refusal::unprocessable(format!("invalid protocol `{protocol}`"))),
        }
        Ok(())
    }
}

/// The vendor's pattern `^[a-zA-Z0-9][a-zA-Z0-9\.-]+$`.
fn is_name(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

fn nullable<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(source).map(Option::unwrap_or_default)
}
