//! Whose doing each step is, as one line of a table each; and that the labels are a partition, whatever the world.

mod worlds;

use basement::model::billing::Status;
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::desired::{DesiredState, Server};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::moment::Span;
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};
use basement::plan::attribution::labels;

use crate::scene::{NAME, Scene, after};

const ID: DropletId = DropletId(7);

/// The head's plan in one line, each step with its label against a base whose files differ by `change`.
fn line(make: &dyn Fn() -> Scene, change: &dyn Fn(&mut Server)) -> String {
    let (head, mut base) = (make(), make());
    change(&mut base.server);
    let (plan, base) = (head.plan(), base.plan());
    let labels = labels(&plan, &base, &head.history);
    let words = plan.steps.iter().map(|step| {
        let label = serde_json::to_value(labels[&step.id]).expect("JSON");
        format!("{} {}", step.action.word(), label.as_str().expect("a word"))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn off() -> Scene {
    let (shutdown, plug) = (Action::Shutdown { droplet: ID }, Action::PowerOff { droplet: ID });
    Scene::stopped()
        .delivered(7)
        .did(after(10), &format!("shutdown/{NAME}/7"), shutdown, Outcome::Plain)
        .did(after(13), &format!("power_off/{NAME}/7"), plug, Outcome::Plain)
        .stripe(Status::Canceled)
}

/// Off, and its customer was told so.
fn told_off() -> Scene {
    let scene = off().droplet(7, Off).at(after(20));
    let letter = scene.plan().steps.remove(0);
    off().did(after(20), letter.id.as_str(), letter.action, Outcome::Plain)
}

fn given_up() -> Scene {
    let gave_up = Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } };
    Scene::running().created(7).event(after(5), &format!("record/{NAME}/gave-up/1"), gave_up)
}

#[test]
fn what_the_base_does_not_ask_for_is_this_change() {
    let running = |server: &mut Server| server.state = DesiredState::Running;
    let up = || Scene::destroyed().delivered(7).droplet(7, Active).stripe(Status::Canceled).at(after(60));
    assert_eq!(line(&up, &running), "destroy this_change");
    assert_eq!(line(&up, &|_| {}), "destroy pending");
    // The same step, but not the same droplet is asked for.
    let larger = |server: &mut Server| server.spec.size = "s-4vcpu-8gb".parse().expect("a slug");
    assert_eq!(line(&Scene::running, &larger), "create this_change");
    assert_eq!(line(&Scene::running, &|_| {}), "create pending");
    // An end that is only foretold asks for nothing.
    assert_eq!(line(&Scene::running, &|server| server.ends_on = Some(after(60))), "create pending");
    let resumed = || {
        let scene = told_off().droplet(7, Off).at(after(60)).stripe(Status::Active);
        let server = Server { destroy_after: None, state: DesiredState::Running, ..scene.server.clone() };
        Scene { server, ..scene }
    };
    assert_eq!(line(&resumed, &|server| server.state = DesiredState::Stopped), "power_on this_change");
    assert_eq!(line(&resumed, &|_| {}), "power_on pending", "switched off by us, and to be on again");
}

#[test]
fn what_moved_behind_our_back_is_drift() {
    type Row = (&'static str, fn() -> Scene, &'static str);
    let rows: [Row; 6] = [
        ("switched off", || Scene::running().delivered(7).droplet(7, Off).at(after(9)), "power_on drift"),
        ("switched on", || told_off().droplet(7, Active).at(after(600)), "shutdown drift"),
        ("deleted", || Scene::running().delivered(7).gone(7).at(after(9)), "record drift, letter drift"),
        (
            "deleted, and its grace over",
            || Scene::destroyed().delivered(7).gone(7).at(after(9)),
            "record drift, letter drift",
        ),
        ("not in the ledger", || Scene::running().droplet(7, Active).at(after(2_000)), "record drift"),
        (
            "there again",
            || {
                let ended = Event::Noticed { fact: Fact::Ended };
                let scene = Scene::destroyed().delivered(7).event(after(9), "record/x/ended/1", ended);
                scene.droplet(7, Active).stripe(Status::Canceled).at(after(60))
            },
            "destroy drift",
        ),
    ];
    for (what, make, want) in rows {
        assert_eq!(line(&make, &|_| {}), want, "{what}");
    }
}

#[test]
fn what_an_earlier_pass_began_is_in_flight() {
    type Row = (&'static str, fn() -> Scene, &'static str);
    let rows: [Row; 8] = [
        (
            "booted",
            || Scene::running().created(7).droplet(7, Active).ready(7).at(after(1)),
            "letter in_flight",
        ),
        (
            "a lost reply",
            || Scene::running().intended(after(0)).droplet(7, New).at(after(1)),
            "record in_flight",
        ),
        (
            "never up",
            || Scene::running().created(7).droplet(7, New).at(after(5)),
            "record in_flight, destroy in_flight",
        ),
        (
            "to be settled",
            || given_up().gone(7).paid(3500).at(after(6)),
            "refund in_flight, cancel in_flight, letter in_flight, letter in_flight",
        ),
        (
            "asked to shut down, and on",
            || {
                let asked = Action::Shutdown { droplet: ID };
                let scene = Scene::stopped().delivered(7).stripe(Status::Canceled);
                let scene = scene.did(after(10), &format!("shutdown/{NAME}/7"), asked, Outcome::Plain);
                scene.droplet(7, Active).at(after(13))
            },
            "power_off in_flight",
        ),
        ("switched off by us", || off().droplet(7, Off).at(after(20)), "letter in_flight"),
        (
            "destroyed by us",
            || {
                let action = Action::Destroy { droplet: ID, cause: DestroyCause::Promised };
                let scene = Scene::destroyed().delivered(7);
                scene
                    .did(after(9), &format!("destroy/{NAME}/7"), action, Outcome::Plain)
                    .gone(7)
                    .at(after(12))
            },
            "record in_flight, letter in_flight",
        ),
        (
            "refused before",
            || {
                let failed = Event::Failed { why: "no capacity".to_owned() };
                let scene = Scene::running().intended(after(0));
                scene.event(after(0), &format!("create/{NAME}/1"), failed).stripe(Status::Active).at(after(9))
            },
            "create in_flight",
        ),
    ];
    for (what, make, want) in rows {
        assert_eq!(line(&make, &|_| {}), want, "{what}");
    }
}

#[test]
fn a_stop_that_the_files_ask_for_is_pending() {
    let up = || Scene::stopped().delivered(7).droplet(7, Active).stripe(Status::Canceled).at(after(9));
    assert_eq!(line(&up, &|_| {}), "shutdown pending");
    let over = || {
        let scene = told_off().droplet(7, Off);
        let end = scene.server.destroy_after.expect("a week later").plus(Span::minutes(1));
        scene.at(end)
    };
    assert_eq!(line(&over, &|_| {}), "destroy pending");
    assert_eq!(line(&over, &|server| server.destroy_after = None), "destroy this_change");
}
