//! The cloud firewall: made, kept as it should be, and waited for before anything is created behind it.

use crate::model::breaker::TRIES;
use crate::model::census::{Census, Droplet, MARK, Question};
use crate::model::desired::Fleet;
use crate::model::firewall::{Drift, FirewallOrder, NAME, Progress, ours};
use crate::model::history::History;
use crate::model::ids::StepId;
use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::Span;
use crate::model::plan::{Note, Notice};
use crate::model::policy::Policy;
use crate::model::step::{Action, Reason};

use super::case::{self, Verdict};

/// So long after it was put, one that DigitalOcean could not put in force is put again.
const AGAIN: Span = Span::minutes(5);
/// What alerts about it are named.
const ALERTS: &str = "letter/fleet/operator-firewall/";

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
            let mut drifts = seen.drifts(|droplet| census.droplets.contains_key(&droplet));
            let is_failed = seen.status == Progress::Failed;
            if is_failed && drifts.is_empty() && !is_fresh(census, history, AGAIN) {
                drifts.push(Drift::Failed);
            }
            if drifts.is_empty() && seen.is_settled() {
                return Gate::Open;
            }
            if drifts.is_empty() || is_failed {
                note(Notice::FirewallPending { is_failed, droplets: seen.pending });
            }
            if !drifts.is_empty() {
                put(census, history, FirewallOrder { id: Some(seen.id.clone()), rules: ours(), drifts }, to);
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

/// Whether it was put less than a span ago.
fn is_fresh(census: &Census, history: &History, span: Span) -> bool {
    history.fleet.firewall.is_some_and(|put| case::within(census.at, put, span))
}

/// To the operator: the firewall keeps whoever has paid waiting, is refused again and again, or is there twice. One
/// letter a day.
pub(super) fn alert(fleet: &Fleet, census: &Census, history: &History, policy: &Policy, to: &mut Verdict) {
    let Some((why, waiting)) = trouble(fleet, census, history, policy, to) else { return };
    let is_alert = |id: &StepId| id.as_str().starts_with(ALERTS);
    let day = Span::days(1);
    let done = || history.fleet.done.iter().filter(|(id, _)| is_alert(id));
    // One that may have arrived is asked for again as it was.
    let open = history.fleet.open.iter().find(|(id, _)| is_alert(id));
    let (id, action) = match open {
        Some((id, open)) => (id.clone(), open.action.clone()),
        None if done().any(|(_, done)| case::within(census.at, done.at, day)) => return,
        None => {
            let occasion = Occasion::AlertFirewall { why, waiting };
            let id = StepId::of(&[&"letter", &"fleet", &occasion.word(), &(done().count() + 1)]);
            (id, Action::Letter { letter: Letter { server: None, to: Recipient::Operator, occasion } })
        }
    };
    case::add(to, (census.at, &history.fleet), None, id, action, Reason::Policy);
}

/// Why a person must look, and how many wait for it.
fn trouble(
    fleet: &Fleet,
    census: &Census,
    history: &History,
    policy: &Policy,
    found: &Verdict,
) -> Option<(String, usize)> {
    let waits = |note: &&Note| matches!(note.notice, Notice::FirewallFirst { .. });
    let waiting: Vec<_> = found.notes.iter().filter(waits).filter_map(|note| note.server.as_ref()).collect();
    let is_late = || {
        let since = waiting.iter().filter_map(|name| fleet.servers.get(*name)).map(|server| server.since);
        since.min().is_some_and(|since| since.plus(policy.boot_deadline) <= census.at)
    };
    let is_due = |id: &StepId| {
        found.steps.iter().any(|step| step.id == *id)
            || found
                .notes
                .iter()
                .any(|note| matches!(&note.notice, Notice::Waiting { step, .. } if step == id))
    };
    let refused = ["tag/fleet/", "firewall/fleet/"].iter().find_map(|word| {
        let mut failures = history.fleet.failures.iter();
        let (_, failures) = failures
            .find(|(id, failures)| id.as_str().starts_with(word) && failures.count >= TRIES && is_due(id))?;
        Some(format!("its {} is refused: {}", word.split('/').next()?, failures.why))
    });
    let noted = || {
        found.notes.iter().find_map(|note| match &note.notice {
            Notice::FirewallTwins { firewalls } => {
                Some(format!("there are {} of that name", firewalls.len()))
            }
            Notice::FirewallPending { is_failed: true, .. } if is_late() => {
                Some("DigitalOcean could not put it in force".to_owned())
            }
            Notice::FirewallPending { is_failed: false, .. }
                if is_late() && !is_fresh(census, history, policy.boot_deadline) =>
            {
                Some("DigitalOcean has not put it in force yet".to_owned())
            }
            _ => None,
        })
    };
    Some((refused.or_else(noted)?, waiting.len()))
}
