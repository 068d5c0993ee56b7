//! What the tale and the other days show, one of each kind, for tests that need any; and small plans.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::LazyLock;

use basement::model::desired::{Because, DesiredState, Every, Fleet, Origin, Price, Server};
use basement::model::history::{History, Phase, Record};
use basement::model::ids::{CustomerId, DropletId, PlanName, ServerName, StepId, SubscriptionId, UserSlug};
use basement::model::letter::Occasion;
use basement::model::moment::Moment;
use basement::model::money::{Currency, Totals};
use basement::model::plan::{MoneyLine, Note, Notice, Plan, Use, Uses};
use basement::model::step::{Action, Fact, Reason, Step};
use basement::plan::sorted;

use crate::scene::spec;

use super::{also, tale};

pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

static TALE: LazyLock<Plan> = LazyLock::new(|| tale::shop().plan());

/// The tale's plan, and those of all other days.
static ALL: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    let days = also::days().into_iter().map(|(_, shop)| shop.plan());
    std::iter::once(TALE.clone()).chain(days).collect()
});

pub fn at(text: &str) -> Moment {
    Moment::parse(text).expect("a moment")
}

pub fn now() -> Moment {
    at(tale::NOW)
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

pub fn step(server: &str, action: Action, reason: Reason) -> Step {
    let id = StepId::of(&[&action.word(), &server]);
    Step { id, server: Some(name(server)), action, reason, again: false }
}

/// The tale's plan: nearly everything at once.
pub fn rich() -> Plan {
    TALE.clone()
}

fn steps() -> impl Iterator<Item = &'static Step> {
    ALL.iter().flat_map(|plan| &plan.steps)
}

/// The first of each kind.
fn each<T: Clone + 'static, K: Ord>(of: impl Iterator<Item = &'static T>, kind: fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    of.filter(|one| seen.insert(kind(one))).cloned().collect()
}

/// One action of each kind; what people and passes write down besides a plan is among them.
pub fn actions() -> Vec<Action> {
    let mut actions = each(steps().map(|step| &step.action), action_kind);
    actions.extend(unplanned().map(|fact| Action::Record { fact }));
    actions
}

fn action_kind(action: &Action) -> String {
    match action {
        Action::Record { fact } => format!("{:?}", (std::mem::discriminant(fact), delivered(fact))),
        Action::Letter { letter } => letter.occasion.word().to_owned(),
        Action::Destroy { cause, .. } => format!("{cause:?}"),
        Action::Firewall { order } => format!("{}", order.id.is_some()),
        other => other.word().to_owned(),
    }
}

fn delivered(fact: &Fact) -> bool {
    matches!(fact, Fact::Adopted { delivered: true, .. })
}

/// Facts that stand in the ledger, and in no plan.
fn unplanned() -> impl Iterator<Item = Fact> {
    let census = Fact::Census { droplets: 12, team: "team-1".to_owned() };
    [Fact::Retry, Fact::Recreate, Fact::BreakerReset, census].into_iter()
}

pub fn facts() -> Vec<Fact> {
    let fact = |action| match action {
        Action::Record { fact } => Some(fact),
        _ => None,
    };
    actions().into_iter().filter_map(fact).collect()
}

pub fn occasions() -> Vec<Occasion> {
    let occasion = |action| match action {
        Action::Letter { letter } => Some(letter.occasion),
        _ => None,
    };
    actions().into_iter().filter_map(occasion).collect()
}

/// One reason of each kind.
pub fn reasons() -> Vec<Reason> {
    each(steps().map(|step| &step.reason), |reason| format!("{:?}", std::mem::discriminant(reason)))
}

/// One notice of each kind.
pub fn notices() -> Vec<Notice> {
    let all = ALL.iter().flat_map(|plan| &plan.notes).map(|note| &note.notice);
    each(all, |notice| format!("{:?}", (std::mem::discriminant(notice), notice.waits())))
}

/// Every plan there is to show.
pub fn plans() -> &'static [Plan] {
    &ALL
}
