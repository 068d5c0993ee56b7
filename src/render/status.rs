//! How every server stands by the ledger, beside what its file asks for: as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::desired::{DesiredState, Fleet, Server};
use crate::model::history::{History, Outcome, Phase, Record};
use crate::model::ids::ServerName;
use crate::model::moment::Moment;
use crate::model::plan::Uses;
use crate::model::step::Action;

use super::caps;
use super::json::VERSION;
use super::tables::{Side, table};
use super::words::{self, count, day, time_seen};

/// Every server on one line, then the breaker and the caps, and the totals on the last line.
pub fn status_table(history: &History, fleet: Option<&Fleet>, uses: &Uses, at: Moment) -> String {
    let standings = standings(history, fleet, at);
    if standings.is_empty() {
        return format!("{}no servers\n", limits(history, uses, at));
    }
    let heading = ["server", "is", "since", "plan", "address", "droplet"];
    let time = |moment: Option<Moment>| moment.map_or_else(dash, |m| time_seen(m, at));
    let rows: Vec<Vec<String>> = standings
        .iter()
        .map(|s| {
            let droplet = s.record.and_then(|r| r.droplet).filter(|_| s.has_droplet());
            vec![
                s.name.to_string(),
                s.is(fleet, at),
                time(s.since),
                s.server.map_or_else(dash, |server| server.plan.to_string()),
                s.address().map_or_else(dash, |a| a.to_string()),
                droplet.map_or_else(dash, |d| d.to_string()),
            ]
        })
        .collect();
    let parts: Vec<String> =
        totals(&standings).into_iter().map(|(words, n)| format!("{n} {words}")).collect();
    format!(
        "{}\n{}{} on {} {} UTC: {}\n",
        table(&heading.map(|text| (text, Side::Left)), &rows),
        limits(history, uses, at),
        count(standings.len() as u64, "server"),
        day(at),
        at.clock(),
        parts.join(", ")
    )
}

/// The breaker and the caps of a day, one line each.
fn limits(history: &History, uses: &Uses, at: Moment) -> String {
    let breaker = match &history.breaker.open {
        Some(opened) => format!(
            "open since {}: {}; `basement reset breaker` closes it",
            time_seen(opened.since, at),
            words::failures(opened)
        ),
        None => "closed".to_owned(),
    };
    let used = caps::uses(uses);
    let used = if used.is_empty() { "nothing used up".to_owned() } else { used.join(", ") };
    format!("breaker: {breaker}\ncaps: {used}\n")
}

/// The same for machines, with whole moments.
pub fn status_json(history: &History, fleet: Option<&Fleet>, uses: &Uses, at: Moment) -> Value {
    let standings = standings(history, fleet, at);
    let servers: Vec<Value> = standings
        .iter()
        .map(|s| {
            json!({
                "server": s.name,
                "phase": s.record.map(|r| r.phase),
                "is": s.words,
                "since": s.since,
                "declared": s.server.map(|server| server.state_at(at)),
                "ends_on": s.server.and_then(|server| server.ends_on),
                "user": s.server.map(|server| &server.user),
                "plan": s.server.map(|server| &server.plan),
                "address": s.address(),
                "droplet": s.record.and_then(|r| r.droplet).filter(|_| s.has_droplet()),
                "changed": s.record.and_then(|r| r.changed),
            })
        })
        .collect();
    json!({
        "version": VERSION, "at": at, "servers": servers, "totals": totals(&standings),
        "breaker": history.breaker, "uses": uses,
    })
}

/// One server as it stands.
struct Standing<'a> {
    name: &'a ServerName,
    server: Option<&'a Server>,
    record: Option<&'a Record>,
    words: &'static str,
    since: Option<Moment>,
}

impl Standing<'_> {
    fn has_droplet(&self) -> bool {
        let phase = self.record.map(|r| r.phase);
        matches!(phase, Some(Phase::Creating | Phase::Booting | Phase::Delivered))
    }

    /// How it is, and what a table has no column for.
    fn is(&self, fleet: Option<&Fleet>, at: Moment) -> String {
        let ends_on = self.server.and_then(|server| server.ends_on);
        match ends_on {
            _ if self.lost(fleet) => format!("{} (no file)", self.words),
            Some(end) if self.has_droplet() => format!("{} (ends {})", self.words, time_seen(end, at)),
            _ => self.words.to_owned(),
        }
    }

    /// It has a droplet, and no file declares it.
    fn lost(&self, fleet: Option<&Fleet>) -> bool {
        fleet.is_some() && self.server.is_none() && self.has_droplet()
    }

    /// Only while it is the customer's: an address is soon somebody else's.
    fn address(&self) -> Option<std::net::Ipv4Addr> {
        self.record.filter(|_| self.has_droplet()).and_then(|r| r.address)
    }
}

fn standings<'a>(history: &'a History, fleet: Option<&'a Fleet>, at: Moment) -> Vec<Standing<'a>> {
    let declared = fleet.into_iter().flat_map(|f| f.servers.keys());
    let names: BTreeSet<&ServerName> = declared.chain(history.records.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let server = fleet.and_then(|f| f.servers.get(name));
            let record = history.records.get(name);
            let (words, since) = record.map_or_else(|| (unknown(server, at), None), known);
            Standing { name, server, record, words, since }
        })
        .collect()
}

/// A server the ledger knows nothing of.
fn unknown(server: Option<&Server>, at: Moment) -> &'static str {
    match server.map(|s| s.state_at(at)) {
        Some(DesiredState::Running) => "to be created",
        Some(DesiredState::Stopped | DesiredState::Destroyed) | None => "never created",
    }
}

fn known(record: &Record) -> (&'static str, Option<Moment>) {
    match record.phase {
        Phase::New if record.attempt == 0 => ("to be created", record.changed),
        Phase::New => ("to be created again", record.changed),
        Phase::Creating => ("being created", record.intended),
        Phase::Booting => ("booting", record.intended),
        Phase::Delivered if record.destroyed.is_some() => ("being destroyed", record.destroyed),
        Phase::Delivered if record.stopped.is_some() => ("stopped", record.stopped),
        Phase::Delivered => ("running", record.powered_on.or(record.delivered)),
        Phase::Failed => (failed(record), record.changed),
        Phase::Deleted => ("deleted outside", record.changed),
        Phase::Ended => ("destroyed", record.destroyed.or(record.changed)),
    }
}

fn failed(record: &Record) -> &'static str {
    let refunding = record.open.values().any(|open| matches!(open.action, Action::Refund { .. }));
    let refunded = record.done.values().any(|done| {
        // An older failure may have been refunded too; this one's refund came after its create.
        let this = record.intended.is_none_or(|intended| done.at >= intended);
        this && matches!(done.outcome, Outcome::Refunded { .. })
    });
    match (refunding, refunded) {
        (true, _) => "failed and being refunded",
        (false, true) => "failed and refunded",
        (false, false) => "failed",
    }
}

fn totals(standings: &[Standing<'_>]) -> BTreeMap<&'static str, usize> {
    let mut totals = BTreeMap::new();
    for standing in standings {
        *totals.entry(standing.words).or_insert(0) += 1;
    }
    totals
}

fn dash() -> String {
    "-".to_owned()
}
