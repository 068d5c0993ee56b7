//! A shop built up by small words, server by server; its plan, its money and its forecast are the real planner's,
//! so that a tale told with it could happen.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::{Fresh, Payment, PaymentPart, Status};
use basement::model::breaker::CreateEnd;
use basement::model::census::{Account, Census, Droplet, DropletStatus, Size};
use basement::model::desired::{Because, DesiredState, Every, Fleet, Hold, Origin, Price, Server};
use basement::model::firewall::{Firewall, Progress, ours};
use basement::model::history::{Done, History, Outcome, Phase, Record};
use basement::model::ids::{DropletId, FirewallId, ServerName, StepId};
use basement::model::insight::Insight;
use basement::model::moment::Span;
use basement::model::money::{Currency, Money};
use basement::model::plan::Plan;
use basement::model::policy::{Catalogue, FirewallBy, Policy};
use basement::plan::forecast::{Today, forecast};
use basement::plan::guard::Objection;
use basement::plan::preflight::Shelf;
use basement::plan::{causes, guard, plan, preflight};
use basement::render::objection::sentence;
use basement::render::view::PlanView;

use super::sample::{at, name, subscription};
use crate::fleet::catalogue;
use crate::scene;

pub const DONE: Outcome = Outcome::Plain;

/// A shop at a moment.
#[derive(Clone)]
pub struct Shop {
    pub fleet: Fleet,
    pub census: Census,
    pub history: History,
    pub policy: Policy,
    pub catalogue: Catalogue,
    /// What vendors say of images, keys and scopes.
    pub shelf: Shelf,
}

/// One of its servers.
pub struct One<'a> {
    shop: &'a mut Shop,
    name: ServerName,
}

impl Shop {
    /// No servers yet, our firewall in force, and a price list.
    pub fn new(now: &str) -> Self {
        let mut census = Census::new(at(now), []);
        let size = |cents| Size {
            monthly: Money::usd(cents),
            available: true,
            regions: BTreeSet::from(["nyc3".to_owned()]),
        };
        let sizes = [("s-1vcpu-1gb", 600), ("s-1vcpu-2gb", 1_200)];
        census.sizes =
            sizes.map(|(slug, cents)| (slug.parse().expect("a slug"), size(cents))).into_iter().collect();
        census.account =
            Some(Account { team: "team-1".to_owned(), droplet_limit: Some(50), status: "active".to_owned() });
        census.firewalls = Some(vec![firewall("fw-1", Progress::Succeeded, 0)]);
        let policy = Policy { firewall: FirewallBy::Cloud, ..Policy::default() };
        let history = History { team: Some("team-1".to_owned()), ..History::default() };
        Self {
            fleet: Fleet { servers: BTreeMap::new() },
            census,
            history,
            policy,
            catalogue: catalogue(),
            shelf: Shelf::default(),
        }
    }

