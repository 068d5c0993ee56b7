//! Door one: the ports into the simulated world, its vault and its ledger.

use std::time::Duration;

use basement::model::history::{Entry, Event, Outcome, Phase};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::money::Money;
use basement::model::step::{Action, CreateOrder};
use basement::ports::{Clock, Cloud, Fault, Ledger, Mail, Mailer, PowerCall, Vault};
use basement::sim::memory::MemoryLedger;
use basement::sim::ports::Door;
use basement::sim::trouble::Mishap;
use basement::sim::world::{ClockMode, Settings, World, lock};
use secrecy::ExposeSecret;

use crate::scene;

fn door() -> Door {
    Door::new(World::shared(Settings::default(), ClockMode::Manual))
}

fn name(text: &str) -> ServerName {
    ServerName::parse(text).expect("a name")
}

fn order(server: &str) -> CreateOrder {
    scene::order(&name(server), 1)
}

fn mail() -> Mail {
    Mail {
        to: "ada@example.com".to_owned(),
        subject: "Your server".to_owned(),
        text: "hello".to_owned().into(),
        html: "<p>hello</p>".to_owned().into(),
        message_id: "letter.ada.welcome".to_owned(),
    }
}

#[tokio::test]
async fn a_droplet_lives_through_the_ports() {
    let door = door();
    let id = door.create(&order("ada-1"), "#cloud-config").await.expect("accepted");
    assert!(door.droplets().await.expect("listed").is_empty());
    assert!(door.find(&name("ada-1")).await.expect("listed").is_empty());
    assert!(matches!(door.power(id, PowerCall::Off).await, Err(Fault::Unavailable { after: Some(_), .. })));
    door.sleep(Duration::from_secs(25)).await;
    let all = door.droplets().await.expect("listed");
    assert_eq!((all.len(), all[0].is_up(), all[0].is_ours()), (1, true, true));
    assert_eq!((all[0].monthly, all[0].server()), (Money::usd(1_200), Some(name("ada-1"))));
    door.power(id, PowerCall::Off).await.expect("accepted");
    door.sleep(Duration::from_secs(3)).await;
    door.power(id, PowerCall::Off).await.expect("already so");
    door.destroy(id).await.expect("accepted");
    door.sleep(Duration::from_secs(4)).await;
    assert_eq!(door.droplet(id).await.expect("asked"), None);
    door.destroy(id).await.expect("404 is fine");
    assert_eq!(door.account().await.expect("asked").droplet_limit, Some(2_000));
    assert_eq!(door.sizes().await.expect("asked").len(), 4);
}

#[tokio::test]
async fn faults_say_whether_something_may_have_happened() {
    let door = door();
    let plan = |mishap| lock(door.world()).trouble.plan("POST /v2/droplets", mishap);
    let count = || lock(door.world()).cloud().machines().count();
    plan(Mishap::Drop);
    assert!(matches!(door.create(&order("a"), "").await, Err(Fault::Unknown(_))));
    plan(Mishap::FailBefore(503));
    assert!(matches!(door.create(&order("a"), "").await, Err(Fault::Unknown(_))));
    plan(Mishap::FailAfter(500));
    assert!(matches!(door.create(&order("a"), "").await, Err(Fault::Unknown(_))));
    assert_eq!(count(), 2);
    plan(Mishap::RateMinute);
    let fault = door.create(&order("a"), "").await.expect_err("limited");
    assert!(matches!(fault, Fault::Unavailable { after: Some(_), .. }));
    plan(Mishap::FailBefore(401));
    assert!(door.create(&order("a"), "").await.expect_err("refused").is_credentials());
    assert_eq!(count(), 2);
    lock(door.world()).trouble.plan("GET /v2/droplets", Mishap::Html502);
    assert!(matches!(door.droplets().await, Err(Fault::Unavailable { .. })));
    let gone = door.power(DropletId(1), PowerCall::On).await.expect_err("no such droplet");
    assert!(matches!(gone, Fault::Refused(detail) if detail.status == Some(404)));
}

