//! Ends that the files know of are foretold, step by step; the plan itself does nothing about them before.

use basement::model::billing::Status;
use basement::model::census::DropletStatus;
use basement::model::desired::{Because, Hold};
use basement::model::insight::Upcoming;
use basement::model::moment::{Moment, Span};
use basement::plan::digest;

use super::{ahead, seen};
use crate::scene::{Scene, after, start};

/// Running, and cancelled for a week after the start.
fn ending() -> Scene {
    let mut scene = Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(60));
    scene.server.ends_on = Some(week());
    scene
}

/// Running, and not paid since the start.
fn late() -> Scene {
    let mut scene = Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(60));
    scene.server.because = Because::PastDue;
    scene
}

fn week() -> Moment {
    start().plus(Span::days(7))
}

#[test]
fn an_end_that_was_asked_for_is_foretold_with_all_that_follows() {
    let year = start().plus(Span::days(365));
    let all = [
        "2026-11-09T09:00:00Z shutdown",
        "2026-11-09T09:00:30Z letter",
        "2026-11-16T09:00:00Z destroy",
        "2026-11-16T09:00:30Z letter",
    ];
    assert_eq!(ahead(&ending(), year), all);
    // What Stripe said today about a question of today is not what it says then.
    assert_eq!(ahead(&ending().stripe(Status::Active), year), all);
    assert_eq!(ahead(&ending(), week()), all[..1]);
    assert_eq!(ahead(&ending(), Moment::from_unix(week().unix() - 1)), [""; 0]);
    let seen = seen(&ending(), year);
    assert!(seen.upcoming.iter().all(|next| !next.if_unpaid));
    let told: Vec<String> =
        seen.upcoming.iter().map(|next| serde_json::to_string(next).expect("JSON")).collect();
    let (grace, end) = ("\"destroy_after\":\"2026-11-16T09:00:00Z\"", "\"since\":\"2026-11-09T09:00:00Z\"");
    assert!(
        told[1].contains(grace) && told[1].contains(end),
        "the letter names the days that are foretold: {told:?}"
    );
    // Taken back.
    let mut stays = ending();
    stays.server.ends_on = None;
    assert_eq!(ahead(&stays, year), [""; 0]);
}

#[test]
fn the_plan_of_a_later_day_knows_the_end() {
    let line = |at| {
        let seen = seen(&ending(), at);
        let notes = seen.plan.notes.iter().map(|note| serde_json::to_string(&note.notice).expect("JSON"));
        let steps = seen.plan.steps.iter().map(|step| step.action.word().to_owned());
        (steps.chain(notes).collect::<Vec<_>>().join(" "), seen.plan.droplets)
    };
    assert_eq!(line(week().minus(Span::minutes(1))), (String::new(), 1));
    let ends = r#"{"note":"ends_on","at":"2026-11-16T09:00:00Z"}"#;
    assert_eq!(line(week()), (format!("shutdown {ends}"), 1));
    assert_eq!(line(week().plus(Span::days(1))), (ends.to_owned(), 1));
    assert_eq!(line(week().plus(Span::days(7))), ("destroy".to_owned(), 1));
    assert_eq!(line(week().plus(Span::days(8))), (String::new(), 0));
}

#[test]
fn a_stop_of_what_is_not_paid_is_foretold_with_its_condition() {
    let year = start().plus(Span::days(365));
    let all = ["2026-11-09T09:00:00Z shutdown", "2026-11-09T09:00:30Z letter"];
    assert_eq!(ahead(&late(), year), all);
    assert!(seen(&late(), year).upcoming.iter().all(|next: &Upcoming| next.if_unpaid));
    // The grace is the policy's.
    let mut patient = late();
    patient.policy.grace.past_due = Span::days(30);
    assert_eq!(ahead(&patient, year).first().map(String::as_str), Some("2026-12-02T09:00:00Z shutdown"));
    // The end that was asked for comes whether it is paid or not, if it comes first.
    let mut both = late();
    both.server.ends_on = Some(start().plus(Span::days(3)));
    let seen = seen(&both, year);
    let words: Vec<_> = seen.upcoming.iter().map(|next| (next.action.word(), next.if_unpaid)).collect();
    assert_eq!(words, [("shutdown", false), ("letter", false), ("destroy", false), ("letter", false)]);
}

#[test]
fn a_hold_puts_a_foretold_end_off() {
    let mut held = ending();
    held.server.hold = Some(Hold { until: Some(week().plus(Span::days(2))), reason: "moving".to_owned() });
    let first = ahead(&held, start().plus(Span::days(30))).remove(0);
    assert_eq!(first, "2026-11-11T09:00:00Z shutdown");
}

#[test]
fn no_plan_acts_on_an_end_before_the_files_do() {
    for at in [after(60), week(), week().plus(Span::days(30))] {
        let (with, mut without) = (ending().at(at), ending().at(at));
        without.server.ends_on = None;
        let plans = [with.plan(), without.plan()];
        assert_eq!(plans[0], plans[1]);
        assert_eq!((plans[0].steps.len(), digest::whole(&plans[0])), (0, digest::whole(&plans[1])));
    }
    // Not written anew since the end has passed: what is to come is due at once.
    let stale = ending().at(week().plus(Span::days(1)));
    assert_eq!(ahead(&stale, week().plus(Span::days(2)))[..1], ["2026-11-10T09:00:00Z shutdown"]);
}
