//! A droplet that is up and not delivered: handed over when its first boot is over and good, else waited for.
//! Invariant: what may have been told to its customer is neither kept back nor given up.

use crate::model::census::{Droplet, DropletStatus, Question, Readiness, Secret};
use crate::model::letter::Occasion;
use crate::model::moment::{Moment, Span};
use crate::model::plan::Notice;
use crate::model::policy::{NotReady, Policy, ReadyBy};
use crate::model::step::{DestroyCause, Fact, Reason};

use super::case::{Case, SKEW, Verdict};
use super::letters;
use super::life::{give_up, intended, record};

/// Tells its customer of it, as soon as policy calls it ready.
pub(super) fn hand_over(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let Some(address) = droplet.public_ipv4 else { return };
    if let Some(begun) = letters::begun_welcome(case) {
        return tell(case, droplet, begun.clone(), Reason::Ready, to);
    }
    let welcome = |host_key| Occasion::Welcome { address, droplet: droplet.id, host_key };
    if case.policy.ready == ReadyBy::Address {
        return tell(case, droplet, welcome(None), Reason::Up, to);
    }
    match case.census.readiness.get(&droplet.id) {
        None => {
            let (server, attempt) = (case.server.name.clone(), case.record.attempt);
            to.questions.insert(Question::Ready { droplet: droplet.id, address, server, attempt });
        }
        Some(Readiness::Ready { host_key }) => {
            tell(case, droplet, welcome(host_key.clone()), Reason::Ready, to);
        }
        Some(state) => keep_back(case, droplet, state, to),
    }
}

/// Welcomes its customer, if its password can be told; else it is replaced, for nobody has used it. One that
/// cannot be told again and again is a failed delivery.
fn tell(case: &Case, droplet: &Droplet, occasion: Occasion, reason: Reason, to: &mut Verdict) {
    /// So many droplets in a row are replaced.
    const MOST: u32 = 2;
    match case.census.secrets.get(&case.server.name) {
        None => {
            to.questions.insert(Question::Password(case.server.name.clone(), case.record.attempt));
        }
        Some(Secret::Opens | Secret::Untried) => letters::welcome(case, occasion, reason, to),
        // Nobody knows what its customer knows: it is theirs, and a person must ask them.
        Some(Secret::Lost { .. }) if letters::begun_welcome(case).is_some() => {
            let fact = Fact::Adopted { droplet: droplet.id, delivered: true };
            record(case, to, "adopted", fact, Reason::MaybeTold);
        }
        Some(Secret::Lost { why }) => {
            let (cause, reason) = (DestroyCause::NeverTold, Reason::Unopened { said: why.clone() });
            if case.record.replaced < MOST {
                case.destroy(to, droplet.id, cause, reason);
            } else {
                give_up(case, Some(droplet), cause, &reason, to);
            }
        }
    }
}

/// Not ready: waited for until the deadline, then policy's word.
fn keep_back(case: &Case, droplet: &Droplet, state: &Readiness, to: &mut Verdict) {
    let Some(address) = droplet.public_ipv4 else { return };
    let is_late = case.at() >= deadline(case);
    // One answer that is lost on the way, after a long time without any, fails no delivery: a person was told first.
    let alerted = letters::alerted_not_ready(case);
    let last = alerted.unwrap_or(case.at()).plus(case.policy.boot_deadline).max(deadline(case));
    let fails = (case.policy.not_ready == NotReady::Fail).then_some(last);
    match state {
        _ if alerted.is_some() && fails.is_some_and(|last| case.at() >= last) => {
            let deadline = case.policy.ready_deadline;
            let reason = Reason::NeverReady { intended: intended(case), deadline };
            give_up(case, Some(droplet), DestroyCause::NeverTold, &reason, to);
        }
        Readiness::NotYet { why, is_absent: _ } if !is_late => {
            let (until, why) = (deadline(case), why.clone());
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

/// Whether it is certain that nobody was told of a droplet that no create of this ledger has made: it is being made,
/// or it says itself that its first boot is not over, or not good, and is too young to have been mended since.
/// `None` while that is asked.
pub(super) fn is_untold(case: &Case, droplet: &Droplet, to: &mut Verdict) -> Option<bool> {
    let Policy { boot_deadline: boot, ready_deadline: ready, .. } = case.policy;
    let is_young = |span: Span| case.at() < droplet.created_at.plus(span);
    match (&droplet.status, droplet.public_ipv4) {
        (DropletStatus::New, _) => Some(is_young(*boot)),
        (DropletStatus::Active, Some(address)) if case.policy.ready == ReadyBy::Http => {
            // One that is made later than now tells that our clock is behind, and not how old it is.
            let is_dated = droplet.created_at <= case.at().plus(SKEW);
            if !(is_dated && is_young(boot.plus(*ready))) {
                return Some(false);
            }
            let state = case.census.readiness.get(&droplet.id);
            if state.is_none() {
                // Which try it was nobody knows. The page of a later one shows as another server's.
                let (server, attempt) = (case.server.name.clone(), 1);
                to.questions.insert(Question::Ready { droplet: droplet.id, address, server, attempt });
            }
            state.map(Readiness::is_unfinished)
        }
        _ => Some(false),
    }
}

/// Until when it may take: from its create on, or from when it was switched on again.
fn deadline(case: &Case) -> Moment {
    let since = case.record.powered_on.map_or(intended(case), |on| on.max(intended(case)));
    since.plus(case.policy.ready_deadline)
}
