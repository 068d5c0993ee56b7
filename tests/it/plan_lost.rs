//! A droplet that is up, ready, and whose password can never be told; and what a lost ledger leaves.

use basement::model::billing::Status;
use basement::model::census::{DropletStatus, Readiness, Secret};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Recipient};
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};

use crate::scene::{NAME, Scene, after, name, welcome};

fn up() -> Scene {
    Scene::running().created(7).droplet(7, DropletStatus::Active).at(after(1))
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
    let adopted = |scene: Scene| {
        let step = scene.plan().steps.remove(0);
        let Action::Record { fact: Fact::Adopted { delivered, .. } } = step.action else {
            panic!("{step:?}")
        };
        delivered
    };
    let found = |status| Scene::running().droplet(7, status);
    assert!(!adopted(found(DropletStatus::New).at(after(1))), "it is being made: nobody has it");
    assert!(adopted(found(DropletStatus::New).at(after(5))), "it is old, and may have been used before");
    assert!(adopted(found(DropletStatus::Active).at(after(1))));
    assert!(adopted(found(DropletStatus::Off).at(after(1))));
    let fact = Fact::Adopted { droplet: DropletId(7), delivered: false };
    let taken = || {
        let step = format!("record/{NAME}/adopted/0");
        Scene::running().event(after(1), &step, Event::Noticed { fact: fact.clone() }).at(after(2))
    };
    assert_eq!(taken().droplet(7, DropletStatus::New).line(), "destroy");
    assert_eq!(taken().droplet(7, DropletStatus::Active).line(), "destroy");
    assert_eq!(taken().gone(7).line(), "record:replaced");
}
