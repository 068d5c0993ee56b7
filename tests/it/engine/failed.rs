//! Deliveries that fail: absence is confirmed, the money goes back once, the subscription ends, all are told.

use basement::model::moment::Span;
use basement::model::step::Fact;
use basement::sim::billing::Broken;
use basement::sim::billing_life::Subscribe;
use basement::sim::trouble::Mishap;
use basement::sim::whim::Whim;

use super::stage::{Stage, Way};
use super::{alone, both};

/// Ada's droplet never boots, Bob's does.
pub async fn stuck(stage: &mut Stage) {
    stage.join("ada");
    stage.join("bob");
    stage.generate().await;
    stage.whim("ada", Whim::StuckNew);
    stage.settle().await;
}

async fn whim(stage: &mut Stage, whim: Whim) {
    stage.join("ada");
    stage.generate().await;
    stage.whim("ada", whim);
    stage.settle().await;
}

#[tokio::test]
async fn a_stuck_boot_is_settled() {
    insta::assert_snapshot!(both(stuck).await, @"
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

#[tokio::test]
async fn a_create_that_becomes_a_404_is_settled() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| whim(stage, Whim::Vanish).await).await, @"
    ada-wtb3p80d: #1 vanished
      cancel/sub_000001
      create/~/1 created
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    runs: settled
    notes: failed
    ");
}

#[tokio::test]
async fn a_destroy_that_is_forgotten_is_asked_again() {
    let story = async |stage: &mut Stage| {
        stage.join("ada");
        stage.generate().await;
        stage.whim("ada", Whim::StuckNew);
        stage.whim("ada", Whim::LoseDelete);
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    runs: settled
    notes: failed
    ");
}

#[tokio::test]
async fn a_boot_without_an_address_for_a_minute_is_waited_for() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| whim(stage, Whim::NoAddress(60)).await).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_slow_boot_just_in_time_is_delivered() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| whim(stage, Whim::SlowBoot(280)).await).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_trial_that_fails_is_cancelled_and_nothing_is_refunded() {
    let story = async |stage: &mut Stage| {
        let user_id = Some("ada".to_owned());
        stage.subscribe(Subscribe { user_id, trial_days: 14, ..Subscribe::default() });
        stage.generate().await;
        stage.whim("ada", Whim::StuckNew);
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
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    sub_000001: canceled, 0 paid
    runs: settled
    notes: failed
    ");
}

#[tokio::test]
async fn a_refund_whose_reply_is_lost_is_made_once() {
    let story = async |stage: &mut Stage| {
        stage.stripe(|books, _| {
            books.break_next_write(Broken::After);
            Ok(())
        });
        stuck(stage).await;
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

#[tokio::test]
async fn a_destroy_whose_reply_is_lost_is_judged_by_looking() {
    let story = async |stage: &mut Stage| {
        stage.trouble("DELETE /v2/droplets", Mishap::Drop, 1);
        stuck(stage).await;
    };
    // Over HTTP the adapter asks a second time at once; through the ports the next pass sees it gone.
    let lacks = |told: &str| !told.contains("destroy/");
    assert!(lacks(&alone(Way::Ports, story).await));
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

#[tokio::test]
async fn a_failed_server_stays_failed_when_its_subscription_has_ended() {
    let story = async |stage: &mut Stage| {
        stuck(stage).await;
        stage.at(Span::days(1));
        stage.round().await;
        stage.at(Span::days(9));
        stage.round().await;
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
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    sub_000002: active, 1500 paid
    runs: settled, settled, settled
    ");
}

#[tokio::test]
async fn a_retry_of_what_was_cancelled_makes_nothing() {
    let story = async |stage: &mut Stage| {
        stuck(stage).await;
        stage.at(Span::days(1));
        stage.generate().await;
        stage.say("ada", "retry", Fact::Retry).await;
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
    runs: settled, settled
    ");
}

#[tokio::test]
async fn a_destroy_that_fails_is_asked_again() {
    let story = async |stage: &mut Stage| {
        stage.trouble("DELETE /v2/droplets", Mishap::FailBefore(500), 2);
        stuck(stage).await;
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

#[tokio::test]
async fn a_refund_that_stripe_refuses_to_begin_is_made_in_the_end() {
    let story = async |stage: &mut Stage| {
        stage.stripe(|books, _| {
            books.break_next_write(Broken::Before);
            Ok(())
        });
        stuck(stage).await;
        stage.at(Span::days(2));
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      letter/~/operator-refused/refund-1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
      @ letter.~.operator-refused.refund-1 to operator@example.com
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    sub_000002: active, 1500 paid
    runs: deadline, settled
    notes: failed
    ");
}
