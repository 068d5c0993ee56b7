//! A droplet that is up and not delivered: handed over when its first boot is over and good, else waited for.
//! Invariant: what may have been told to its customer is neither kept back nor given up.

use crate::model::census::{Droplet, Question, Readiness};
use crate::model::letter::Occasion;
use crate::model::moment::Moment;
use crate::model::plan::Notice;
use crate::model::policy::{NotReady, ReadyBy};
use crate::model::step::{DestroyCause, Reason};

use super::case::{Case, Verdict};
use super::letters;
use super::life::{give_up, intended};

/// Tells its customer of it, as soon as policy calls it ready.
pub(super) fn hand_over(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let Some(address) = droplet.public_ipv4 else { return };
    if let Some(begun) = letters::begun_welcome(case) {
        return letters::welcome(case, begun.clone(), Reason::Ready, to);
    }
    let welcome = |host_key| Occasion::Welcome { address, droplet: droplet.id, host_key };
    if case.policy.ready == ReadyBy::Address {
        return letters::welcome(case, welcome(None), Reason::Up, to);
    }
    match case.census.readiness.get(&droplet.id) {
        None => {
            let (server, attempt) = (case.server.name.clone(), case.record.attempt);
            to.questions.insert(Question::Ready { droplet: droplet.id, address, server, attempt });
        }
        Some(Readiness::Ready { host_key }) => {
            letters::welcome(case, welcome(host_key.clone()), Reason::Ready, to);
        }
        Some(state) => keep_back(case, droplet, state, to),
    }
}

/// Not ready: waited for until the deadline, then policy's word.
fn keep_back(case: &Case, droplet: &Droplet, state: &Readiness, to: &mut Verdict) {
    let Some(address) = droplet.public_ipv4 else { return };
    let until = deadline(case);
    let is_late = case.at() >= until;
    let fails = (case.policy.not_ready == NotReady::Fail).then_some(until);
    match state {
        _ if is_late && fails.is_some() => {
            let deadline = case.policy.ready_deadline;
            let reason = Reason::NeverReady { intended: intended(case), deadline };
            give_up(case, Some(droplet), DestroyCause::NeverTold, &reason, to);
        }
        Readiness::NotYet { why } if !is_late => {
            let why = why.clone();
            case.note(to, Notice::GettingReady { droplet: droplet.id, until, why });
        }
        // It may be mended at any time: it is asked in every pass.
        state => {
            let occasion = Occasion::AlertNotReady { address, state: state.clone(), until: fails };
            letters::alert_not_ready(case, occasion, state.clone(), to);
            case.note(to, Notice::NotReady { droplet: droplet.id, state: state.clone(), until: fails });
        }
    }
}

/// Until when it may take: from its create on, or from when it was switched on again.
fn deadline(case: &Case) -> Moment {
    let since = case.record.powered_on.map_or(intended(case), |on| on.max(intended(case)));
    since.plus(case.policy.ready_deadline)
}
