//! Vendors in trouble: bursts of 429, outages, one customer's calls that fail.

use basement::engine::settle::End;
use basement::model::moment::Span;
use basement::sim::trouble::Mishap;
use basement::sim::whim::Whim;
use basement::sim::world::lock;

use super::stage::{Stage, Way};
use super::{alone, both, failed, life};

#[tokio::test]
async fn a_burst_of_429_is_waited_for() {
    let story = async |stage: &mut Stage| {
        stage.trouble("GET /v2/", Mishap::RateMinute, 4);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd, eva-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn creates_that_are_limited_are_asked_again() {
    let story = async |stage: &mut Stage| {
        stage.trouble("POST /v2/droplets$", Mishap::RateMinute, 3);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd, eva-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn an_outage_of_the_listing_is_waited_for() {
    let story = async |stage: &mut Stage| {
        stage.trouble("GET /v2/droplets", Mishap::FailBefore(503), 2);
        stage.trouble("GET /v2/droplets", Mishap::Html502, 6);
        stage.trouble("GET /v2/droplets", Mishap::Drop, 2);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd, eva-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn one_customers_trouble_is_not_the_others() {
    let story = async |stage: &mut Stage| {
        let subscriptions = ["ada", "bob", "cyd"].map(|user| stage.join(user));
        stage.round().await;
        stage.at(Span::days(1));
        let call = format!("POST /v2/droplets/{}/actions", stage.droplet("ada"));
        stage.trouble(&call, Mishap::FailBefore(500), 10_000);
        for id in &subscriptions {
            stage.stripe(|books, now| books.cancel(now, id));
        }
        stage.generate().await;
        let run = stage.settle_within(Span::minutes(5)).await;
        assert!(matches!(run.end, End::Deadline));
        let power = |user: &str| {
            let id = stage.droplet(user);
            lock(&stage.world).cloud().get(id).map(|machine| machine.power.word())
        };
        assert_eq!(["ada", "bob", "cyd"].map(power), [Some("active"), Some("off"), Some("off")]);
        lock(&stage.world).trouble.planned.clear();
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t: #1 off
      create/~/1 created
      letter/~/ending/1793696400
      letter/~/welcome/1
      shutdown/~/#1
      @ letter.~.ending.1793696400 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003: canceled, 1500 paid
    runs: settled, deadline, settled
    notes: ends_on
    ");
}

#[tokio::test]
async fn who_cancels_before_the_delivery_gets_the_money_back_after_the_grace() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.generate().await;
        stage.whim("ada", Whim::SlowBoot(200));
        stage.settle_within(Span::minutes(1)).await;
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
        stage.at(Span::days(8));
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      shutdown/~/#1
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    runs: deadline, settled, settled
    ");
}

/// Through the ports Stripe has no trouble but its own, so this is told over the wire alone.
#[tokio::test]
async fn an_outage_of_stripe_is_waited_for_and_nothing_is_paid_twice() {
    let story = async |stage: &mut Stage| {
        stage.trouble("GET /v1/invoices", Mishap::FailBefore(503), 6);
        stage.trouble("GET /v1/refunds", Mishap::Html502, 5);
        stage.trouble("POST /v1/refunds", Mishap::Drop, 5);
        stage.trouble("DELETE /v1/subscriptions", Mishap::FailAfter(500), 5);
        stage.trouble("GET /v1/customers", Mishap::RateMinute, 9);
        failed::stuck(stage).await;
    };
    insta::assert_snapshot!(alone(Way::Wire, story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    sub_000002: active, 1500 paid
    runs: settled
    notes: failed
    ");
}
