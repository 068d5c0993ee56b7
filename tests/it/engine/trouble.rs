//! Vendors in trouble: bursts of 429, outages, one customer's calls that fail.

use basement::engine::settle::End;
use basement::model::moment::Span;
use basement::sim::trouble::Mishap;
use basement::sim::whim::Whim;
use basement::sim::world::lock;

use super::stage::Stage;
use super::{both, life};

#[tokio::test]
async fn a_burst_of_429_is_waited_for() {
    let story = async |stage: &mut Stage| {
        stage.trouble("", Mishap::RateMinute, 4);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"");
}

#[tokio::test]
async fn creates_that_are_limited_are_asked_again() {
    let story = async |stage: &mut Stage| {
        stage.trouble("POST /v2/droplets$", Mishap::RateMinute, 3);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"");
}

#[tokio::test]
async fn an_outage_of_the_listing_is_waited_for() {
    let story = async |stage: &mut Stage| {
        stage.trouble("GET /v2/droplets", Mishap::FailBefore(503), 2);
        stage.trouble("GET /v2/droplets", Mishap::Html502, 6);
        stage.trouble("GET /v2/droplets", Mishap::Drop, 2);
        life::five(stage).await;
    };
    insta::assert_snapshot!(both(story).await, @"");
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
        let power = |user: &str| lock(&stage.world).cloud().get(stage.droplet(user)).map(|m| m.power.word());
        assert_eq!(["ada", "bob", "cyd"].map(power), [Some("active"), Some("off"), Some("off")]);
        lock(&stage.world).trouble.planned.clear();
        stage.settle().await;
    };
    insta::assert_snapshot!(both(story).await, @"");
}

#[tokio::test]
async fn a_busy_droplet_is_asked_again() {
    let story = async |stage: &mut Stage| {
        let ada = stage.join("ada");
        stage.generate().await;
        stage.whim("ada", Whim::SlowBoot(200));
        stage.settle_within(Span::minutes(1)).await;
        stage.stripe(|books, now| books.cancel(now, &ada));
        stage.round().await;
    };
    insta::assert_snapshot!(both(story).await, @"");
}
