//! The forecast: the planner run over predicted censuses, so that what follows later is known today.
//! Prediction: every step succeeds, every boot is good, Stripe stays as the files say. Nothing else is guessed.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use crate::model::billing::{Status, Subscription};
use crate::model::census::{Census, Droplet, DropletStatus, MARK, Question, Readiness, Secret, Sighting};
use crate::model::desired::{Because, Fleet, Origin, Server};
use crate::model::history::{Entry, Event, History, Outcome};
use crate::model::ids::{DropletId, RefundId, ServerName, StepId, SubscriptionId};
use crate::model::insight::Upcoming;
use crate::model::moment::{Moment, Span};
use crate::model::money::Money;
use crate::model::plan::{Note, Notice, Plan};
use crate::model::policy::{FirewallBy, Policy};
use crate::model::standing::Standing;
use crate::model::step::{Action, CreateOrder, Step};

use super::{guard, plan};

/// A pass after another, as `apply` rests between them.
const TICK: Span = Span::seconds(30);
/// So many passes predict some years of a small business; a fleet that needs more is cut off.
const PASSES: usize = 2_000;

/// What is predicted.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// Steps that a later pass will want, soonest first; those of today's plan are not among them.
    pub upcoming: Vec<Upcoming>,
    /// The plan of the last moment, everything before having been done.
    pub plan: Plan,
    /// What would then be known to have been done.
    pub history: History,
    /// What would then be seen.
    pub census: Census,
}

/// Where a forecast begins.
#[derive(Debug, Clone, Copy)]
pub struct Today<'a> {
    /// The plan as it is, with what could not be asked left open.
    pub plan: &'a Plan,
    /// The files.
    pub fleet: &'a Fleet,
    /// What was seen.
    pub census: &'a Census,
    /// What was done.
    pub history: &'a History,
    /// Deadlines, graces, caps.
    pub policy: &'a Policy,
    /// Objections that are waived.
    pub allow: &'a BTreeSet<String>,
    /// Today's plan is done, whatever the guard objects to in it: whoever reads what follows from it decides that.
    pub is_applied: bool,
}

/// What will be wanted from now until a moment, and the plan of that moment. What the guard objects to is not done.
pub fn forecast(today: Today<'_>, until: Moment) -> Forecast {
    let Today { plan, fleet, census, history, policy, allow, is_applied } = today;
    // The firewall is the fleet's, and put in place at once or by a person: the forecast is of servers.
    let policy = &Policy { firewall: FirewallBy::Ufw, ..policy.clone() };
    let mut world = World {
        fleet: fleet.clone(),
        policy,
        census: census.clone(),
        history: history.clone(),
        next: DropletId::PREDICTED,
        stuck: stuck(plan),
        unpaid: BTreeSet::new(),
    };
    let mut told: BTreeSet<StepId> = plan.steps.iter().map(|step| step.id.clone()).collect();
    let is_begun = world.begin(plan, allow, is_applied);
    if world.boot() || is_begun {
        world.census.at = world.census.at.plus(TICK);
    }
    let mut upcoming = Vec::new();
    for _ in 0..PASSES {
        world.turn();
        let plan = world.plan();
        let at = world.census.at;
        let (steps, waits) = match guard::judge(&plan, &world.census, &world.history, allow) {
            Ok(approved) => (approved.plan().steps.clone(), Vec::new()),
            Err(objections) => (Vec::new(), objections.iter().map(|o| o.name().to_owned()).collect()),
        };
        let next = match (steps.is_empty(), plan.steps.is_empty()) {
            (true, true) => world.next_change(&plan),
            // What a cap holds back today it may let through tomorrow.
            (true, false) => world.next_change(&plan).into_iter().chain([at.plus(Span::days(1))]).min(),
            (false, _) => Some(at.plus(TICK)),
        };
        for Step { id, server, action, reason, .. } in if waits.is_empty() { &steps } else { &plan.steps } {
            let is_news = !matches!(action, Action::Record { .. }) && told.insert(id.clone());
            if is_news {
                let if_unpaid = server.as_ref().is_some_and(|server| world.unpaid.contains(server));
                let (server, action, reason) = (server.clone(), action.clone(), reason.clone());
                upcoming.push(Upcoming { at, server, action, reason, waits: waits.clone(), if_unpaid });
            }
        }
        let Some(next) = next.filter(|next| *next <= until) else { break };
        for step in &steps {
            world.carry_out(step);
        }
        world.census.at = next;
    }
    world.census.at = world.census.at.max(until);
    world.turn();
    let plan = world.plan();
    Forecast { upcoming, plan, history: world.history, census: world.census }
}

