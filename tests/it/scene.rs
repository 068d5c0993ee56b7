//! A server of the files and the world around it, built up by small words; for the plan's tests.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::{Fresh, Payment, PaymentPart, Status, Subscription};
use basement::model::census::{Census, Droplet, DropletStatus, Question, Readiness, Secret, Sighting};
use basement::model::desired::{Because, DesiredState, Every, Fleet, Origin, Price, Server, Spec};
use basement::model::history::{Entry, Event, History, Outcome};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::{Currency, Money};
use basement::model::plan::Plan;
use basement::model::policy::Policy;
use basement::model::step::{Action, CreateOrder, Fact};
use basement::plan::plan;

pub const NAME: &str = "ada-7f3k2m9q";

pub fn start() -> Moment {
    Moment::parse("2026-11-02T09:00:00Z").expect("a moment")
}

pub fn after(minutes: u64) -> Moment {
    start().plus(Span::minutes(minutes))
}

pub fn name() -> ServerName {
    ServerName::parse(NAME).expect("a name")
}

fn usd() -> Currency {
    Currency::USD
}

/// A server of the files, and the world around it.
pub struct Scene {
    pub server: Server,
    pub droplets: Vec<Droplet>,
    pub history: History,
    pub census: Census,
    pub policy: Policy,
    /// What Stripe says was paid, whenever it is asked.
    pub payment: Option<Payment>,
}

impl Scene {
    pub fn new(state: DesiredState, because: Because) -> Self {
        let server = Server {
            name: name(),
            user: "ada".parse().expect("a user"),
            origin: Origin::Subscription {
                customer: "cus_1".parse().expect("an id"),
                subscription: "sub_1".parse().expect("an id"),
                price: Price { amount: 3500, currency: usd(), every: Every::Month },
            },
            plan: "pro".parse().expect("a plan"),
            spec: spec(),
            state,
            because,
            since: start(),
            ends_on: None,
            destroy_after: None,
            hold: None,
            file: format!("fleet/servers/{NAME}.yaml"),
        };
        let census = Census::new(start(), []);
        Self {
            server,
            droplets: Vec::new(),
            history: History::default(),
            census,
            policy: Policy::default(),
            payment: None,
        }
    }

    pub fn running() -> Self {
        Self::new(DesiredState::Running, Because::Active)
    }

    /// Cancelled at the start, to be destroyed after a week.
    pub fn stopped() -> Self {
        let mut scene = Self::new(DesiredState::Stopped, Because::Cancelled);
        scene.server.destroy_after = Some(start().plus(Span::days(7)));
        scene
    }

    pub fn destroyed() -> Self {
        Self::new(DesiredState::Destroyed, Because::Cancelled)
    }

    pub fn at(mut self, at: Moment) -> Self {
        self.census.at = at;
        self
    }

    pub fn droplet(mut self, id: u64, status: DropletStatus) -> Self {
        self.droplets.push(droplet(id, status));
        self
    }

    pub fn gone(mut self, id: u64) -> Self {
        self.census.sightings.insert(DropletId(id), Sighting::Gone);
        self
    }

    pub fn unfound(mut self) -> Self {
        self.census.named.insert(name(), Vec::new());
        self
    }

    /// What a droplet shows of its first boot.
    pub fn shows(mut self, id: u64, state: Readiness) -> Self {
        self.census.readiness.insert(DropletId(id), state);
        self
    }

    /// Its first boot is over, all is well, and its password can be told.
    pub fn ready(self, id: u64) -> Self {
        self.shows(id, Readiness::Ready { host_key: None }).secret(Secret::Opens)
    }

