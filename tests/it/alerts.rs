//! The operator's letters: one per cause and hour, each server told of exactly once.

use basement::model::history::{Outcome, steps_about};
use basement::model::moment::Span;
use basement::model::plan::Notice;
use basement::model::policy::OnFailure;
use basement::ports::Ledger as _;
use basement::rehearse::faults::judge;
use basement::rehearse::laws::Excuse;
use basement::rehearse::stage::Stage;
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::{Delivered, lock};

const PATIENCE: Span = Span::minutes(15);

/// So many customers whose first boot never ends. Nothing is given back by itself, so only the operator hears.
async fn outage(count: usize) -> Stage {
    let mut stage = Stage::default();
    stage.policy.on_failure = OnFailure::Alert;
    (stage.policy.caps.failed_creates, stage.policy.caps.failed_percent) = (0, 100);
    stuck(&mut stage, "a", count).await;
    stage
}

async fn stuck(stage: &mut Stage, prefix: &str, count: usize) {
    let told = Told { whim: Whim::StuckNew, server: None, times: u32::try_from(count).expect("few") };
    lock(&stage.world).cloud().whims.tell(told);
    for n in 0..count {
        stage.subscribe(&format!("{prefix}{n:02}"), "basic-month", 0).expect("subscribed");
    }
    stage.generate().await.expect("generated");
}

fn alerts(stage: &Stage) -> Vec<Delivered> {
    let world = lock(&stage.world);
    let is_alert = |letter: &&Delivered| letter.message_id.contains("operator-");
    world.outbox.iter().filter(is_alert).cloned().collect()
}

/// How many servers each alert names.
fn named(stage: &Stage) -> Vec<usize> {
    let names: Vec<String> = stage.subscriptions().keys().map(ToString::to_string).collect();
    let count = |letter: &Delivered| names.iter().filter(|name| letter.text.contains(*name)).count();
    alerts(stage).iter().map(count).collect()
}

fn no_law_is_broken(stage: &Stage, may_repeat: bool) {
    let broken: Vec<String> = judge(stage, Excuse { repeats: may_repeat, ..Excuse::default() })
        .into_iter()
        .map(|broken| broken.what)
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[tokio::test]
async fn forty_servers_are_one_letter() {
    let mut stage = outage(40).await;
    stage.apply(PATIENCE).await;
    assert_eq!(named(&stage), [40]);
    let letter = alerts(&stage).remove(0);
    assert_eq!(letter.subject, "[basement] deliveries that failed: 40 servers");
    assert!(letter.message_id.starts_with("letter.fleet.operator-failed.a00-"), "{}", letter.message_id);
    // Each server's record knows, and nothing is left to do, now or later.
    let together = stage.ledger.read(|_, history| {
        let of = |outcome: &Outcome| matches!(outcome, Outcome::Together { .. });
        history.records.values().filter(|record| record.done.values().any(|done| of(&done.outcome))).count()
    });
    assert_eq!(together, 40);
    // So does the history of each, though the letter is the fleet's.
    let entries = stage.ledger.entries(None).await.expect("entries");
    for server in stage.subscriptions().keys() {
        let steps = steps_about(&entries, server);
        let tells: Vec<_> =
            steps.iter().filter(|step| step.as_str().contains("fleet/operator-failed")).collect();
        assert_eq!(tells.len(), 1, "{server}: {steps:?}");
    }
    stage.advance(Span::days(2));
    stage.apply(PATIENCE).await;
    assert_eq!(alerts(&stage).len(), 1);
    assert!(stage.look().await.expect("a look").plan.is_settled());
    no_law_is_broken(&stage, false);
}

#[tokio::test]
async fn another_within_the_hour_waits_and_then_all_are_one_letter() {
    let mut stage = outage(1).await;
    stage.apply(PATIENCE).await;
    for wave in ["b", "c"] {
        stuck(&mut stage, wave, 2).await;
        stage.apply(PATIENCE).await;
    }
    assert_eq!(named(&stage), [1], "the first goes at once");
    let plan = stage.look().await.expect("a look").plan;
    let held = plan.notes.iter().find_map(|note| match &note.notice {
        Notice::Gathered { servers, .. } => Some(servers.len()),
        _ => None,
    });
    assert_eq!((held, plan.is_settled()), (Some(4), true), "a run does not last for it");
    stage.advance(Span::minutes(60));
    stage.apply(PATIENCE).await;
    assert_eq!(named(&stage), [1, 4]);
    no_law_is_broken(&stage, false);
}

#[tokio::test]
async fn one_that_may_have_arrived_is_sent_again_as_it_was() {
    let mut stage = outage(3).await;
    let drop = Planned { call: "SMTP mail".to_owned(), mishap: Mishap::Drop, skip: 0, count: 1 };
    lock(&stage.world).trouble.planned.push(drop);
    stage.apply(PATIENCE).await;
    let letters = alerts(&stage);
    let [first, second] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    assert_eq!((&first.message_id, &first.text), (&second.message_id, &second.text));
    assert_eq!(named(&stage), [3, 3]);
    no_law_is_broken(&stage, true);
}

#[tokio::test]
async fn one_that_certainly_failed_may_be_put_together_anew() {
    let mut stage = outage(3).await;
    let busy = Planned { call: "SMTP mail".to_owned(), mishap: Mishap::FailBefore(451), skip: 0, count: 2 };
    lock(&stage.world).trouble.planned.push(busy);
    stage.apply(PATIENCE).await;
    assert_eq!(named(&stage), [3]);
    no_law_is_broken(&stage, false);
}
