//! All subscriptions together: names, odd ones, the same bytes twice and in any order.

use std::collections::BTreeSet;

use basement::fleet::generate as fleet;
use basement::fleet::yaml::ServerFile;
use basement::model::billing::{Reading, Subscription, Unreadable};
use basement::model::desired::{Because, DesiredState, Every, Price};
use basement::model::money::Currency;
use basement::model::policy::{Mode, Policy};
use proptest::prelude::*;

use super::{
    NOW, STATUSES, at, catalogue, declared, file, generate, id, paid, read_back, reading, running, sub, told,
};

#[test]
fn a_new_file_is_this() {
    let outcome = generate(&reading(&[paid("sub_1PqXyZ", "active")]), &[]);
    let (path, text) = outcome.files.first_key_value().unwrap();
    insta::assert_snapshot!(format!("{path}\n{text}"), @r#"
    fleet/servers/ada-l-w9rm9sh6.yaml
    # Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.
    server: ada-l-w9rm9sh6
    user: ada-l
    customer: cus_QX1
    subscription: sub_1PqXyZ
    plan: pro
    price: { amount: 3500, currency: usd, every: month }
    state: running
    because: subscription active
    since: 2026-11-02T09:14:00Z
    "#);
}

#[test]
fn names_of_new_servers() {
    let mut names = Vec::new();
    for user in [
        Some("Ada L."),
        Some("42"),
        Some("Zoë & Søn"),
        Some("--"),
        Some("ada@example.com"),
        None,
        Some(&*"x".repeat(90)),
    ] {
        let mut sub = paid("sub_1", "active");
        sub.user_id = user.map(str::to_owned);
        let outcome = generate(&reading(&[sub]), &[]);
        names.push(read_back(&outcome.files)[0].declared.server.to_string());
        names.extend(outcome.notes.into_iter().map(|note| format!("  ({})", note.text)));
    }
    insta::assert_snapshot!(names.join("\n"), @r#"
    ada-l-2eg7dz77
    42-2eg7dz77
    zo-s-n-2eg7dz77
    cus-qx1-2eg7dz77
    cus-qx1-2eg7dz77
      (its `user_id` looks like a mail address, which no file should hold: the customer's id is used)
    cus-qx1-2eg7dz77
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-2eg7dz77
    "#);
}

#[test]
fn two_servers_of_one_user_have_two_names() {
    let outcome = generate(&reading(&[paid("sub_1", "active"), paid("sub_2", "active")]), &[]);
    assert_eq!(outcome.files.len(), 2);
}

#[test]
fn a_name_and_a_user_are_kept_and_a_new_price_is_written() {
    let mut sub = paid("sub_1", "active");
    sub.user_id = Some("somebody-else".to_owned());
    sub.items[0].lookup_key = Some("premium-year".to_owned());
    sub.items[0].price = Ok(Price { amount: 70_000, currency: Currency::USD, every: Every::Year });
    let outcome = generate(&reading(&[sub]), &[running("sub_1")]);
    let told = format!("{}{}", outcome.files[&running("sub_1").path], outcome.notes[0].text);
    insta::assert_snapshot!(told, @r#"
    # Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.
    server: old-sub-1
    user: old
    customer: cus_QX1
    subscription: sub_1
    plan: premium
    price: { amount: 70000, currency: usd, every: year }
    state: running
    because: subscription active
    since: 2026-11-03T00:00:00Z
    pays $700.00 a year; plan `premium` is sold at $750.00
    "#);
}

#[test]
fn a_price_id_and_a_product_name_a_plan_too() {
    let mut catalogue = catalogue();
    catalogue.plans.values_mut().next().unwrap().stripe.push("prod_1".to_owned());
    let mut sub = paid("sub_1", "active");
    let plan = |sub: &Subscription| {
        let reading = reading(std::slice::from_ref(sub));
        let outcome = fleet::generate(
            &reading,
            &BTreeSet::new(),
            &[],
            &catalogue,
            &Policy::default(),
            Mode::Test,
            at(NOW),
        );
        read_back(&outcome.files)[0].declared.plan.to_string()
    };
    assert_eq!(plan(&sub), "pro", "the lookup key says more than the product");
    sub.items[0].lookup_key = None;
    assert_eq!(plan(&sub), "basic");
}

#[test]
fn odd_subscriptions_change_nothing_and_are_said() {
    let mut odd: Vec<Subscription> = ["sub_items", "sub_metered", "sub_price", "sub_quantity", "sub_weekly"]
        .map(|n| paid(n, "active"))
        .to_vec();
    let second = odd[0].items[0].clone();
    odd[0].items.push(second);
    odd[1].items[0].quantity = None;
    odd[2].items[0].lookup_key = Some("gold-month".to_owned());
    odd[3].items[0].quantity = Some(2);
    odd[4].items[0].price = Err("every 1 week".to_owned());
    let without = generate(&reading(&odd), &[]);
    assert!(without.files.is_empty());
    assert_eq!(without.complaints.len(), 5);
    // With files, and even cancelled: still nothing is guessed.
    for sub in &mut odd {
        sub.status = "canceled".to_owned().into();
    }
    let files: Vec<ServerFile> = odd.iter().map(|sub| running(sub.id.as_str())).collect();
    let outcome = generate(&reading(&odd), &files);
    for file in &files {
        assert_eq!(outcome.files[&file.path], file.text);
    }
    let said: String = outcome.complaints.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said, @r#"
    stripe:sub_items: has 2 items, not one (`fleet/servers/old-sub-items.yaml` is kept as it is)
      hint: one subscription is one server: split it at Stripe
    stripe:sub_metered: has no quantity: its price is metered (`fleet/servers/old-sub-metered.yaml` is kept as it is)
      hint: one subscription is one server: make one subscription per server
    stripe:sub_price: has a price of no plan: `price_1`, lookup key `gold-month`, product `prod_1` (`fleet/servers/old-sub-price.yaml` is kept as it is)
      hint: name the price, its lookup key or its product in a plan's `stripe` in basement.toml
    stripe:sub_quantity: has the quantity 2, not 1 (`fleet/servers/old-sub-quantity.yaml` is kept as it is)
      hint: one subscription is one server: make one subscription per server
    stripe:sub_weekly: has an odd price: every 1 week (`fleet/servers/old-sub-weekly.yaml` is kept as it is)
      hint: sell servers by the month or by the year
    "#);
}

#[test]
fn an_old_subscription_of_an_old_price_is_no_ones_business() {
    let mut old = sub("sub_old", "canceled");
    old.items[0].lookup_key = Some("gold-month".to_owned());
    assert_eq!(told(&generate(&reading(&[old]), &[])), "nothing");
}

#[test]
fn what_is_unreadable_or_missing_is_kept_byte_for_byte() {
    let mut odd = running("sub_gone");
    odd.text = format!("# by hand\n{}", odd.text);
    let tombstone = file(declared("sub_dead", DesiredState::Destroyed, Because::Expired));
    let files = [odd.clone(), running("sub_broken"), running("sub_fine"), tombstone.clone()];
    let mut reading = reading(&[paid("sub_fine", "active")]);
    reading.unreadable = vec![
        Unreadable { id: Some(id("sub_broken")), why: "items.data[0]: missing field price".to_owned() },
        Unreadable { id: None, why: "not an object".to_owned() },
    ];
    let outcome = generate(&reading, &files);
    assert_eq!(outcome.refusals, []);
    for file in &files {
        assert_eq!(outcome.files[&file.path], file.text);
    }
    let said: String = outcome.complaints.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said, @r#"
    stripe: a subscription without a readable id could not be read: not an object
      hint: nothing is changed for it; a newer basement may be able to read it
    stripe:sub_broken: could not be read: items.data[0]: missing field price (`fleet/servers/old-sub-broken.yaml` is kept as it is)
      hint: nothing is changed for it; a newer basement may be able to read it
    stripe:sub_gone: Stripe's answer does not hold it (`fleet/servers/old-sub-gone.yaml` is kept as it is)
      hint: Stripe never forgets a subscription: is the key of another account? nothing is changed
    "#);
}

#[test]
fn a_subscription_listed_twice_changes_nothing() {
    let outcome =
        generate(&reading(&[paid("sub_1", "active"), sub("sub_1", "canceled")]), &[running("sub_1")]);
    assert_eq!(outcome.files[&running("sub_1").path], running("sub_1").text);
    assert_eq!(outcome.complaints.len(), 1);
}

#[test]
fn unsure_are_active_ones_without_a_file_or_a_paid_invoice() {
    let mut no_invoice = sub("sub_none", "active");
    no_invoice.latest_invoice = None;
    let all = [
        no_invoice,
        sub("sub_late", "active"),
        paid("sub_paid", "active"),
        sub("sub_known", "active"),
        sub("sub_trial", "trialing"),
        sub("sub_due", "past_due"),
    ];
    let files = [running("sub_known")];
    let unsure = fleet::unsure(&reading(&all), &files);
    assert_eq!(unsure, [id("sub_late"), id("sub_none")]);
    // Once known to be paid it gets its server.
    let known = BTreeSet::from([id("sub_late")]);
    let outcome = fleet::generate(
        &reading(&all),
        &known,
        &files,
        &catalogue(),
        &Policy::default(),
        Mode::Test,
        at(NOW),
    );
    let made: Vec<_> =
        read_back(&outcome.files).iter().map(|file| file.declared.subscription.to_string()).collect();
    assert_eq!(
        BTreeSet::from_iter(made),
        BTreeSet::from(["sub_known", "sub_late", "sub_paid", "sub_trial"].map(str::to_owned))
    );
}

fn some_subscription() -> impl Strategy<Value = Subscription> {
    (0..12u8, 0..STATUSES.len(), any::<[bool; 4]>(), 1..3u64, -40..0i64).prop_map(
        |(n, status, flags, quantity, day)| {
            let mut sub = sub(&format!("sub_{n}"), STATUSES[status]);
            sub.latest_invoice.as_mut().unwrap().paid = flags[0];
            sub.switched_off = flags[1];
            sub.cancel_at_period_end = flags[2];
            sub.items[0].quantity = Some(quantity);
            let day = basement::model::moment::Moment::from_unix(at(NOW).unix() + day * 86_400);
            sub.latest_invoice.as_mut().unwrap().created = day;
            sub.ended_at = flags[3].then_some(day);
            sub
        },
    )
}

fn some_files() -> impl Strategy<Value = Vec<ServerFile>> {
    let states = [DesiredState::Running, DesiredState::Stopped, DesiredState::Destroyed];
    let reasons =
        [Because::Active, Because::PastDue, Because::Unpaid, Because::Cancelled, Because::SwitchedOff];
    proptest::collection::btree_map(0..12u8, (0..3usize, 0..5usize), 0..8).prop_map(move |files| {
        let make = |(n, (state, why)): (u8, (usize, usize))| {
            file(declared(&format!("sub_{n}"), states[state], reasons[why].clone()))
        };
        files.into_iter().map(make).collect()
    })
}

proptest! {
    #[test]
    fn any_order_gives_the_same_bytes(
        (subs, shuffled) in proptest::collection::vec(some_subscription(), 0..12)
            .prop_flat_map(|subs| (Just(subs.clone()), Just(subs).prop_shuffle())),
        files in some_files(),
    ) {
        let mut backwards = files.clone();
        backwards.reverse();
        let unreadable = Vec::new();
        let one = generate(&Reading { subscriptions: subs, unreadable: unreadable.clone() }, &files);
        let other = generate(&Reading { subscriptions: shuffled, unreadable }, &backwards);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn twice_gives_the_same_bytes_and_nothing_is_ever_lost(
        subs in proptest::collection::vec(some_subscription(), 0..12),
        files in some_files(),
        later in 0..3i64,
    ) {
        let first = generate(&reading(&subs), &files);
        for file in &files {
            prop_assert!(first.files.contains_key(&file.path));
            if file.declared.state == DesiredState::Destroyed {
                prop_assert_eq!(&first.files[&file.path], &file.text);
            }
        }
        let again = generate(&reading(&subs), &read_back(&first.files));
        prop_assert_eq!(&again.files, &first.files);
        prop_assert_eq!(&again.notes, &first.notes);
        // A later run changes only what time itself ends: a grace of those past due.
        let then = basement::model::moment::Moment::from_unix(at(NOW).unix() + later * 60).to_string();
        let later = super::generate_at(&reading(&subs), &read_back(&first.files), &then);
        for (path, text) in &later.files {
            prop_assert!(text == &first.files[path] || first.files[path].contains("past due"));
        }
    }

    #[test]
    fn nobody_paid_up_is_stopped_or_destroyed(
        subs in proptest::collection::vec(some_subscription(), 0..12),
        files in some_files(),
    ) {
        let outcome = generate(&reading(&subs), &files);
        for file in read_back(&outcome.files) {
            let said: Vec<_> = subs.iter().filter(|sub| sub.id == file.declared.subscription).collect();
            let before = files.iter().find(|old| old.path == file.path);
            if let ([sub], true) = (said.as_slice(), before.is_none_or(|old| old.text != file.text)) {
                prop_assert!(!sub.entitled() || file.declared.state == DesiredState::Running);
            }
        }
    }
}
