//! What customers do and what time does, straight on the books.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::Status;
use basement::model::moment::{Moment, Span};
use basement::sim::billing::{Books, RefundFate};
use basement::sim::billing_life::Subscribe;
use basement::sim::billing_money::RefundRequest;

use super::{begin, begin_at, days, noon, status};

fn at(text: &str) -> Moment {
    Moment::parse(text).expect("a moment")
}

#[test]
fn twenty_five_show_every_status() {
    let books = Books::sample(noon(), 25);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for truth in books.truth().values() {
        *seen.entry(truth.status.to_string()).or_default() += 1;
    }
    assert_eq!(seen.values().sum::<usize>(), 25);
    let all = [
        "active",
        "canceled",
        "incomplete",
        "incomplete_expired",
        "past_due",
        "paused",
        "trialing",
        "unpaid",
    ];
    assert_eq!(seen.keys().map(String::as_str).collect::<Vec<_>>(), all);
    assert_eq!(Books::sample(noon(), 3).subscription_ids().len(), 3);
    assert_eq!(Books::sample(noon(), 60).subscription_ids().len(), 60);
}

#[test]
fn the_same_story_gives_the_same_books() {
    let (one, two) = (Books::sample(noon(), 25), Books::sample(noon(), 25));
    assert_eq!(one.events(), two.events());
    assert_eq!(one.truth(), two.truth());
    let ids: BTreeSet<_> = one.events().iter().map(|event| &event.id).collect();
    assert_eq!(ids.len(), one.events().len());
    assert!(one.events().is_sorted_by_key(|event| event.id.clone()));
}

#[test]
fn a_payer_is_charged_every_month_to_the_last_day() {
    let mut books = Books::new();
    let id = begin(&mut books, "pro-month");
    for (until, payments) in [
        ("2026-02-28T11:59:59Z", 1),
        ("2026-02-28T12:00:00Z", 2),
        ("2026-03-31T11:00:00Z", 2),
        ("2026-03-31T12:00:00Z", 3),
        ("2027-01-31T12:00:00Z", 13),
    ] {
        books.tick(at(until));
        assert_eq!(books.payments_of(&id).len(), payments, "{until}");
    }
    assert_eq!(books.truth()[&id].paid, 13 * 3_500);
    let before = books.events().len();
    books.tick(at("2027-01-31T12:00:00Z"));
    assert_eq!(books.events().len(), before, "a second look changes nothing");
}

#[test]
fn who_stops_paying_is_late_then_unpaid_or_cancelled() {
    for (then_unpaid, end) in [(true, "unpaid"), (false, "canceled")] {
        let mut books = Books::new();
        books.rules().then_unpaid = then_unpaid;
        let id = begin(&mut books, "basic-month");
        books.stop_paying(noon(), &id).expect("known");
        assert_eq!(status(&books, &id), "active");
        books.tick(noon().plus(days(30)));
        assert_eq!(status(&books, &id), "past_due");
        books.tick(noon().plus(days(43)));
        assert_eq!(status(&books, &id), end);
        books.tick(noon().plus(days(200)));
        assert_eq!((status(&books, &id).as_str(), books.truth()[&id].paid), (end, 1_500));
    }
}

#[test]
fn who_pays_again_is_active_again() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-month");
    books.stop_paying(noon(), &id).expect("known");
    for later in [30, 60] {
        books.tick(noon().plus(days(later)));
        assert_ne!(status(&books, &id), "active");
        books.pay(noon().plus(days(later)), &id).expect("known");
        assert_eq!(status(&books, &id), "active");
        books.stop_paying(noon().plus(days(later)), &id).expect("known");
    }
    assert_eq!(books.truth()[&id].paid, 3 * 1_500);
}

#[test]
fn a_first_payment_has_23_hours() {
    let mut books = Books::new();
    let unpaid = Subscribe { pay: false, ..Subscribe::default() };
    let (late, intime) = (begin_at(&mut books, noon(), unpaid.clone()), begin_at(&mut books, noon(), unpaid));
    assert_eq!(status(&books, &late), "incomplete");
    books.pay(noon().plus(Span::minutes(60)), &intime).expect("known");
    books.tick(noon().plus(days(1)));
    assert_eq!(status(&books, &late), "incomplete_expired");
    assert_eq!(status(&books, &intime), "active");
    assert_eq!((books.truth()[&late].paid, books.truth()[&intime].paid), (0, 1_500));
}

