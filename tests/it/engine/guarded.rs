//! What is not touched: twins, orphans, strangers, the paid up with a stale file, and what the guard objects to.

use basement::engine::settle::{End, Run};
use basement::model::moment::Span;
use basement::plan::guard::Objection;
use basement::sim::world::lock;

use super::both;
use super::stage::Stage;

fn objections(run: &Run) -> Vec<&'static str> {
    assert!(matches!(run.end, End::Objected));
    run.last.iter().flat_map(|report| &report.refused).map(Objection::name).collect()
}

#[tokio::test]
async fn twins_orphans_and_strangers_are_left_alone() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.round().await;
        stage.at(Span::days(1));
        let name = stage.server("ada").to_string();
        stage.make_by_hand(&name, &["basement", &format!("server-{name}")]);
        stage.make_by_hand("nobody", &["Basement", "server-nobody"]);
        stage.make_by_hand("stranger", &["server-stranger"]);
        stage.at(Span::days(2));
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
        stage.at(Span::days(20));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active, #2 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    nobody, stranger: #1 active
    sub_000001: canceled, 1500 paid
    runs: settled, settled, settled
    notes: orphan, twins
    ");
}

#[tokio::test]
async fn a_file_that_is_stale_stops_nobody_who_has_paid() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.round().await;
        stage.stripe(|books, now| books.stop_paying(now, &ada));
        stage.at(Span::days(31));
        stage.round().await;
        stage.at(Span::days(38));
        stage.generate().await;
        stage.stripe(|books, now| books.pay(now, &ada));
        stage.settle().await;
        assert_eq!(stage.notes.len(), 1);
        stage.at(Span::days(39));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001: active, 3000 paid
    runs: settled, settled, settled, settled
    ");
}

#[tokio::test]
async fn six_destroys_at_once_are_objected_to_and_waived_by_name() {
    let story = async |stage: &mut Stage| {
        let users = ["ada", "bob", "cyd", "dee", "eva", "fay"];
        let subscriptions = users.map(|user| stage.join(user));
        stage.round().await;
        stage.at(Span::days(1));
        for three in subscriptions.chunks(3) {
            for id in three {
                stage.stripe(|books, now| books.cancel(now, id));
            }
            stage.generate().await;
        }
        stage.settle().await;
        stage.at(Span::days(9));
        let run = stage.settle().await;
        assert_eq!(objections(&run), ["many-destroys"]);
        assert!(run.did.is_empty());
        assert_eq!(lock(&stage.world).cloud().machines().count(), 6);
        stage.setup.allow.insert("many-destroys".to_owned());
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd, eva-k170ftfw, fay-w97z6t6z: #1 destroyed
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
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005, sub_000006: canceled, 1500 paid
    runs: settled, settled, objected, settled
    ");
}

#[tokio::test]
async fn a_census_that_shrank_is_objected_to() {
    let story = async |stage: &mut Stage| {
        let users = ["ada", "bob", "cyd", "dee", "eva"];
        for user in users {
            stage.join(user);
        }
        stage.round().await;
        stage.at(Span::days(1));
        for user in &users[..4] {
            stage.delete_by_hand(user);
        }
        let run = stage.settle().await;
        assert_eq!(objections(&run), ["census-shrunk"]);
        assert!(run.did.is_empty());
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t, dee-g7gsw4nd: #1 deleted by hand
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    eva-k170ftfw: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003, sub_000004, sub_000005: active, 1500 paid
    runs: settled, objected
    ");
}

#[tokio::test]
async fn three_of_four_destroyed_on_purpose_is_no_census_that_shrank() {
    let story = async |stage: &mut Stage| {
        let subscriptions = ["ada", "bob", "cyd", "dee"].map(|user| stage.join(user));
        stage.round().await;
        stage.at(Span::days(1));
        for id in &subscriptions[..3] {
            stage.stripe(|books, now| books.cancel(now, id));
        }
        stage.round().await;
        stage.at(Span::days(9));
        let run = stage.settle().await;
        assert!(matches!(run.end, End::Settled));
    };
    insta::assert_snapshot!(both(story).await, @"
    ada-wtb3p80d, bob-5fzq6san, cyd-h5kshf4t: #1 destroyed
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
    dee-g7gsw4nd: #1 active
      create/~/1 created
      letter/~/welcome/1
      @ letter.~.welcome.1 to the customer
    sub_000001, sub_000002, sub_000003: canceled, 1500 paid
    sub_000004: active, 1500 paid
    runs: settled, settled, settled
    ");
}
