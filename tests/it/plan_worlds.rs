//! Odd worlds: what the cloud or Stripe shows besides what the files expect, as one line of a table each.

use basement::model::billing::Status;
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::census::{DropletStatus, Sighting};
use basement::model::desired::DesiredState::Stopped;
use basement::model::desired::{Because, Hold, Origin};
use basement::model::history::{Event, Outcome};
use basement::model::ids::{DropletId, StepId};
use basement::model::letter::Occasion;
use basement::model::plan::Notice;
use basement::model::step::{Action, DestroyCause, Fact, Reason, Undelivered};

use crate::scene::{NAME, Scene, after, droplet, name, start};

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

/// Asked about by its id, droplet 7 is there, with our mark or without.
fn there(mut scene: Scene, is_marked: bool) -> Scene {
    let mut seen = droplet(7, Active);
    if !is_marked {
        seen.tags.remove("basement");
    }
    scene.census.sightings.insert(ID, Sighting::There(Box::new(seen)));
    scene
}

/// Asked about by the server's name, these droplets are there.
fn named(mut scene: Scene, ids: &[u64]) -> Scene {
    scene.census.named.insert(name(), ids.iter().map(|id| droplet(*id, New)).collect());
    scene
}

fn noticed(scene: Scene, word: &str, fact: Fact) -> Scene {
    scene.event(after(9), &format!("record/{NAME}/{word}/1"), Event::Noticed { fact })
}

fn destroyed(scene: Scene, cause: DestroyCause) -> Scene {
    let action = Action::Destroy { droplet: ID, cause };
    scene.did(after(9), &format!("destroy/{NAME}/7"), action, Outcome::Plain)
}

/// The customer has switched it off, and pays.
fn switched_off(scene: Scene) -> Scene {
    let mut scene = scene.stripe(Status::Active);
    for fresh in scene.census.billing.values_mut() {
        let subscription = fresh.subscription.as_mut().and_then(Option::as_mut);
        subscription.expect("it was told").switched_off = true;
    }
    scene
}

fn extra(mut scene: Scene) -> Scene {
    scene.server.origin = Origin::Extra;
    scene
}

#[test]
fn a_droplet_that_is_not_as_the_ledger_says() {
    let delivered = || Scene::running().delivered(7).at(after(99));
    let booting = || Scene::running().created(7).at(after(9));
    let destroyed = |scene| destroyed(scene, DestroyCause::Promised);
    let unnamed = |mut scene: Scene| {
        scene.droplets[0].name = "somebody-elses".to_owned();
        scene
    };
    let archived = DropletStatus::Other("archive".to_owned());
    let mut locked = delivered().droplet(7, Active);
    locked.droplets[0].locked = true;
    check(vec![
        ("locked", locked, "(hands_off)"),
        ("archived", delivered().droplet(7, archived), "(hands_off)"),
        ("renamed, by the ledger's id", unnamed(delivered().droplet(7, Active)), "nothing"),
        ("unlisted, without our mark", there(delivered(), false), "(mark_lost)"),
        ("unlisted, with our mark", there(delivered(), true), "(hands_off)"),
        ("unlisted, being destroyed", there(destroyed(delivered()), true), "(leaving)"),
        ("gone, as it was asked to be", destroyed(delivered()).gone(7), "record:ended letter:ended"),
        ("booting, unlisted, with our mark", there(booting(), true).ready(7), "letter:welcome"),
        ("booting, unlisted, without our mark", there(booting(), false), "(mark_lost)"),
        ("two of its name after a lost reply", named(Scene::running().intended(start()), &[7, 8]), "(twins)"),
        (
            "one of its name after a lost reply",
            named(Scene::running().intended(start()), &[7]),
            "record:adopted",
        ),
        (
            "another one while its create is open",
            Scene::running().intended(start()).droplet(9, New),
            "record:adopted",
        ),
    ]);
}

