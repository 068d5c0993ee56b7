//! A fleet, a history and a plan with every action, reason, fact, letter and notice in it.
//! The matches at the end name every variant: a new one breaks the build until it is shown here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use basement::model::billing::RefundOrder;
use basement::model::breaker::Opened;
use basement::model::census::{Question, Readiness};
use basement::model::desired::{Because, DesiredState, Every, Fleet, Origin, Price, Server};
use basement::model::firewall::{EVERYWHERE, Firewall, FirewallOrder, Progress, Rule, Way, ours};
use basement::model::history::{History, Phase, Record};
use basement::model::ids::{
    CustomerId, DropletId, FirewallId, PaymentId, PlanName, ServerName, StepId, SubscriptionId, UserSlug,
};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::{Currency, Money, Totals};
use basement::model::plan::{MoneyLine, Note, Notice, Plan, Use, Uses};
use basement::model::step::{Action, CreateOrder, DestroyCause, Fact, Reason, Step, Undelivered};

use basement::plan::sorted;

use crate::scene::spec;

pub use super::occasions::occasions;

pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

pub fn at(text: &str) -> Moment {
    Moment::parse(text).expect("a moment")
}

pub fn now() -> Moment {
    at("2026-08-19T10:00:00Z")
}

pub fn name(text: &str) -> ServerName {
    ServerName::parse(text).expect("a server name")
}

pub fn subscription(text: &str) -> SubscriptionId {
    SubscriptionId::parse(text).expect("a subscription id")
}

pub fn server(text: &str, state: DesiredState) -> Server {
    let user = text.split('-').next().expect("a user");
    Server {
        name: name(text),
        user: UserSlug::parse(user).expect("a user"),
        origin: Origin::Subscription {
            customer: CustomerId::parse(&format!("cus_{user}")).expect("a customer"),
            subscription: subscription(&format!("sub_{user}")),
            price: Price { amount: 3500, currency: Currency::USD, every: Every::Month },
        },
        plan: PlanName::parse("pro").expect("a plan"),
        spec: spec(),
        state,
        because: Because::Active,
        since: at("2026-08-01T09:00:00Z"),
        ends_on: None,
        destroy_after: None,
        hold: None,
        file: format!("fleet/servers/{text}.yaml"),
    }
}

pub fn fleet() -> Fleet {
    let servers = ["ada-7f3k2m9q", "bob-5d8w1x2c", "cyd-9h4j6k8m", "dee-2b7n5v3z"];
    Fleet { servers: servers.map(|s| (name(s), server(s, DesiredState::Running))).into() }
}

pub fn history() -> History {
    let record = Record {
        droplet: Some(DropletId(123)),
        address: Some(ADDRESS),
        phase: Phase::Delivered,
        ..Record::default()
    };
    History { records: BTreeMap::from([(name("ada-7f3k2m9q"), record)]), ..History::default() }
}

/// A plan of these steps and notes.
pub fn plan(steps: Vec<Step>, notes: Vec<Note>) -> Plan {
    Plan {
        at: now(),
        servers: 4,
        droplets: 4,
        steps: sorted(steps),
        notes,
        questions: BTreeSet::new(),
        money: MoneyLine::default(),
        uses: uses(),
    }
}

/// Some of each cap is used up.
pub fn uses() -> Uses {
    Uses {
        destroys: Use { count: 2, cap: 3 },
        refunds: Use { count: 1, cap: 5 },
        refunded: Totals(BTreeMap::from([(Currency::USD, 3_500)])),
        refund_sum: 50_000,
        letters: Use { count: 9, cap: 50 },
    }
}

/// Two creates of four failed.
pub fn opened() -> Opened {
    let failed = vec![name("bob-5d8w1x2c"), name("cyd-9h4j6k8m")];
    Opened { since: at("2026-08-19T09:40:00Z"), failed, of: 5 }
}

pub fn step(server: &str, action: Action, reason: Reason) -> Step {
    let id = StepId::of(&[&action.word(), &server]);
    Step { id, server: Some(name(server)), action, reason, again: false }
}

