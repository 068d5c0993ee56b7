//! A droplet that is up, ready, and whose password can never be told; and what a lost ledger leaves.

use basement::model::billing::Status;
use basement::model::census::{DropletStatus, Readiness, Secret};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::policy::ReadyBy;
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};

use crate::scene::{NAME, Scene, after, name, start, welcome};

fn up() -> Scene {
    Scene::running().created(7).droplet(7, DropletStatus::Active).at(after(1))
}

fn before(minutes: u64) -> Moment {
    start().minus(Span::minutes(minutes))
}

fn lost(scene: Scene) -> Scene {
    scene.ready(7).secret(Secret::Lost { why: "the ledger has none".to_owned() })
}

fn replaced(scene: Scene) -> Scene {
    let noticed = Event::Noticed { fact: Fact::Replaced };
    scene.event(after(3), &format!("record/{NAME}/replaced/1"), noticed)
}

#[test]
fn a_droplet_whose_password_is_lost_is_replaced_twice_and_then_given_up() {
    let destroy = || Action::Destroy { droplet: DropletId(7), cause: DestroyCause::NeverTold };
    assert_eq!(up().shows(7, Readiness::Ready { host_key: None }).line(), "password?");
    assert_eq!(lost(up()).line(), "destroy");
    let asked = |scene: Scene| scene.did(after(2), &format!("destroy/{NAME}/7"), destroy(), Outcome::Plain);
    assert_eq!(asked(lost(up())).at(after(2)).line(), "(leaving)");
    // It goes, even if the key is found again meanwhile.
    assert_eq!(asked(up().ready(7)).at(after(4)).line(), "destroy");
    let gone = || asked(Scene::running().created(7)).at(after(3));
    assert_eq!(gone().line(), "droplet?");
    assert_eq!(gone().gone(7).line(), "record:replaced");
    let create = replaced(gone().gone(7)).stripe(Status::Active).plan().steps.remove(0);
    assert_eq!(create.id.as_str(), format!("create/{NAME}/2"));
    let twice = replaced(replaced(Scene::running())).created(7);
    let twice = twice.droplet(7, DropletStatus::Active).at(after(1));
    let given_up = lost(twice);
    assert_eq!(given_up.line(), "record:gave_up destroy");
    let fact = Fact::GaveUp { why: Undelivered::NeverTold };
    assert!(given_up.plan().steps.iter().any(|step| step.action == Action::Record { fact: fact.clone() }));
}

#[test]
fn what_may_have_been_told_and_cannot_be_told_again_is_its_customers() {
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion: welcome(7) };
    let id = format!("letter/{NAME}/welcome/1");
    let intended = || Event::Intended { action: Action::Letter { letter: letter.clone() } };
    let said = |scene: Scene, event| scene.event(after(2), &id, event);
    let unknown = || said(said(up(), intended()), Event::Unknown { why: "lost".to_owned() });
    let refused = || Event::Failed { why: "451".to_owned() };
    assert_eq!(lost(unknown()).at(after(9)).line(), "record:adopted");
    // The refusal of a second try says nothing about the first.
    assert_eq!(lost(said(said(unknown(), intended()), refused())).at(after(9)).line(), "record:adopted");
    // But one that was refused at once certainly did not arrive.
    assert_eq!(lost(said(said(up(), intended()), refused())).at(after(9)).line(), "destroy");
}

#[test]
fn after_a_lost_ledger_only_what_nobody_can_have_used_is_replaced() {
    let found = |status| Scene::running().droplet(7, status).at(after(1));
    let absent = |is_absent| Readiness::NotYet { why: "status 404".to_owned(), is_absent };
    let failed = |check: &str| Readiness::Failed { failed: vec![check.to_owned()] };
    let shows = |state| found(DropletStatus::Active).shows(7, state);
    let by_address = |mut scene: Scene| {
        scene.policy.ready = ReadyBy::Address;
        scene
    };
    let (replaced, kept) = ("record:adopted destroy", "record:adopted (unsure)");
    let rows = vec![
        ("it is being made: nobody has it", found(DropletStatus::New), replaced),
        ("it is old, and may have been used before", found(DropletStatus::New).at(after(5)), kept),
        ("off: its customer may have switched it off", found(DropletStatus::Off), kept),
        ("on: it is asked itself", found(DropletStatus::Active), "ready?"),
        ("it says that its first boot is not over", shows(absent(true)), replaced),
        ("the same, a minute before it may have been mended", shows(absent(true)).at(after(19)), replaced),
        (
            "the same, late: its customer may have taken the page away",
            shows(absent(true)).at(after(20)),
            kept,
        ),
        ("its first boot is not good", shows(failed("package:nginx")), replaced),
        ("it is ready", shows(Readiness::Ready { host_key: None }), kept),
        ("its customer may have shut passwords out", shows(failed("ssh:asks-password")), kept),
        ("nobody answers, or somebody else", shows(absent(false)), kept),
        ("who is told of an address is told at once", by_address(shows(absent(true))), kept),
        ("its clock or ours is wrong", shows(absent(true)).at(before(3)), kept),
    ];
    for (row, scene, want) in rows {
        assert_eq!(scene.line(), want, "{row}");
    }
    let fact = Fact::Adopted { droplet: DropletId(7), delivered: false };
    let taken = || {
        let step = format!("record/{NAME}/adopted/0");
        Scene::running().event(after(1), &step, Event::Noticed { fact: fact.clone() }).at(after(2))
    };
    assert_eq!(taken().droplet(7, DropletStatus::New).line(), "destroy");
    assert_eq!(taken().droplet(7, DropletStatus::Active).line(), "destroy");
    assert_eq!(taken().gone(7).line(), "record:replaced");
}

#[test]
fn the_operator_is_told_of_what_was_taken_as_delivered_unless_it_is_old() {
    let taken = |minutes| {
        let fact = Fact::Adopted { droplet: DropletId(7), delivered: true };
        let event = Event::Noticed { fact };
        let scene = Scene::running().event(after(minutes), &format!("record/{NAME}/adopted/0"), event);
        scene.droplet(7, DropletStatus::Active).at(after(minutes))
    };
    let day = 24 * 60;
    assert_eq!(taken(30).line(), "letter:operator-unsure (unsure)");
    assert_eq!(taken(day - 1).line(), "letter:operator-unsure (unsure)");
    assert_eq!(taken(day).line(), "nothing");
    let told = |minutes| {
        let action = taken(30).plan().steps.remove(0).action;
        taken(30)
            .did(after(31), &format!("letter/{NAME}/operator-unsure/7"), action, Outcome::Plain)
            .at(after(minutes))
    };
    assert_eq!(told(32).line(), "(unsure)");
    assert_eq!(told(30 + day).line(), "nothing");
    // One whose welcome went out by this ledger is sure.
    assert_eq!(
        Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(30)).line(),
        "nothing"
    );
}

#[test]
fn passwords_that_nobody_could_try_are_counted() {
    assert_eq!(up().ready(7).secret(Secret::Untried).line(), "letter:welcome (untried)");
    assert_eq!(up().ready(7).line(), "letter:welcome");
}
