//! The life of one server, design.md §8: first what holds in every phase, then phase by phase up to delivery.

use std::collections::BTreeMap;

use crate::model::breaker::TRIES;
use crate::model::census::{Droplet, DropletStatus, Sighting};
use crate::model::desired::{Because, DesiredState};
use crate::model::history::{Failures, Phase};
use crate::model::ids::DropletId;
use crate::model::moment::Moment;
use crate::model::plan::Notice;
use crate::model::step::{Action, CreateOrder, DestroyCause, Fact, Reason, Undelivered};

use super::case::{Case, Consent, SKEW, Verdict};
use super::firewall::Gate;
use super::{delivered, failed, letters, ready};

/// Decides about one server.
pub(super) fn decide(case: &Case) -> Verdict {
    let mut verdict = Verdict::default();
    match case.droplets {
        [_, _, ..] => {
            let droplets = case.droplets.iter().map(|d| d.id).collect();
            case.note(&mut verdict, Notice::Twins { droplets });
        }
        [droplet] if droplet.locked || matches!(droplet.status, DropletStatus::Other(_)) => {
            let status = if droplet.locked { "locked".to_owned() } else { droplet.status.to_string() };
            case.note(&mut verdict, Notice::HandsOff { droplet: droplet.id, status });
        }
        droplets => by_phase(case, droplets.first().copied(), &mut verdict),
    }
    hold(case, &mut verdict);
    alert_refused(case, &mut verdict);
    verdict
}

/// Tells the operator of what is due and is refused again and again: somebody is not served, or not paid back.
fn alert_refused(case: &Case, to: &mut Verdict) {
    let waits = to.notes.iter().filter_map(|note| match &note.notice {
        Notice::Waiting { step, .. } => Some(step),
        _ => None,
    });
    let due = to.steps.iter().map(|step| &step.id).chain(waits);
    let mut refused: BTreeMap<&str, &Failures> = BTreeMap::new();
    for id in due {
        let words: Vec<&str> = id.as_str().split('/').collect();
        let what = match words.as_slice() {
            ["create", ..] => "create",
            ["power_on", ..] => "power_on",
            ["refund", ..] => "refund",
            ["cancel", ..] => "cancel",
            ["letter", _, "welcome", ..] => "welcome",
            _ => continue,
        };
        if let Some(failures) = case.record.failures.get(id).filter(|failures| failures.count >= TRIES) {
            refused.entry(what).or_insert(failures);
        }
    }
    for (what, failures) in refused {
        letters::alert_refused(case, what, failures, to);
    }
}

fn by_phase(case: &Case, droplet: Option<&Droplet>, to: &mut Verdict) {
    if let Some(droplet) = droplet.filter(|droplet| is_stranger(case, droplet)) {
        return case.note(to, Notice::Stranger { droplet: droplet.id });
    }
    match (case.record.phase, droplet) {
        (Phase::New, None) => unmade(case, to, case.record.delivered.is_some()),
        (Phase::Creating, droplet) => creating(case, droplet, to),
        (Phase::Booting, droplet) => booting(case, droplet, to),
        (Phase::Failed, droplet) => failed::settle(case, droplet, to),
        (Phase::Delivered, droplet) => delivered::keep(case, droplet, to),
        (Phase::Deleted, None) => deleted(case, to),
        // A lost DELETE, or one made by hand.
        (Phase::Ended, Some(droplet)) if case.want() == DesiredState::Destroyed => {
            delivered::destroy(case, droplet.id, to);
        }
        (Phase::New | Phase::Deleted | Phase::Ended, Some(droplet)) => known_again(case, droplet, to),
        (Phase::Ended, None) if case.want() == DesiredState::Destroyed => letters::ended(case, to),
        (Phase::Ended, None) => unmade(case, to, true),
    }
}

