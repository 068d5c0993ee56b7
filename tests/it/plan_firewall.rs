//! The cloud firewall and SSH keys in the plan: what is made, mended, waited for, said, and left alone.

use std::collections::BTreeSet;

use basement::model::census::DropletStatus::Active;
use basement::model::firewall::{EVERYWHERE, Firewall, FirewallOrder, Progress, Rule, Way, ours};
use basement::model::history::{Entry, Event, Outcome};
use basement::model::ids::{DropletId, StepId};
use basement::model::letter::Occasion;
use basement::model::plan::Plan;
use basement::model::policy::FirewallBy;
use basement::model::step::Action;
use basement::plan::{digest, guard};

use crate::scene::{Scene, after, start};

fn seen() -> Firewall {
    Firewall {
        id: "fw-1".parse().expect("an id"),
        status: Progress::Succeeded,
        pending: 0,
        tags: BTreeSet::from(["basement".to_owned()]),
        droplets: BTreeSet::new(),
        rules: ours(),
    }
}

/// A paid server without a droplet, and these firewalls.
fn scene(by: FirewallBy, firewalls: &[Firewall]) -> Scene {
    let mut scene = Scene::running();
    scene.policy.firewall = by;
    scene.census.firewalls = Some(firewalls.to_vec());
    scene
}

fn open(port: &str, peer: &str) -> Rule {
    Rule { way: Way::In, protocol: "tcp".to_owned(), ports: port.to_owned(), peer: peer.to_owned() }
}

/// The same, after a firewall was once put in place.
fn once(mut scene: Scene) -> Scene {
    let order = FirewallOrder { id: None, rules: ours(), drifts: Vec::new() };
    let step = StepId::of(&[&"firewall", &"fleet", &"basement"]);
    let event = Event::Intended { action: Action::Firewall { order } };
    scene.history.fold(&Entry { at: start(), server: None, step, event });
    scene
}

