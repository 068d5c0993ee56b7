//! Each class of a mail relay's refusals, and what becomes of letters: a row per class.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use basement::engine::Ports;
use basement::engine::settle::{Run, settle};
use basement::model::history::{Event, Outcome, Phase};
use basement::model::moment::Span;
use basement::ports::{Detail, Fault, Ledger as _, Mail, Mailer};
use basement::rehearse::stage::Stage;
use secrecy::ExposeSecret;

const PATIENCE: Span = Span::minutes(15);
const OPERATOR: &str = "operator@example.com";

/// A relay that says this to letters to these, and takes all others.
struct Relay {
    says: Fault,
    refuses: fn(&str) -> bool,
    asked: Mutex<Vec<(String, String, String)>>,
}

#[async_trait]
impl Mailer for Relay {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let text = mail.text.expose_secret().to_owned();
        self.asked.lock().unwrap().push((mail.to.clone(), mail.message_id.clone(), text));
        if (self.refuses)(&mail.to) { Err(self.says.clone()) } else { Ok(()) }
    }
}

fn customers(to: &str) -> bool {
    to != OPERATOR
}

fn refused(status: u16, code: &str) -> Fault {
    Fault::Refused(Detail { status: Some(status), code: Some(code.to_owned()), ..Detail::default() })
}

/// Three customers whose servers come up, and a relay with a mood; the run, the relay and the ledger's words.
async fn story(says: Fault, refuses: fn(&str) -> bool) -> (Stage, Run, Arc<Relay>, Vec<&'static str>) {
    let mut stage = Stage::default();
    for user in ["ada", "bob", "cleo"] {
        stage.subscribe(user, "pro-month", 0).expect("subscribed");
    }
    stage.generate().await.expect("generated");
    let relay = Arc::new(Relay { says, refuses, asked: Mutex::default() });
    let run = again(&stage, &relay).await;
    let entries = stage.ledger.entries(None).await.expect("entries");
    let letters = entries.iter().filter(|entry| entry.step.as_str().starts_with("letter/"));
    let words = letters.map(|entry| match &entry.event {
        Event::Intended { .. } => "intended",
        Event::Done { outcome: Outcome::Nobody { .. } } => "nobody",
        Event::Done { .. } => "done",
        Event::Failed { .. } => "failed",
        Event::Unknown { .. } => "unknown",
        Event::Noticed { .. } => "noticed",
    });
    let words = words.collect();
    (stage, run, relay, words)
}

async fn again(stage: &Stage, relay: &Arc<Relay>) -> Run {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let ports = Ports { mailer: Arc::clone(relay) as Arc<dyn Mailer>, ..stage.ports() };
    let hold = ports.ledger.hold("test").await.expect("the lock");
    settle(&ports, &stage.setup(), &hold, PATIENCE, None, stop, &|_| {}).await.expect("a run")
}

#[tokio::test]
async fn every_class_has_its_outcome() {
    let later = Fault::Unavailable { after: None, detail: Detail { status: Some(451), ..Detail::default() } };
    let lost = Fault::Unknown(Detail::default());
    // The class; what the ledger says of the first letter; how the run ends; how many letters were tried.
    let rows = [
        ("our password", refused(535, "login"), "failed", "Unsent", 1),
        ("no login", refused(530, "login"), "failed", "Unsent", 1),
        (
            "TLS",
            Fault::Refused(Detail { code: Some("tls".to_owned()), ..Detail::default() }),
            "failed",
            "Unsent",
            1,
        ),
        ("our sender", refused(550, "sender"), "failed", "Unsent", 1),
        ("policy at MAIL, 5.7", refused(550, "relay"), "failed", "Unsent", 1),
        ("policy of two letters, 5.7", refused(550, "policy"), "failed", "Unsent", 2),
        ("the text of two letters", refused(554, "letter"), "failed", "Unsent", 2),
        ("the customer's address", refused(550, "recipient"), "nobody", "Settled", 3),
        ("the same, 501", refused(501, "recipient"), "nobody", "Settled", 3),
        ("the same, 551", refused(551, "recipient"), "nobody", "Settled", 3),
        ("the same, 553", refused(553, "recipient"), "nobody", "Settled", 3),
        ("a full mailbox, 552", refused(552, "recipient"), "failed", "Deadline", 3),
        ("later", later, "failed", "Deadline", 3),
        ("dropped after DATA", lost, "unknown", "Deadline", 3),
    ];
    for (name, says, first, end, tried) in rows {
        let (stage, run, relay, words) = story(says, customers).await;
        assert_eq!((words[0], words[1]), ("intended", first), "{name}");
        assert_eq!(format!("{:?}", run.end), end, "{name}");
        let asked = relay.asked.lock().unwrap();
        let customers = asked.iter().filter(|(to, ..)| to != OPERATOR);
        let mut ids: Vec<&str> = customers.clone().map(|(_, id, _)| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), tried, "{name}: {ids:?}");
        assert!(tried == 3 || customers.count() == tried, "{name}: the relay was asked again");
        assert_eq!(run.fault.is_some(), end == "Unsent", "{name}");
        let phases =
            stage.ledger.read(|_, history| history.records.values().map(|r| r.phase).collect::<Vec<_>>());
        let is_delivered = phases.iter().all(|phase| *phase == Phase::Delivered);
        assert_eq!(is_delivered, first == "nobody", "{name}: {phases:?}");
    }
}

