//! The mail relay's moods: a letter waits, or is there twice under one Message-ID, and is never lost.

use basement::sim::trouble::Mishap;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

async fn letter(stage: &mut Stage, mishap: Mishap, count: u32) {
    stage.join("ada");
    stage.join("bob");
    stage.generate().await;
    stage.trouble("SMTP mail", mishap, count);
    stage.settle().await;
}

#[tokio::test]
async fn a_relay_that_says_451_gets_the_letter_later() {
    let story = async |stage: &mut Stage| letter(stage, Mishap::FailBefore(451), 3).await;
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002: active, 1500 paid
    runs: settled
    ");
}

#[tokio::test]
async fn a_letter_that_may_have_been_taken_is_sent_again_under_its_id() {
    let story = async |stage: &mut Stage| {
        stage.has_repeats = true;
        stage.join("ada");
        stage.generate().await;
        stage.trouble("SMTP mail", Mishap::Drop, 1);
        stage.settle().await;
        let world = lock(&stage.world);
        let [first, second] = world.outbox.as_slice() else { panic!("two letters") };
        assert_eq!((&first.message_id, &first.to), (&second.message_id, &second.to));
        assert!(first.text == second.text, "another password was sent the second time");
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}
