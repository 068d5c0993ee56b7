//! A droplet that is up and not delivered: what is asked, said and done, for each answer and each policy.

use basement::model::census::{DropletStatus, Question, Readiness, Secret};
use basement::model::history::{Event, Outcome};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::policy::{NotReady, ReadyBy};
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};
use basement::plan::guard;

use crate::scene::{NAME, Scene, after, name, welcome};

fn up() -> Scene {
    Scene::running().created(7).droplet(7, DropletStatus::Active).at(after(1))
}

fn not_yet() -> Readiness {
    Readiness::NotYet { why: "its page is not there: status 404".to_owned(), is_absent: true }
}

fn failed() -> Readiness {
    Readiness::Failed { failed: vec!["package:certbot".to_owned()] }
}

fn mismatch() -> Readiness {
    Readiness::Mismatch { told: "SHA256:a".to_owned(), shown: "SHA256:b".to_owned() }
}

fn strict(mut scene: Scene) -> Scene {
    scene.policy.not_ready = NotReady::Fail;
    scene
}

/// With policy `fail`, in this state, and the operator told so many minutes after the beginning.
fn told(state: Readiness, minutes: u64) -> Scene {
    let occasion =
        Occasion::AlertNotReady { address: [203, 0, 113, 7].into(), state: state.clone(), until: None };
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion };
    let id = format!("letter/{NAME}/operator-not-ready/1");
    strict(up()).did(after(minutes), &id, Action::Letter { letter }, Outcome::Plain).shows(7, state)
}

