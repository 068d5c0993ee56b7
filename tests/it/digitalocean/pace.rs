//! The request budget: no minute above DigitalOcean's 250, whatever is asked, and the two clocks.

use std::sync::Arc;
use std::time::Duration;

use basement::adapters::clock::{RealClock, SimClock};
use basement::adapters::pace::{Pace, Purpose, backoff};
use basement::ports::{Clock, Cloud};
use serde_json::json;

use super::{Bench, created, order};
use crate::scripted::{Canned, START, Scripted, VirtualClock};

#[tokio::test]
async fn a_thousand_creates_take_five_minutes_and_no_429() {
    let clock = Arc::new(VirtualClock::default());
    let pace = Pace::new(clock.clone());
    let mut begun = Vec::new();
    for number in 0..1_000 {
        drop(pace.admit(Purpose::Make).await.expect("a budget"));
        begun.push(clock.elapsed().await);
        if number == 99 {
            assert_eq!(clock.elapsed().await, Duration::ZERO, "a hundred go at full speed");
        }
    }
    for (first, start) in begun.iter().enumerate() {
        let minute = begun[first..].iter().take_while(|at| **at < *start + Duration::from_secs(60)).count();
        assert!(minute <= 200, "{minute} in the minute from {start:?}");
    }
    assert_eq!(clock.elapsed().await, Duration::from_secs(300));
    assert_eq!(pace.spent(), 1_000);
}

#[tokio::test]
async fn creates_leave_room_for_the_others() {
    let clock = Arc::new(VirtualClock::default());
    let pace = Pace::new(clock.clone());
    for _ in 0..180 {
        drop(pace.admit(Purpose::Make).await.expect("a budget"));
    }
    for _ in 0..20 {
        drop(pace.admit(Purpose::Other).await.expect("a budget"));
    }
    assert!(clock.waits().is_empty());
    drop(pace.admit(Purpose::Other).await.expect("a budget"));
    assert_eq!(clock.waits(), [60]);
}

#[tokio::test]
async fn eight_are_in_flight_at_most() {
    let pace = Pace::new(Arc::new(VirtualClock::default()));
    let mut flights = Vec::new();
    for _ in 0..8 {
        flights.push(pace.admit(Purpose::Other).await.expect("a budget"));
    }
    let ninth = pace.admit(Purpose::Other);
    tokio::pin!(ninth);
    assert!(futures_util::poll!(&mut ninth).is_pending());
    flights.pop();
    assert!(ninth.await.is_ok());
}

#[tokio::test]
async fn a_hundred_creates_at_once_are_a_hundred_requests() {
    let bench = Bench::new((0..100).map(created)).await;
    let order = order();
    let made = futures_util::future::join_all((0..100).map(|_| bench.cloud.create(&order, ""))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!((bench.server.seen().len(), bench.pace.spent()), (100, 100));
    assert!(bench.clock.waits().is_empty());
}

#[tokio::test]
async fn one_create_looks_whether_the_hour_has_room_again() {
    let low = |canned: Canned, ahead: i64| {
        canned.header("ratelimit-remaining", "99").header("ratelimit-reset", &(START + ahead).to_string())
    };
    let room = created(3).header("ratelimit-remaining", "4000");
    let bench = Bench::new([low(created(1), 30), low(created(2), 70), room, created(4)]).await;
    for _ in 0..4 {
        bench.cloud.create(&order(), "").await.expect("a droplet");
    }
    assert_eq!(bench.clock.waits(), [30, 40]);
}

#[test]
fn backoff_doubles_to_half_a_minute() {
    let seconds: Vec<u64> = [0, 1, 2, 3, 4, 5, 40, 64, 90].map(|n| backoff(n).as_secs()).to_vec();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
}

#[tokio::test]
async fn the_simulators_clock_is_asked_and_moved() {
    let reading = |ms: u64| Canned::json(200, &json!({"unix_ms": ms, "manual": true}));
    let server = Scripted::start([
        reading(1_793_610_000_500),
        reading(1_793_610_000_500),
        Canned::json(200, &json!({})),
        Canned::text(500, "broken"),
    ])
    .await;
    let clock = SimClock::new(&format!("{}/", server.url)).expect("loopback");
    assert_eq!(clock.now().await.unix(), 1_793_610_000);
    clock.sleep(Duration::from_millis(2_500)).await;
    // It cannot be read now: the last known time stands.
    assert_eq!(clock.elapsed().await, Duration::from_secs(1_793_610_003));
    let seen = server.seen();
    assert_eq!(seen[2].method, "POST");
    assert_eq!(seen[2].uri, "/control/clock/sleep");
    assert_eq!(seen[2].body, r#"{"until_ms":1793610003000}"#);
}

#[tokio::test]
async fn only_this_machine_sets_the_time() {
    let error = SimClock::new("http://sim.example.com:80").expect_err("not loopback");
    assert!(error.contains("hint:"), "{error}");
    let real = RealClock::new();
    assert!(real.now().await.unix() > 1_700_000_000);
    assert!(real.elapsed().await <= real.elapsed().await);
}