#[test]
fn a_trial_costs_nothing_until_it_ends() {
    let mut books = Books::new();
    let trial = Subscribe { trial_days: 14, ..Subscribe::default() };
    let (pays, leaves) = (begin_at(&mut books, noon(), trial.clone()), begin_at(&mut books, noon(), trial));
    books.cancel_at_period_end(noon(), &leaves, true).expect("known");
    assert_eq!((status(&books, &pays).as_str(), books.truth()[&pays].paid), ("trialing", 0));
    books.tick(noon().plus(days(14)));
    assert_eq!((status(&books, &pays).as_str(), books.truth()[&pays].paid), ("active", 1_500));
    assert_eq!((status(&books, &leaves).as_str(), books.truth()[&leaves].paid), ("canceled", 0));
}

#[test]
fn a_paused_one_is_not_charged_and_a_paused_collection_stays_active() {
    let mut books = Books::new();
    let (paused, uncollected) = (begin(&mut books, "basic-month"), begin(&mut books, "basic-month"));
    books.pause(noon(), &paused).expect("known");
    books.pause_collection(noon(), &uncollected).expect("known");
    let later = noon().plus(days(100));
    books.tick(later);
    assert_eq!(
        (status(&books, &paused).as_str(), status(&books, &uncollected).as_str()),
        ("paused", "active")
    );
    assert_eq!((books.truth()[&paused].paid, books.truth()[&uncollected].paid), (1_500, 1_500));
    books.resume(later, &paused).expect("known");
    books.resume(later, &uncollected).expect("known");
    assert_eq!((status(&books, &paused).as_str(), books.truth()[&paused].paid), ("active", 3_000));
    books.tick(later.plus(days(31)));
    assert_eq!(books.truth()[&uncollected].paid, 3_000);
}

#[test]
fn a_deleted_customer_takes_its_subscriptions_along() {
    let mut books = Books::new();
    let one = begin(&mut books, "basic-month");
    let customer = books.customer_of(&one).expect("known");
    let same = Subscribe { customer: Some(customer.clone()), ..Subscribe::default() };
    let two = begin_at(&mut books, noon(), same.clone());
    let stranger = begin(&mut books, "basic-month");
    books.delete_customer(noon(), &customer).expect("known");
    assert_eq!((status(&books, &one).as_str(), status(&books, &two).as_str()), ("canceled", "canceled"));
    assert_eq!(status(&books, &stranger), "active");
    assert!(books.delete_customer(noon(), &customer).is_err());
    assert!(books.subscribe(noon(), same).is_err());
}

#[test]
fn refunds_settle_in_their_time() {
    for (succeeds, refunded) in [(true, 1_500), (false, 0)] {
        let mut books = Books::new();
        books.rules().refunds = RefundFate::Later { after: days(3), succeeds };
        let id = begin(&mut books, "basic-month");
        let payment = books.payments_of(&id).remove(0).to_string();
        let all = RefundRequest { payment, ..RefundRequest::default() };
        books.refund(noon(), all.clone()).expect("it was paid");
        assert_eq!(books.truth()[&id].refunded, 1_500, "a pending refund stands");
        assert_eq!(books.refund(noon(), all).expect_err("twice").code, Some("charge_already_refunded"));
        books.tick(noon().plus(days(3)));
        assert_eq!(books.truth()[&id].refunded, refunded);
        assert_eq!(books.takings().amount, 1_500 - refunded);
        let last = books.events().last().expect("events").kind;
        assert_eq!(last, if succeeds { "refund.updated" } else { "refund.failed" });
    }
}

#[test]
fn any_status_can_be_set_and_unknown_ones_stay() {
    let mut books = Books::new();
    let id = begin(&mut books, "basic-month");
    books.set_status(noon(), &id, "hibernating").expect("known");
    books.tick(noon().plus(days(400)));
    assert_eq!(books.status_of(&id), Some(Status::Other("hibernating".to_owned())));
}
