//! A quota that is full: destroys make room, and no create is refused for want of it.

use basement::model::moment::Span;
use basement::model::step::Action;
use basement::sim::requests::Vendor;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

#[tokio::test]
async fn destroys_come_first_where_the_quota_is_full() {
    let story = async |stage: &mut Stage| {
        lock(&stage.world).cloud().settings.droplet_limit = 3;
        let subscriptions = ["ada", "bob", "cyd"].map(|user| stage.join(user));
        stage.round().await;
        stage.at(Span::days(1));
        stage.stripe(|books, now| books.cancel(now, &subscriptions[0]));
        stage.round().await;
        // One plan with a destroy and a create.
        stage.at(Span::days(9));
        stage.join("dee");
        lock(&stage.world).requests.clear();
        let run = stage.round().await;
        assert!(run.did.iter().all(|did| did.result.is_ok()), "{:?}", run.did);
        let words: Vec<&str> = run.did.iter().map(|did| did.step.action.word()).collect();
        let place = |word| words.iter().position(|other| *other == word).expect("it was done");
        assert!(place("destroy") < place("create"), "{words:?}");
        let world = lock(&stage.world);
        assert_eq!(world.requests.calls["POST /v2/droplets"], 1, "a create was refused in between");
        assert!(world.requests.of(Vendor::DigitalOcean) < 30);
        drop(world);
        stage.droplet("dee");
    };
    insta::assert_snapshot!(both(story).await, @"
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
    bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    sub_000002, sub_000003, sub_000004: active, 1500 paid
    runs: settled, settled, settled
    ");
}

#[tokio::test]
async fn what_fits_is_made_at_once_and_what_never_fits_is_left_to_the_vendor() {
    let story = async |stage: &mut Stage| {
        lock(&stage.world).cloud().settings.droplet_limit = 2;
        let ada = stage.join("ada");
        stage.round().await;
        stage.at(Span::days(1));
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
        stage.at(Span::days(9));
        for user in ["bob", "cyd", "dee"] {
            stage.join(user);
        }
        stage.generate().await;
        let run = stage.settle_within(Span::minutes(3)).await;
        let creates = run.did.iter().filter(|did| matches!(did.step.action, Action::Create { .. }));
        let results: Vec<bool> = creates.map(|did| did.result.is_ok()).collect();
        // One at once, one in the room that ada left; the third is refused, and was not before.
        assert_eq!(results[..2], [true, true], "{:?}", run.did);
        assert!(results.len() > 2 && results[2..].iter().all(|is_ok| !is_ok));
        lock(&stage.world).cloud().settings.droplet_limit = 3;
        stage.settle().await;
        stage.droplet("dee");
    };
    insta::assert_snapshot!(both(story).await, @"
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
    bob-5fzq6san, cyd-h5kshf4t: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    dee-g7gsw4nd: #1 active
      create/~/1 created
      letter/~/operator-refused/create-1
      letter/~/welcome/1
      @ letter.~.operator-refused.create-1 to operator@example.com
      @ letter.~.welcome.1 to the customer
    sub_000001: canceled, 1500 paid
    sub_000002, sub_000003, sub_000004: active, 1500 paid
    runs: settled, settled, deadline, settled
    ");
}
