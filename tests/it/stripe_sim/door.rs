//! The first door: `ports::Billing` on the same books, with the same answers.

use basement::model::billing::{RefundOrder, RefundStatus};
use basement::model::ids::{CustomerId, PaymentId, StepId, SubscriptionId};
use basement::model::money::Money;
use basement::ports::{Billing as _, Fault};
use basement::sim::billing::{Books, Broken};
use basement::sim::billing_life::Subscribe;

use super::{Shop, begin, begin_at, days, noon};

fn order(amount: i64) -> RefundOrder {
    RefundOrder {
        subscription: SubscriptionId::parse("sub_000001").expect("an id"),
        payment: PaymentId::parse("pi_000001").expect("an id"),
        amount: Money::usd(amount),
    }
}

fn step(text: &str) -> StepId {
    StepId::parse(text).expect("a step")
}

#[tokio::test]
async fn a_refund_is_made_once_per_step() {
    let mut books = Books::new();
    let id = begin(&mut books, "pro-month");
    let shop = Shop::open(books).await;
    let door = shop.door();
    let made = door.refund(&order(3_500), &step("refund/sub_000001/pi_000001"), 1).await.expect("paid");
    assert_eq!((made.status.clone(), made.amount), (RefundStatus::Succeeded, Money::usd(3_500)));
    shop.pass(days(2));
    for attempt in [1, 2] {
        let again = door.refund(&order(3_500), &step("refund/sub_000001/pi_000001"), attempt).await;
        assert_eq!(again.as_ref(), Ok(&made));
    }
    let other = door.refund(&order(3_500), &step("refund/other"), 1).await.expect_err("nothing is left");
    assert_eq!(other.detail().code.as_deref(), Some("charge_already_refunded"));
    assert!(matches!(other, Fault::Refused(_)));
    let payment = door.payment(&id, shop.now()).await.expect("read").expect("paid");
    assert_eq!((payment.parts[0].refunded, payment.parts[0].refunds.len()), (3_500, 1));
    assert_eq!(shop.books().truth()[&id].refunds, 1);
}

#[tokio::test]
async fn a_lost_refund_is_found_by_its_step() {
    let mut books = Books::new();
    begin(&mut books, "pro-month");
    books.break_next_write(Broken::After);
    let shop = Shop::open(books).await;
    let lost = shop.door().refund(&order(3_500), &step("refund/1"), 1).await.expect_err("a 500");
    assert!(matches!(lost, Fault::Unknown(_)));
    let found = shop.door().refund(&order(3_500), &step("refund/1"), 1).await.expect("it was made");
    assert_eq!(found.step, Some(step("refund/1")));
}

#[tokio::test]
async fn everything_is_read_and_the_unreadable_is_named() {
    let books = Books::sample(noon(), 25);
    let shop = Shop::open(books).await;
    let spoilt = SubscriptionId::parse("sub_000003").expect("an id");
    shop.books().spoil(noon(), &spoilt, true).expect("known");
    let reading = shop.door().subscriptions().await.expect("read");
    assert_eq!((reading.subscriptions.len(), reading.unreadable.len()), (24, 1));
    assert_eq!(reading.unreadable[0].id.as_ref(), Some(&spoilt));
    assert!(reading.subscriptions.is_sorted_by_key(|s| s.id.clone()));
    assert!(shop.door().subscription(&spoilt).await.is_err());
    let wire = shop.get(&format!("/v1/subscriptions/{spoilt}")).await.body;
    assert!(wire["items"]["data"][0].get("price").is_none());
    let has = |test: fn(&basement::model::billing::Subscription) -> bool| {
        reading.subscriptions.iter().filter(|s| test(s)).count()
    };
    assert_eq!(has(|s| s.switched_off), 1);
    assert_eq!(has(|s| s.collection_paused), 1);
    assert_eq!(has(|s| s.cancel_at_period_end && s.ended_at.is_none()), 1);
    assert_eq!(has(|s| s.items.len() == 2), 1);
    assert_eq!(has(|s| s.items[0].quantity == Some(2)), 1);
    assert!(reading.subscriptions.iter().all(|s| s.latest_invoice.is_some() && !s.livemode));
}

#[tokio::test]
async fn a_trial_has_an_invoice_and_no_payment() {
    let mut books = Books::live();
    let trial = Subscribe { trial_days: 14, lookup_key: "premium-year".to_owned(), ..Subscribe::default() };
    let id = begin_at(&mut books, noon(), trial);
    let shop = Shop::open(books).await;
    let payment = shop.door().payment(&id, noon()).await.expect("read").expect("an invoice");
    assert_eq!((payment.amount_paid, payment.parts.len()), (Money::usd(0), 0));
    assert_eq!(shop.get(&format!("/v1/invoices?subscription={id}&status=paid")).await.ids().len(), 1);
    assert!(shop.get("/v1/invoice_payments?invoice=in_000001").await.ids().is_empty());
    shop.pass(days(14));
    let payment = shop.door().payment(&id, shop.now()).await.expect("read").expect("an invoice");
    assert_eq!((payment.amount_paid, payment.parts.len()), (Money::usd(75_000), 1));
    let before = shop.door().payment(&id, noon()).await.expect("read").expect("an invoice");
    assert_eq!(before.amount_paid, Money::usd(0), "only what was made by then");
    assert!(shop.door().subscription(&id).await.expect("read").is_some_and(|s| s.livemode));
}

#[tokio::test]
async fn an_end_is_an_end_and_a_deleted_customer_has_no_address() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-month");
    let customer = books.customer_of(&id).expect("known");
    let shop = Shop::open(books).await;
    let door = shop.door();
    let known = door.customer(&customer).await.expect("read").expect("there");
    assert_eq!(known.email.as_deref(), Some("ada@example.com"));
    door.cancel(&id).await.expect("ends");
    door.cancel(&id).await.expect("has ended");
    let nobody = SubscriptionId::parse("sub_999999").expect("an id");
    door.cancel(&nobody).await.expect("what is not there has ended, as the real adapter says");
    assert_eq!(door.subscription(&nobody).await, Ok(None));
    shop.books().delete_customer(noon(), &customer).expect("known");
    let gone = door.customer(&customer).await.expect("read").expect("a trace");
    assert_eq!((gone.deleted, gone.email), (true, None));
    let path = format!("/v1/subscriptions/{id}?expand[]=customer");
    let shape = serde_json::json!({ "id": customer, "object": "customer", "deleted": true });
    assert_eq!(shop.get(&path).await.body["customer"], shape);
    let unknown = CustomerId::parse("cus_999999").expect("an id");
    assert_eq!(door.customer(&unknown).await.map(|c| c.is_none()), Ok(true));
}