/// Whether a droplet only bears the server's tag: the ledger knows another one, or it has another name, or
/// it was made by somebody else after the delivery had failed.
fn is_stranger(case: &Case, droplet: &Droplet) -> bool {
    let record = case.record;
    if record.droplet == Some(droplet.id) {
        return false;
    }
    let is_other = record.droplet.is_some() && !matches!(record.phase, Phase::New | Phase::Deleted);
    let is_later = record.phase == Phase::Failed
        && record.failed.is_some_and(|failed| droplet.created_at > failed.plus(SKEW));
    is_other || is_later || !droplet.name.eq_ignore_ascii_case(case.server.name.as_str())
}

/// No droplet, none intended.
fn unmade(case: &Case, to: &mut Verdict, anew: bool) {
    if case.want() != DesiredState::Running {
        return undeliverable(case, to);
    }
    if case.record.droplet.is_some_and(|former| !is_gone(case, former, to)) {
        return;
    }
    if let Some(kin) = case.kin {
        let (droplet, name) = (kin.id, kin.name.clone());
        return case.note(to, Notice::SameSubscription { droplet, name });
    }
    if case.is_broken {
        return case.withhold(to, "create");
    }
    match case.gate {
        Gate::Open => {}
        Gate::Asked => return,
        Gate::Shut { by_hand } => return case.note(to, Notice::FirewallFirst { by_hand }),
    }
    if case.record.attempt > 0 && !is_paid_for(case, to) {
        return;
    }
    let refused = |attempt: &u32| case.record.failures.contains_key(&case.id("create", &[attempt]));
    let attempt = match case.record.attempt {
        // A create that certainly made nothing is asked again as the same try.
        n if refused(&n) => n,
        n => n + 1,
    };
    let order = CreateOrder {
        server: case.server.name.clone(),
        user: case.server.user.clone(),
        plan: case.server.plan.clone(),
        spec: case.server.spec.clone(),
        attempt,
    };
    let reason = if anew { Reason::Anew } else { declared(case) };
    let id = case.id("create", &[&attempt]);
    case.step(to, id, Action::Create { order }, reason);
}

/// Before another try Stripe is asked: the subscription may have ended with the first one, and the file be stale.
fn is_paid_for(case: &Case, to: &mut Verdict) -> bool {
    let is_kept = case.is_kept(to);
    if is_kept == Some(false) {
        case.is_stale(to, DesiredState::Running);
    }
    is_kept == Some(true)
}

/// Whether a former droplet is confirmed absent; before that no second one is made.
fn is_gone(case: &Case, former: DropletId, to: &mut Verdict) -> bool {
    match case.sighting(to, former) {
        None => {}
        Some(Sighting::Gone) => return true,
        Some(Sighting::There(droplet)) if !droplet.is_ours() => {
            case.note(to, Notice::MarkLost { droplet: former });
        }
        Some(Sighting::There(droplet)) => known_again(case, droplet, to),
    }
    false
}

/// The droplet of an earlier try is there: on its way out, or to be taken up again.
fn known_again(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let is_former = case.record.droplet == Some(droplet.id);
    if is_former && case.is_leaving() {
        return case.note(to, Notice::Leaving { droplet: droplet.id });
    }
    if is_former && case.record.destroyed.is_some() && case.record.delivered.is_none() {
        let reason = Reason::NeverUp { intended: intended(case), deadline: case.policy.boot_deadline };
        return case.destroy(to, droplet.id, DestroyCause::NeverUp, reason);
    }
    adopt(case, droplet, Reason::Unrecorded, to);
}

/// Tried for, never delivered, and not wanted any more: what was paid goes back.
fn undeliverable(case: &Case, to: &mut Verdict) {
    let is_tried =
        case.record.attempt > 0 && case.record.phase == Phase::New && case.record.delivered.is_none();
    let is_meant = case.server.because != Because::SwitchedOff;
    if is_tried && is_meant && may(case, to, DesiredState::Stopped) {
        let reason = Reason::NotDelivered { intended: intended(case) };
        record(case, to, "gave-up", Fact::GaveUp { why: Undelivered::Unwanted }, reason);
    }
}

