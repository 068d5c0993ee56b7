//! Nine deliberate bugs, planted one at a time between the engine and its ports: each breaks a law, and the
//! same story without it breaks none. A rehearsal that let them pass would prove nothing.

mod bugs;

use basement::rehearse::faults::{exhaust, scenarios};
use basement::rehearse::stage::Stage;
use basement::rehearse::{run, storm};

/// Plays a storm with and without a bug, and returns the laws that only the bug breaks.
fn storm(make: fn() -> Stage, script: &str) -> Vec<u8> {
    let acts = storm::parse(script).expect("a storm");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let sound = runtime.block_on(run::play(&acts));
    assert!(sound.broken.is_empty(), "without the bug: {:?}", sound.broken);
    let outcome = runtime.block_on(run::play_on(make(), &acts));
    outcome.broken.into_iter().map(|broken| broken.law).collect()
}

/// The first law that a bug breaks when every call of a scenario is spoilt in every way.
fn fault(make: fn() -> Stage, scenario: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let scenario = scenarios().into_iter().find(|s| s.name == scenario).expect("a scenario");
    let broken = runtime.block_on(exhaust(&scenario, make)).broken;
    broken.first().cloned().unwrap_or_default()
}

#[test]
fn done_written_before_the_effect_is_caught() {
    let broken = fault(|| bugs::tampered(bugs::done_first), "stuck boot");
    assert!(broken.contains("law 4"), "{broken}");
}

#[test]
fn the_clock_in_a_step_id_is_caught() {
    let broken = fault(|| bugs::tampered(bugs::clock_in_key), "create");
    assert!(broken.contains("law 8"), "a letter whose id nobody wrote down: {broken}");
}

#[test]
fn a_random_key_of_a_letter_is_caught() {
    let broken = fault(|| bugs::tampered(bugs::random_key), "create");
    assert!(broken.contains("law 8"), "a letter whose id nobody wrote down: {broken}");
}

#[test]
fn not_looking_after_a_lost_reply_is_caught() {
    let broken = fault(bugs::no_horizon, "create");
    assert!(broken.contains("law 2"), "{broken}");
}

#[test]
fn a_dropped_page_is_caught() {
    let script = "
- subscribe: { user: ada, price: pro-month, trial: 0 }
- run
- cancel: ada
- run
";
    assert!(storm(|| bugs::tampered(bugs::page_dropped), script).contains(&1));
}

#[test]
fn a_refund_on_a_lost_reply_is_caught() {
    let script = "
- lag: 20000
- whim: stuck_new
- subscribe: { user: ada, price: pro-month, trial: 0 }
- mishap: { call: GET /v2/droplets/, mishap: { fail_before: 503 }, skip: 0, count: 20 }
- run
";
    assert!(storm(|| bugs::tampered(bugs::lost_is_gone), script).contains(&4));
}

#[test]
fn a_lock_that_is_not_held_is_caught() {
    let script = "
- subscribe: { user: ada, price: pro-month, trial: 0 }
- mishap: { call: GET /v2/droplets$, mishap: { slow: 1000 }, skip: 0, count: 2 }
- run_twice
";
    assert!(storm(|| bugs::tampered(bugs::no_lock), script).contains(&2));
}

#[test]
fn not_asking_who_has_paid_is_caught() {
    let script = "
- subscribe: { user: ada, price: pro-month, trial: 0 }
- run
- stop_paying: ada
- advance: 50d
- run
- pay: ada
- advance: 15d
- apply
";
    assert!(storm(|| bugs::tampered(bugs::nobody_paid), script).contains(&7));
}

#[test]
fn a_firewall_that_is_only_believed_in_is_caught() {
    let script = "
- firewall: cloud
- subscribe: { user: ada, price: pro-month, trial: 0 }
- run
";
    assert!(storm(|| bugs::tampered(bugs::wall_dreamt), script).contains(&13));
}