    /// A server of the files; Stripe says the same.
    pub fn one(&mut self, text: &str, state: DesiredState, because: Because, since: &str) -> One<'_> {
        let status = match &because {
            Because::Unpaid => Status::Unpaid,
            Because::Paused => Status::Paused,
            Because::Cancelled => Status::Canceled,
            _ => Status::Active,
        };
        let user = text.split('-').next().expect("a user");
        let server = Server {
            name: name(text),
            user: user.parse().expect("a user"),
            origin: Origin::Subscription {
                customer: format!("cus_{user}").parse().expect("an id"),
                subscription: subscription(&format!("sub_{user}")),
                price: Price { amount: 3_500, currency: Currency::USD, every: Every::Month },
            },
            plan: "pro".parse().expect("a plan"),
            spec: scene::spec(),
            state,
            because,
            since: at(since),
            ends_on: None,
            destroy_after: None,
            hold: None,
            file: format!("fleet/servers/{text}.yaml"),
        };
        self.fleet.servers.insert(server.name.clone(), server);
        One { shop: self, name: name(text) }.stripe(status)
    }

    /// One that is paid for.
    pub fn paid(&mut self, text: &str) -> One<'_> {
        self.one(text, DesiredState::Running, Because::Active, "2026-08-01T09:00:00Z")
    }

    /// A droplet that no file declares.
    pub fn orphan(&mut self, id: u64, text: &str, size: &str, cents: i64) {
        let droplet = Droplet {
            size: size.to_owned(),
            monthly: Money::usd(cents),
            created_at: at("2026-01-10T09:00:00Z"),
            ..droplet(id, text, DropletStatus::Active)
        };
        self.census.droplets.insert(droplet.id, droplet);
    }

    /// How a create ended, and when.
    pub fn ended(&mut self, text: &str, when: &str, is_good: bool) {
        let end = CreateEnd { at: at(when), server: name(text), is_good, is_refused: false };
        self.history.breaker.ends.push(end);
    }

    /// What is done with what is known.
    pub fn plan(&self) -> Plan {
        plan(&self.fleet, &self.census, &self.history, &self.policy)
    }

    /// What `plan` would say of it besides, but for what stands in git and at Stripe.
    pub fn insight(&self, plan: &Plan, left: u64) -> Insight {
        let Self { fleet, census, history, policy, catalogue, shelf } = self;
        let today = Today { plan, fleet, census, history, policy, allow: &BTreeSet::new(), is_applied: true };
        let upcoming = forecast(today, census.at.plus(Span::days(14))).upcoming;
        let budget = preflight::budget(plan, Some(left), Some(5_000));
        let mut concerns = preflight::concerns(plan, fleet, catalogue, census, shelf);
        concerns.extend(budget.as_ref().and_then(preflight::shortage));
        let lost = causes::lost(plan, census, history);
        Insight { lost, upcoming, concerns, budget, ..Insight::default() }
    }

    /// What the guard objects to, in words.
    pub fn objections(&self, plan: &Plan) -> Vec<String> {
        let found = guard::objections(plan, &self.census, &self.history);
        let say = |o: &Objection| sentence(o, o.name(), Objection::is_approvable(o.name()));
        found.iter().map(say).collect()
    }

    /// All of it, as it is shown.
    pub fn view(&self, plan: &Plan, insight: &Insight) -> PlanView {
        PlanView::new(plan, &self.fleet, &self.history, &self.objections(plan), insight).with_digest("d1ge57")
    }
}

