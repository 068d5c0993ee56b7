//! Which droplet is whose: by tag, else by the ledger's id. What is left over is an orphan.

use std::collections::BTreeMap;

use crate::model::census::{Census, Droplet};
use crate::model::desired::Fleet;
use crate::model::history::History;
use crate::model::ids::{DropletId, ServerName};

/// Droplets by server, and those of no server.
pub(super) struct Matched<'a> {
    by_server: BTreeMap<ServerName, Vec<&'a Droplet>>,
    pub orphans: Vec<&'a Droplet>,
}

/// Matches every droplet of the census to a file.
pub(super) fn match_up<'a>(fleet: &Fleet, census: &'a Census, history: &History) -> Matched<'a> {
    let by_id: BTreeMap<DropletId, &ServerName> =
        history.records.iter().filter_map(|(server, record)| Some((record.droplet?, server))).collect();
    let mut matched = Matched { by_server: BTreeMap::new(), orphans: Vec::new() };
    for droplet in census.droplets.values().filter(|droplet| droplet.is_ours()) {
        // The tag is what a person sees and changes; the ledger's id serves where the tag lags or is gone.
        let owner = droplet.server().or_else(|| by_id.get(&droplet.id).map(|name| (*name).clone()));
        match owner.filter(|name| fleet.servers.contains_key(name)) {
            Some(name) => matched.by_server.entry(name).or_default().push(droplet),
            None => matched.orphans.push(droplet),
        }
    }
    matched
}

impl<'a> Matched<'a> {
    /// A server's droplets, usually one or none.
    pub fn of(&self, server: &ServerName) -> &[&'a Droplet] {
        self.by_server.get(server).map_or(&[], Vec::as_slice)
    }
}