#[tokio::test]
async fn a_welcome_that_is_refused_reaches_the_operator_whole() {
    let (_stage, _run, relay, _words) = story(refused(550, "recipient"), customers).await;
    let asked = relay.asked.lock().unwrap();
    let handed: Vec<_> = asked.iter().filter(|(to, ..)| to == OPERATOR).collect();
    assert_eq!(handed.len(), 3);
    for (_, id, text) in handed {
        let theirs = asked.iter().find(|(to, other, _)| to != OPERATOR && other == id).expect("tried first");
        let body = theirs.2.trim_start();
        assert!(
            text.ends_with(body) && text.starts_with("To the operator: this letter is for cus_"),
            "{text}"
        );
        assert!(body.contains("Password:"));
    }
}

#[tokio::test]
async fn when_the_relay_is_mended_one_letter_has_waited_and_no_other() {
    let (stage, _run, relay, words) = story(refused(535, "login"), |_| true).await;
    assert_eq!(words, ["intended", "failed"]);
    assert_eq!(relay.asked.lock().unwrap().len(), 1);
    let mended = Arc::new(Relay { says: refused(535, "login"), refuses: customers, asked: Mutex::default() });
    let good = Arc::new(Good(Arc::clone(&mended)));
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let ports = Ports { mailer: good as Arc<dyn Mailer>, ..stage.ports() };
    let hold = ports.ledger.hold("test").await.expect("the lock");
    let run = settle(&ports, &stage.setup(), &hold, PATIENCE, None, stop, &|_| {}).await.expect("a run");
    assert_eq!((format!("{:?}", run.end), mended.asked.lock().unwrap().len()), ("Settled".to_owned(), 3));
    assert!(run.passes <= 12, "{} passes", run.passes);
}

/// Whom the relay was asked to write to, customers only, in order.
fn asked_for(relay: &Relay) -> Vec<String> {
    let asked = relay.asked.lock().unwrap();
    asked.iter().map(|(to, ..)| to.clone()).filter(|to| customers(to)).collect()
}

#[tokio::test]
async fn one_letter_that_is_refused_holds_no_other_back() {
    for says in [refused(554, "policy"), refused(554, "letter")] {
        let (mut stage, _run, first, _) = story(says.clone(), |to| to.starts_with("ada@")).await;
        let told = |relay: &Relay, user: &str| asked_for(relay).contains(&format!("{user}@example.com"));
        assert!(told(&first, "bob") && told(&first, "cleo"), "{:?}", asked_for(&first));
        for user in ["dora", "eve"] {
            stage.advance(Span::minutes(60));
            stage.subscribe(user, "pro-month", 0).expect("subscribed");
            stage.generate().await.expect("generated");
            let refuses = |to: &str| to.starts_with("ada@");
            let relay = Arc::new(Relay { says: says.clone(), refuses, asked: Mutex::default() });
            again(&stage, &relay).await;
            assert!(told(&relay, user), "{user} was not told: {:?}", asked_for(&relay));
        }
    }
}

#[tokio::test]
async fn what_was_never_tried_goes_before_what_was_refused() {
    let (mut stage, run, first, _) = story(refused(554, "policy"), customers).await;
    assert_eq!((format!("{:?}", run.end), asked_for(&first).len()), ("Unsent".to_owned(), 2));
    stage.advance(Span::minutes(60));
    stage.subscribe("aaron", "pro-month", 0).expect("subscribed");
    stage.generate().await.expect("generated");
    let taken = Arc::new(Relay { says: refused(554, "policy"), refuses: |_| false, asked: Mutex::default() });
    again(&stage, &taken).await;
    let (before, after) = (asked_for(&first), asked_for(&taken));
    assert_eq!(after.len(), 4);
    let place = |to: &String| after.iter().position(|other| other == to);
    let untried = after.iter().filter(|to| !before.contains(to) && !to.starts_with("aaron"));
    assert!(untried.clone().count() == 1 && untried.clone().all(|to| place(to) == Some(0)), "{after:?}");
}

/// The same relay, mended.
struct Good(Arc<Relay>);

#[async_trait]
impl Mailer for Good {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let _ = self.0.send(mail).await;
        Ok(())
    }
}