impl One<'_> {
    pub fn server(self, change: impl FnOnce(&mut Server)) -> Self {
        change(self.shop.fleet.servers.get_mut(&self.name).expect("a server"));
        self
    }

    pub fn record(self, change: impl FnOnce(&mut Record)) -> Self {
        change(self.shop.history.records.entry(self.name.clone()).or_default());
        self
    }

    pub fn census(self, change: impl FnOnce(&mut Census, ServerName)) -> Self {
        change(&mut self.shop.census, self.name.clone());
        self
    }

    /// What Stripe says now; one of staff has no subscription.
    pub fn stripe(self, status: Status) -> Self {
        let Self { shop, name } = self;
        let server = &shop.fleet.servers[&name];
        if let Some(id) = server.subscription() {
            let told = scene::subscription(status);
            let fresh = shop.census.billing.entry(id.clone()).or_default();
            fresh.subscription = Some(Some(told));
        }
        One { shop, name }
    }

    /// Stripe was not asked, or did not answer.
    pub fn unasked(self) -> Self {
        let Self { shop, name } = self;
        if let Some(id) = shop.fleet.servers[&name].subscription() {
            shop.census.billing.remove(id);
        }
        One { shop, name }
    }

    pub fn ends(self, when: &str) -> Self {
        self.server(|server| server.destroy_after = Some(at(when)))
    }

    pub fn held(self, until: Option<&str>, reason: &str) -> Self {
        let hold = Hold { until: until.map(at), reason: reason.to_owned() };
        self.server(|server| server.hold = Some(hold))
    }

    /// Its droplet is listed.
    pub fn droplet(self, id: u64, status: DropletStatus) -> Self {
        self.droplet_as(id, status, |_| ())
    }

    pub fn droplet_as(self, id: u64, status: DropletStatus, change: impl FnOnce(&mut Droplet)) -> Self {
        let mut droplet = droplet(id, self.name.as_str(), status);
        droplet.created_at = self.shop.census.at.minus(Span::days(30));
        if let Some(made) = self.shop.history.records.get(&self.name).and_then(|record| record.intended) {
            droplet.created_at = made.plus(Span::seconds(2));
        }
        change(&mut droplet);
        self.shop.census.droplets.insert(droplet.id, droplet);
        self
    }

    /// A create was intended, and it is at this point since.
    pub fn tried(self, phase: Phase, when: &str, id: Option<u64>) -> Self {
        self.record(|record| {
            (record.phase, record.attempt) = (phase, 1);
            (record.intended, record.droplet) = (Some(at(when)), id.map(DropletId));
        })
    }

    /// Its customer has had it since.
    pub fn delivered(self, when: &str, id: u64) -> Self {
        let welcome = format!("letter/{}/welcome/1", self.name);
        self.done(&welcome, when, DONE).untold(when, id)
    }

    /// It is taken as delivered, and nobody knows whether its customer was told.
    pub fn untold(self, when: &str, id: u64) -> Self {
        self.tried(Phase::Delivered, when, Some(id)).record(|record| {
            record.delivered = Some(at(when).plus(Span::minutes(4)));
            record.address = Some(address(id));
        })
    }

    /// Its delivery has failed at this moment.
    pub fn failed(self, when: &str) -> Self {
        self.record(|record| (record.phase, record.failed) = (Phase::Failed, Some(at(when))))
    }

    /// What was paid, as Stripe says.
    pub fn payment(self, change: impl FnOnce(&mut Payment)) -> Self {
        let Self { shop, name } = self;
        let user = name.as_str().split('-').next().expect("a user");
        let amount_paid = Money::usd(3_500);
        let part = PaymentPart {
            id: format!("pi_{user}").parse().expect("an id"),
            received: amount_paid,
            refunded: 0,
            disputed: false,
            refunds: Vec::new(),
        };
        let mut payment = Payment {
            invoice: format!("in_{user}").parse().expect("an id"),
            created: shop.census.at,
            amount_paid,
            parts: vec![part],
            by_hand: None,
        };
        change(&mut payment);
        let failed = shop.history.records[&name].failed.expect("it has failed");
        let moments = [failed, shop.census.at.plus(Span::days(1))];
        let id = shop.fleet.servers[&name].subscription().expect("a subscription");
        let fresh: &mut Fresh = shop.census.billing.entry(id.clone()).or_default();
        fresh.payments.extend(moments.map(|moment| (moment, Some(payment.clone()))));
        One { shop, name }
    }

    /// An unshown step that is done.
    pub fn done(self, step: &str, when: &str, outcome: Outcome) -> Self {
        let done = Done { at: at(when), outcome };
        self.record(|record| drop(record.done.insert(id(step), done)))
    }
}

pub fn id(text: &str) -> StepId {
    StepId::parse(text).expect("a step id")
}

/// Each droplet has its own address, and no other droplet has it.
pub fn address(id: u64) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::new(203, 0, 113, u8::try_from(id % 250).expect("a byte"))
}

pub fn droplet(id: u64, text: &str, status: DropletStatus) -> Droplet {
    let user = text.split('-').next().expect("a user");
    Droplet {
        id: DropletId(id),
        name: text.to_owned(),
        public_ipv4: (status != DropletStatus::New).then_some(address(id)),
        tags: BTreeSet::from(["basement".to_owned(), format!("user-{user}"), format!("server-{text}")]),
        ..scene::droplet(id, status)
    }
}

/// Ours, at this point of being carried out.
pub fn firewall(text: &str, status: Progress, pending: usize) -> Firewall {
    Firewall {
        id: FirewallId::parse(text).expect("an id"),
        status,
        pending,
        tags: BTreeSet::from(["basement".to_owned()]),
        droplets: BTreeSet::new(),
        rules: ours(),
    }
}