/// Everything at once.
pub fn rich() -> Plan {
    let actions = actions();
    let mut steps: Vec<Step> = stories(&actions);
    for (n, reason) in reasons().into_iter().enumerate() {
        let action = Action::PowerOn { droplet: DropletId(500 + n as u64) };
        steps.push(step(&format!("reason-{n:02}"), action, reason));
    }
    steps[1].again = true;
    let server = |n: usize| name(["ada-7f3k2m9q", "bob-5d8w1x2c", "cyd-9h4j6k8m"][n % 3]);
    let notes = notices().into_iter().enumerate().map(|(n, notice)| {
        let about_none = matches!(
            notice,
            Notice::Orphan { .. }
                | Notice::BreakerOpen { .. }
                | Notice::FirewallPending { .. }
                | Notice::FirewallTwins { .. }
                | Notice::FirewallLeft { .. }
                | Notice::NoSshKeys { .. }
                | Notice::Untried { .. }
                | Notice::Gathered { .. }
        );
        Note { server: (!about_none).then(|| server(n)), notice }
    });
    let questions = [
        Question::Droplet(DropletId(9)),
        Question::Named(name("ada-7f3k2m9q")),
        Question::Subscription(subscription("sub_ada")),
        Question::Payment(subscription("sub_ada"), at("2026-08-01T09:00:00Z")),
        Question::Password(name("ada-7f3k2m9q"), 1),
        Question::Ready { droplet: DropletId(9), address: ADDRESS, server: name("ada-7f3k2m9q"), attempt: 1 },
    ];
    let euro = Currency::parse("eur").expect("a currency");
    let yen = Currency::parse("jpy").expect("a currency");
    let usd = |cents| Totals(BTreeMap::from([(Currency::USD, cents)]));
    let revenue = Totals(BTreeMap::from([(Currency::USD, 14_000), (euro, 9_000), (yen, 5_000)]));
    let money = MoneyLine {
        revenue,
        cost: usd(4_200),
        cost_after: usd(3_600),
        refunds: usd(3_500),
        ..MoneyLine::default()
    };
    Plan { questions: questions.into(), money, ..plan(steps, notes.collect()) }
}

/// Two servers with several steps each, and one step for every other action.
fn stories(actions: &[Action]) -> Vec<Step> {
    let declared = |state, because| Reason::Declared { state, because, since: at("2026-08-12T09:00:00Z") };
    let mut steps = Vec::new();
    for (n, action) in actions.iter().enumerate() {
        let (server, reason) = match action {
            Action::Destroy { cause: DestroyCause::Promised, .. } => (
                "ada-7f3k2m9q".to_owned(),
                Reason::GraceEnded {
                    because: Because::Cancelled,
                    since: at("2026-08-12T09:00:00Z"),
                    ended: at("2026-08-19T09:00:00Z"),
                },
            ),
            Action::Destroy { cause: DestroyCause::NeverUp | DestroyCause::NeverTold, .. }
            | Action::Refund { .. }
            | Action::Cancel { .. } => {
                ("bob-5d8w1x2c".to_owned(), Reason::NotDelivered { intended: at("2026-08-19T09:50:00Z") })
            }
            Action::Record { fact: Fact::GaveUp { why: Undelivered::NeverUp } } => (
                "bob-5d8w1x2c".to_owned(),
                Reason::NeverUp { intended: at("2026-08-19T09:50:00Z"), deadline: Span::minutes(5) },
            ),
            Action::Create { .. } => {
                ("dee-2b7n5v3z".to_owned(), declared(DesiredState::Running, Because::Active))
            }
            _ => (format!("action-{n:02}"), declared(DesiredState::Stopped, Because::Unpaid)),
        };
        steps.push(step(&server, action.clone(), reason));
    }
    steps
}

