//! Every row of design.md §8 (the life of a server) as one line of a table, and the guard.

use std::collections::BTreeSet;

use basement::model::billing::Status;
use basement::model::census::DropletStatus;
use basement::model::desired::Hold;
use basement::model::history::{Event, Outcome, Phase, Record};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::Span;
use basement::model::step::{Action, Fact, Undelivered};
use basement::plan::guard;

use crate::scene::{NAME, Scene, after, droplet, name, start};

/// A row: what is so, and what the plan says.
type Row = (&'static str, Scene, &'static str);

#[test]
fn every_row_of_the_life_of_a_server() {
    let wrong: Vec<String> = before_delivery()
        .iter()
        .chain(&after_delivery())
        .chain(&odd_worlds())
        .filter(|(_, scene, want)| scene.line() != *want)
        .map(|(row, scene, want)| format!("{row}: wanted `{want}`, got `{}`", scene.line()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn before_delivery() -> Vec<Row> {
    use DropletStatus::New;
    vec![
        ("no droplet, none intended", Scene::running(), "create"),
        ("no droplet, stopped", Scene::stopped(), "nothing"),
        ("no droplet, destroyed", Scene::destroyed(), "nothing"),
        ("intent open, nothing visible", Scene::running().intended(start()).at(after(1)), "named?"),
        (
            "intent open, asked by name, inside the horizon",
            Scene::running().intended(start()).unfound().at(after(1)),
            "(arriving)",
        ),
        (
            "intent open, nothing there after the horizon",
            Scene::running().intended(start()).unfound().at(after(6)),
            "record:nothing_made",
        ),
        (
            "intent open, the droplet shows",
            Scene::running().intended(start()).droplet(7, New).at(after(1)),
            "record:adopted",
        ),
        ("intent open, stopped", Scene::stopped().intended(start()).unfound().at(after(1)), "(arriving)"),
        ("accepted, not listed yet", Scene::running().created(7).at(after(1)), "(arriving)"),
        ("accepted, not listed past the deadline", Scene::running().created(7).at(after(6)), "droplet?"),
        (
            "accepted, then 404 (no capacity)",
            Scene::running().created(7).gone(7).at(after(6)),
            "record:gave_up",
        ),
        ("booting, young", Scene::running().created(7).droplet(7, New).at(after(4)), "(booting)"),
        ("booting, young, stopped", Scene::stopped().created(7).droplet(7, New).at(after(4)), "(booting)"),
        (
            "booting, young, destroyed",
            Scene::destroyed().created(7).droplet(7, New).at(after(4)),
            "(booting)",
        ),
        (
            "booting past the deadline",
            Scene::running().created(7).droplet(7, New).at(after(5)),
            "record:gave_up destroy",
        ),
    ]
}

fn after_delivery() -> Vec<Row> {
    use DropletStatus::{Active, Off};
    vec![
        (
            "up with a public address",
            Scene::running().created(7).droplet(7, Active).ready(7).at(after(1)),
            "letter:welcome",
        ),
        ("delivered and up", Scene::running().delivered(7).droplet(7, Active).at(after(9)), "nothing"),
        ("delivered, down", Scene::running().delivered(7).droplet(7, Off).at(after(9)), "power_on"),
        (
            "up, files say stopped: Stripe is asked first",
            Scene::stopped().delivered(7).droplet(7, Active).at(after(9)),
            "(ends_on) subscription?",
        ),
        (
            "up, files say stopped, Stripe agrees",
            Scene::stopped().delivered(7).droplet(7, Active).stripe(Status::Canceled).at(after(9)),
            "shutdown (ends_on)",
        ),
        (
            "up, files say stopped, Stripe says paid",
            Scene::stopped().delivered(7).droplet(7, Active).stripe(Status::Active).at(after(9)),
            "(stale) (ends_on)",
        ),
        (
            "down, files say stopped: Stripe is asked before a letter",
            Scene::stopped().delivered(7).droplet(7, Off).at(after(9)),
            "(ends_on) subscription?",
        ),
        (
            "down, files say stopped, Stripe agrees",
            Scene::stopped().delivered(7).droplet(7, Off).stripe(Status::Canceled).at(after(9)),
            "letter:ending (ends_on)",
        ),
        (
            "up, tombstone, Stripe agrees",
            Scene::destroyed().delivered(7).droplet(7, Active).stripe(Status::Canceled).at(after(9)),
            "destroy",
        ),
        (
            "down, tombstone, Stripe says paid",
            Scene::destroyed().delivered(7).droplet(7, Off).stripe(Status::Active).at(after(9)),
            "(stale)",
        ),
        (
            "down, grace over",
            Scene::stopped()
                .delivered(7)
                .droplet(7, Off)
                .stripe(Status::Canceled)
                .at(start().plus(Span::days(7))),
            "destroy",
        ),
        ("delivered, now gone: asked by id", Scene::running().delivered(7).at(after(9)), "droplet?"),
        (
            "delivered, now gone",
            Scene::running().delivered(7).gone(7).at(after(9)),
            "record:deleted letter:operator-deleted",
        ),
    ]
}

fn odd_worlds() -> Vec<Row> {
    use DropletStatus::Active;
    vec![
        (
            "tombstone, already gone",
            Scene::destroyed().delivered(7).gone(7).at(after(9)),
            "record:ended letter:ended",
        ),
        (
            "two droplets for one server",
            Scene::running().delivered(7).droplet(7, Active).droplet(8, Active),
            "(twins)",
        ),
        (
            "another droplet than the ledger's",
            Scene::running().delivered(7).droplet(8, Active).at(after(9)),
            "(stranger)",
        ),
        (
            "ledger lost: no second droplet",
            Scene::running().droplet(7, Active).at(after(90)),
            "record:adopted (unsure)",
        ),
    ]
}

#[test]
fn a_shutdown_is_followed_by_the_plug_after_two_minutes() {
    let droplet = DropletId(7);
    let asked = |scene: Scene| {
        let step = format!("shutdown/{NAME}/7");
        scene.did(after(10), &step, Action::Shutdown { droplet }, Outcome::Plain)
    };
    let scene =
        || asked(Scene::stopped().delivered(7)).droplet(7, DropletStatus::Active).stripe(Status::Canceled);
    assert_eq!(scene().at(after(11)).line(), "(shutting_down) (ends_on)");
    assert_eq!(scene().at(after(12)).line(), "power_off (ends_on)");
}

#[test]
fn a_failed_delivery_is_settled_in_order() {
    let gave_up = |scene: Scene| {
        let noticed = Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } };
        scene.created(7).event(after(5), &format!("record/{NAME}/gave-up/1"), noticed)
    };
    let scene = || gave_up(Scene::running()).at(after(6));
    assert_eq!(scene().droplet(7, DropletStatus::New).line(), "destroy");
    assert_eq!(scene().line(), "droplet?");
    assert_eq!(scene().gone(7).line(), "cancel payment? payment?");
    assert_eq!(
        scene().gone(7).paid(3500).line(),
        "refund:$35.00 cancel letter:failed letter:operator-failed"
    );
    assert_eq!(scene().gone(7).paid(0).line(), "cancel letter:failed letter:operator-failed");
}

#[test]
fn a_hold_freezes_what_is_disruptive_and_says_when_it_is_over() {
    let mut scene = Scene::destroyed()
        .delivered(7)
        .droplet(7, DropletStatus::Active)
        .stripe(Status::Canceled)
        .at(after(9));
    scene.server.hold = Some(Hold { until: Some(after(10)), reason: "migration".to_owned() });
    assert_eq!(scene.line(), "(held)");
    assert_eq!(scene.at(after(10)).line(), "destroy (hold_over)");
}

#[test]
fn a_resumed_server_is_told_once() {
    let told = |occasion: Occasion| Action::Letter {
        letter: Letter { server: Some(name()), to: Recipient::Operator, occasion },
    };
    let ending = told(Occasion::Ending { destroy_after: None });
    let off = Scene::running()
        .delivered(7)
        .did(after(10), &format!("letter/{NAME}/ending/0"), ending, Outcome::Plain)
        .droplet(7, DropletStatus::Active)
        .at(after(30));
    assert_eq!(off.line(), "letter:resumed");
    let resumed = told(Occasion::Resumed { address: [203, 0, 113, 7].into() });
    let id = format!("letter/{NAME}/resumed/{}", start().unix());
    assert_eq!(off.did(after(31), &id, resumed, Outcome::Plain).line(), "nothing");
}

#[test]
fn a_renamed_file_makes_no_second_droplet_for_its_subscription() {
    let mut scene = Scene::running();
    let mut former = droplet(9, DropletStatus::Active);
    former.name = "old-7f3k2m9q".to_owned();
    former.tags = BTreeSet::from(["basement".to_owned(), "server-old-7f3k2m9q".to_owned()]);
    scene.droplets.push(former);
    assert_eq!(scene.line(), "(orphan) (same_subscription)");
}

#[test]
fn an_orphan_is_named_and_left_alone() {
    let mut scene = Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(9));
    let mut orphan = droplet(9, DropletStatus::Active);
    orphan.tags = BTreeSet::from(["basement".to_owned(), "server-nobody".to_owned()]);
    scene.droplets.push(orphan);
    assert_eq!(scene.line(), "(orphan)");
}

#[test]
fn a_shrunken_census_and_another_team_are_objected_to() {
    let mut scene = Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(9));
    for n in 1..=3 {
        let server = format!("bea-{n}").parse().expect("a name");
        let (phase, droplet) = (Phase::Delivered, Some(DropletId(n)));
        scene.history.records.insert(server, Record { phase, droplet, ..Record::default() });
    }
    scene.history.team = Some("team-a".to_owned());
    scene.census.account = Some(basement::model::census::Account {
        team: "team-b".to_owned(),
        droplet_limit: None,
        status: "active".to_owned(),
    });
    let mut census = scene.census.clone();
    census.droplets = scene.droplets.iter().map(|d| (d.id, d.clone())).collect();
    let names: Vec<&str> = guard::objections(&scene.plan(), &census, &scene.history)
        .iter()
        .map(guard::Objection::name)
        .collect();
    assert_eq!(names, ["census-shrunk", "other-account"]);
}
