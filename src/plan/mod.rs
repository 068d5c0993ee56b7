//! Floor 1: the one decision, `plan(fleet, census, history, policy) -> Plan`. Pure, total, ordered.
//! This file is its table of contents; the life of one server is in `life`, a failed delivery in `failed`.

pub mod agreed;
pub mod approval;
pub mod attribution;
pub mod breaker;
pub mod causes;
pub mod digest;
pub mod forecast;
pub mod guard;
pub mod preflight;
pub mod resend;
pub mod room;

mod alerts;
mod case;
mod delivered;
mod failed;
mod firewall;
mod letters;
mod life;
mod matching;
mod money;
mod ready;

use std::collections::BTreeMap;

use crate::model::census::{Census, Secret};
use crate::model::desired::Fleet;
use crate::model::history::{History, Record};
use crate::model::ids::ServerName;
use crate::model::plan::{Note, Notice, Plan};
use crate::model::policy::Policy;
use crate::model::step::{Action, Step};

use case::{Case, Verdict};

/// What is to be done so that the live fleet becomes what the files say.
///
/// While `Plan::questions` is not empty, the plan is a draft: answer them in the census and plan again.
pub fn plan(fleet: &Fleet, census: &Census, history: &History, policy: &Policy) -> Plan {
    let matched = matching::match_up(fleet, census, history);
    let unknown = Record::default();
    let mut sum = Verdict::default();
    let opened = breaker::opened(history, census.at, policy);
    if let Some(opened) = &opened {
        breaker::announce(opened, history, census, &mut sum);
    }
    let gate = firewall::decide(census, history, policy, &mut sum);
    for server in fleet.servers.values() {
        let record = history.records.get(&server.name).unwrap_or(&unknown);
        let droplets = matched.of(&server.name);
        let kin = matched.kin(server);
        let is_broken = opened.is_some();
        let case = Case { server, record, droplets, kin, census, policy, is_broken, gate };
        sum.extend(life::decide(&case));
    }
    sum.notes.extend(matched.orphans.iter().map(|droplet| Note {
        server: None,
        notice: Notice::Orphan { droplet: droplet.id, name: droplet.name.clone(), monthly: droplet.monthly },
    }));
    firewall::alert(fleet, census, history, policy, &mut sum);
    alerts::gather(history, census.at, &mut sum);
    let Verdict { steps, mut notes, questions } = sum;
    notes.extend(keyless(&steps, policy));
    notes.extend(untried(&steps, census));
    notes.sort();
    let steps = sorted(steps);
    let money = money::line(fleet, census, history, &steps, &matched.orphans);
    let uses = guard::uses(&steps, fleet.servers.len(), history, census.at, policy);
    Plan {
        at: census.at,
        servers: fleet.servers.len(),
        droplets: census.droplets.len(),
        steps,
        notes,
        questions,
        money,
        uses,
    }
}

/// Said once for all passwords that are to be told, and that nobody here could try.
fn untried(steps: &[Step], census: &Census) -> Option<Note> {
    let is_untried = |step: &&Step| {
        let secret = step.server.as_ref().and_then(|server| census.secrets.get(server));
        matches!(&step.action, Action::Letter { letter } if letter.is_welcome())
            && secret == Some(&Secret::Untried)
    };
    let passwords = steps.iter().filter(is_untried).count();
    (passwords > 0).then_some(Note { server: None, notice: Notice::Untried { passwords } })
}

/// Said once for all droplets that are made without an SSH key.
fn keyless(steps: &[Step], policy: &Policy) -> Option<Note> {
    let is_keyless =
        |step: &&Step| matches!(&step.action, Action::Create { order } if order.spec.ssh_keys.is_empty());
    let creates = steps.iter().filter(is_keyless).count();
    let notice = Notice::NoSshKeys { creates, is_allowed: policy.allow_no_ssh_keys };
    (creates > 0).then_some(Note { server: None, notice })
}

/// Servers with something dangerous first; one server's steps together, in the order they are taken.
pub fn sorted(mut steps: Vec<Step>) -> Vec<Step> {
    let mut worst: BTreeMap<Option<ServerName>, u8> = BTreeMap::new();
    for step in &steps {
        let danger = step.action.danger();
        worst.entry(step.server.clone()).and_modify(|w| *w = danger.min(*w)).or_insert(danger);
    }
    steps.sort_by(|a, b| {
        let place = |step: &Step| worst[&step.server];
        (place(a), &a.server, a.action.rank(), &a.id).cmp(&(place(b), &b.server, b.action.rank(), &b.id))
    });
    steps
}
