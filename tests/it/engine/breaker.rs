//! An outage must not become a storm of refunds: creates that fail in a row stop creates and refunds, the
//! operator gets one letter, and after the reset everybody is served, or refunded, exactly once.

use basement::model::moment::Span;
use basement::sim::trouble::Mishap;
use basement::sim::whim::Whim;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

const USERS: [&str; 4] = ["ada", "bob", "cleo", "dora"];

/// Four customers pay.
async fn join(stage: &mut Stage) {
    for user in USERS {
        stage.join(user);
    }
    stage.generate().await;
}

/// A timer runs `apply` every six hours, from the first hour of a day on.
async fn a_day(stage: &mut Stage) {
    for hours in [1, 7, 13, 19, 25] {
        stage.at(Span::minutes(60 * hours));
        stage.round().await;
    }
}

#[tokio::test]
async fn an_outage_of_a_day_refunds_nobody_and_then_serves_everybody() {
    let story = async |stage: &mut Stage| {
        join(stage).await;
        stage.trouble("POST /v2/droplets$", Mishap::FailBefore(503), 10_000);
        stage.settle_within(Span::minutes(30)).await;
        a_day(stage).await;
        lock(&stage.world).trouble.planned.clear();
        stage.reset_breaker(true).await;
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cleo-h5kshf4t, dora-g7gsw4nd: #1 active
      create/~/2 created
      letter/~/welcome/2
      record/~/nothing-made/1
      @ letter.~.welcome.2 to the customer
    the fleet:
      record/fleet/breaker
      letter/fleet/operator-breaker/
      @ letter.fleet.operator-breaker. to operator@example.com
    sub_000001, sub_000002, sub_000003, sub_000004: active, 1500 paid
    runs: broken, broken, broken, broken, broken, broken, settled
    ");
}

#[tokio::test]
async fn boots_that_hang_for_a_day_are_tried_again_and_not_refunded() {
    let story = async |stage: &mut Stage| {
        join(stage).await;
        for user in USERS {
            stage.whim(user, Whim::StuckNew);
        }
        stage.settle().await;
        a_day(stage).await;
        stage.reset_breaker(true).await;
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cleo-h5kshf4t, dora-g7gsw4nd: #1 destroyed, #2 active
      create/~/1 created
      create/~/2 created
      destroy/~/#1
      letter/~/welcome/2
      record/~/gave-up/1
      @ letter.~.welcome.2 to the customer
    the fleet:
      record/fleet/breaker
      letter/fleet/operator-breaker/
      @ letter.fleet.operator-breaker. to operator@example.com
    sub_000001, sub_000002, sub_000003, sub_000004: active, 1500 paid
    runs: broken, broken, broken, broken, broken, broken, settled
    ");
}

#[tokio::test]
async fn without_another_try_each_is_refunded_once() {
    let story = async |stage: &mut Stage| {
        join(stage).await;
        for user in USERS {
            stage.whim(user, Whim::StuckNew);
        }
        stage.settle().await;
        stage.reset_breaker(false).await;
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
    bob-5fzq6san: #1 destroyed
      cancel/sub_000002
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      record/~/gave-up/1
      refund/sub_000002/pi_000002 $15.00 succeeded
      @ letter.~.failed.1 to the customer
    cleo-h5kshf4t: #1 destroyed
      cancel/sub_000003
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      record/~/gave-up/1
      refund/sub_000003/pi_000003 $15.00 succeeded
      @ letter.~.failed.1 to the customer
    dora-g7gsw4nd: #1 destroyed
      cancel/sub_000004
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      record/~/gave-up/1
      refund/sub_000004/pi_000004 $15.00 succeeded
      @ letter.~.failed.1 to the customer
    the fleet:
      record/fleet/breaker
      letter/fleet/operator-breaker/
      letter/fleet/operator-failed/ada-wtb3p80d/
      @ letter.fleet.operator-breaker. to operator@example.com
      @ letter.fleet.operator-failed.ada-wtb3p80d. to operator@example.com
    sub_000001, sub_000002, sub_000003, sub_000004: canceled, 1500 paid, 1500 given back in 1
    runs: broken, settled
    notes: failed
    ");
}

#[tokio::test]
async fn who_comes_after_the_third_failure_waits_and_who_runs_is_switched_as_before() {
    let story = async |stage: &mut Stage| {
        let old = stage.join("old");
        stage.round().await;
        stage.stripe(|books, now| books.switch_off(now, &old, true));
        for (hour, user) in (1..).zip(USERS) {
            stage.at(Span::minutes(60 * hour));
            stage.join(user);
            stage.generate().await;
            stage.whim(user, Whim::StuckNew);
            stage.settle().await;
        }
        stage.at(Span::minutes(540));
        stage.stripe(|books, now| books.switch_off(now, &old, false));
        stage.round().await;
        stage.reset_breaker(true).await;
        // Dora's whim has waited for her create.
        lock(&stage.world).cloud().whims = basement::sim::whim::Whims::default();
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-5fzq6san: #1 destroyed
      cancel/sub_000002
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000002/pi_000002 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    bob-h5kshf4t: #1 destroyed
      cancel/sub_000003
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000003/pi_000003 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    cleo-g7gsw4nd: #1 destroyed, #2 active
      create/~/1 created
      create/~/2 created
      destroy/~/#1
      letter/~/welcome/2
      record/~/gave-up/1
      @ letter.~.welcome.2 to the customer
    dora-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    old-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      power_on/~/#1
      shutdown/~/#1
      @ letter.~.welcome.1 to the customer
    the fleet:
      record/fleet/breaker
      letter/fleet/operator-breaker/
      @ letter.fleet.operator-breaker. to operator@example.com
    sub_000001, sub_000004, sub_000005: active, 1500 paid
    sub_000002, sub_000003: canceled, 1500 paid, 1500 given back in 1
    runs: settled, settled, settled, broken, broken, broken, settled
    ");
}

#[tokio::test]
async fn who_cancels_while_it_is_open_is_refunded_after_the_reset() {
    let story = async |stage: &mut Stage| {
        join(stage).await;
        stage.trouble("POST /v2/droplets$", Mishap::FailBefore(422), 10_000);
        stage.settle_within(Span::minutes(30)).await;
        let ada = stage.books().of_user("ada").remove(0);
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
        lock(&stage.world).trouble.planned.clear();
        stage.reset_breaker(true).await;
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: none
      cancel/sub_000001
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    bob-5fzq6san, cleo-h5kshf4t, dora-g7gsw4nd: #1 active
      create/~/2 created
      letter/~/welcome/2
      @ letter.~.welcome.2 to the customer
    the fleet:
      record/fleet/breaker
      letter/fleet/operator-breaker/
      @ letter.fleet.operator-breaker. to operator@example.com
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    sub_000002, sub_000003, sub_000004: active, 1500 paid
    runs: broken, broken, settled
    ");
}

#[tokio::test]
async fn one_server_alone_never_opens_it_and_its_operator_hears_of_it() {
    let story = async |stage: &mut Stage| {
        stage.join("ada");
        stage.generate().await;
        stage.trouble("POST /v2/droplets$", Mishap::FailBefore(422), 9);
        stage.settle_within(Span::minutes(180)).await;
    };
    let told = both(story).await;
    assert!(told.contains("operator-refused") && !told.contains("breaker"), "{told}");
    assert!(told.contains("letter/~/welcome/1"), "{told}");
}