#[test]
fn every_answer_of_a_droplet_that_is_up() {
    let alerted = "letter:operator-not-ready (not_ready)";
    let rows = vec![
        ("not asked yet", up(), "ready?"),
        ("ready", up().ready(7), "letter:welcome"),
        ("not yet", up().shows(7, not_yet()), "(getting_ready)"),
        ("not yet, a minute before the deadline", up().shows(7, not_yet()).at(after(14)), "(getting_ready)"),
        ("not yet, late", up().shows(7, not_yet()).at(after(15)), alerted),
        ("failed", up().shows(7, failed()), alerted),
        ("failed, late", up().shows(7, failed()).at(after(90)), alerted),
        ("another key", up().shows(7, mismatch()), alerted),
        ("mended after the deadline", up().ready(7).at(after(90)), "letter:welcome"),
        ("strict: not yet", strict(up()).shows(7, not_yet()), "(getting_ready)"),
        ("strict: not yet, late: told first", strict(up()).shows(7, not_yet()).at(after(15)), alerted),
        ("strict: told, not late", told(not_yet(), 2).at(after(14)), "(getting_ready)"),
        ("strict: told, late", told(not_yet(), 2).at(after(15)), "record:gave_up destroy"),
        ("strict: told late", told(not_yet(), 60).at(after(64)), "(not_ready)"),
        ("strict: told late, long ago", told(not_yet(), 60).at(after(65)), "record:gave_up destroy"),
        ("strict: failed", strict(up()).shows(7, failed()), alerted),
        ("strict: failed, told, late", told(failed(), 2).at(after(15)), "record:gave_up destroy"),
        ("strict: another key, told, late", told(mismatch(), 2).at(after(15)), "record:gave_up destroy"),
        ("strict: ready, late", strict(up()).ready(7).at(after(90)), "letter:welcome"),
    ];
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(_, scene, want)| scene.line() != *want)
        .map(|(row, scene, want)| format!("{row}: wanted `{want}`, got `{}`", scene.line()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_question_names_the_try_whose_page_it_must_be() {
    let asked = Question::Ready {
        droplet: DropletId(7),
        address: [203, 0, 113, 7].into(),
        server: name(),
        attempt: 1,
    };
    assert_eq!(up().plan().questions.into_iter().collect::<Vec<_>>(), [asked]);
}

#[test]
fn policy_address_asks_nothing() {
    let mut scene = up().secret(Secret::Opens);
    scene.policy.ready = ReadyBy::Address;
    assert_eq!(scene.line(), "letter:welcome");
}

#[test]
fn the_key_that_was_shown_stands_in_the_letter() {
    let key = Some("SHA256:abc".to_owned());
    let plan = up().ready(7).shows(7, Readiness::Ready { host_key: key.clone() }).plan();
    let Action::Letter { letter } = &plan.steps[0].action else { panic!("{:?}", plan.steps) };
    assert!(matches!(&letter.occasion, Occasion::Welcome { host_key, .. } if *host_key == key));
}

#[test]
fn the_operator_is_told_once_a_try_and_then_only_a_persons_work_is_left() {
    let id = format!("letter/{NAME}/operator-not-ready/1");
    let alert = |scene: Scene| {
        let step = scene.plan().steps.into_iter().find(|step| step.id.as_str() == id).expect("an alert");
        scene.did(after(2), &id, step.action, Outcome::Plain)
    };
    let scene = alert(up().shows(7, failed())).at(after(3));
    assert_eq!(scene.line(), "(not_ready)");
    assert!(scene.plan().is_settled(), "nothing but a person can change it");
    assert_eq!(scene.shows(7, mismatch()).line(), "(not_ready)");
    // Where policy fails it at the deadline, that moment is waited for.
    assert!(!strict(alert(up().shows(7, failed()))).at(after(3)).plan().is_settled());
}

#[test]
fn what_may_have_been_told_is_told_again_whatever_is_shown_now() {
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion: welcome(7) };
    let begun = Event::Intended { action: Action::Letter { letter } };
    let scene = || strict(up()).event(after(2), &format!("letter/{NAME}/welcome/1"), begun.clone());
    assert_eq!(scene().at(after(3)).line(), "password?", "nothing is asked of the droplet");
    let scene = || scene().secret(Secret::Opens);
    assert_eq!(scene().at(after(3)).line(), "letter:welcome");
    assert_eq!(scene().shows(7, failed()).at(after(90)).line(), "letter:welcome");
}

#[test]
fn a_server_switched_on_again_gets_its_time_from_then_on() {
    let droplet = DropletId(7);
    let on = |scene: Scene| {
        let id = format!("power_on/{NAME}/7");
        scene.did(after(60), &id, Action::PowerOn { droplet }, Outcome::Plain)
    };
    let scene = || on(told(not_yet(), 20));
    assert_eq!(scene().at(after(74)).line(), "(getting_ready)");
    assert_eq!(scene().at(after(75)).line(), "record:gave_up destroy");
}

#[test]
fn a_droplet_nobody_was_told_of_costs_no_destroy_of_the_cap() {
    let mut scene = told(failed(), 2).at(after(15));
    scene.policy.caps.destroy = 0;
    let plan = scene.plan();
    let destroy = plan.steps.iter().find_map(|step| match step.action {
        Action::Destroy { cause, .. } => Some(cause),
        _ => None,
    });
    assert_eq!(destroy, Some(DestroyCause::NeverTold));
    assert!(guard::objections(&plan, &scene.census, &scene.history).is_empty());
}

#[test]
fn why_a_delivery_failed_is_kept_and_told() {
    let fact = Fact::GaveUp { why: Undelivered::NeverReady };
    let steps = told(failed(), 2).at(after(15)).plan().steps;
    assert!(steps.iter().any(|step| step.action == Action::Record { fact: fact.clone() }), "{steps:?}");
    for why in [Undelivered::NeverUp, Undelivered::NeverReady, Undelivered::NeverTold, Undelivered::Unwanted]
    {
        let given_up = Event::Noticed { fact: Fact::GaveUp { why } };
        let scene =
            Scene::running().created(7).event(after(5), &format!("record/{NAME}/gave-up/1"), given_up);
        let steps = scene.gone(7).paid(3500).at(after(6)).plan().steps;
        let said = steps.iter().filter_map(|step| match &step.action {
            Action::Letter { letter } => Some(&letter.occasion),
            _ => None,
        });
        let said = said.map(|occasion| match occasion {
            Occasion::Failed { why, .. } | Occasion::AlertFailed { why, .. } => *why,
            other => panic!("{other:?}"),
        });
        assert_eq!(said.collect::<Vec<_>>(), [why, why]);
    }
}
