//! What nobody takes from a customer who is paid up: a droplet that may be in use, whatever the ledger remembers.

use basement::model::billing::Status;
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};

use crate::scene::{NAME, Scene, after, name};

/// A row: what is so, and what the plan says.
type Row = (&'static str, Scene, &'static str);

const ID: DropletId = DropletId(7);

fn check(rows: Vec<Row>) {
    let wrong: Vec<String> = rows
        .into_iter()
        .filter(|(_, scene, want)| scene.line() != *want)
        .map(|(row, scene, want)| format!("{row}: wanted `{want}`, got `{}`", scene.line()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asked for a minute after the start, with this end.
fn tried(scene: Scene, step: &str, action: Action, end: Event) -> Scene {
    scene.event(after(1), step, Event::Intended { action }).event(after(1), step, end)
}

fn lost() -> Event {
    Event::Unknown { why: "closed".to_owned() }
}

fn refused() -> Event {
    Event::Failed { why: "no".to_owned() }
}

/// Its welcome was tried, with this end.
fn welcomed(scene: Scene, end: Event) -> Scene {
    let occasion = Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: ID, host_key: None };
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion };
    tried(scene, &format!("letter/{NAME}/welcome/1"), Action::Letter { letter }, end)
}

#[test]
fn a_droplet_that_is_off_has_booted_and_is_switched_on_for_ever() {
    let on = Action::PowerOn { droplet: ID };
    let off = || Scene::running().created(7).droplet(7, Off);
    let step = format!("power_on/{NAME}/7");
    let asked = || off().did(after(4), &step, on.clone(), Outcome::Plain);
    let no = || tried(off(), &step, on.clone(), refused());
    check(vec![
        ("never asked", off().at(after(99)), "power_on"),
        ("asked a moment ago", asked().at(after(4)), "(powering_on)"),
        ("asked, and ignored", asked().at(after(99)), "power_on"),
        ("refused a moment ago", no().at(after(1)), "(waiting)"),
        ("refused", no().at(after(99)), "power_on"),
    ]);
}

#[test]
fn what_may_have_been_welcomed_is_not_given_up() {
    let booting = |end| welcomed(Scene::running().created(7), end).at(after(99));
    let destroyed = welcomed(Scene::destroyed().created(7), lost()).stripe(Status::Active).at(after(99));
    check(vec![
        ("up: the letter is said again", booting(lost()).droplet(7, Active).ready(7), "letter:welcome"),
        ("its reply was lost, and it is new again", booting(lost()).droplet(7, New), "(hands_off)"),
        ("a try was refused: one before may have arrived", booting(refused()).droplet(7, New), "(hands_off)"),
        ("gone", booting(lost()).gone(7), "record:deleted letter:operator-deleted"),
        ("a stale tombstone", destroyed.droplet(7, New), "(stale)"),
        (
            "never welcomed",
            Scene::running().created(7).droplet(7, New).at(after(99)),
            "record:gave_up destroy",
        ),
    ]);
}

#[test]
fn one_that_is_up_after_its_delivery_failed_is_delivered() {
    let failed = |scene: Scene| {
        let given_up = Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } };
        scene.created(7).event(after(5), &format!("record/{NAME}/gave-up/1"), given_up).at(after(9))
    };
    let up = || failed(Scene::running()).droplet(7, Active);
    let never_up = Action::Destroy { droplet: ID, cause: DestroyCause::NeverUp };
    let destroyed = |end| tried(up(), &format!("destroy/{NAME}/7"), never_up.clone(), end);
    let ended = failed(Scene::stopped()).droplet(7, Active).stripe(Status::Canceled);
    check(vec![
        ("Stripe is asked", up(), "subscription?"),
        ("paid", up().stripe(Status::Active), "record:adopted"),
        ("late in paying", up().stripe(Status::PastDue), "record:adopted"),
        ("ended", up().stripe(Status::Canceled), "destroy"),
        ("not up", failed(Scene::running()).droplet(7, New), "destroy"),
        ("not wanted", ended, "destroy"),
        ("its destruction was refused", destroyed(refused()).stripe(Status::Active), "record:adopted"),
        ("its destruction was asked for", destroyed(lost()).stripe(Status::Active), "destroy"),
    ]);
}

#[test]
fn late_payment_lets_a_server_be_stopped_and_not_destroyed() {
    let stale = |scene: Scene, status| scene.delivered(7).droplet(7, Active).stripe(status).at(after(99));
    for (status, stopped, destroyed) in [
        (Status::Incomplete, "shutdown", "(stale)"),
        (Status::PastDue, "shutdown", "(stale)"),
        (Status::Unpaid, "shutdown", "destroy"),
        (Status::Paused, "shutdown", "destroy"),
        (Status::Canceled, "shutdown", "destroy"),
        (Status::IncompleteExpired, "shutdown", "destroy"),
        (Status::Active, "(stale)", "(stale)"),
        (Status::Trialing, "(stale)", "(stale)"),
        (Status::Other("new".to_owned()), "(stale)", "(stale)"),
    ] {
        let mut stop = Scene::stopped();
        stop.server.destroy_after = None;
        assert_eq!(stale(stop, status.clone()).line(), stopped, "{status}");
        assert_eq!(stale(Scene::destroyed(), status.clone()).line(), destroyed, "{status}");
    }
}

#[test]
fn another_try_is_made_only_for_who_is_paid_up() {
    let refused = || tried(Scene::running(), &format!("create/{NAME}/1"), create(), refused()).at(after(99));
    let retried = || {
        let ended = Scene::running().delivered(7);
        let gone = Event::Noticed { fact: Fact::Deleted { droplet: ID } };
        let again = Event::Noticed { fact: Fact::Recreate };
        ended.event(after(5), "record/1", gone).event(after(6), "record/2", again).gone(7).at(after(9))
    };
    check(vec![
        ("the first try: the file is enough", Scene::running(), "create"),
        ("Stripe is asked", retried(), "subscription?"),
        ("paid", retried().stripe(Status::Active), "create"),
        ("late in paying", retried().stripe(Status::PastDue), "create"),
        ("refunded and ended since", retried().stripe(Status::Canceled), "(stale)"),
        ("refused before", refused(), "subscription?"),
        ("refused before, and paid", refused().stripe(Status::Active), "create"),
    ]);
}

fn create() -> Action {
    Action::Create { order: crate::scene::order(&name(), 1) }
}
