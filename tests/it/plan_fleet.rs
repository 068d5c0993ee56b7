//! Plans about several servers: their order, whose droplet is whose, and the money.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::{Fresh, Status};
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::census::{Census, Droplet, DropletStatus, Readiness, Secret, Sighting, Size};
use basement::model::desired::DesiredState::{Destroyed, Running, Stopped};
use basement::model::desired::{DesiredState, Every, Fleet, Origin, Price, Server};
use basement::model::history::{History, Phase, Record};
use basement::model::ids::{DropletId, ServerName, SubscriptionId};
use basement::model::money::{Currency, Money, Totals};
use basement::model::plan::Plan;
use basement::model::policy::Policy;
use basement::plan::plan;

use crate::scene::{NAME, Scene, after, droplet, start};

/// Several servers of the files, and the world around them.
struct Town {
    fleet: Fleet,
    census: Census,
    history: History,
}

impl Town {
    fn new() -> Self {
        Self { fleet: Fleet::default(), census: Census::new(after(9), []), history: History::default() }
    }

    /// A server with a subscription of its own, cancelled at Stripe, and nothing paid.
    fn server(&mut self, name: &str, state: DesiredState) -> &mut Server {
        let id: SubscriptionId = format!("sub_{name}").replace('-', "_").parse().expect("an id");
        let scene = Scene::new(state, "subscription cancelled".to_owned().into()).stripe(Status::Canceled);
        let mut fresh: Fresh = scene.census.billing.into_values().next().expect("one");
        fresh.payments = [after(5), after(9 + 24 * 60)].map(|at| (at, None)).into();
        self.census.billing.insert(id.clone(), fresh);
        let name = ServerName::parse(name).expect("a name");
        let mut server = Server { name: name.clone(), ..scene.server };
        if let Origin::Subscription { subscription, .. } = &mut server.origin {
            *subscription = id;
        }
        self.fleet.servers.entry(name).or_insert(server)
    }

    /// What the ledger knows of a server and its droplet.
    fn record(&mut self, name: &str, phase: Phase, id: u64) {
        let (droplet, failed) = (Some(DropletId(id)), Some(after(5)).filter(|_| phase == Phase::Failed));
        let (attempt, intended) = (1, Some(start()));
        let record = Record { phase, droplet, attempt, intended, failed, ..Record::default() };
        self.history.records.insert(ServerName::parse(name).expect("a name"), record);
    }

    /// A droplet with our mark and these tags besides.
    fn droplet(&mut self, id: u64, name: &str, status: DropletStatus, tags: &[&str]) {
        let mut tags: BTreeSet<String> = tags.iter().map(ToString::to_string).collect();
        tags.insert("basement".to_owned());
        let found = Droplet { name: name.to_owned(), tags, ..droplet(id, status) };
        self.census.droplets.insert(found.id, found);
    }

    /// A server in a phase of its life, with its droplet.
    fn lives(&mut self, name: &str, state: DesiredState, phase: Phase, id: u64, status: DropletStatus) {
        self.server(name, state);
        self.record(name, phase, id);
        self.droplet(id, name, status, &[&format!("server-{name}")]);
    }

    /// A server whose delivery has failed, its droplet gone, and so many cents paid.
    fn failed(&mut self, name: &str, id: u64, cents: i64) {
        let server = self.server(name, Running);
        let subscription = server.subscription().expect("one").clone();
        self.record(name, Phase::Failed, id);
        self.census.sightings.insert(DropletId(id), Sighting::Gone);
        let payment = Scene::running().paid(cents).payment;
        let fresh = self.census.billing.get_mut(&subscription).expect("told above");
        fresh.payments.insert(after(5), payment.clone());
        fresh.payments.insert(after(9 + 24 * 60), payment);
    }

    fn plan(&self) -> Plan {
        plan(&self.fleet, &self.census, &self.history, &Policy::default())
    }

    fn steps(&self) -> Vec<String> {
        self.plan()
            .steps
            .iter()
            .map(|step| match &step.server {
                Some(server) => format!("{server} {}", step.action.word()),
                None => step.action.word().to_owned(),
            })
            .collect()
    }

    /// Steps, then notes by their word.
    fn line(&self) -> String {
        let mut words = self.steps();
        words.extend(self.plan().notes.iter().map(|note| {
            let json = serde_json::to_value(note).expect("json");
            format!("({})", json["note"].as_str().expect("a word"))
        }));
        words.join(", ")
    }
}

