//! Traps laid for the engine, on the simulated world: relays, refunds and listings that answer oddly.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use basement::engine::Ports;
use basement::engine::settle::{End, settle};
use basement::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, RefundStatus, Subscription};
use basement::model::history::{Event, Outcome};
use basement::model::ids::{CustomerId, StepId, SubscriptionId};
use basement::model::insight::Happening;
use basement::model::letter::Occasion;
use basement::model::moment::{Moment, Span};
use basement::model::step::Action;
use basement::ports::{Billing, Detail, Fault, Ledger as _, Mail, Mailer};
use basement::rehearse::stage::{Act, Stage};
use basement::sim::billing::Books;
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::lock;

const PATIENCE: Span = Span::minutes(15);

fn letters(stage: &Stage, word: &str) -> usize {
    lock(&stage.world).outbox.iter().filter(|letter| letter.message_id.contains(word)).count()
}

/// One delivered customer.
async fn delivered() -> Stage {
    let mut stage = Stage::default();
    stage.subscribe("ada", "pro-month", 0).expect("subscribed");
    stage.generate().await.expect("generated");
    assert!(matches!(stage.apply(PATIENCE).await, Act::Ended(End::Settled)));
    stage
}

/// An apply with other ports than the stage's own.
async fn apply(stage: &Stage, ports: &Ports) -> End {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let hold = ports.ledger.hold("test").await.expect("the lock");
    settle(ports, &stage.setup(), &hold, PATIENCE, None, stop, &|_| {}).await.expect("a run").end
}

#[tokio::test]
async fn a_census_is_as_old_as_its_oldest_answer() {
    let stage = Stage::default();
    let before = stage.now();
    lock(&stage.world).trouble.plan("GET /v2/droplets", Mishap::Slow(240_000));
    assert_eq!(stage.look().await.expect("a look").census.at, before);
}

#[tokio::test]
async fn customers_may_leave_a_small_fleet_within_the_caps() {
    let mut stage = Stage::default();
    let users = ["ada", "bea", "cyd", "dot"];
    for user in users {
        stage.subscribe(user, "pro-month", 0).expect("subscribed");
    }
    stage.generate().await.expect("generated");
    assert!(matches!(stage.apply(PATIENCE).await, Act::Ended(End::Settled)));
    for user in &users[1..] {
        stage.customer(user, Books::cancel).expect("known").expect("cancelled");
    }
    stage.generate().await.expect("generated");
    assert!(matches!(stage.apply(PATIENCE).await, Act::Ended(End::Settled)));
    stage.advance(Span::days(8));
    stage.generate().await.expect("generated");
    let act = stage.apply(PATIENCE).await;
    assert!(matches!(act, Act::Ended(End::Settled)), "{act:?}");
    assert_eq!(letters(&stage, ".ended."), 3);
}

/// A relay that says no.
struct Relay(u16, &'static str);

#[async_trait]
impl Mailer for Relay {
    async fn send(&self, _: &Mail) -> Result<(), Fault> {
        let Self(status, code) = self;
        Err(Fault::Refused(Detail {
            status: Some(*status),
            code: Some((*code).to_owned()),
            ..Detail::default()
        }))
    }
}

#[tokio::test]
async fn only_a_refused_recipient_is_nobody() {
    for (code, is_nobody) in [("recipient", true), ("sender", false), ("letter", false)] {
        let mut stage = delivered().await;
        stage.customer("ada", Books::cancel).expect("known").expect("cancelled");
        stage.generate().await.expect("generated");
        let ports = Ports { mailer: Arc::new(Relay(550, code)), ..stage.ports() };
        let end = apply(&stage, &ports).await;
        assert_eq!(matches!(end, End::Settled), is_nobody, "{code}: {end:?}");
        let entries = stage.ledger.entries(None).await.expect("entries");
        let is_told = |event: &Event| matches!(event, Event::Done { outcome: Outcome::Nobody { .. } });
        assert_eq!(entries.iter().any(|entry| is_told(&entry.event)), is_nobody, "{code}");
    }
}

#[tokio::test]
async fn a_relay_that_hangs_up_does_not_flood_the_customer() {
    let mut stage = Stage::default();
    stage.subscribe("ada", "pro-month", 0).expect("subscribed");
    stage.generate().await.expect("generated");
    let call = "SMTP mail".to_owned();
    let drops = Planned { call, mishap: Mishap::Drop, skip: 0, count: 1_000 };
    lock(&stage.world).trouble.planned.push(drops);
    assert!(matches!(stage.apply(PATIENCE).await, Act::Ended(End::Deadline)));
    let copies = letters(&stage, ".welcome.");
    assert!((2..=6).contains(&copies), "{copies} copies");
}

/// A Stripe whose refunds come back at once.
struct Bank(Arc<dyn Billing>);

#[async_trait]
impl Billing for Bank {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.0.subscriptions().await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        self.0.subscription(id).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        self.0.customer(id).await
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        self.0.payment(id, at).await
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, _: u32) -> Result<Refund, Fault> {
        let id = "re_1".parse().expect("an id");
        Ok(Refund { id, amount: order.amount, status: RefundStatus::Failed, step: Some(step.clone()) })
    }

    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault> {
        self.0.events(kinds, since).await
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        self.0.cancel(id).await
    }
}

#[tokio::test]
async fn no_letter_says_that_money_is_back_which_came_back_to_us() {
    let mut stage = Stage::default();
    stage.subscribe("ada", "pro-month", 0).expect("subscribed");
    stage.generate().await.expect("generated");
    let stuck = Told { whim: Whim::StuckNew, server: None, times: 1 };
    lock(&stage.world).cloud().whims.tell(stuck);
    let mut ports = stage.ports();
    ports.eyes.billing = Arc::new(Bank(ports.eyes.billing));
    apply(&stage, &ports).await;
    let entries = stage.ledger.entries(None).await.expect("entries");
    let told = entries.into_iter().find_map(|entry| match entry.event {
        Event::Intended { action: Action::Letter { letter } } => match letter.occasion {
            Occasion::Failed { refunded, by_hand, .. } => Some((refunded, by_hand)),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(told, Some((Vec::new(), true)));
}
