//! Servers that live as they should: delivered, switched off and on, ended.

use basement::model::moment::Span;
use basement::model::step::Fact;
use basement::sim::billing::Books;
use basement::sim::billing_life::Subscribe;
use basement::sim::whim::Whim;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

/// Five users get their servers.
pub async fn five(stage: &mut Stage) {
    for user in ["ada", "bob", "cyd", "dee", "eva"] {
        stage.join(user);
    }
    stage.round().await;
}

/// Ada cancels; a week later her server is destroyed.
pub async fn cancelled(stage: &mut Stage) {
    let ada = stage.join("ada");
    stage.round().await;
    stage.at(Span::days(1));
    stage.stripe(|books, now| books.cancel(now, &ada));
    stage.round().await;
    stage.at(Span::days(7));
    stage.settle().await;
    stage.at(Span::days(8));
    stage.settle().await;
}

/// Ada's card fails, and later pays.
pub async fn late(stage: &mut Stage) {
    let ada = stage.join("ada");
    stage.round().await;
    stage.stripe(|books, now| books.stop_paying(now, &ada));
    stage.at(Span::days(31));
    stage.round().await;
    stage.at(Span::days(38));
    stage.round().await;
    stage.at(Span::days(39));
    stage.stripe(|books, now| books.pay(now, &ada));
    stage.round().await;
}

/// Ada's droplet is deleted in the control panel.
pub async fn deleted(stage: &mut Stage) {
    for user in ["ada", "bob"] {
        stage.join(user);
    }
    stage.round().await;
    stage.at(Span::minutes(60));
    stage.delete_by_hand("ada");
    stage.settle().await;
    stage.at(Span::minutes(120));
    stage.settle().await;
}

#[tokio::test]
async fn five_servers_are_delivered() {
    insta::assert_snapshot!(both(five).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd, eva-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_cancelled_server_is_stopped_and_after_its_grace_destroyed() {
    insta::assert_snapshot!(both(cancelled).await, @"
    ada-wtb3p80d: #1 destroyed
      create/~/1 created
      destroy/~/#1
      letter/~/ended/1
      letter/~/ending/1793696400
      letter/~/welcome/1
      record/~/ended/1
      shutdown/~/#1
      @ letter.~.ended.1 to the customer
      @ letter.~.ending.1793696400 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    runs: settled, settled, settled, settled
    ");
}

#[tokio::test]
async fn a_shutdown_that_is_ignored_ends_with_the_plug() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.round().await;
        stage.at(Span::days(1));
        stage.whim("ada", Whim::IgnoreShutdown);
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 off
      create/~/1 created
      letter/~/ending/1793696400
      letter/~/welcome/1
      power_off/~/#1
      shutdown/~/#1
      @ letter.~.ending.1793696400 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    runs: settled, settled
    notes: ends_on
    ");
}

#[tokio::test]
async fn a_late_payer_is_suspended_and_resumed() {
    insta::assert_snapshot!(both(late).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/resumed/1796979600
      letter/~/suspended/1796806800
      letter/~/welcome/1
      power_on/~/#1
      shutdown/~/#1
      @ letter.~.resumed.1796979600 to the customer
      @ letter.~.suspended.1796806800 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 3000 paid
    runs: settled, settled, settled, settled
    ");
}

#[tokio::test]
async fn the_customers_own_switch_is_obeyed_without_a_letter() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.round().await;
        stage.at(Span::days(1));
        stage.stripe(|books, now| books.switch_off(now, &ada, true));
        stage.round().await;
        let droplet = stage.droplet("ada");
        let power = lock(&stage.world).cloud().get(droplet).expect("there").power;
        assert_eq!(power.word(), "off");
        stage.at(Span::days(2));
        stage.stripe(|books, now| books.switch_off(now, &ada, false));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      power_on/~/#1
      shutdown/~/#1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled, settled, settled
    ");
}

#[tokio::test]
async fn a_droplet_deleted_by_hand_is_told_and_not_made_again() {
    insta::assert_snapshot!(both(deleted).await, @"
    ada-wtb3p80d: #1 deleted by hand
      create/~/1 created
      letter/~/operator-deleted/#1
      letter/~/welcome/1
      record/~/deleted/1
      @ letter.~.operator-deleted.#1 to operator@example.com
      @ letter.~.welcome.1 to the customer
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002: active, 1500 paid
    runs: settled, settled, settled
    notes: deleted
    ");
}

#[tokio::test]
async fn a_deleted_droplet_is_made_again_if_somebody_says_so() {
    let story = async |stage: &mut Stage| {
        deleted(stage).await;
        stage.at(Span::minutes(180));
        stage.say("ada", "recreate", Fact::Recreate).await;
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 deleted by hand, #2 active
      create/~/1 created
      create/~/2 created
      letter/~/operator-deleted/#1
      letter/~/welcome/1
      letter/~/welcome/2
      record/~/deleted/1
      @ letter.~.operator-deleted.#1 to operator@example.com
      @ letter.~.welcome.1 to the customer
      @ letter.~.welcome.2 to the customer
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002: active, 1500 paid
    runs: settled, settled, settled, settled
    ");
}

#[tokio::test]
async fn who_comes_back_during_the_grace_gets_a_new_server() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        let customer = stage.stripe(|books, _| Ok(books.customer_of(&ada).expect("she is known")));
        stage.round().await;
        stage.at(Span::days(1));
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
        stage.at(Span::days(3));
        let user_id = Some("ada".to_owned());
        stage.subscribe(Subscribe { user_id, customer: Some(customer), ..Subscribe::default() });
        stage.round().await;
        stage.at(Span::days(9));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    ada-wtb3p80d: #1 destroyed
      create/~/1 created
      destroy/~/#1
      letter/~/ended/1
      letter/~/ending/1793696400
      letter/~/welcome/1
      record/~/ended/1
      shutdown/~/#1
      @ letter.~.ended.1 to the customer
      @ letter.~.ending.1793696400 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    sub_000002: active, 1500 paid
    runs: settled, settled, settled, settled
    ");
}

#[tokio::test]
async fn a_customer_deleted_at_stripe_gets_no_letters() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.round().await;
        stage.at(Span::days(1));
        stage.stripe(|books: &mut Books, now| {
            let customer = books.customer_of(&ada).expect("she is known");
            books.delete_customer(now, &customer)
        });
        stage.round().await;
        stage.at(Span::days(9));
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      create/~/1 created
      destroy/~/#1
      letter/~/ended/1 nobody
      letter/~/ending/1793696400 nobody
      letter/~/welcome/1
      record/~/ended/1
      shutdown/~/#1
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    runs: settled, settled, settled
    ");
}