    /// Whether its password can be told.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.census.secrets.insert(name(), secret);
        self
    }

    pub fn stripe(mut self, status: Status) -> Self {
        let fresh = Fresh { subscription: Some(Some(subscription(status))), ..Fresh::default() };
        self.census.billing.insert("sub_1".parse().expect("an id"), fresh);
        self
    }

    pub fn paid(mut self, cents: i64) -> Self {
        let part = PaymentPart {
            id: "pi_1".parse().expect("an id"),
            received: Money::usd(cents),
            refunded: 0,
            disputed: false,
            refunds: Vec::new(),
        };
        let payment = Payment {
            invoice: "in_1".parse().expect("an id"),
            created: start(),
            amount_paid: Money::usd(cents),
            parts: vec![part],
            by_hand: None,
        };
        self.payment = Some(payment);
        self
    }

    pub fn event(mut self, at: Moment, step: &str, event: Event) -> Self {
        let step = StepId::parse(step).expect("a step id");
        self.history.fold(&Entry { at, server: Some(name()), step, event });
        self
    }

    pub fn did(self, at: Moment, step: &str, action: Action, outcome: Outcome) -> Self {
        self.event(at, step, Event::Intended { action }).event(at, step, Event::Done { outcome })
    }

    pub fn intended(self, at: Moment) -> Self {
        let order = order(&name(), 1);
        self.event(at, &format!("create/{NAME}/1"), Event::Intended { action: Action::Create { order } })
    }

    pub fn created(self, id: u64) -> Self {
        let outcome = Outcome::Created { droplet: DropletId(id) };
        self.intended(start()).event(start(), &format!("create/{NAME}/1"), Event::Done { outcome })
    }

    pub fn delivered(self, id: u64) -> Self {
        let occasion = welcome(id);
        let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion };
        self.created(id).did(
            after(1),
            &format!("letter/{NAME}/welcome/1"),
            Action::Letter { letter },
            Outcome::Plain,
        )
    }

    pub fn plan(&self) -> Plan {
        let fleet = Fleet { servers: BTreeMap::from([(name(), self.server.clone())]) };
        let mut census = self.census.clone();
        census.droplets = self.droplets.iter().map(|d| (d.id, d.clone())).collect();
        if self.payment.is_some() {
            let failed = self.history.records.get(&name()).and_then(|record| record.failed);
            let fresh = census.billing.entry("sub_1".parse().expect("an id")).or_default();
            for at in failed.into_iter().chain([start(), census.at.plus(Span::days(1))]) {
                fresh.payments.insert(at, self.payment.clone());
            }
        }
        plan(&fleet, &census, &self.history, &self.policy)
    }

    /// The plan in one line: steps, then notes by their word, then questions.
    pub fn line(&self) -> String {
        let plan = self.plan();
        let step = |action: &Action| match action {
            Action::Record { fact } => format!("record:{}", fact_word(fact)),
            Action::Letter { letter } => format!("letter:{}", letter.occasion.word()),
            Action::Refund { order, .. } => format!("refund:{}", order.amount),
            other => other.word().to_owned(),
        };
        let note = |note: &basement::model::plan::Note| {
            let json = serde_json::to_value(note).expect("json");
            format!("({})", json["note"].as_str().expect("a word"))
        };
        let question = |question: &Question| match question {
            Question::Droplet(_) => "droplet?",
            Question::Named(_) => "named?",
            Question::Firewall => "firewall?",
            Question::Subscription(_) => "subscription?",
            Question::Payment(..) => "payment?",
            Question::Ready { .. } => "ready?",
            Question::Password(..) => "password?",
        };
        let mut words: Vec<String> = plan.steps.iter().map(|s| step(&s.action)).collect();
        words.extend(plan.notes.iter().map(note));
        words.extend(plan.questions.iter().map(|q| question(q).to_owned()));
        if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
    }
}

/// The occasion of a welcome to this droplet.
pub fn welcome(id: u64) -> Occasion {
    Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: DropletId(id), host_key: None }
}

fn fact_word(fact: &Fact) -> String {
    serde_json::to_value(fact).expect("json")["fact"].as_str().expect("a word").to_owned()
}

/// An order for `pro`, by its first user.
pub fn order(server: &ServerName, attempt: u32) -> CreateOrder {
    CreateOrder {
        server: server.clone(),
        user: "ada".parse().expect("a user"),
        plan: "pro".parse().expect("a plan"),
        spec: spec(),
        attempt,
    }
}

/// What `pro` is made of.
pub fn spec() -> Spec {
    Spec {
        size: "s-1vcpu-2gb".parse().expect("a slug"),
        region: "nyc3".parse().expect("a slug"),
        image: "ubuntu-22-04-x64".parse().expect("a slug"),
        monitoring: true,
        backups: false,
        ipv6: false,
        ssh_keys: vec!["3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa".to_owned()],
        template: "base".to_owned(),
    }
}

pub fn droplet(id: u64, status: DropletStatus) -> Droplet {
    let address = (status != DropletStatus::New).then_some([203, 0, 113, 7].into());
    Droplet {
        id: DropletId(id),
        name: NAME.to_owned(),
        status,
        size: "s-1vcpu-2gb".to_owned(),
        region: "nyc3".to_owned(),
        created_at: start(),
        public_ipv4: address,
        tags: BTreeSet::from(["basement".to_owned(), "user-ada".to_owned(), format!("server-{NAME}")]),
        locked: false,
        monthly: Money::usd(1200),
        snapshots: 0,
    }
}

pub fn subscription(status: Status) -> Subscription {
    Subscription {
        id: "sub_1".parse().expect("an id"),
        customer: "cus_1".parse().expect("an id"),
        status,
        livemode: false,
        created: start(),
        ended_at: None,
        cancel_at_period_end: false,
        cancel_at: None,
        collection_paused: false,
        user_id: None,
        switched_off: false,
        items: Vec::new(),
        latest_invoice: None,
    }
}