/// Takes up a droplet that bears this server's tag and name.
pub(super) fn adopt(case: &Case, droplet: &Droplet, reason: Reason, to: &mut Verdict) {
    let known = case.record;
    let last_call = intended(case).plus(case.policy.horizon).plus(SKEW);
    // One that no create of this ledger has made may be in use: it counts as delivered, for its password is
    // not ours to mail. But one that certainly nobody was told of is replaced.
    let is_lost = known.attempt == 0;
    let is_foreign = match is_lost.then(|| ready::is_untold(case, droplet, to)) {
        Some(None) => return,
        Some(Some(is_untold)) => !is_untold,
        None => false,
    };
    // Made later than now: our clock is behind, and says nothing about when.
    let is_later = droplet.created_at > last_call && droplet.created_at <= case.at().plus(SKEW);
    let delivered = is_foreign || known.delivered.is_some() || is_later;
    let fact = Fact::Adopted { droplet: droplet.id, delivered };
    record(case, to, "adopted", fact, reason);
    match (is_lost, delivered) {
        (true, false) => replace(case, Some(droplet), to),
        (true, true) => case.note(to, Notice::Unsure { droplet: droplet.id }),
        (false, _) => {}
    }
}

/// A create is intended, and its reply was lost (or never came).
fn creating(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) {
    let Some(found) = listed.map(|d| vec![d]).or_else(|| case.found_by_name(to)) else { return };
    let looked_until = intended(case).plus(case.policy.horizon);
    match found.as_slice() {
        [droplet] => adopt(case, droplet, Reason::Found, to),
        [] if case.at() < looked_until => case.note(to, Notice::Arriving { until: looked_until }),
        // DigitalOcean is in trouble, not this delivery: it is tried again for as long as it is paid for.
        [] => {
            let reason = Reason::NotFound { horizon: case.policy.horizon };
            record(case, to, "nothing-made", Fact::NothingMade, reason);
        }
        several => {
            case.note(to, Notice::Twins { droplets: several.iter().map(|d| d.id).collect() });
        }
    }
}

/// A droplet was made and is not delivered yet.
fn booting(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) {
    let deadline = intended(case).plus(case.policy.boot_deadline);
    if is_doomed(case) {
        return replace(case, listed, to);
    }
    let droplet = match (listed, case.record.droplet) {
        (Some(droplet), _) => droplet,
        (None, Some(_)) if case.at() < deadline => {
            return case.note(to, Notice::Arriving { until: deadline });
        }
        // Listings lag, but not for so long: ask by id.
        (None, Some(id)) => match case.sighting(to, id) {
            None => return,
            Some(Sighting::Gone) => return never_up(case, None, to),
            Some(Sighting::There(droplet)) if droplet.is_ours() => droplet,
            Some(Sighting::There(_)) => return case.note(to, Notice::MarkLost { droplet: id }),
        },
        (None, None) => return never_up(case, None, to),
    };
    match case.want() {
        DesiredState::Running if droplet.is_up() => ready::hand_over(case, droplet, to),
        // What is off has booted: its customer may have had it. It is switched on for as long as it is paid for.
        DesiredState::Running if droplet.status == DropletStatus::Off => {
            delivered::power_on(case, droplet, to);
        }
        DesiredState::Stopped if droplet.is_up() => delivered::stop(case, droplet, to),
        DesiredState::Stopped if droplet.status == DropletStatus::Off => {}
        DesiredState::Destroyed if droplet.is_up() || droplet.status == DropletStatus::Off => {
            delivered::destroy(case, droplet.id, to);
        }
        _ if case.at() < deadline => {
            case.note(to, Notice::Booting { droplet: droplet.id, until: deadline });
        }
        _ => never_up(case, Some(droplet), to),
    }
}

/// Whether an undelivered droplet is only to go: its destruction has begun, or the ledger that knew its password is
/// lost. What may have been told to its customer is not.
fn is_doomed(case: &Case) -> bool {
    let is_begun = case.record.destroyed.is_some() && case.want() != DesiredState::Destroyed;
    (is_begun || case.record.attempt == 0) && letters::begun_welcome(case).is_none()
}