#[tokio::test]
async fn a_listing_of_a_thousand_takes_five_requests() {
    let settings = Settings { minute_limit: 5_000, ..Settings::default() };
    let door = Door::new(World::shared(settings, ClockMode::Manual));
    for n in 0..1_000 {
        door.create(&order(&format!("s{n}")), "").await.expect("accepted");
    }
    door.sleep(Duration::from_secs(30)).await;
    lock(door.world()).requests.clear();
    assert_eq!(door.droplets().await.expect("listed").len(), 1_000);
    assert_eq!(lock(door.world()).requests.calls["GET /v2/droplets"], 5);
}

#[tokio::test]
async fn waits_that_begin_together_end_together() {
    let door = door();
    let before = door.now().await;
    let sleeps = (0..10).map(|_| door.sleep(Duration::from_secs(60)));
    futures_util::future::join_all(sleeps).await;
    assert_eq!(door.now().await.since(before).as_seconds(), 60);
    door.sleep(Duration::from_secs(1)).await;
    assert_eq!(door.now().await.since(before).as_seconds(), 61);
}

#[tokio::test]
async fn mails_arrive_unless_trouble_says_otherwise() {
    let door = door();
    door.send(&mail()).await.expect("taken");
    let plan = |mishap| lock(door.world()).trouble.plan("SMTP mail", mishap);
    plan(Mishap::FailBefore(550));
    assert!(matches!(door.send(&mail()).await, Err(Fault::Refused(_))));
    plan(Mishap::FailBefore(451));
    assert!(matches!(door.send(&mail()).await, Err(Fault::Unavailable { .. })));
    plan(Mishap::Drop);
    assert!(matches!(door.send(&mail()).await, Err(Fault::Unknown(_))));
    let world = lock(door.world());
    let ids: Vec<&str> = world.outbox.iter().map(|mail| mail.message_id.as_str()).collect();
    assert_eq!(ids, ["letter.ada.welcome", "letter.ada.welcome"]);
}

#[tokio::test]
async fn the_vault_is_deterministic_and_opens_its_own_seals_only() {
    let door = door();
    let sealed = door.make(&name("ada"), 1).await.expect("made");
    let password = door.open(&sealed).await.expect("opened");
    assert_eq!(password.expose_secret().len(), 32);
    assert_ne!(sealed.blob, password.expose_secret().as_bytes());
    assert!(sealed.hash.starts_with("$6$simulated$"));
    assert!(door.make(&name("ada"), 1).await.expect("made") == sealed);
    assert!(door.make(&name("ada"), 2).await.expect("made") != sealed);
    let mut torn = sealed.clone();
    torn.blob[0] ^= 1;
    assert!(door.open(&torn).await.is_err());
}

#[tokio::test]
async fn the_ledger_folds_and_has_one_holder() {
    let ledger = MemoryLedger::new();
    let hold = ledger.hold("first").await.expect("free");
    let busy = ledger.hold("second").await.err().expect("held");
    assert!(matches!(busy, Fault::Unavailable { detail, .. } if detail.message.contains("`first`")));
    let (at, step) = (door().now().await, StepId::parse("create/ada/1").expect("an id"));
    let entry = |event| Entry { at, server: Some(name("ada")), step: step.clone(), event };
    let sealed = door().make(&name("ada"), 1).await.expect("made");
    let intended = entry(Event::Intended { action: Action::Create { order: order("ada") } });
    ledger.append(&hold, &[intended], Some(&sealed)).await.expect("written");
    let done = entry(Event::Done { outcome: Outcome::Created { droplet: DropletId(7) } });
    ledger.append(&hold, &[done], None).await.expect("written");
    let history = ledger.history().await.expect("read");
    assert_eq!(history.records[&name("ada")].phase, Phase::Booting);
    assert_eq!(ledger.entries(Some(&name("ada"))).await.expect("read").len(), 2);
    assert!(ledger.entries(Some(&name("eve"))).await.expect("read").is_empty());
    assert!(ledger.sealed(&name("ada"), 1).await.expect("read").is_some_and(|s| s == sealed));
    drop(hold);
    ledger.hold("second").await.expect("free again");
}
