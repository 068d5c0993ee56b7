//! The plan at its limits: the last second in which it waits, and the first in which it acts.

use basement::model::billing::Status;
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::moment::{Moment, Span};
use basement::model::plan::Notice;
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};

use crate::scene::{NAME, Scene, after, droplet, name, start};

const ID: DropletId = DropletId(7);
const SECOND: Span = Span::seconds(1);

/// What the plan says in the second before a moment, and at it.
fn around(scene: impl Fn() -> Scene, moment: Moment) -> [String; 2] {
    [moment.minus(SECOND), moment].map(|at| scene().at(at).line())
}

fn done(scene: Scene, at: Moment, action: Action) -> Scene {
    let step = format!("{}/{NAME}/7", action.word());
    scene.did(at, &step, action, Outcome::Plain)
}

/// Refused so often, the last time after nine minutes.
fn refused(scene: Scene, action: &Action, times: u32) -> Scene {
    let step = format!("{}/{NAME}/7", action.word());
    (0..times).fold(scene, |scene, _| {
        scene.event(after(9), &step, Event::Intended { action: action.clone() }).event(
            after(9),
            &step,
            Event::Failed { why: "no".to_owned() },
        )
    })
}

#[test]
fn what_may_have_been_made_is_looked_for_through_the_horizon() {
    let lost = || Scene::running().intended(start()).unfound();
    assert_eq!(around(lost, after(5)), ["(arriving)", "record:nothing_made"]);
}

#[test]
fn a_boot_has_until_its_deadline() {
    let booting = || Scene::running().created(7).droplet(7, New);
    assert_eq!(around(booting, after(5)), ["(booting)", "record:gave_up destroy"]);
    let unlisted = || Scene::running().created(7);
    assert_eq!(around(unlisted, after(5)), ["(arriving)", "droplet?"]);
    let off = || done(Scene::running().created(7).droplet(7, Off), after(3), Action::PowerOn { droplet: ID });
    assert_eq!(around(off, after(4)), ["(powering_on)", "power_on"]);
    assert_eq!(around(off, after(8)), ["power_on", "power_on"], "past the deadline too");
}

#[test]
fn a_power_action_has_a_minute() {
    let off =
        || done(Scene::running().delivered(7).droplet(7, Off), after(9), Action::PowerOn { droplet: ID });
    assert_eq!(around(off, after(10)), ["(powering_on)", "power_on"]);
    let on = || {
        let scene = Scene::stopped().delivered(7).droplet(7, Active).stripe(Status::Canceled);
        done(scene, after(10), Action::Shutdown { droplet: ID })
    };
    assert_eq!(around(on, after(12)), ["(shutting_down) (ends_on)", "power_off (ends_on)"]);
    assert_eq!(around(on, after(72)), ["power_off (ends_on)", "shutdown (ends_on)"], "an earlier story");
    let cut = || done(on(), after(14), Action::PowerOff { droplet: ID });
    assert_eq!(around(cut, after(15)), ["(shutting_down) (ends_on)", "power_off (ends_on)"]);
    let until = |scene: Scene, at| {
        scene.at(at).plan().notes.into_iter().find_map(|note| match note.notice {
            Notice::ShuttingDown { until } => Some(until),
            _ => None,
        })
    };
    assert_eq!([until(on(), after(11)), until(cut(), after(14))], [Some(after(12)), Some(after(15))]);
}

#[test]
fn a_destruction_has_a_minute() {
    let destroy = Action::Destroy { droplet: ID, cause: DestroyCause::Promised };
    let listed = || {
        let scene = Scene::destroyed().delivered(7).droplet(7, Active).stripe(Status::Canceled);
        done(scene, after(9), destroy.clone())
    };
    assert_eq!(around(listed, after(10)), ["(leaving)", "destroy"]);
}

#[test]
fn the_grace_ends_at_its_moment() {
    let off = || Scene::stopped().delivered(7).droplet(7, Off).stripe(Status::Canceled);
    let end = start().plus(Span::days(7));
    assert_eq!(around(off, end), ["letter:ending (ends_on)", "destroy"]);
}

#[test]
fn each_refusal_doubles_the_wait_up_to_a_quarter_of_an_hour() {
    let action = Action::PowerOn { droplet: ID };
    for (times, seconds) in [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (11, 900), (99, 900)] {
        let off = || refused(Scene::running().delivered(7).droplet(7, Off), &action, times);
        let until = after(9).plus(Span::seconds(seconds));
        let lines =
            around(off, until).map(|line| line.replace("letter:operator-refused", "").trim().to_owned());
        assert_eq!(lines, ["(waiting)", "power_on"], "after {times}");
        let notes = off().at(after(9)).plan().notes;
        let Notice::Waiting { until: said, .. } = &notes[0].notice else { panic!("{notes:?}") };
        assert_eq!(*said, until);
    }
    let again =
        done(refused(Scene::running().delivered(7).droplet(7, Off), &action, 5), after(30), action.clone());
    let once = refused(again, &action, 1).at(after(9).plus(Span::seconds(30)));
    assert_eq!(once.line(), "power_on", "a success makes the next refusal the first");
}

#[test]
fn clocks_may_differ_by_two_minutes() {
    // A droplet of the lost create, or an older one of the same name.
    let named = |created: Moment| {
        let mut found = droplet(7, New);
        found.created_at = created;
        let mut scene = Scene::running().intended(start()).at(after(1));
        scene.census.named.insert(name(), vec![found]);
        scene.line()
    };
    let earliest = start().minus(Span::minutes(2));
    assert_eq!([named(earliest.minus(SECOND)), named(earliest)], ["(arriving)", "record:adopted"]);
    // A droplet of the failed delivery, or one that somebody made afterwards.
    let later = |created: Moment| {
        let noticed = Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } };
        let scene = Scene::running().intended(start());
        let mut scene = scene.event(after(5), &format!("record/{NAME}/gave-up/1"), noticed).droplet(7, New);
        scene.droplets[0].created_at = created;
        scene.at(after(90)).line()
    };
    assert_eq!([later(after(7)), later(after(7).plus(SECOND))], ["destroy", "(stranger)"]);
}

#[test]
fn what_may_be_in_use_is_taken_up_as_delivered() {
    let adopted = |scene: Scene, created: Moment| {
        let mut scene = scene.droplet(7, Active).at(after(99));
        scene.droplets[0].created_at = created;
        match scene.plan().steps.remove(0).action {
            Action::Record { fact: Fact::Adopted { delivered, .. } } => delivered,
            other => panic!("{other:?}"),
        }
    };
    let lost = || Scene::running().intended(start());
    assert!(!adopted(lost(), after(7)), "of the lost create");
    assert!(adopted(lost(), after(7).plus(SECOND)), "of none that the ledger knows");
    assert!(adopted(Scene::running(), start()), "the ledger was lost");
    let fact = Fact::Deleted { droplet: ID };
    let deleted = Scene::running().delivered(7).event(
        after(9),
        &format!("record/{NAME}/deleted/1"),
        Event::Noticed { fact },
    );
    assert!(adopted(deleted, start()), "it was delivered before");
}

#[test]
fn a_droplet_that_the_ledger_never_heard_of_counts_as_delivered() {
    let plan = Scene::running().droplet(7, Active).ready(7).plan();
    let fact = plan.steps.iter().find_map(|step| match &step.action {
        Action::Record { fact } => Some(fact.clone()),
        _ => None,
    });
    assert_eq!(fact, Some(Fact::Adopted { droplet: DropletId(7), delivered: true }));
}
