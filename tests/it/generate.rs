//! From subscriptions to files: a small shop to build situations with.

mod command;
mod ends;
mod refused;
mod rows;
mod whole;

use std::collections::{BTreeMap, BTreeSet};

use basement::fleet::generate::{self, Outcome};
use basement::fleet::print::print;
use basement::fleet::yaml::{self, Declared, ServerFile, SourceFile};
use basement::model::billing::{Item, LatestInvoice, Reading, Status, Subscription};
use basement::model::desired::{Because, DesiredState, Every, Price};
use basement::model::ids::{CustomerId, InvoiceId, PlanName, ServerName, SubscriptionId, UserSlug};
use basement::model::moment::Moment;
use basement::model::money::Currency;
use basement::model::policy::{Mode, Policy};

use crate::fleet::catalogue;

/// The day of every test.
const NOW: &str = "2026-11-20T12:00:00Z";

/// Every status of Stripe's, and one that it does not have.
const STATUSES: [&str; 9] = [
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "canceled",
    "frozen",
];

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn id(text: &str) -> SubscriptionId {
    SubscriptionId::parse(text).unwrap()
}

/// A month of `pro`, made on the 2nd, its last invoice of that day not paid.
fn sub(name: &str, status: &str) -> Subscription {
    let price = Price { amount: 3500, currency: Currency::USD, every: Every::Month };
    Subscription {
        id: id(name),
        customer: CustomerId::parse("cus_QX1").unwrap(),
        status: Status::from(status.to_owned()),
        livemode: false,
        created: at("2026-11-02T09:14:00Z"),
        ended_at: None,
        cancel_at_period_end: false,
        cancel_at: None,
        collection_paused: false,
        user_id: Some("Ada L.".to_owned()),
        switched_off: false,
        items: vec![Item {
            price_id: "price_1".to_owned(),
            lookup_key: Some("pro-month".to_owned()),
            product_id: "prod_1".to_owned(),
            price: Ok(price),
            quantity: Some(1),
            period_start: at("2026-11-02T09:14:00Z"),
            period_end: at("2026-12-02T09:14:00Z"),
        }],
        latest_invoice: Some(LatestInvoice {
            id: InvoiceId::parse("in_1").unwrap(),
            created: at("2026-11-02T09:14:30Z"),
            paid: false,
        }),
    }
}

/// The same, its last invoice paid.
fn paid(name: &str, status: &str) -> Subscription {
    let mut sub = sub(name, status);
    sub.latest_invoice.as_mut().unwrap().paid = true;
    sub
}

/// Its server's file: another name and user than a new one would get, so that they are seen to be kept.
fn declared(name: &str, state: DesiredState, because: Because) -> Declared {
    Declared {
        server: ServerName::parse(&format!("old-{}", name.replace('_', "-"))).unwrap(),
        user: UserSlug::parse("old").unwrap(),
        customer: CustomerId::parse("cus_QX1").unwrap(),
        subscription: id(name),
        plan: PlanName::parse("pro").unwrap(),
        price: Price { amount: 3500, currency: Currency::USD, every: Every::Month },
        state,
        because,
        since: at("2026-11-03T00:00:00Z"),
        ends_on: None,
        destroy_after: None,
        hold: None,
    }
}

fn file(declared: Declared) -> ServerFile {
    ServerFile { path: format!("fleet/servers/{}.yaml", declared.server), text: print(&declared), declared }
}

fn running(name: &str) -> ServerFile {
    file(declared(name, DesiredState::Running, Because::Active))
}

fn reading(subscriptions: &[Subscription]) -> Reading {
    Reading { subscriptions: subscriptions.to_vec(), unreadable: Vec::new() }
}

fn generate(reading: &Reading, existing: &[ServerFile]) -> Outcome {
    generate_at(reading, existing, NOW)
}

fn generate_at(reading: &Reading, existing: &[ServerFile], now: &str) -> Outcome {
    let (catalogue, policy) = (catalogue(), Policy::default());
    generate::generate(reading, &BTreeSet::new(), existing, &catalogue, &policy, Mode::Test, at(now))
}

/// The files as the next run finds them.
fn read_back(files: &BTreeMap<String, String>) -> Vec<ServerFile> {
    let sources: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile { path: path.clone(), bytes: text.clone().into_bytes() })
        .collect();
    yaml::servers(&sources).unwrap()
}

/// One line per file: state, because, since and what else there is; then complaints and notes.
fn told(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    for file in read_back(&outcome.files) {
        let Declared { server, state, because, since, ends_on, destroy_after, hold, .. } = file.declared;
        let ends_on = ends_on.map(|end| format!(", ends on {end}")).unwrap_or_default();
        let end = destroy_after.map(|end| format!(", destroy after {end}")).unwrap_or_default();
        let hold = hold.map(|hold| format!(", hold: {}", hold.reason)).unwrap_or_default();
        lines.push(format!("{server}: {state}, {because}, since {since}{ends_on}{end}{hold}"));
    }
    lines.extend(outcome.complaints.iter().map(|c| format!("{}: {}", c.file, c.message)));
    lines.extend(outcome.notes.iter().map(|note| format!("! {}: {}", note.subscription, note.text)));
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}
