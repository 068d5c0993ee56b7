//! Ends that are known before they come: asked for at Stripe, or of what is not paid.

use basement::fleet::yaml::{Declared, ServerFile};
use basement::model::billing::Subscription;
use basement::model::desired::{Because, DesiredState, Origin, Server};
use basement::model::moment::Moment;
use basement::model::policy::Policy;
use basement::model::standing::Standing;

use super::{at, declared, generate, generate_at, paid, read_back, reading, running, sub, told};

/// What becomes of one subscription whose file is this, at a time.
fn then(sub: &Subscription, file: &ServerFile, now: Moment) -> Vec<ServerFile> {
    read_back(
        &generate_at(&reading(std::slice::from_ref(sub)), std::slice::from_ref(file), &now.to_string()).files,
    )
}

/// What becomes of one whose server has been running since the 3rd.
fn known(sub: &Subscription) -> String {
    told(&generate(&reading(std::slice::from_ref(sub)), &[running("sub_1")]))
}

#[test]
fn the_end_that_is_asked_for_stands_in_the_file_until_it_is_taken_back() {
    let now = at("2026-11-20T12:00:00Z");
    let (stays, mut ending) = (paid("sub_1", "active"), paid("sub_1", "active"));
    ending.cancel_at_period_end = true;
    insta::assert_snapshot!(known(&ending), @r#"
    old-sub-1: running, subscription active, since 2026-11-03T00:00:00Z, ends on 2026-12-02T09:14:00Z
    ! sub_1: is cancelled for 2026-12-02T09:14:00Z, and runs until then
    "#);
    insta::assert_snapshot!(told(&generate(&reading(&[ending.clone()]), &[])), @r#"
    ada-l-2eg7dz77: running, subscription active, since 2026-11-02T09:14:00Z, ends on 2026-12-02T09:14:00Z
    ! sub_1: is cancelled for 2026-12-02T09:14:00Z, and runs until then
    "#);
    let before = running("sub_1");
    let during = then(&ending, &before, now).remove(0);
    assert_eq!(
        during.text,
        format!("{}ends_on: 2026-12-02T09:14:00Z\n", before.text),
        "nothing else changes"
    );
    assert_eq!(then(&ending, &during, now).first(), Some(&during), "twice gives the same bytes");
    assert_eq!(then(&stays, &during, now), [before], "taken back");
    ending.status = "frozen".to_owned().into();
    insta::assert_snapshot!(told(&generate(&reading(&[ending.clone()]), std::slice::from_ref(&during))), @r#"
    old-sub-1: running, subscription active, since 2026-11-03T00:00:00Z, ends on 2026-12-02T09:14:00Z, hold: unknown subscription status `frozen`
    ! sub_1: unknown subscription status `frozen`: its server is held as it is
    "#);
    (ending.status, ending.ended_at) = ("canceled".to_owned().into(), Some(at("2026-11-19T00:00:00Z")));
    insta::assert_snapshot!(told(&generate(&reading(&[ending]), &[during])), @"old-sub-1: stopped, subscription cancelled, since 2026-11-19T00:00:00Z, destroy after 2026-11-26T00:00:00Z");
}

#[test]
fn an_end_at_a_date_of_its_own() {
    let mut ending = paid("sub_1", "trialing");
    ending.cancel_at = Some(at("2027-01-05T00:00:00Z"));
    insta::assert_snapshot!(known(&ending), @r#"
    old-sub-1: running, subscription trialing, since 2026-11-20T12:00:00Z, ends on 2027-01-05T00:00:00Z
    ! sub_1: is cancelled for 2027-01-05T00:00:00Z, and runs until then
    "#);
    // While it is off already, there is no end that a running server's file could tell of.
    ending.switched_off = true;
    insta::assert_snapshot!(known(&ending), @"old-sub-1: stopped, switched off by the customer, since 2026-11-20T12:00:00Z");
}

#[test]
fn what_is_not_paid_may_end_before_its_grace() {
    let mut late = sub("sub_1", "past_due");
    late.latest_invoice.as_mut().unwrap().created = at("2026-11-16T08:00:00Z");
    late.cancel_at = Some(at("2026-11-21T00:00:00Z"));
    insta::assert_snapshot!(known(&late), @r#"
    old-sub-1: running, subscription past due, since 2026-11-16T08:00:00Z, ends on 2026-11-21T00:00:00Z
    ! sub_1: is cancelled for 2026-11-21T00:00:00Z, and runs until then
    ! sub_1: past due: stopped from 2026-11-23T08:00:00Z on, if it is not paid
    "#);
}

/// A file as the planner reads it, without what has no say in its end.
fn server(declared: &Declared) -> Server {
    let origin = Origin::Subscription {
        customer: declared.customer.clone(),
        subscription: declared.subscription.clone(),
        price: declared.price,
    };
    let Declared { state, because, since, ends_on, destroy_after, .. } = declared.clone();
    Server { origin, state, because, since, ends_on, destroy_after, ..crate::scene::Scene::running().server }
}

#[test]
fn what_is_foretold_of_a_file_is_what_is_written_then() {
    let grace = &Policy::default().grace;
    let foretold = |file: &ServerFile| Standing::next(&server(&file.declared), grace);
    let written = |file: &ServerFile| {
        let Declared { state, because, since, destroy_after, .. } = file.declared.clone();
        Some(Standing { state, because, since, destroy_after })
    };
    let now = at("2026-11-20T12:00:00Z");
    assert_eq!(foretold(&running("sub_1")), None);
    // The end that was asked for comes.
    let mut ending = paid("sub_1", "active");
    ending.cancel_at_period_end = true;
    let file = then(&ending, &running("sub_1"), now).remove(0);
    let end = ending.items[0].period_end;
    (ending.status, ending.ended_at) = ("canceled".to_owned().into(), Some(end));
    let stopped = then(&ending, &file, end).remove(0);
    assert_eq!((foretold(&file), foretold(&stopped)), (written(&stopped), None));
    // It is not paid, and the grace ends; an end after that is no longer told of.
    let mut late = sub("sub_1", "past_due");
    late.latest_invoice.as_mut().unwrap().created = at("2026-11-16T08:00:00Z");
    late.cancel_at_period_end = true;
    let file = then(&late, &running("sub_1"), now).remove(0);
    let stop = foretold(&file).expect("a grace").since;
    let before = Moment::from_unix(stop.unix() - 1);
    assert_eq!(then(&late, &file, before).first(), Some(&file), "not a second before");
    let stopped = then(&late, &file, stop).remove(0);
    assert_eq!((foretold(&file), foretold(&stopped)), (written(&stopped), None));
    // The end asked for comes before the grace is over.
    late.cancel_at = Some(at("2026-11-21T00:00:00Z"));
    let file = then(&late, &running("sub_1"), now).remove(0);
    (late.status, late.ended_at) = ("canceled".to_owned().into(), late.cancel_at);
    assert_eq!(foretold(&file), written(&then(&late, &file, now).remove(0)));
    // A phrase that a person wrote into a file of our own is no subscription's.
    let mut ours = server(&declared("sub_1", DesiredState::Running, Because::PastDue));
    ours.origin = Origin::Extra;
    assert_eq!(Standing::next(&ours, grace), None);
}
