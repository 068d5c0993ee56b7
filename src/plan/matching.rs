//! Which droplet is whose: by tag, else by the ledger's id. What is left over is an orphan.

use std::collections::BTreeMap;

use crate::model::census::{Census, Droplet};
use crate::model::desired::{Fleet, Server};
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

/// How a generated name ends: a dash and eight characters made of its subscription's id.
const HASH: usize = 9;

impl<'a> Matched<'a> {
    /// An orphan whose name ends like this server's: the same subscription under another name, since a file
    /// was renamed, or deleted and generated anew after its `user_id` had changed.
    pub fn kin(&self, server: &Server) -> Option<&'a Droplet> {
        let ending =
            |name: &str| name.len().checked_sub(HASH).and_then(|at| name.get(at..)).map(str::to_owned);
        let ours = ending(server.name.as_str()).filter(|end| end.starts_with('-'))?;
        server.subscription()?;
        let is_kin = |droplet: &&&Droplet| {
            droplet.server().is_some_and(|name| ending(name.as_str()).as_ref() == Some(&ours))
        };
        self.orphans.iter().find(is_kin).copied()
    }

    /// A server's droplets, usually one or none.
    pub fn of(&self, server: &ServerName) -> &[&'a Droplet] {
        self.by_server.get(server).map_or(&[], Vec::as_slice)
    }
}