pub fn actions() -> Vec<Action> {
    let droplet = DropletId(123);
    let order = CreateOrder {
        server: name("dee-2b7n5v3z"),
        user: UserSlug::parse("dee").expect("a user"),
        plan: PlanName::parse("pro").expect("a plan"),
        spec: spec(),
        attempt: 2,
    };
    let refund = RefundOrder {
        subscription: subscription("sub_bob"),
        payment: PaymentId::parse("pi_bob").expect("a payment"),
        amount: Money::usd(3500),
    };
    let letter = |occasion: Occasion| Action::Letter {
        letter: Letter {
            server: Some(name("ada-7f3k2m9q")),
            to: match &occasion {
                occasion if occasion.is_alert() => Recipient::Operator,
                _ => Recipient::Customer(CustomerId::parse("cus_ada").expect("a customer")),
            },
            occasion,
        },
    };
    facts()
        .into_iter()
        .map(|fact| Action::Record { fact })
        .chain([
            Action::Destroy { droplet, cause: DestroyCause::Promised },
            Action::Destroy { droplet: DropletId(124), cause: DestroyCause::NeverUp },
            Action::Destroy { droplet: DropletId(125), cause: DestroyCause::NeverTold },
            Action::Refund { order: refund, attempt: 1 },
            Action::Cancel { subscription: subscription("sub_bob") },
            Action::Shutdown { droplet },
            Action::PowerOff { droplet },
            Action::PowerOn { droplet },
            Action::Create { order },
            Action::Tag { tag: "basement".to_owned() },
            Action::Firewall { order: FirewallOrder { id: None, rules: ours(), drifts: Vec::new() } },
            Action::Firewall { order: mended() },
        ])
        .chain(occasions().into_iter().map(letter))
        .collect()
}

fn firewall(text: &str) -> FirewallId {
    FirewallId::parse(text).expect("an id")
}

/// Ours, in place of one that somebody changed in every way.
pub fn mended() -> FirewallOrder {
    let office = |way, ports: &str, peer: &str| Rule {
        way,
        protocol: "tcp".to_owned(),
        ports: ports.to_owned(),
        peer: peer.to_owned(),
    };
    let mut rules = ours();
    rules.retain(|rule| rule.ports != "22" && rule.protocol != "udp");
    rules.extend(EVERYWHERE.map(|peer| office(Way::In, "8080", peer)));
    rules.insert(office(Way::In, "3306", "198.51.100.7/32"));
    let seen = Firewall {
        id: firewall("fw-1"),
        status: Progress::Succeeded,
        pending: 0,
        tags: BTreeSet::from(["office".to_owned()]),
        droplets: BTreeSet::from([DropletId(7), DropletId(123)]),
        rules,
    };
    let drifts = seen.drifts(|droplet| droplet == DropletId(123));
    FirewallOrder { id: Some(seen.id), rules: ours(), drifts }
}

pub fn facts() -> Vec<Fact> {
    let droplet = DropletId(123);
    vec![
        Fact::Adopted { droplet, delivered: true },
        Fact::Adopted { droplet, delivered: false },
        Fact::NothingMade,
        Fact::Replaced,
        Fact::GaveUp { why: Undelivered::NeverUp },
        Fact::Deleted { droplet },
        Fact::Ended,
        Fact::Retry,
        Fact::Recreate,
        Fact::Census { droplets: 12, team: "team-1".to_owned() },
        Fact::BreakerOpened { opened: opened() },
        Fact::BreakerReset,
    ]
}

pub fn failed() -> Readiness {
    Readiness::Failed { failed: vec!["package:certbot".to_owned(), "firewall:443".to_owned()] }
}

fn mismatch() -> Readiness {
    let key = |c: &str| format!("SHA256:{}", c.repeat(43));
    Readiness::Mismatch { told: key("a"), shown: key("b") }
}

