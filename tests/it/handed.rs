//! What a pass hands to the vendors and asks of them: user data, letters, and no more questions than are worth it.

use basement::model::ids::DropletId;
use basement::rehearse::stage::Stage;
use basement::sim::billing::Books;
use basement::sim::trouble::Mishap;
use basement::sim::world::{Delivered, lock};

use crate::passes::{delivered, joined, settled, spoil};

fn outbox(stage: &Stage) -> Vec<Delivered> {
    lock(&stage.world).outbox.clone()
}

/// The password of a letter: the only line of 32 letters and digits.
fn password(letter: &Delivered) -> Option<&str> {
    letter.text.lines().map(str::trim).find(|l| l.len() == 32 && l.chars().all(char::is_alphanumeric))
}

#[tokio::test]
async fn a_droplet_is_made_with_user_data_and_its_customer_gets_the_password() {
    let stage = delivered(&["ada", "bob"]).await;
    let servers: Vec<String> = stage.setup().fleet.servers.keys().map(ToString::to_string).collect();
    let letters = outbox(&stage);
    assert_eq!(letters.len(), 2);
    for (server, letter) in servers.iter().zip(&letters) {
        let machine =
            lock(&stage.world).cloud().machines().find(|m| m.name == *server).cloned().expect("made");
        let user_data = machine.user_data.expect("it has some");
        assert!(user_data.starts_with("#cloud-config") && user_data.contains("$6$simulated$"), "{user_data}");
        let text = &letter.text;
        assert!(text.contains("Rehearsal") && text.contains("help@example.com"), "{text}");
        assert!(text.contains("pro"), "{text}");
        assert!(password(letter).is_some(), "{text}");
    }
    assert_ne!(password(&letters[0]), password(&letters[1]));
}

#[tokio::test]
async fn a_welcome_without_an_address_goes_to_the_operator() {
    let stage = joined(&["ada"]).await;
    stage.customer("ada", |books, now, id| {
        let customer = books.customer_of(id).expect("its customer");
        books.delete_customer(now, &customer)
    });
    // A deleted customer's subscription has ended; the file does not know it yet.
    settled(&stage).await;
    let letters = outbox(&stage);
    assert_eq!(letters.iter().map(|letter| letter.to.as_str()).collect::<Vec<_>>(), ["operator@example.com"]);
    assert!(password(&letters[0]).is_some());
}

#[tokio::test]
async fn any_other_letter_without_an_address_is_for_nobody() {
    let mut stage = delivered(&["ada"]).await;
    stage.customer("ada", Books::cancel).expect("known").expect("cancelled");
    stage.generate().await.expect("generated");
    stage.customer("ada", |books, now, id| {
        let customer = books.customer_of(id).expect("its customer");
        books.delete_customer(now, &customer)
    });
    let played = settled(&stage).await;
    assert_eq!(outbox(&stage).len(), 1, "the welcome alone");
    assert!(matches!(played.run().end, basement::engine::settle::End::Settled));
}

#[tokio::test]
async fn a_census_that_is_refused_as_a_whole_is_asked_nothing() {
    let mut stage = delivered(&["ada", "bea", "cyd", "dee", "eva"]).await;
    let ids: Vec<u64> = lock(&stage.world).cloud().machines().map(|machine| machine.id).collect();
    for id in &ids[..4] {
        assert!(lock(&stage.world).cloud().remove_by_hand(*id));
    }
    let look = stage.look().await.expect("a look");
    assert_eq!((look.census.sightings.len(), look.plan.questions.len()), (0, 4));
    stage.allow.insert("census-shrunk".to_owned());
    let look = stage.look().await.expect("a look");
    assert_eq!((look.census.sightings.len(), look.plan.questions.len()), (4, 0));
}

#[tokio::test]
async fn a_question_that_fails_stops_its_own_server_only() {
    let stage = delivered(&["ada", "bob"]).await;
    let ids: Vec<u64> = lock(&stage.world).cloud().machines().map(|machine| machine.id).collect();
    for id in &ids {
        assert!(lock(&stage.world).cloud().remove_by_hand(*id));
    }
    spoil(&stage, &format!("GET /v2/droplets/{}", ids[0]), Mishap::FailBefore(503), 1);
    let look = stage.look().await.expect("a look");
    assert_eq!(look.unanswered.len(), 1);
    assert_eq!(look.census.sightings.keys().collect::<Vec<_>>(), [&DropletId(ids[1])]);
    assert!(look.plan.steps.iter().all(|step| step.action.word() != "create"));
    assert_eq!(look.plan.steps.len(), 2, "the other one is known to be deleted, and its operator told");
}
