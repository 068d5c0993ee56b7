//! Tags of the simulated cloud. Invariant: a tag is the same in any case, and keeps its first spelling.
//! Source: DigitalOcean API v2, "Tags".

use std::collections::BTreeMap;

use crate::sim::cloud::Cloudlet;
use crate::sim::machine::{Machine, Refusal, is_tag};

impl Cloudlet {
    /// Makes a tag if there is none; its first spelling either way.
    pub fn tag(&mut self, name: &str) -> String {
        self.tags.entry(name.to_ascii_lowercase()).or_insert_with(|| name.to_owned()).clone()
    }

    /// Makes a tag as a client asks for it; `None` if the name is bad.
    pub fn new_tag(&mut self, name: &str) -> Option<String> {
        is_tag(name).then(|| self.tag(name))
    }

    /// The first spelling of a tag that there is.
    pub fn spelling(&self, name: &str) -> Option<&str> {
        self.tags.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// All tags with how many droplets carry each, by name.
    pub fn tag_counts(&self) -> BTreeMap<&str, u64> {
        let mut counts: BTreeMap<&str, u64> = self.tags.values().map(|tag| (tag.as_str(), 0)).collect();
        for tag in self.machines.values().flat_map(|machine| &machine.tags) {
            *counts.entry(tag).or_default() += 1;
        }
        counts
    }

    /// Tags droplets, or takes the tag from them: all of them or, if one is unknown, none.
    pub fn set_tag(&mut self, name: &str, droplets: &[u64], on: bool) -> Result<(), Refusal> {
        let tag = self.spelling(name).ok_or_else(Refusal::not_found)?.to_owned();
        if !droplets.iter().all(|id| self.machines.contains_key(id)) {
            return Err(Refusal::not_found());
        }
        for id in droplets {
            if let Some(machine) = self.machines.get_mut(id) {
                set(machine, &tag, on);
            }
        }
        Ok(())
    }

    /// Forgets a tag and takes it from every droplet; false if there is none.
    pub fn delete_tag(&mut self, name: &str) -> bool {
        let Some(tag) = self.tags.remove(&name.to_ascii_lowercase()) else { return false };
        self.machines.values_mut().for_each(|machine| set(machine, &tag, false));
        true
    }

    /// Takes all tags from a droplet, as somebody in the control panel would; false if there is none.
    pub fn untag(&mut self, id: u64) -> bool {
        let Some(machine) = self.machines.get_mut(&id) else { return false };
        machine.tags.clear();
        machine.late_tags.clear();
        true
    }
}

fn set(machine: &mut Machine, tag: &str, on: bool) {
    machine.tags.retain(|own| own != tag);
    if on {
        machine.tags.push(tag.to_owned());
        machine.tags.sort();
    }
}