pub fn reasons() -> Vec<Reason> {
    let since = at("2025-11-02T09:00:00Z");
    let intended = at("2026-08-19T09:50:30Z");
    vec![
        Reason::Declared { state: DesiredState::Running, because: Because::Active, since },
        Reason::Declared { state: DesiredState::Stopped, because: Because::Unpaid, since },
        Reason::Declared {
            state: DesiredState::Destroyed,
            because: Because::Other("staff left".to_owned()),
            since,
        },
        Reason::GraceEnded { because: Because::Cancelled, since, ended: now() },
        Reason::Anew,
        Reason::StillOn { asked: at("2026-08-19T09:57:00Z") },
        Reason::NeverUp { intended, deadline: Span::minutes(5) },
        Reason::NeverReady { intended, deadline: Span::minutes(15) },
        Reason::Ready,
        Reason::Unopened { said: "the ledger has none".to_owned() },
        Reason::Begun,
        Reason::MaybeTold,
        Reason::NotReady { state: failed() },
        Reason::Absent,
        Reason::Up,
        Reason::Down { because: Because::Paused, since },
        Reason::NotDelivered { intended },
        Reason::Found,
        Reason::NotFound { horizon: Span::minutes(5) },
        Reason::Unrecorded,
        Reason::CreatesFail { failed: 3, of: 3 },
        Reason::Policy,
        Reason::Changed,
        Reason::Refused { times: 3, said: "droplet limit exceeded".to_owned() },
    ]
}

pub fn notices() -> Vec<Notice> {
    let (droplet, until, text) = (DropletId(123), at("2026-08-19T10:05:00Z"), str::to_owned);
    vec![
        Notice::Arriving { until },
        Notice::Booting { droplet, until },
        Notice::GettingReady { droplet, until, why: text("its page is not there: status 404") },
        Notice::NotReady { droplet, state: failed(), until: None },
        Notice::NotReady { droplet, state: mismatch(), until: Some(until) },
        Notice::Unsure { droplet },
        Notice::Untried { passwords: 2 },
        Notice::PoweringOn { asked: at("2026-08-19T09:59:00Z") },
        Notice::ShuttingDown { until },
        Notice::Leaving { droplet },
        Notice::Waiting {
            step: StepId::of(&[&"letter", &"ada"]),
            until,
            why: text("mail relay: 451 try later"),
        },
        Notice::Deleted,
        Notice::Failed,
        Notice::Twins { droplets: vec![droplet, DropletId(124)] },
        Notice::Orphan { droplet, name: text("old-box"), monthly: Money::usd(600) },
        Notice::WrongSize { has: text("s-1vcpu-1gb"), wants: text("s-1vcpu-2gb") },
        Notice::Held { until: Some(at("2026-09-01T00:00:00Z")), reason: text("migration, ask Kim") },
        Notice::Held { until: None, reason: text("unknown subscription status `odd`") },
        Notice::HoldOver { until: at("2026-08-01T00:00:00Z"), reason: text("migration") },
        Notice::Stale { status: text("active"), would: text("power off") },
        Notice::HandsOff { droplet, status: text("locked") },
        Notice::MarkLost { droplet },
        Notice::Stranger { droplet },
        Notice::SameSubscription { droplet, name: text("old-7f3k2m9q") },
        Notice::RefundByHand { why: text("paid outside Stripe") },
        Notice::EndsOn { at: at("2026-08-26T09:00:00Z") },
        Notice::BreakerOpen { opened: opened() },
        Notice::FirewallPending { is_failed: false, droplets: 0 },
        Notice::FirewallPending { is_failed: false, droplets: 2 },
        Notice::FirewallPending { is_failed: true, droplets: 1 },
        Notice::FirewallFirst { by_hand: false },
        Notice::FirewallFirst { by_hand: true },
        Notice::FirewallTwins { firewalls: vec![firewall("fw-1"), firewall("fw-2")] },
        Notice::FirewallLeft { firewall: firewall("fw-1") },
        Notice::NoSshKeys { creates: 1, is_allowed: true },
        Notice::NoSshKeys { creates: 3, is_allowed: false },
        Notice::Gathered {
            cause: text("operator-failed"),
            servers: ["bob-5d8w1x2c", "cyd-9h4j6k8m"].map(name).into(),
            until: at("2026-08-19T10:40:00Z"),
        },
        Notice::Withheld { what: text("create") },
        Notice::Withheld { what: text("refund") },
    ]
}