/// Destroys it, and when it is confirmed gone its server begins anew.
fn replace(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) {
    let reason = || match case.record.attempt {
        0 => Reason::Unopened { said: "the ledger that knew it is lost".to_owned() },
        _ => Reason::Begun,
    };
    match (listed, case.record.droplet) {
        (Some(droplet), _) => case.destroy(to, droplet.id, DestroyCause::NeverTold, reason()),
        (None, None) => record(case, to, "replaced", Fact::Replaced, Reason::Absent),
        (None, Some(id)) => match case.sighting(to, id) {
            None => {}
            Some(Sighting::Gone) => record(case, to, "replaced", Fact::Replaced, Reason::Absent),
            Some(Sighting::There(droplet)) if droplet.is_ours() => {
                case.destroy(to, id, DestroyCause::NeverTold, reason());
            }
            Some(Sighting::There(_)) => case.note(to, Notice::MarkLost { droplet: id }),
        },
    }
}

/// Not up in time.
fn never_up(case: &Case, droplet: Option<&Droplet>, to: &mut Verdict) {
    let reason = Reason::NeverUp { intended: intended(case), deadline: case.policy.boot_deadline };
    give_up(case, droplet, DestroyCause::NeverUp, &reason, to);
}

/// The delivery has failed, and nobody has used the droplet. But one whose welcome was so much as tried may be in
/// use: it counts as delivered.
pub(super) fn give_up(
    case: &Case,
    droplet: Option<&Droplet>,
    cause: DestroyCause,
    reason: &Reason,
    to: &mut Verdict,
) {
    if letters::may_be_welcomed(case) {
        return delivered::keep(case, droplet, to);
    }
    let why = match reason {
        Reason::NeverReady { .. } => Undelivered::NeverReady,
        Reason::Unopened { .. } => Undelivered::NeverTold,
        _ => Undelivered::NeverUp,
    };
    record(case, to, "gave-up", Fact::GaveUp { why }, reason.clone());
    if let Some(droplet) = droplet {
        case.destroy(to, droplet.id, cause, reason.clone());
    }
}

/// It was deleted outside basement.
fn deleted(case: &Case, to: &mut Verdict) {
    match case.want() {
        DesiredState::Running if case.policy.recreate_deleted => unmade(case, to, true),
        DesiredState::Running | DesiredState::Stopped => {
            case.note(to, Notice::Deleted);
            if let Some(droplet) = case.record.droplet {
                letters::alert_deleted(case, droplet, to);
            }
        }
        DesiredState::Destroyed => {
            record(case, to, "ended", Fact::Ended, Reason::Absent);
            letters::ended(case, to);
        }
    }
}

/// A person's freeze: everything disruptive is taken out again, and said.
fn hold(case: &Case, to: &mut Verdict) {
    let Some(hold) = &case.server.hold else { return };
    if case.server.held_at(case.at()).is_none() {
        let until = hold.until.unwrap_or(case.at());
        return case.note(to, Notice::HoldOver { until, reason: hold.reason.clone() });
    }
    // A droplet that never came up holds nobody's data: settling a failed delivery goes on.
    to.steps.retain(|step| {
        !matches!(
            step.action,
            Action::Destroy { cause: DestroyCause::Promised, .. }
                | Action::Shutdown { .. }
                | Action::PowerOff { .. }
        )
    });
    case.note(to, Notice::Held { until: hold.until, reason: hold.reason.clone() });
}

/// Writes down what was learned.
pub(super) fn record(case: &Case, to: &mut Verdict, word: &str, fact: Fact, reason: Reason) {
    let id = case.id("record", &[&word, &case.record.attempt]);
    case.step(to, id, Action::Record { fact }, reason);
}

/// When the last create was intended.
pub(super) fn intended(case: &Case) -> Moment {
    case.record.intended.unwrap_or(case.at())
}

/// What the file says, as a reason.
pub(super) fn declared(case: &Case) -> Reason {
    Reason::Declared {
        state: case.server.state,
        because: case.server.because.clone(),
        since: case.server.since,
    }
}

/// Whether Stripe consents; says why not, or asks.
pub(super) fn may(case: &Case, to: &mut Verdict, would: DesiredState) -> bool {
    matches!(case.consent(to, would), Consent::Given)
}
