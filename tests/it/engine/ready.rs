//! First boots that end badly, late or not at all: nobody is welcomed to them, and the operator is told.

use basement::model::moment::Span;
use basement::model::policy::{NotReady, ReadyBy};
use basement::sim::whim::Whim;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

/// Ada subscribes, and the first boot of her server has a whim; a quarter of an hour later and a day later it is
/// mended, and looked at again.
async fn mended(stage: &mut Stage, whim: Whim) {
    stage.join("ada");
    stage.generate().await;
    stage.whim("ada", whim);
    stage.settle().await;
    stage.at(Span::minutes(20));
    stage.settle().await;
    stage.at(Span::minutes(40));
    lock(&stage.world).cloud().mend(400_000_001);
    stage.settle().await;
}

#[tokio::test]
async fn the_letter_names_the_key_that_ssh_shows() {
    let story = async |stage: &mut Stage| {
        stage.join("ada");
        stage.round().await;
        let world = lock(&stage.world);
        let key = basement::sim::first_boot::fingerprint(400_000_001);
        assert!(world.outbox[0].text.contains(&key), "{}", world.outbox[0].subject);
        assert!(world.outbox[0].html.contains(&key.replace('/', "&#x2f;")));
    };
    both(story).await;
}

#[tokio::test]
async fn checks_that_fail_are_told_to_the_operator_and_nobody_else() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| mended(stage, Whim::FirstBootFails).await).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/operator-not-ready/1
      letter/~/welcome/1
      @ letter.~.operator-not-ready.1 to operator@example.com
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled, settled, settled
    ");
}

#[tokio::test]
async fn another_key_is_told_to_the_operator_and_nobody_else() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| mended(stage, Whim::OtherKey).await).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/operator-not-ready/1
      letter/~/welcome/1
      @ letter.~.operator-not-ready.1 to operator@example.com
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled, settled, settled
    ");
}

#[tokio::test]
async fn a_page_that_never_comes_is_waited_for() {
    insta::assert_snapshot!(both(async |stage: &mut Stage| mended(stage, Whim::NeverReady).await).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/operator-not-ready/1
      letter/~/welcome/1
      @ letter.~.operator-not-ready.1 to operator@example.com
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: deadline, settled, settled
    ");
}

#[tokio::test]
async fn with_policy_fail_it_is_destroyed_and_refunded_at_the_deadline() {
    let story = async |stage: &mut Stage| {
        stage.setup.policy.not_ready = NotReady::Fail;
        stage.join("ada");
        stage.generate().await;
        stage.whim("ada", Whim::OtherServer);
        stage.settle_within(Span::minutes(30)).await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 destroyed
      cancel/sub_000001
      create/~/1 created
      destroy/~/#1
      letter/~/failed/1
      letter/~/operator-failed/1
      letter/~/operator-not-ready/1
      record/~/gave-up/1
      refund/sub_000001/pi_000001 $15.00 succeeded
      @ letter.~.failed.1 to the customer
      @ letter.~.operator-failed.1 to operator@example.com
      @ letter.~.operator-not-ready.1 to operator@example.com
    sub_000001: canceled, 1500 paid, 1500 given back in 1
    runs: settled
    notes: failed
    ");
}

#[tokio::test]
async fn with_policy_address_nobody_is_asked() {
    let story = async |stage: &mut Stage| {
        stage.setup.policy.ready = ReadyBy::Address;
        stage.join("ada");
        stage.generate().await;
        stage.whim("ada", Whim::NeverReady);
        stage.settle().await;
        let asked = lock(&stage.world).requests.of(basement::sim::requests::Vendor::Droplet);
        assert_eq!(asked, 0);
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 1500 paid
    runs: settled
    ");
}