#[test]
fn servers_in_danger_come_first_and_one_servers_steps_stay_together() {
    let mut town = Town::new();
    town.lives("ada", Running, Phase::Creating, 1, New);
    town.lives("bea", Running, Phase::Booting, 2, Active);
    let bea = town.server("bea", Running).name.clone();
    town.census.secrets.insert(bea, Secret::Opens);
    town.census.readiness.insert(DropletId(2), Readiness::Ready { host_key: None });
    town.server("cyd", Running);
    town.lives("dee", Running, Phase::Delivered, 4, Off);
    town.lives("eva", Stopped, Phase::Delivered, 5, Active);
    town.failed("fay", 6, 0);
    town.failed("gus", 7, 3500);
    town.lives("hal", Destroyed, Phase::Delivered, 8, Active);
    town.lives("ida", Running, Phase::Booting, 9, New);
    // The operator is told of both in one letter, when both are settled.
    let settled = |name: &str| vec![format!("{name} cancel"), format!("{name} letter")];
    let mut expected = vec!["hal destroy".to_owned(), "ida record".to_owned(), "ida destroy".to_owned()];
    expected.push("gus refund".to_owned());
    expected.extend(settled("gus").into_iter().chain(settled("fay")));
    expected.extend(
        ["eva shutdown", "dee power_on", "cyd create", "bea letter", "ada record"].map(str::to_owned),
    );
    assert_eq!(town.steps(), expected);
}

#[test]
fn a_droplet_belongs_to_the_server_of_its_tag_else_to_the_ledgers() {
    let mut town = Town::new();
    town.server("ada", Running);
    town.record("ada", Phase::Delivered, 7);
    town.droplet(7, "ada", Active, &["user-ada"]);
    assert_eq!(town.line(), "", "its tag was lost");
    town.droplet(7, "ada", Active, &["server-bob"]);
    assert_eq!(town.line(), "(orphan)", "a person gave it away");
    town.census.droplets.get_mut(&DropletId(7)).expect("told above").tags.remove("basement");
    assert_eq!(town.line(), "", "without our mark it is a stranger's");
}

#[test]
fn the_same_subscription_is_known_by_the_ending_of_a_name() {
    let line = |name: &str, orphan: &str, tag: &str| {
        let mut town = Town::new();
        town.server(name, Running);
        town.droplet(9, orphan, Active, &[tag]);
        town.line()
    };
    let made = |name: &str| format!("{name} create, (orphan)");
    assert_eq!(line(NAME, "old-7f3k2m9q", "server-old-7f3k2m9q"), "(orphan), (same_subscription)");
    assert_eq!(line(NAME, "old-7f3k2m9z", "server-old-7f3k2m9z"), made(NAME), "another hash");
    assert_eq!(line(NAME, "old-7f3k2m9q", "user-ada"), made(NAME), "nobody's tag");
    assert_eq!(line("ada", "ida", "server-ida"), made("ada"), "names without a hash");
    assert_eq!(line("staff-web", "other-staff-web", "server-other-staff-web"), made("staff-web"), "no hash");
    assert_eq!(line("ada7f3k2m9q", "old7f3k2m9q", "server-old7f3k2m9q"), made("ada7f3k2m9q"), "no dash");
    let mut town = Town::new();
    town.server(NAME, Running).origin = Origin::Extra;
    town.droplet(9, "old-7f3k2m9q", Active, &["server-old-7f3k2m9q"]);
    assert_eq!(town.line(), made(NAME), "a server without a subscription");
}

fn totals(amounts: &[Money]) -> Totals {
    let mut sum = Totals::default();
    for amount in amounts {
        sum.add(*amount);
    }
    sum
}

#[test]
fn money_is_of_all_servers_and_droplets_before_and_after() {
    let mut town = Town::new();
    let euro = |amount| Money { amount, currency: Currency::parse("eur").expect("a currency") };
    let year = Price { amount: 12_000, currency: euro(0).currency, every: Every::Year };
    town.lives("ada", Running, Phase::Delivered, 1, Active);
    if let Origin::Subscription { price, .. } = &mut town.server("bea", Running).origin {
        *price = year;
    }
    town.server("cyd", Stopped);
    town.server("dee", Running).origin = Origin::Extra;
    town.lives("eva", Destroyed, Phase::Delivered, 5, Active);
    town.failed("fay", 6, 2000);
    let regions = BTreeSet::new();
    let size = Size { monthly: Money::usd(1300), available: true, regions };
    town.census.sizes = BTreeMap::from([("s-1vcpu-2gb".parse().expect("a slug"), size)]);
    let money = town.plan().money;
    // What was paid for the one that failed goes back.
    assert_eq!(money.revenue, totals(&[Money::usd(3500), euro(1000)]));
    assert_eq!(money.cost, totals(&[Money::usd(1200), Money::usd(1200)]));
    assert_eq!(money.cost_after, totals(&[Money::usd(1200), Money::usd(1300), Money::usd(1300)]));
    assert_eq!(money.refunds, totals(&[Money::usd(2000)]));
}
