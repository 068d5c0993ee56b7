//! The table: every status, with and without a file, its first invoice paid or not.

use basement::model::billing::Subscription;
use basement::model::desired::{Because, DesiredState};

use super::{STATUSES, at, declared, file, generate, generate_at, paid, reading, running, sub, told};

/// What becomes of one subscription without a file.
fn new(sub: &Subscription) -> String {
    told(&generate(&reading(std::slice::from_ref(sub)), &[]))
}

/// What becomes of one whose server has been running since the 3rd.
fn known(sub: &Subscription) -> String {
    told(&generate(&reading(std::slice::from_ref(sub)), &[running("sub_1")]))
}

#[test]
fn statuses_without_a_file() {
    let mut rows = Vec::new();
    for status in STATUSES {
        let mut sub = sub("sub_1", status);
        sub.ended_at = (status == "canceled").then(|| at("2026-11-18T00:00:00Z"));
        let unpaid = new(&sub);
        sub.latest_invoice.as_mut().unwrap().paid = true;
        let paid = new(&sub);
        if paid == unpaid {
            rows.push(format!("{status}\n  {paid}"));
        } else {
            rows.push(format!(
                "{status}, first invoice not paid
  {unpaid}"
            ));
            rows.push(format!(
                "{status}, first invoice paid
  {paid}"
            ));
        }
    }
    insta::assert_snapshot!(rows.join("\n"), @r#"
    incomplete
      nothing
    incomplete_expired
      nothing
    trialing
      ada-l-2eg7dz77: running, subscription trialing, since 2026-11-02T09:14:00Z
    active, first invoice not paid
      ! sub_1: active, but its first invoice is not paid yet: no server until it is
    active, first invoice paid
      ada-l-2eg7dz77: running, subscription active, since 2026-11-02T09:14:00Z
    past_due
      ! sub_1: `past_due` and without a server: none is started until it is active
    unpaid
      ! sub_1: `unpaid` and without a server: none is started until it is active
    paused
      ! sub_1: `paused` and without a server: none is started until it is active
    canceled
      nothing
    frozen
      ! sub_1: unknown subscription status `frozen`: no server is started
    "#);
}

#[test]
fn statuses_with_a_file() {
    let mut rows = Vec::new();
    for status in STATUSES {
        let mut sub = sub("sub_1", status);
        sub.ended_at = (status == "canceled").then(|| at("2026-11-18T00:00:00Z"));
        let unpaid = known(&sub);
        sub.latest_invoice.as_mut().unwrap().paid = true;
        assert_eq!(known(&sub), unpaid, "whether a renewal is paid is for the status to say");
        rows.push(format!("{status}\n  {}", unpaid.replace('\n', "\n  ")));
    }
    insta::assert_snapshot!(rows.join("\n"), @r#"
    incomplete
      old-sub-1: running, subscription active, since 2026-11-03T00:00:00Z
      ! sub_1: the subscription is `incomplete` though it has a server; nothing is changed
    incomplete_expired
      old-sub-1: destroyed, subscription expired before it was paid, since 2026-11-20T12:00:00Z
    trialing
      old-sub-1: running, subscription trialing, since 2026-11-20T12:00:00Z
    active
      old-sub-1: running, subscription active, since 2026-11-03T00:00:00Z
    past_due
      old-sub-1: stopped, subscription past due, since 2026-11-09T09:14:30Z
    unpaid
      old-sub-1: stopped, subscription unpaid, since 2026-11-20T12:00:00Z, destroy after 2026-12-04T12:00:00Z
    paused
      old-sub-1: stopped, subscription paused, since 2026-11-20T12:00:00Z, destroy after 2026-12-20T12:00:00Z
    canceled
      old-sub-1: stopped, subscription cancelled, since 2026-11-18T00:00:00Z, destroy after 2026-11-25T00:00:00Z
    frozen
      old-sub-1: running, subscription active, since 2026-11-03T00:00:00Z, hold: unknown subscription status `frozen`
      ! sub_1: unknown subscription status `frozen`: its server is held as it is
    "#);
}

#[test]
fn a_tombstone_stays_one_whatever_the_status() {
    let tombstone = file(declared("sub_1", DesiredState::Destroyed, Because::Expired));
    for status in ["incomplete", "incomplete_expired", "past_due", "unpaid", "paused", "canceled", "frozen"] {
        let outcome = generate(&reading(&[paid("sub_1", status)]), std::slice::from_ref(&tombstone));
        assert_eq!(outcome.files[&tombstone.path], tombstone.text);
        assert_eq!((outcome.complaints.len(), outcome.notes.len()), (0, 0), "{status}");
    }
    insta::assert_snapshot!(told(&generate(&reading(&[paid("sub_1", "active")]), &[tombstone])), @r#"
    old-sub-1: destroyed, subscription expired before it was paid, since 2026-11-03T00:00:00Z
    ! sub_1: is paid for, but its server's file is a tombstone and stays one
    "#);
}

#[test]
fn the_customers_own_switch() {
    let mut off = paid("sub_1", "active");
    off.switched_off = true;
    insta::assert_snapshot!(new(&off), @"ada-l-2eg7dz77: stopped, switched off by the customer, since 2026-11-02T09:14:00Z");
    insta::assert_snapshot!(known(&off), @"old-sub-1: stopped, switched off by the customer, since 2026-11-20T12:00:00Z");
    off.status = "trialing".to_owned().into();
    insta::assert_snapshot!(known(&off), @"old-sub-1: stopped, switched off by the customer, since 2026-11-20T12:00:00Z");
    off.status = "unpaid".to_owned().into();
    insta::assert_snapshot!(known(&off), @"old-sub-1: stopped, subscription unpaid, since 2026-11-20T12:00:00Z, destroy after 2026-12-04T12:00:00Z");
}

#[test]
fn paused_collection_keeps_running() {
    let mut sub = paid("sub_1", "active");
    sub.collection_paused = true;
    assert_eq!(known(&sub), known(&paid("sub_1", "active")));
}

#[test]
fn past_due_through_time() {
    let mut late = sub("sub_1", "past_due");
    late.latest_invoice.as_mut().unwrap().created = at("2026-11-16T08:00:00Z");
    let read = reading(&[late.clone()]);
    let first = generate(&read, &[running("sub_1")]);
    insta::assert_snapshot!(told(&first), @r#"
    old-sub-1: running, subscription past due, since 2026-11-16T08:00:00Z
    ! sub_1: past due: stopped from 2026-11-23T08:00:00Z on, if it is not paid
    "#);
    // The next invoice, a month later and not paid either, begins no second grace.
    late.latest_invoice.as_mut().unwrap().created = at("2026-12-16T08:00:00Z");
    let files = super::read_back(&first.files);
    let stopped = generate_at(&read, &files, "2026-11-23T08:00:00Z");
    insta::assert_snapshot!(told(&stopped), @"old-sub-1: stopped, subscription past due, since 2026-11-23T08:00:00Z");
    let still = generate_at(&reading(&[late]), &super::read_back(&stopped.files), "2026-12-17T00:00:00Z");
    assert_eq!(still.files, stopped.files);
    // Paid at last.
    let back = generate_at(
        &reading(&[paid("sub_1", "active")]),
        &super::read_back(&still.files),
        "2026-12-18T00:00:00Z",
    );
    insta::assert_snapshot!(told(&back), @"old-sub-1: running, subscription active, since 2026-12-18T00:00:00Z");
}

#[test]
fn past_due_without_an_invoice_counts_from_its_period() {
    let mut late = sub("sub_1", "past_due");
    late.latest_invoice = None;
    late.items[0].period_start = at("2026-11-18T00:00:00Z");
    insta::assert_snapshot!(known(&late), @r#"
    old-sub-1: running, subscription past due, since 2026-11-18T00:00:00Z
    ! sub_1: past due: stopped from 2026-11-25T00:00:00Z on, if it is not paid
    "#);
}

#[test]
fn dates_are_kept_while_state_and_reason_are() {
    let unpaid = file(declared("sub_1", DesiredState::Stopped, Because::Unpaid));
    insta::assert_snapshot!(told(&generate(&reading(&[sub("sub_1", "unpaid")]), &[unpaid])), @"old-sub-1: stopped, subscription unpaid, since 2026-11-03T00:00:00Z, destroy after 2026-11-17T00:00:00Z");
    let trial = file(declared("sub_1", DesiredState::Running, Because::Trialing));
    insta::assert_snapshot!(told(&generate(&reading(&[paid("sub_1", "active")]), &[trial])), @"old-sub-1: running, subscription active, since 2026-11-20T12:00:00Z");
}

#[test]
fn cancelled_but_stripe_does_not_say_when() {
    insta::assert_snapshot!(known(&sub("sub_1", "canceled")), @"old-sub-1: stopped, subscription cancelled, since 2026-11-20T12:00:00Z, destroy after 2026-11-27T12:00:00Z");
}

#[test]
fn a_status_known_again_lifts_the_hold() {
    let frozen = generate(&reading(&[sub("sub_1", "frozen")]), &[running("sub_1")]);
    let again = generate(&reading(&[sub("sub_1", "frozen")]), &super::read_back(&frozen.files));
    assert_eq!(again.files, frozen.files);
    let known = generate(&reading(&[paid("sub_1", "active")]), &super::read_back(&frozen.files));
    assert_eq!(known.files[&running("sub_1").path], running("sub_1").text);
}