/// The moments that a plan's notes name.
fn noted(plan: &Plan) -> impl Iterator<Item = Moment> {
    plan.notes.iter().filter_map(move |note| match &note.notice {
        Notice::Arriving { until }
        | Notice::Booting { until, .. }
        | Notice::ShuttingDown { until }
        | Notice::Waiting { until, .. }
        | Notice::GettingReady { until, .. }
        | Notice::Gathered { until, .. } => Some(*until),
        Notice::PoweringOn { asked } => Some(asked.plus(Span::minutes(5))),
        Notice::Leaving { .. } => Some(plan.at.plus(Span::minutes(1))),
        Notice::NotReady { until, .. } => *until,
        // Their moments stand in the files, and are taken from there.
        Notice::EndsOn { .. } | Notice::Held { .. } | Notice::HoldOver { .. }
        // A person or Stripe ends these, and the forecast is not of the firewall.
        | Notice::Deleted
        | Notice::Failed
        | Notice::Twins { .. }
        | Notice::Orphan { .. }
        | Notice::WrongSize { .. }
        | Notice::Stale { .. }
        | Notice::HandsOff { .. }
        | Notice::MarkLost { .. }
        | Notice::Stranger { .. }
        | Notice::SameSubscription { .. }
        | Notice::RefundByHand { .. }
        | Notice::BreakerOpen { .. }
        | Notice::FirewallPending { .. }
        | Notice::FirewallFirst { .. }
        | Notice::FirewallTwins { .. }
        | Notice::FirewallLeft { .. }
        | Notice::NoSshKeys { .. }
        | Notice::Unsure { .. }
        | Notice::Untried { .. }
        | Notice::Withheld { .. } => None,
    })
}

struct World<'a> {
    /// The files, as `generate` will have written them.
    fleet: Fleet,
    policy: &'a Policy,
    census: Census,
    history: History,
    /// The number of the next droplet.
    next: u64,
    stuck: Stuck,
    /// Servers that are off only because they were not paid meanwhile.
    unpaid: BTreeSet<ServerName>,
}

/// What waits for a person: nothing is predicted of it.
struct Stuck {
    /// Not created.
    uncreated: BTreeSet<ServerName>,
    /// Not handed over.
    unready: BTreeSet<DropletId>,
}

fn stuck(today: &Plan) -> Stuck {
    let is_shut = today.notes.iter().any(|note| {
        matches!(note.notice, Notice::FirewallPending { is_failed: true, .. } | Notice::FirewallTwins { .. })
    });
    let waits = |note: &&Note| is_shut && matches!(note.notice, Notice::FirewallFirst { .. });
    let unready = today.notes.iter().filter_map(|note| match note.notice {
        Notice::NotReady { droplet, .. } => Some(droplet),
        _ => None,
    });
    Stuck {
        uncreated: today.notes.iter().filter(waits).filter_map(|note| note.server.clone()).collect(),
        unready: unready.collect(),
    }
}

