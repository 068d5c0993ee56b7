//! A delivered server: on, off, destroyed as the file says; and what happened to it behind our back.

use crate::model::census::{Droplet, DropletStatus, Sighting};
use crate::model::desired::DesiredState;
use crate::model::ids::DropletId;
use crate::model::moment::Span;
use crate::model::plan::Notice;
use crate::model::step::{Action, DestroyCause, Fact, Reason};

use super::case::{Case, Verdict};
use super::letters;
use super::life::{declared, may, record};

/// So long a power action may take before it is asked again; DigitalOcean's status lags an action's end.
const ACTION: Span = Span::seconds(60);
/// A shutdown this old belongs to an earlier story: it is asked politely again.
pub(super) const OLD_SHUTDOWN: Span = Span::minutes(60);

/// A delivered server, its droplet listed or not.
pub(super) fn keep(case: &Case, listed: Option<&Droplet>, to: &mut Verdict) {
    let Some(droplet) = listed else { return missing(case, to) };
    if droplet.size != case.server.spec.size.as_str() && case.want() != DesiredState::Destroyed {
        let (has, wants) = (droplet.size.clone(), case.server.spec.size.to_string());
        case.note(to, Notice::WrongSize { has, wants });
    }
    if case.want() != DesiredState::Destroyed {
        letters::alert_unsure(case, droplet, to);
    }
    let is_off = droplet.status == DropletStatus::Off;
    match case.want() {
        DesiredState::Running | DesiredState::Stopped if droplet.status == DropletStatus::New => {
            not_up(case, droplet, to);
        }
        DesiredState::Running if is_off => power_on(case, droplet, to),
        DesiredState::Running => letters::resumed(case, droplet, to),
        DesiredState::Stopped if is_off => letters::stopped(case, to),
        DesiredState::Stopped => stop(case, droplet, to),
        DesiredState::Destroyed => destroy(case, droplet.id, to),
    }
    if let (DesiredState::Stopped, Some(end)) = (case.want(), case.server.destroy_after) {
        let held = case.server.held_at(case.at());
        // One that is held as long as its cause lasts has no end.
        if let Some(at) = held.map_or(Some(end), |hold| hold.until.map(|until| until.max(end))) {
            case.note(to, Notice::EndsOn { at });
        }
    }
}

/// Taken up from another ledger while it was still being made: there is nothing to switch yet, and should it
/// never come up, a person must look, for nobody remembers what was promised with it.
fn not_up(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let until = droplet.created_at.plus(case.policy.boot_deadline);
    let notice = if case.at() < until {
        Notice::Booting { droplet: droplet.id, until }
    } else {
        Notice::HandsOff { droplet: droplet.id, status: droplet.status.to_string() }
    };
    case.note(to, notice);
}

/// Switches on, unless that was asked a moment ago.
pub(super) fn power_on(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    match case.record.powered_on {
        Some(asked) if case.within(asked, ACTION) => case.note(to, Notice::PoweringOn { asked }),
        _ => {
            let id = case.id("power_on", &[&droplet.id]);
            case.step(to, id, Action::PowerOn { droplet: droplet.id }, declared(case));
        }
    }
}

/// Shuts down politely, then cuts the power; first Stripe is asked.
pub(super) fn stop(case: &Case, droplet: &Droplet, to: &mut Verdict) {
    let wait = case.policy.power_off_after;
    if let Some(cut) = case.record.power_cut.filter(|cut| case.within(*cut, ACTION)) {
        return case.note(to, Notice::ShuttingDown { until: cut.plus(ACTION) });
    }
    let asked = case.record.stopped.filter(|asked| case.within(*asked, wait.plus(OLD_SHUTDOWN)));
    if let Some(asked) = asked.filter(|asked| case.within(*asked, wait)) {
        return case.note(to, Notice::ShuttingDown { until: asked.plus(wait) });
    }
    if !may(case, to, DesiredState::Stopped) {
        return;
    }
    let droplet = droplet.id;
    match asked {
        None => {
            let id = case.id("shutdown", &[&droplet]);
            case.step(to, id, Action::Shutdown { droplet }, declared(case));
        }
        Some(asked) => {
            let id = case.id("power_off", &[&droplet]);
            case.step(to, id, Action::PowerOff { droplet }, Reason::StillOn { asked });
        }
    }
}

/// Destroys what the files say is to be destroyed; first Stripe is asked.
pub(super) fn destroy(case: &Case, droplet: DropletId, to: &mut Verdict) {
    if may(case, to, DesiredState::Destroyed) {
        case.destroy(to, droplet, DestroyCause::Promised, farewell(case));
    }
}

/// Delivered once, and not in the listing now.
fn missing(case: &Case, to: &mut Verdict) {
    let Some(id) = case.record.droplet else { return case.note(to, Notice::Deleted) };
    match case.sighting(to, id) {
        None => {}
        Some(Sighting::There(droplet)) if !droplet.is_ours() => {
            case.note(to, Notice::MarkLost { droplet: id });
        }
        Some(Sighting::There(_)) if case.record.destroyed.is_some() => {
            case.note(to, Notice::Leaving { droplet: id });
        }
        Some(Sighting::There(_)) => {
            case.note(
                to,
                Notice::HandsOff { droplet: id, status: "there by its id, but not listed".to_owned() },
            );
        }
        Some(Sighting::Gone) if case.record.destroyed.is_some() || case.want() == DesiredState::Destroyed => {
            record(case, to, "ended", Fact::Ended, Reason::Absent);
            letters::ended(case, to);
        }
        Some(Sighting::Gone) => {
            record(case, to, "deleted", Fact::Deleted { droplet: id }, Reason::Absent);
            letters::alert_deleted(case, id, to);
        }
    }
}

fn farewell(case: &Case) -> Reason {
    match (case.server.state, case.server.destroy_after) {
        (DesiredState::Stopped, Some(ended)) => {
            Reason::GraceEnded { because: case.server.because.clone(), since: case.server.since, ended }
        }
        _ => declared(case),
    }
}
