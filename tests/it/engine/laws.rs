//! What must be so at the end of every story.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use basement::model::billing::Status;
use basement::model::history::{Event, History, Phase};
use basement::sim::machine::{Ending, Power};
use basement::sim::world::lock;

use super::stage::Stage;

/// Checks all of them.
pub async fn check(stage: &mut Stage) {
    one_droplet(stage);
    letters_once(stage);
    refunds_once(stage).await;
    the_paid_up_are_on(stage).await;
    the_ledger_folds(stage).await;
    it_stays_so(stage).await;
}

fn one_droplet(stage: &Stage) {
    let mut world = lock(&stage.world);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for machine in world.cloud().machines().filter(|m| !stage.by_hand.contains(&m.id)) {
        *counts.entry(machine.name.clone()).or_default() += 1;
    }
    assert!(counts.values().all(|n| *n == 1), "more than one droplet for a server: {counts:?}");
    let touched = world.cloud().gone.iter().filter(|g| stage.by_hand.contains(&g.id)).count();
    assert_eq!(touched, 0, "somebody else's droplet was destroyed");
}

fn letters_once(stage: &Stage) {
    let world = lock(&stage.world);
    let ids: BTreeSet<&str> = world.outbox.iter().map(|letter| letter.message_id.as_str()).collect();
    assert!(stage.has_repeats || ids.len() == world.outbox.len(), "a letter arrived twice");
    for letter in &world.outbox {
        assert!(!letter.text.is_empty() && !letter.html.is_empty());
    }
}

async fn refunds_once(stage: &Stage) {
    let history = stage.history().await;
    let books = stage.books.lock().unwrap_or_else(PoisonError::into_inner);
    let truth = books.truth();
    for id in books.subscription_ids() {
        let payments = books.payments_of(&id);
        assert!(payments.iter().all(|payment| books.refunds_of(payment).len() <= 1));
        assert!(truth[&id].refunded <= truth[&id].paid);
    }
    for server in stage.setup.fleet.servers.values() {
        let has_failed = history.records.get(&server.name).is_some_and(|r| r.phase == Phase::Failed);
        if let (true, Some(id)) = (has_failed, server.subscription()) {
            assert_eq!(truth[id].refunds, books.payments_of(id).len(), "{} failed", server.name);
        }
    }
}

async fn the_paid_up_are_on(stage: &Stage) {
    let history = stage.history().await;
    let books = stage.books.lock().unwrap_or_else(PoisonError::into_inner);
    let mut world = lock(&stage.world);
    for server in stage.setup.fleet.servers.values() {
        let is_paid = server
            .subscription()
            .and_then(|id| books.status_of(id))
            .is_some_and(|status| matches!(status, Status::Active | Status::Trialing));
        let record = history.records.get(&server.name);
        let Some(id) = record.filter(|r| is_paid && r.delivered.is_some()).and_then(|r| r.droplet) else {
            continue;
        };
        let is_on = world.cloud().get(id.0).is_some_and(|m| m.power == Power::Active);
        let by_hand = world.cloud().gone.iter().any(|g| g.id == id.0 && g.ending == Ending::ByHand);
        assert!(is_on || by_hand, "{} is paid for and not on", server.name);
    }
}

async fn the_ledger_folds(stage: &Stage) {
    let entries = stage.ports.ledger.entries(None).await.expect("the ledger is read");
    let mut folded = History::default();
    let mut intended = BTreeSet::new();
    for entry in &entries {
        folded.fold(entry);
        match &entry.event {
            Event::Intended { .. } => {
                intended.insert(entry.step.clone());
            }
            Event::Done { .. } | Event::Failed { .. } | Event::Unknown { .. } => {
                assert!(intended.contains(&entry.step), "{} was never intended", entry.step);
            }
            Event::Noticed { .. } => {}
        }
    }
    assert_eq!(folded, stage.history().await);
}

/// Another run does nothing more, and ends in the same way.
async fn it_stays_so(stage: &mut Stage) {
    let before = stage.ends.last().cloned();
    let run = stage.settle().await;
    assert_eq!(run.did.len(), 0, "there was something left to do: {:?}", run.did);
    assert_eq!(stage.ends.last().cloned(), before);
}