impl World<'_> {
    /// The files of now: what `generate` will have written about those whose time has come.
    fn turn(&mut self) {
        for server in self.fleet.servers.values_mut() {
            let next = Standing::next(server, &self.policy.grace);
            let Some(next) = next.filter(|next| next.since <= self.census.at) else { continue };
            if next.because == Because::PastDue {
                self.unpaid.insert(server.name.clone());
            }
            // What Stripe said before is no longer what it says.
            if let Some(fresh) = server.subscription().and_then(|id| self.census.billing.get_mut(id)) {
                fresh.subscription = None;
            }
            let Standing { state, because, since, destroy_after } = next;
            let ends_on = None;
            *server = Server { state, because, since, ends_on, destroy_after, ..server.clone() };
        }
    }

    /// The next moment at which a plan would be another one.
    fn next_change(&self, plan: &Plan) -> Option<Moment> {
        let servers = self.fleet.servers.values();
        let files = servers.flat_map(|server| {
            let turns = Standing::next(server, &self.policy.grace).map(|next| next.since);
            let over = server.hold.as_ref().and_then(|hold| hold.until);
            [turns, server.destroy_after, over].into_iter().flatten()
        });
        noted(plan).chain(files).filter(|moment| *moment > self.census.at).min()
    }

    /// The plan, its questions answered as is predicted.
    fn plan(&mut self) -> Plan {
        loop {
            let mut plan = plan(&self.fleet, &self.census, &self.history, self.policy);
            plan.steps.retain(|step| {
                let is_stuck = step.server.as_ref().is_some_and(|name| self.stuck.uncreated.contains(name));
                !(is_stuck && matches!(step.action, Action::Create { .. }))
            });
            if plan.questions.is_empty() {
                return plan;
            }
            for question in &plan.questions {
                self.answer(question);
            }
        }
    }

    fn answer(&mut self, question: &Question) {
        match question {
            Question::Droplet(id) => {
                let seen = self.census.droplets.get(id).cloned();
                let sighting = seen.map_or(Sighting::Gone, |droplet| Sighting::There(Box::new(droplet)));
                self.census.sightings.insert(*id, sighting);
            }
            Question::Named(name) => {
                self.census.named.insert(name.clone(), Vec::new());
            }
            Question::Subscription(id) => {
                let server = self.fleet.servers.values().find(|server| server.subscription() == Some(id));
                let told = server.and_then(|server| subscription(id, server));
                self.census.billing.entry(id.clone()).or_default().subscription = Some(told);
            }
            Question::Payment(id, at) => {
                self.census.billing.entry(id.clone()).or_default().payments.insert(*at, None);
            }
            Question::Firewall => self.census.firewalls = Some(Vec::new()),
            Question::Ready { droplet, .. } => {
                self.census.readiness.insert(*droplet, Readiness::Ready { host_key: None });
            }
            Question::Password(server, _) => {
                self.census.secrets.insert(server.clone(), Secret::Opens);
            }
        }
    }

    /// What was asked for before comes true, and what today's plan does is done. Whether there was any.
    fn begin(&mut self, today: &Plan, allow: &BTreeSet<String>, is_applied: bool) -> bool {
        for note in &today.notes {
            let droplet = note.server.as_ref().and_then(|server| self.history.records.get(server)?.droplet);
            match (&note.notice, droplet) {
                (Notice::Leaving { droplet }, _) => {
                    self.census.droplets.remove(droplet);
                    self.census.sightings.insert(*droplet, Sighting::Gone);
                }
                (Notice::ShuttingDown { .. }, Some(droplet)) => self.power(droplet, DropletStatus::Off),
                (Notice::PoweringOn { .. }, Some(droplet)) => self.power(droplet, DropletStatus::Active),
                _ => {}
            }
        }
        let approved = guard::judge(today, &self.census, &self.history, allow);
        let rest = if is_applied { today.steps.clone() } else { Vec::new() };
        let steps = approved.map_or(rest, |approved| approved.plan().steps.clone());
        for step in &steps {
            self.carry_out(step);
        }
        !steps.is_empty() || !today.is_settled()
    }

    /// What is on its first boot comes up, and is well. Whether there was any.
    fn boot(&mut self) -> bool {
        let droplets = self.census.droplets.values_mut();
        let booting: Vec<&mut Droplet> = droplets.filter(|d| d.status == DropletStatus::New).collect();
        let is_waited_for = !booting.is_empty() || !self.census.readiness.is_empty();
        for droplet in booting {
            droplet.status = DropletStatus::Active;
            droplet.public_ipv4.get_or_insert(Ipv4Addr::UNSPECIFIED);
        }
        for (droplet, readiness) in &mut self.census.readiness {
            if !self.stuck.unready.contains(droplet) {
                *readiness = Readiness::Ready { host_key: None };
            }
        }
        is_waited_for
    }

    /// A step and all that it does, as if it succeeded at once.
    fn carry_out(&mut self, step: &Step) {
        let at = self.census.at;
        let entry = |event| Entry { at, server: step.server.clone(), step: step.id.clone(), event };
        if let Action::Record { fact } = &step.action {
            return self.history.fold(&entry(Event::Noticed { fact: fact.clone() }));
        }
        self.history.fold(&entry(Event::Intended { action: step.action.clone() }));
        let outcome = self.effect(&step.action);
        self.history.fold(&entry(Event::Done { outcome }));
    }

    fn effect(&mut self, action: &Action) -> Outcome {
        match action {
            Action::Create { order } => {
                let id = DropletId(self.next);
                self.next += 1;
                self.census.droplets.insert(id, self.made(id, order));
                self.census.secrets.insert(order.server.clone(), Secret::Opens);
                return Outcome::Created { droplet: id };
            }
            Action::Destroy { droplet, .. } => {
                self.census.droplets.remove(droplet);
                self.census.sightings.insert(*droplet, Sighting::Gone);
            }
            Action::Shutdown { droplet } | Action::PowerOff { droplet } => {
                self.power(*droplet, DropletStatus::Off);
            }
            Action::PowerOn { droplet } => self.power(*droplet, DropletStatus::Active),
            Action::Refund { order, .. } => {
                if let Ok(refund) = RefundId::parse("re_predicted") {
                    return Outcome::Refunded {
                        refund,
                        amount: order.amount,
                        status: "succeeded".to_owned(),
                    };
                }
            }
            Action::Record { .. }
            | Action::Tag { .. }
            | Action::Firewall { .. }
            | Action::Cancel { .. }
            | Action::Letter { .. } => {}
        }
        Outcome::Plain
    }

    fn power(&mut self, droplet: DropletId, status: DropletStatus) {
        if let Some(droplet) = self.census.droplets.get_mut(&droplet) {
            droplet.status = status;
        }
    }

    fn made(&self, id: DropletId, order: &CreateOrder) -> Droplet {
        let size = self.census.sizes.get(&order.spec.size);
        Droplet {
            id,
            name: order.server.to_string(),
            status: DropletStatus::Active,
            size: order.spec.size.to_string(),
            region: order.spec.region.to_string(),
            created_at: self.census.at,
            public_ipv4: Some(Ipv4Addr::UNSPECIFIED),
            tags: [MARK.to_owned(), format!("server-{}", order.server)].into(),
            locked: false,
            monthly: size.map_or(Money::usd(0), |size| size.cost(order.spec.backups)),
            snapshots: 0,
        }
    }
}

/// The subscription that a server's file tells of.
fn subscription(id: &SubscriptionId, server: &Server) -> Option<Subscription> {
    let Origin::Subscription { customer, .. } = &server.origin else { return None };
    let status = match &server.because {
        Because::Trialing => Status::Trialing,
        Because::PastDue => Status::PastDue,
        Because::Unpaid => Status::Unpaid,
        Because::Paused => Status::Paused,
        Because::Cancelled => Status::Canceled,
        Because::Expired => Status::IncompleteExpired,
        Because::Active | Because::SwitchedOff | Because::Other(_) => Status::Active,
    };
    Some(Subscription {
        id: id.clone(),
        customer: customer.clone(),
        status,
        livemode: false,
        created: server.since,
        ended_at: None,
        cancel_at_period_end: false,
        cancel_at: None,
        collection_paused: false,
        user_id: None,
        switched_off: server.because == Because::SwitchedOff,
        items: Vec::new(),
        latest_invoice: None,
    })
}
