//! When Stripe's answer as a whole is not believed.

use basement::fleet::generate::Outcome;
use basement::fleet::yaml::ServerFile;
use basement::model::billing::{Reading, Subscription, Unreadable};
use basement::model::desired::{Because, DesiredState};

use super::{declared, file, generate, paid, reading, running, sub};

fn refused(outcome: &Outcome) -> String {
    outcome
        .refusals
        .iter()
        .map(|r| format!("{r}\n(may be permitted: {})", r.waivable()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn fleet(n: usize) -> Vec<ServerFile> {
    (0..n).map(|n| running(&format!("sub_{n:03}"))).collect()
}

/// The first `gone` of `n` cancelled, the others active.
fn leaving(n: usize, gone: usize) -> Vec<Subscription> {
    (0..n)
        .map(|i| {
            if i < gone {
                sub(&format!("sub_{i:03}"), "canceled")
            } else {
                paid(&format!("sub_{i:03}"), "active")
            }
        })
        .collect()
}

#[test]
fn an_empty_answer() {
    let outcome = generate(&Reading::default(), &fleet(2));
    insta::assert_snapshot!(refused(&outcome), @r#"
    Stripe knows no subscription at all, but there are 2 servers here (empty-answer)
      hint: is this the right key? if it is, add `--allow empty-answer`
    (may be permitted: true)
    "#);
    // Nothing to lose: a new shop, or tombstones only.
    assert_eq!(generate(&Reading::default(), &[]).refusals, []);
    let tombstone = file(declared("sub_1", DesiredState::Destroyed, Because::Expired));
    assert_eq!(generate(&Reading::default(), &[tombstone]).refusals, []);
}

#[test]
fn another_account() {
    let outcome = generate(&reading(&[paid("sub_x", "active")]), &fleet(2));
    insta::assert_snapshot!(refused(&outcome), @r#"
    Stripe knows other subscriptions only, but there are 2 servers here (other-account)
      hint: is this the right key? sample files must go first; else add `--allow other-account`
    (may be permitted: true)
    "#);
    // One that could not be read may be ours.
    let unreadable = vec![Unreadable { id: None, why: "no id".to_owned() }];
    let hidden = Reading { subscriptions: vec![paid("sub_x", "active")], unreadable };
    assert_eq!(generate(&hidden, &fleet(2)).refusals, []);
}

#[test]
fn the_other_mode_is_never_permitted() {
    let mut live = paid("sub_000", "active");
    live.livemode = true;
    let outcome = generate(&reading(&[live, paid("sub_001", "active")]), &fleet(2));
    insta::assert_snapshot!(refused(&outcome), @r#"
    Stripe's answer is of live mode: `sub_000`, one of 1 (mode-mix-up)
      hint: `[stripe] mode` in basement.toml is `test`: use a key of test mode
    (may be permitted: false)
    "#);
}

#[test]
fn too_many_leave_at_once() {
    // Three always may, above that a fifth of those that run.
    for (n, gone, refused) in
        [(3, 3, 0), (10, 3, 0), (10, 4, 1), (20, 4, 0), (20, 5, 1), (100, 20, 0), (100, 21, 1)]
    {
        let outcome = generate(&reading(&leaving(n, gone)), &fleet(n));
        assert_eq!(outcome.refusals.len(), refused, "{gone} of {n}");
    }
    insta::assert_snapshot!(refused(&generate(&reading(&leaving(12, 11)), &fleet(12))), @r#"
    11 of 12 running servers would stop at once, and 3 may (shrink)
      they are old-sub-000, old-sub-001, old-sub-002, old-sub-003, old-sub-004, old-sub-005, old-sub-006, old-sub-007, old-sub-008, old-sub-009 …
      hint: look at Stripe first; if it is so, add `--allow shrink`
    (may be permitted: true)
    "#);
}

#[test]
fn a_server_stopped_long_ago_leaves_only_when_it_is_destroyed() {
    let stopped: Vec<ServerFile> = (0..10)
        .map(|n| file(declared(&format!("sub_{n:03}"), DesiredState::Stopped, Because::Unpaid)))
        .collect();
    assert_eq!(generate(&reading(&leaving(10, 10)), &stopped).refusals, []);
    let expired: Vec<_> = (0..10).map(|n| sub(&format!("sub_{n:03}"), "incomplete_expired")).collect();
    assert_eq!(generate(&reading(&expired), &stopped).refusals.len(), 1);
}
