//! The same for Stripe: its calls × its mishaps × how the subscription stands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use basement::adapters::stripe::Stripe;
use basement::model::billing::RefundOrder;
use basement::model::ids::{CustomerId, PaymentId, StepId, SubscriptionId};
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::policy::Mode;
use basement::ports::{Billing, Fault};
use basement::sim::billing::{Books, RefundFate};
use basement::sim::billing_life::Subscribe;
use basement::sim::billing_money::RefundRequest;
use basement::sim::billing_port::BillingDoor;
use basement::sim::server::{Options, start};
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::world::{ClockMode, Settings, Shared, World, lock};

use super::mishaps;
use crate::scripted::{START, VirtualClock};

/// How the subscription stands when the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Paid,
    Trial,
    Cancelled,
    /// Its payment was given back by somebody else.
    Refunded,
    /// And by this very step, which failed at the bank later.
    CameBack,
    Disputed,
    Spoilt,
    Absent,
}

use State::{Absent, CameBack, Cancelled, Disputed, Paid, Refunded, Spoilt, Trial};

const STATES: [State; 8] = [Paid, Trial, Cancelled, Refunded, CameBack, Disputed, Spoilt, Absent];

/// The calls, each with the beginning of the request that is struck.
const CALLS: [(&str, &str); 8] = [
    ("subscriptions", "GET /v1/subscriptions$"),
    ("subscription", "GET /v1/subscriptions/"),
    ("customer", "GET /v1/customers/"),
    ("payment", "GET /v1/invoices$"),
    ("refund", "GET /v1/refunds$"),
    ("refund", "POST /v1/refunds$"),
    ("cancel", "DELETE /v1/subscriptions/"),
    ("events", "GET /v1/events$"),
];

type Account = Arc<Mutex<Books>>;

/// What the calls are about.
struct About {
    subscription: SubscriptionId,
    customer: CustomerId,
    payment: PaymentId,
}

fn step() -> StepId {
    StepId::parse("refund/sub_1/pi_1").expect("a step")
}

/// Makes world and account anew, with one subscription in this state.
fn set(world: &Shared, books: &Account, state: State, call: &str, mishap: Option<Mishap>) -> About {
    let settings = Settings { start: Moment::from_unix(START), ..Settings::default() };
    *lock(world) = World::new(settings, ClockMode::Manual);
    let (now, before) = (Moment::from_unix(START), Moment::from_unix(START - 40 * 86_400));
    let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
    *books = Books::new();
    let trial_days = if state == Trial { 60 } else { 0 };
    let order = Subscribe { user_id: Some("ada".to_owned()), trial_days, ..Subscribe::default() };
    let id = books.subscribe(before, order).expect("a subscription");
    books.tick(now.minus(Span::days(1)));
    let payment = books.payments_of(&id).first().cloned();
    let payment = payment.unwrap_or_else(|| PaymentId::parse("pi_none").expect("an id"));
    let customer = books.customer_of(&id).expect("a customer");
    let give_back = |books: &mut Books, at: Moment, metadata: BTreeMap<String, String>| {
        let all = RefundRequest { payment: payment.to_string(), metadata, ..RefundRequest::default() };
        books.refund(at, all).expect("it is given back");
    };
    match state {
        Paid | Trial => {}
        Cancelled => books.cancel(now, &id).expect("it runs"),
        Refunded => give_back(&mut books, now, BTreeMap::new()),
        CameBack => {
            books.rules().refunds = RefundFate::Later { after: Span::days(1), succeeds: false };
            let ours = BTreeMap::from([("basement_step".to_owned(), step().to_string())]);
            give_back(&mut books, now.minus(Span::days(1)), ours);
            books.tick(now);
            books.rules().refunds = RefundFate::AtOnce;
        }
        Disputed => books.dispute(now, &payment).expect("it was paid"),
        Spoilt => books.spoil(now, &id, true).expect("it is there"),
        Absent => {
            let none = SubscriptionId::parse("sub_none").expect("an id");
            let nobody = CustomerId::parse("cus_none").expect("an id");
            let nothing = PaymentId::parse("pi_none").expect("an id");
            return About { subscription: none, customer: nobody, payment: nothing };
        }
    }
    drop(books);
    if let Some(mishap) = mishap {
        let planned = Planned { call: call.to_owned(), mishap, skip: 0, count: 100 };
        lock(world).trouble.planned.push(planned);
    }
    About { subscription: id, customer, payment }
}

/// How a call ended and how the account stands then, in one line.
async fn told(billing: &dyn Billing, books: &Account, name: &str, about: &About) -> String {
    let end = super::end(run(billing, name, about).await);
    let books = books.lock().unwrap_or_else(PoisonError::into_inner);
    let truth: Vec<String> = books
        .subscription_ids()
        .iter()
        .map(|id| {
            let refunds: Vec<_> = books.payments_of(id).iter().map(|pi| books.refunds_of(pi)).collect();
            format!("{id} {:?} {refunds:?}", books.status_of(id))
        })
        .collect();
    format!("{end}; then {truth:?}")
}

async fn run(billing: &dyn Billing, name: &str, about: &About) -> Result<String, Fault> {
    let About { subscription, customer, payment } = about;
    match name {
        "subscriptions" => billing.subscriptions().await.map(super::said),
        "subscription" => billing.subscription(subscription).await.map(super::said),
        "customer" => billing.customer(customer).await.map(super::said),
        "payment" => billing.payment(subscription, Moment::from_unix(START)).await.map(super::said),
        "refund" => {
            let order = RefundOrder {
                subscription: subscription.clone(),
                payment: payment.clone(),
                amount: Money::usd(1500),
            };
            billing.refund(&order, &step(), 1).await.map(super::said)
        }
        "events" => {
            let kinds = ["invoice.paid", "customer.subscription.deleted", "charge.dispute.created"].into();
            billing.events(&kinds, Moment::from_unix(START - 20 * 86_400)).await.map(super::said)
        }
        "cancel" => billing.cancel(subscription).await.map(super::said),
        other => panic!("no call is `{other}`"),
    }
}

#[tokio::test]
async fn both_doors_end_every_call_to_stripe_alike() {
    let running = start(Options::default()).await.expect("loopback can be bound");
    let (world, books) = (World::shared(Settings::default(), ClockMode::Manual), Account::default());
    let door = BillingDoor::new(books.clone(), world.clone());
    let stripe = Stripe::new(
        &running.http_url(),
        "sk_test_doors".into(),
        Mode::Test,
        Arc::new(VirtualClock::default()),
        "test",
    )
    .expect("a good URL");
    let (mut ran, mut differ) = (0, Vec::new());
    for (name, call) in CALLS {
        for state in STATES {
            for mishap in mishaps() {
                let about = set(&world, &books, state, call, mishap);
                let one = told(&door, &books, name, &about).await;
                let about = set(&running.world, &running.books, state, call, mishap);
                let two = told(&stripe, &running.books, name, &about).await;
                ran += 1;
                if one != two {
                    differ.push(format!(
                        "{name} at {call}, {state:?}, {mishap:?}:\n  ports {one}\n  wire  {two}"
                    ));
                }
            }
        }
    }
    println!("doors: {ran} combinations with Stripe");
    assert!(differ.is_empty(), "{} of {ran} differ:\n{}", differ.len(), differ.join("\n"));
}
