//! Replies, ledgers and creates that are lost: never a second droplet, never a second letter.

use basement::model::moment::Span;
use basement::sim::trouble::Mishap;

use super::both;
use super::stage::Stage;

/// Ada's first creates go wrong in this way.
pub async fn create(stage: &mut Stage, mishap: Mishap, count: u32) {
    stage.join("ada");
    stage.generate().await;
    stage.trouble("POST /v2/droplets$", mishap, count);
    stage.settle().await;
}

#[tokio::test]
async fn a_create_without_a_reply_makes_one_droplet() {
    let story = async |stage: &mut Stage| create(stage, Mishap::Drop, 1).await;
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      letter/~/welcome/1
      record/~/adopted/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_create_that_works_and_says_500_makes_one_droplet() {
    let story = async |stage: &mut Stage| create(stage, Mishap::FailAfter(500), 1).await;
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      letter/~/welcome/1
      record/~/adopted/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_create_that_says_503_and_makes_nothing_is_tried_again_after_the_horizon() {
    let story = async |stage: &mut Stage| create(stage, Mishap::FailBefore(503), 1).await;
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/2 created
      letter/~/welcome/2
      record/~/nothing-made/1
      @ letter.~.welcome.2 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn creates_that_make_nothing_are_tried_again_until_one_does() {
    let story = async |stage: &mut Stage| {
        create(stage, Mishap::FailBefore(503), 3).await;
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/4 created
      letter/~/welcome/4
      record/~/nothing-made/1
      record/~/nothing-made/2
      record/~/nothing-made/3
      @ letter.~.welcome.4 to the customer
    sub_000001: active, 1500 paid
    runs: deadline, settled
    ");
}

#[tokio::test]
async fn a_create_that_is_refused_is_the_same_try_again() {
    let story = async |stage: &mut Stage| create(stage, Mishap::FailBefore(422), 2).await;
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_lost_ledger_makes_no_second_droplet() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.join("bob");
        stage.round().await;
        stage.at(Span::days(1));
        stage.lose_ledger().await;
        stage.round().await;
        stage.at(Span::days(2));
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 off
      create/~/1 created
      letter/~/ending/1793782800
      letter/~/welcome/1
      record/~/adopted/0
      shutdown/~/#1
      @ letter.~.ending.1793782800 to the customer
      @ letter.~.welcome.1 to the customer
    bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      record/~/adopted/0
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    sub_000002: active, 1500 paid
    runs: settled, settled, settled
    notes: ends_on
    ");
}

#[tokio::test]
async fn a_ledger_lost_while_droplets_boot_makes_no_second_droplet() {
    let story = async |stage: &mut Stage| {
        stage.join("ada");
        stage.generate().await;
        stage.settle_within(Span::seconds(4)).await;
        stage.lose_ledger().await;
        stage.at(Span::seconds(30));
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed, #2 active
      create/~/1 created
      create/~/1 created
      destroy/~/#1
      letter/~/welcome/1
      record/~/adopted/0
      record/~/replaced/0
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: deadline, settled
    ");
}