fn agree(rows: &[(&str, Scene, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(_, scene, want)| scene.line() != *want)
        .map(|(row, scene, want)| format!("{row}: wanted `{want}`, got `{}`", scene.line()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_life_of_the_firewall() {
    use FirewallBy::{Both, Cloud, Ufw};
    let unknown = |by| {
        let mut scene = scene(by, &[]);
        scene.census.firewalls = None;
        scene
    };
    let changed = |change: fn(&mut Firewall)| {
        let mut firewall = seen();
        change(&mut firewall);
        scene(Cloud, &[firewall])
    };
    let rows = vec![
        ("ufw, never had one: nobody asks", unknown(Ufw), "create"),
        ("ufw, had one: asked, and nothing waits", once(unknown(Ufw)), "create firewall?"),
        ("ufw, had one, and it is still there", once(scene(Ufw, &[seen()])), "create (firewall_left)"),
        ("ufw, had one, and it is gone", once(scene(Ufw, &[])), "create"),
        ("cloud: asked first", unknown(Cloud), "firewall?"),
        ("cloud: tag, then firewall, and creates wait", scene(Cloud, &[]), "tag firewall (firewall_first)"),
        ("both: the same", scene(Both, &[]), "tag firewall (firewall_first)"),
        (
            "a droplet shows that the tag is there",
            scene(Cloud, &[]).delivered(7).droplet(7, Active).at(after(9)),
            "firewall",
        ),
        ("in force", scene(Cloud, &[seen()]), "create"),
        ("accepted", changed(|f| f.status = Progress::Waiting), "(firewall_pending) (firewall_first)"),
        ("not everywhere yet", changed(|f| f.pending = 2), "(firewall_pending) (firewall_first)"),
        (
            "DigitalOcean could not: it is put again",
            changed(|f| f.status = Progress::Failed),
            "tag firewall (firewall_pending) (firewall_first)",
        ),
        (
            "DigitalOcean could not just now",
            once(changed(|f| f.status = Progress::Failed)).at(after(4)),
            "(firewall_pending) (firewall_first)",
        ),
        (
            "DigitalOcean could not, and who has paid waits",
            once(changed(|f| f.status = Progress::Failed)).at(after(5)),
            "tag firewall letter:operator-firewall (firewall_pending) (firewall_first)",
        ),
    ];
    agree(&rows);
}

#[test]
fn whatever_somebody_made_of_it_is_mended() {
    use FirewallBy::Cloud;
    let changed = |change: fn(&mut Firewall)| {
        let mut firewall = seen();
        change(&mut firewall);
        scene(Cloud, &[firewall])
    };
    let rows = vec![
        (
            "somebody opened a port",
            changed(|f| f.rules.extend([open("8080", "::/0")])),
            "tag firewall (firewall_first)",
        ),
        (
            "somebody closed one",
            changed(|f| f.rules.retain(|r| r.ports != "22")),
            "tag firewall (firewall_first)",
        ),
        ("off our tag", changed(|f| f.tags.clear()), "tag firewall (firewall_first)"),
        (
            "on another tag too",
            changed(|f| f.tags.extend(["db".to_owned()])),
            "tag firewall (firewall_first)",
        ),
        (
            "on a stranger too",
            changed(|f| f.droplets.extend([DropletId(1)])),
            "tag firewall (firewall_first)",
        ),
        (
            "two of the name",
            scene(Cloud, &[seen(), seen()]),
            "letter:operator-firewall (firewall_twins) (firewall_first)",
        ),
    ];
    agree(&rows);
}

#[test]
fn a_droplet_of_ours_that_is_named_by_itself_is_no_change() {
    let mut firewall = seen();
    firewall.droplets.insert(DropletId(7));
    let scene = scene(FirewallBy::Cloud, &[firewall]).delivered(7).droplet(7, Active).at(after(9));
    assert_eq!(scene.line(), "nothing");
}

#[test]
fn what_waits_for_the_firewall_is_not_settled_and_what_waits_for_a_person_is() {
    let mut waiting = seen();
    waiting.status = Progress::Waiting;
    assert!(!scene(FirewallBy::Cloud, &[waiting]).plan().is_settled());
    let twins = scene(FirewallBy::Cloud, &[seen(), seen()]);
    assert!(told(twins.plan(), twins).plan().is_settled());
}

/// After the operator got the letter of this plan.
fn told(plan: Plan, mut scene: Scene) -> Scene {
    let letter = plan.steps.into_iter().find(|step| step.action.word() == "letter").expect("a letter");
    let entry = |event| Entry { at: plan.at, server: None, step: letter.id.clone(), event };
    scene.history.fold(&entry(Event::Intended { action: letter.action.clone() }));
    scene.history.fold(&entry(Event::Done { outcome: Outcome::Plain }));
    scene
}

#[test]
fn the_operator_is_told_once_a_day_that_the_firewall_keeps_people_waiting() {
    let failed = || {
        let mut firewall = seen();
        firewall.status = Progress::Failed;
        once(scene(FirewallBy::Cloud, &[firewall]))
    };
    let plan = failed().at(after(6)).plan();
    let letter = plan.steps.iter().find(|step| step.action.word() == "letter").expect("a letter");
    assert_eq!(letter.id.as_str(), "letter/fleet/operator-firewall/1");
    let told = |minutes| told(failed().at(after(6)).plan(), failed()).at(after(minutes));
    let put = "tag firewall (firewall_pending) (firewall_first)";
    assert_eq!(told(6).line(), put);
    assert_eq!(told(6 + 24 * 60 - 1).line(), put);
    let again = told(6 + 24 * 60).plan();
    let ids: Vec<&str> = again.steps.iter().map(|step| step.id.as_str()).collect();
    assert!(ids.contains(&"letter/fleet/operator-firewall/2"), "{ids:?}");
    // To put the same rules again takes nothing away.
    assert_eq!(digest::destructive(&plan).count(), 0);
    // Who keeps nobody waiting is put again, and that is all.
    let mut idle = failed().delivered(7).droplet(7, Active).at(after(60));
    assert_eq!(idle.line(), "firewall (firewall_pending)");
    idle.policy.firewall = FirewallBy::Ufw;
    assert_eq!(idle.line(), "(firewall_left)");
}

#[test]
fn the_operator_is_told_of_a_firewall_that_is_refused_again_and_again() {
    for (step, line) in [
        ("tag/fleet/basement", "letter:operator-firewall (firewall_first) (waiting)"),
        ("firewall/fleet/basement", "tag letter:operator-firewall (firewall_first) (waiting)"),
    ] {
        let mut scene = scene(FirewallBy::Cloud, &[]);
        for minute in 1..=3 {
            assert!(!scene.line().contains("letter"), "{step}: {}", scene.line());
            let order = FirewallOrder { id: None, rules: ours(), drifts: Vec::new() };
            let step = StepId::parse(step).expect("a step");
            let entry = |event| Entry { at: after(minute), server: None, step: step.clone(), event };
            scene.history.fold(&entry(Event::Intended { action: Action::Firewall { order } }));
            scene.history.fold(&entry(Event::Failed { why: "403 forbidden".to_owned() }));
            scene = scene.at(after(minute));
        }
        let mut words: Vec<String> = scene.line().split(' ').map(str::to_owned).collect();
        words.sort();
        let mut wanted: Vec<&str> = line.split(' ').collect();
        wanted.sort_unstable();
        assert_eq!(words, wanted, "{step}");
        let letter = scene.plan().steps.into_iter().find(|step| step.action.word() == "letter");
        let Some(Action::Letter { letter }) = letter.map(|step| step.action) else { panic!("a letter") };
        assert!(
            matches!(&letter.occasion, Occasion::AlertFirewall { why, waiting: 1 } if why.contains("403"))
        );
    }
}

#[test]
fn a_yes_is_bound_to_the_rules_that_are_replaced() {
    let of = |firewalls: &[Firewall]| digest::digest(&scene(FirewallBy::Cloud, firewalls).plan());
    let with = |rule: Rule| {
        let mut firewall = seen();
        firewall.rules.insert(rule);
        firewall
    };
    let nothing = of(&[seen()]);
    assert_eq!(of(&[]), nothing, "making one takes nothing away");
    let (one, other) = (of(&[with(open("8080", "::/0"))]), of(&[with(open("8081", "::/0"))]));
    assert!(one != nothing && other != nothing && one != other);
}

#[test]
fn what_somebody_did_is_said_in_words() {
    let mut firewall = seen();
    firewall.rules.retain(|rule| rule.ports != "443");
    firewall.rules.extend(EVERYWHERE.map(|peer| open("8080", peer)));
    firewall.rules.insert(open("3306", "198.51.100.7/32"));
    firewall.tags = BTreeSet::from(["db".to_owned()]);
    let plan = scene(FirewallBy::Cloud, &[firewall]).plan();
    let step = plan.steps.iter().find(|step| step.action.word() == "firewall").expect("it is mended");
    let (fleet, history) = Default::default();
    let places = basement::render::words::Places { fleet: &fleet, history: &history };
    assert_eq!(
        basement::render::words::what(&step.action, None, places),
        "firewall `basement`: removes 3306/tcp from 198.51.100.7/32; removes 8080/tcp from everywhere; \
         adds 443/tcp from everywhere; attaches it to the tag `basement`; detaches it from the tag `db`"
    );
}

#[test]
fn creates_without_a_key_are_said_once_and_objected_to() {
    let objections = |scene: &Scene| -> Vec<&str> {
        let plan = scene.plan();
        let found = guard::objections(&plan, &scene.census, &scene.history);
        found.iter().map(guard::Objection::name).collect()
    };
    let mut scene = Scene::running();
    assert_eq!((scene.line().as_str(), objections(&scene)), ("create", vec![]));
    scene.server.spec.ssh_keys.clear();
    assert_eq!((scene.line().as_str(), objections(&scene)), ("create (no_ssh_keys)", vec!["no-ssh-keys"]));
    scene.policy.allow_no_ssh_keys = true;
    assert_eq!((scene.line().as_str(), objections(&scene)), ("create (no_ssh_keys)", vec![]));
    let scene =
        Scene { server: scene.server, ..Scene::running().delivered(7).droplet(7, Active).at(after(9)) };
    assert_eq!((scene.line().as_str(), objections(&scene)), ("nothing", vec![]));
}
