//! The cloud firewall: made, kept as it should be, and waited for before anything is created behind it.

use crate::model::census::{Census, Droplet, MARK, Question};
use crate::model::firewall::{FirewallOrder, NAME, Progress, ours};
use crate::model::history::History;
use crate::model::ids::StepId;
use crate::model::plan::{Note, Notice};
use crate::model::policy::Policy;
use crate::model::step::{Action, Reason};

use super::case::{self, Verdict};

/// Whether droplets may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// They may.
    Open,
    /// The firewall is not known yet; the question is in the verdict.
    Asked,
    /// Not before the firewall is in force.
    Shut {
        /// A person must see to it first.
        by_hand: bool,
    },
}

/// Decides about the firewall, and by that about creates.
pub(super) fn decide(census: &Census, history: &History, policy: &Policy, to: &mut Verdict) -> Gate {
    let is_wanted = policy.firewall.is_cloud();
    // Who never had one is not asked about it.
    if !is_wanted && history.fleet.firewall.is_none() {
        return Gate::Open;
    }
    let Some(firewalls) = &census.firewalls else {
        to.questions.insert(Question::Firewall);
        return if is_wanted { Gate::Asked } else { Gate::Open };
    };
    let mut note = |notice| to.notes.push(Note { server: None, notice });
    match firewalls.as_slice() {
        _ if !is_wanted => {
            for seen in firewalls {
                note(Notice::FirewallLeft { firewall: seen.id.clone() });
            }
            Gate::Open
        }
        [] => {
            put(census, history, FirewallOrder { id: None, rules: ours(), drifts: Vec::new() }, to);
            Gate::Shut { by_hand: false }
        }
        [seen] => {
            let drifts = seen.drifts(|droplet| census.droplets.contains_key(&droplet));
            if !drifts.is_empty() {
                put(census, history, FirewallOrder { id: Some(seen.id.clone()), rules: ours(), drifts }, to);
            } else if seen.is_settled() {
                return Gate::Open;
            } else {
                let is_failed = seen.status == Progress::Failed;
                note(Notice::FirewallPending { is_failed, droplets: seen.pending });
            }
            Gate::Shut { by_hand: false }
        }
        several => {
            note(Notice::FirewallTwins { firewalls: several.iter().map(|seen| seen.id.clone()).collect() });
            Gate::Shut { by_hand: true }
        }
    }
}

/// Our firewall, and before it the tag it applies to, unless a droplet shows that there is one: DigitalOcean
/// refuses a firewall of a tag that does not exist.
fn put(census: &Census, history: &History, order: FirewallOrder, to: &mut Verdict) {
    let fleet = (census.at, &history.fleet);
    let mut step = |id, action, reason| case::add(to, fleet, None, id, action, reason);
    if !census.droplets.values().any(Droplet::is_ours) {
        let id = StepId::of(&[&"tag", &"fleet", &MARK]);
        if !step(id, Action::Tag { tag: MARK.to_owned() }, Reason::Policy) {
            return;
        }
    }
    let reason = if order.id.is_some() { Reason::Changed } else { Reason::Policy };
    let id = StepId::of(&[&"firewall", &"fleet", &NAME]);
    step(id, Action::Firewall { order }, reason);
}