#[test]
fn a_server_that_is_not_wanted_any_more_before_it_is_delivered() {
    let ended = |scene: Scene| scene.stripe(Status::Canceled).at(after(1));
    let off = || Scene::stopped().created(7).droplet(7, Off);
    let refused = |scene: Scene| {
        let why = "no".to_owned();
        scene.intended(start()).event(start(), &format!("create/{NAME}/1"), Event::Failed { why })
    };
    let switched = || switched_off(Scene::new(Stopped, Because::SwitchedOff));
    let by_switch = refused(switched()).at(after(1));
    let again = |scene: Scene| noticed(noticed(scene, "ended", Fact::Ended), "retry", Fact::Retry);
    check(vec![
        ("stopped, up", ended(Scene::stopped().created(7).droplet(7, Active)), "shutdown"),
        ("stopped, off", ended(off()), "nothing"),
        ("stopped, off, past the deadline", off().stripe(Status::Canceled).at(after(9)), "nothing"),
        ("tombstone, up", ended(Scene::destroyed().created(7).droplet(7, Active)), "destroy"),
        ("tombstone, off", ended(Scene::destroyed().created(7).droplet(7, Off)), "destroy"),
        ("tombstone, its create refused", ended(refused(Scene::destroyed())), "record:gave_up"),
        ("switched off by its customer, its create refused", by_switch, "nothing"),
        ("never tried", ended(Scene::destroyed()), "nothing"),
        ("delivered once", ended(again(Scene::destroyed().delivered(7))), "nothing"),
    ]);
}

#[test]
fn the_customers_own_switch_stops_and_never_destroys() {
    let by_switch = || Scene::new(Stopped, Because::SwitchedOff).delivered(7).at(after(9));
    let tombstone = Scene::destroyed().delivered(7).droplet(7, Off).at(after(9));
    let other = |phrase: &str| {
        let because = phrase.to_owned().into();
        Scene::new(Stopped, because).delivered(7).droplet(7, Off).stripe(Status::Canceled).at(after(9))
    };
    check(vec![
        ("on", switched_off(by_switch().droplet(7, Active)), "shutdown"),
        (
            "on, and Stripe knows of no switch",
            by_switch().droplet(7, Active).stripe(Status::Active),
            "(stale)",
        ),
        ("off: its customer knows", switched_off(by_switch().droplet(7, Off)), "nothing"),
        ("off by a person's word: they know", other("because I say so"), "nothing"),
        ("off for want of money", other("subscription unpaid"), "letter:suspended"),
        ("off, expired", other("subscription expired before it was paid"), "letter:ending"),
        ("a tombstone", switched_off(tombstone), "(stale)"),
        ("a server without a subscription", extra(by_switch().droplet(7, Active)), "shutdown"),
        ("an unknown status", by_switch().droplet(7, Active).stripe(Status::Other("new".into())), "(stale)"),
    ]);
}

#[test]
fn a_droplet_comes_back() {
    let listed = |scene: Scene| scene.droplet(7, Active).stripe(Status::Canceled).at(after(99));
    let deleted = |scene: Scene| noticed(scene.delivered(7), "deleted", Fact::Deleted { droplet: ID });
    let ended = |scene: Scene| noticed(scene.delivered(7), "ended", Fact::Ended);
    let never_up = |scene: Scene| {
        let scene = destroyed(
            noticed(scene.created(7), "gave-up", Fact::GaveUp { why: Undelivered::NeverUp }),
            DestroyCause::NeverUp,
        );
        noticed(scene, "retry", Fact::Retry)
    };
    let mut anew = deleted(Scene::running()).gone(7).stripe(Status::Active).at(after(99));
    anew.policy.recreate_deleted = true;
    check(vec![
        ("deleted, and listed again", listed(deleted(Scene::running())), "record:adopted"),
        (
            "deleted, another one is made by hand",
            deleted(Scene::running()).droplet(9, Active).at(after(99)),
            "record:adopted",
        ),
        ("deleted, wanted no more", deleted(Scene::destroyed()).at(after(99)), "record:ended letter:ended"),
        ("deleted, policy makes it anew", anew, "create"),
        ("ended, and listed, wanted again", listed(ended(Scene::running())), "record:adopted"),
        ("ended, and listed, a tombstone", listed(ended(Scene::destroyed())), "destroy"),
        (
            "ended, wanted again",
            ended(Scene::running()).gone(7).stripe(Status::Active).at(after(99)),
            "create",
        ),
        ("ended, not confirmed absent", ended(Scene::running()).at(after(99)), "droplet?"),
        ("ended, there without our mark", there(ended(Scene::running()), false).at(after(99)), "(mark_lost)"),
        ("never up, destroyed, there again", listed(never_up(Scene::running())), "destroy"),
    ]);
}

#[test]
fn a_hold_freezes_what_is_disruptive_only() {
    let held = |mut scene: Scene| {
        scene.server.hold = Some(Hold { until: None, reason: "migration".to_owned() });
        scene
    };
    let stop = || Scene::stopped().delivered(7).droplet(7, Active).stripe(Status::Canceled);
    let asked = Action::Shutdown { droplet: ID };
    let plug = stop().did(after(10), &format!("shutdown/{NAME}/7"), asked, Outcome::Plain).at(after(20));
    let over = |until| {
        let mut scene = Scene::running().delivered(7).droplet(7, Active).at(after(9));
        scene.server.hold = Some(Hold { until: Some(until), reason: "migration".to_owned() });
        scene.plan().notes.into_iter().map(|note| note.notice).collect::<Vec<_>>()
    };
    check(vec![
        ("to be stopped", held(stop()).at(after(9)), "(held)"),
        ("to be unplugged", held(plug), "(held)"),
        (
            "to be switched on",
            held(Scene::running().delivered(7).droplet(7, Off).at(after(9))),
            "power_on (held)",
        ),
        (
            "never up",
            held(Scene::running().created(7).droplet(7, New).at(after(9))),
            "record:gave_up destroy (held)",
        ),
    ]);
    let reason = || "migration".to_owned();
    assert_eq!(over(after(10)), [Notice::Held { until: Some(after(10)), reason: reason() }]);
    assert_eq!(over(after(8)), [Notice::HoldOver { until: after(8), reason: reason() }]);
}

#[test]
fn another_size_than_the_files_is_said_while_it_is_wanted() {
    let other = |scene: Scene| {
        let mut scene = scene.delivered(7).droplet(7, Active).stripe(Status::Canceled).at(after(9));
        scene.droplets[0].size = "s-4vcpu-8gb".to_owned();
        scene
    };
    check(vec![
        ("running", other(Scene::running()), "(wrong_size)"),
        ("stopped", other(Scene::stopped()), "shutdown (wrong_size) (ends_on)"),
        ("a tombstone", other(Scene::destroyed()), "destroy"),
    ]);
}

#[test]
fn a_destruction_says_whether_a_grace_is_over() {
    let reason = |scene: Scene| {
        let scene = scene.delivered(7).droplet(7, Off).stripe(Status::Canceled).at(after(60 * 24 * 8));
        scene.plan().steps.remove(0).reason
    };
    let stopped = Scene::stopped();
    let ended = stopped.server.destroy_after.expect("a week later");
    let over = Reason::GraceEnded { because: Because::Cancelled, since: start(), ended };
    assert_eq!(reason(stopped), over);
    let state = Scene::destroyed().server.state;
    assert_eq!(
        reason(Scene::destroyed()),
        Reason::Declared { state, because: Because::Cancelled, since: start() }
    );
}

#[test]
fn a_customer_is_told_once() {
    let due = |scene: Scene| {
        let step = scene.plan().steps.remove(0);
        let Action::Letter { letter } = &step.action else { panic!("{step:?}") };
        assert!(!matches!(letter.occasion, Occasion::Ended));
        let sent = step.action.clone();
        scene.did(after(10), step.id.as_str(), sent, Outcome::Plain)
    };
    let off = Scene::stopped().delivered(7).droplet(7, Off).stripe(Status::Canceled).at(after(9));
    let up = Scene::running().created(7).droplet(7, Active).ready(7).at(after(1));
    check(vec![
        ("that it is off", due(off), "(ends_on)"),
        ("that it is up", due(up), "nothing"),
        (
            "that it is up, and nothing after a welcome",
            Scene::running().delivered(7).droplet(7, Active),
            "nothing",
        ),
        (
            "nothing of an end, if it never was theirs",
            noticed(Scene::destroyed().created(7), "ended", Fact::Ended),
            "nothing",
        ),
    ]);
}

#[test]
fn a_plan_is_settled_when_nothing_is_to_do_under_way_or_to_ask() {
    let up = || Scene::running().delivered(7).droplet(7, Active).at(after(9));
    let settled = |scene: Scene| scene.plan().is_settled();
    assert!(settled(up()) && settled(Scene::destroyed()), "nothing");
    let mut twins = up().droplet(8, Active);
    assert!(settled(twins), "what only a person can change");
    twins = Scene::running().created(7).droplet(7, New).at(after(1));
    assert!(!settled(twins), "under way");
    assert!(!settled(Scene::running()), "to do");
    assert!(!settled(Scene::running().delivered(7).at(after(9))), "to ask");
}

#[test]
fn the_ledger_keeps_as_done_only_what_no_census_shows() {
    let on = Action::PowerOn { droplet: ID };
    let scene =
        Scene::running().delivered(7).did(after(9), &format!("power_on/{NAME}/7"), on, Outcome::Plain);
    let record = &scene.history.records[&name()];
    let done: Vec<&str> = record.done.keys().map(StepId::as_str).collect();
    assert_eq!((done, record.open.len()), (vec![&*format!("letter/{NAME}/welcome/1")], 0));
}
