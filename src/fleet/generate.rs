//! From Stripe's subscriptions to the files of `fleet/servers`.
//! Invariants: absence never decides; what is odd changes nothing; twice gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::complaint::{Complaint, sorted};
use super::naming;
use super::print::print;
use super::refusal::{self, Refusal};
use super::status::{Verdict, verdict};
use super::yaml::{Declared, SERVERS, ServerFile};
use crate::model::billing::{Item, Reading, Status, Subscription};
use crate::model::desired::{DesiredState, Every, Hold, Price};
use crate::model::ids::{PlanName, SubscriptionId};
use crate::model::moment::Moment;
use crate::model::money::Money;
use crate::model::policy::{Catalogue, Mode, Policy};
use crate::model::standing::Standing;

/// What the files should be, and what there is to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Every file of `fleet/servers` by path, those that do not change too.
    pub files: BTreeMap<String, String>,
    /// What could not be decided; the files concerned are as they were.
    pub complaints: Vec<Complaint>,
    /// What is worth saying, by subscription.
    pub notes: Vec<Note>,
    /// Why nothing should be written at all, unless a person permits it.
    pub refusals: Vec<Refusal>,
}

/// Something worth saying about one subscription.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Which.
    pub subscription: SubscriptionId,
    /// What, in lower case.
    pub text: String,
}

/// The files that Stripe's answer asks for. `paid` holds the subscriptions whose first invoice is known
/// to be paid beyond what the answer itself says (see `unsure`).
pub fn generate(
    reading: &Reading,
    paid: &BTreeSet<SubscriptionId>,
    existing: &[ServerFile],
    catalogue: &Catalogue,
    policy: &Policy,
    mode: Mode,
    now: Moment,
) -> Outcome {
    let mut work =
        Work { paid, catalogue, policy, now, states: BTreeMap::new(), outcome: Outcome::default() };
    work.outcome.files = existing.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    let files: BTreeMap<&SubscriptionId, &ServerFile> =
        existing.iter().map(|file| (&file.declared.subscription, file)).collect();
    let mut answered: BTreeMap<&SubscriptionId, Vec<&Subscription>> = BTreeMap::new();
    for subscription in &reading.subscriptions {
        answered.entry(&subscription.id).or_default().push(subscription);
    }
    for (id, found) in &answered {
        let file = files.get(id).copied();
        match found.as_slice() {
            [subscription] => work.one(subscription, file),
            _ => work.complain(id, file, "Stripe lists it more than once", "run `basement generate` again"),
        }
    }
    let mut unreadable = BTreeSet::new();
    for odd in &reading.unreadable {
        unreadable.extend(odd.id.as_ref());
        work.unreadable(odd.id.as_ref(), &odd.why, odd.id.as_ref().and_then(|id| files.get(id).copied()));
    }
    for (id, file) in &files {
        let missing = !answered.contains_key(id) && !unreadable.contains(id);
        if missing && file.declared.state != DesiredState::Destroyed {
            let cure =
                "Stripe never forgets a subscription: is the key of another account? nothing is changed";
            work.complain(id, Some(file), "Stripe's answer does not hold it", cure);
        }
    }
    let Work { mut outcome, states, .. } = work;
    outcome.complaints = sorted(outcome.complaints);
    outcome.notes.sort();
    outcome.refusals = refusal::all(reading, existing, &states, policy, mode);
    outcome
}

/// Active subscriptions without a file whose newest invoice is not paid: whether an earlier one was is
/// to be asked of Stripe before `generate`.
pub fn unsure(reading: &Reading, existing: &[ServerFile]) -> Vec<SubscriptionId> {
    let known: BTreeSet<&SubscriptionId> = existing.iter().map(|file| &file.declared.subscription).collect();
    let unsure: BTreeSet<&SubscriptionId> = reading
        .subscriptions
        .iter()
        .filter(|sub| sub.status == Status::Active && !newest_paid(sub) && !known.contains(&sub.id))
        .map(|sub| &sub.id)
        .collect();
    unsure.into_iter().cloned().collect()
}

struct Work<'a> {
    paid: &'a BTreeSet<SubscriptionId>,
    catalogue: &'a Catalogue,
    policy: &'a Policy,
    now: Moment,
    /// The states of the files written, by path.
    states: BTreeMap<String, DesiredState>,
    outcome: Outcome,
}

impl Work<'_> {
    fn one(&mut self, sub: &Subscription, file: Option<&ServerFile>) {
        if file.is_some_and(|file| file.declared.state == DesiredState::Destroyed) {
            if sub.entitled() {
                self.note(
                    &sub.id,
                    "is paid for, but its server's file is a tombstone and stays one".to_owned(),
                );
            }
            return;
        }
        let paid = newest_paid(sub) || self.paid.contains(&sub.id);
        let declared = file.map(|file| &file.declared);
        match verdict(sub, declared, paid, &self.policy.grace, self.now) {
            Verdict::Nothing => {}
            Verdict::NotYet(text) | Verdict::Keep(text) => self.note(&sub.id, text),
            Verdict::Freeze(reason) => {
                self.note(&sub.id, format!("{reason}: its server is held as it is"));
                if let Some(file) = file {
                    let hold = Some(Hold { until: None, reason });
                    let frozen = print(&Declared { hold, ..file.declared.clone() });
                    self.outcome.files.insert(file.path.clone(), frozen);
                }
            }
            Verdict::Be(standing) => self.write(sub, file, standing),
        }
    }

    fn write(&mut self, sub: &Subscription, file: Option<&ServerFile>, standing: Standing) {
        let (plan, price) = match sold(sub, self.catalogue) {
            Ok(sold) => sold,
            Err((message, cure)) => return self.complain(&sub.id, file, &message, cure),
        };
        let (server, user) = match file {
            Some(file) => (file.declared.server.clone(), file.declared.user.clone()),
            None => naming::name(sub),
        };
        let path = file.map_or_else(|| format!("{SERVERS}{server}.yaml"), |file| file.path.clone());
        if file.is_none() && self.outcome.files.contains_key(&path) {
            let message = format!("its server would be called `{server}`, which there is already");
            return self.complain(&sub.id, file, &message, "give it another `user_id` in its metadata");
        }
        self.remarks(sub, file, &plan, price, &standing);
        let Standing { state, because, since, destroy_after } = standing;
        let declared = Declared {
            server,
            user,
            customer: sub.customer.clone(),
            subscription: sub.id.clone(),
            plan,
            price,
            state,
            because,
            since,
            ends_on: ends_on(sub).filter(|_| state == DesiredState::Running),
            destroy_after,
            hold: None,
        };
        self.states.insert(path.clone(), state);
        self.outcome.files.insert(path, print(&declared));
    }

    /// What a reviewer should know besides the files.
    fn remarks(
        &mut self,
        sub: &Subscription,
        file: Option<&ServerFile>,
        plan: &PlanName,
        price: Price,
        standing: &Standing,
    ) {
        if let Some(text) = self.odd_price(plan, price) {
            self.note(&sub.id, text);
        }
        if file.is_none() && naming::is_address(sub) {
            let text = "its `user_id` looks like a mail address, which no file should hold: the customer's id is used";
            self.note(&sub.id, text.to_owned());
        }
        if standing.state != DesiredState::Running {
            return;
        }
        if sub.status == Status::PastDue {
            let end = Standing::not_paid(standing.since, &self.policy.grace).since;
            self.note(&sub.id, format!("past due: stopped from {end} on, if it is not paid"));
        }
        if let Some(end) = ends_on(sub) {
            self.note(&sub.id, format!("is cancelled for {end}, and runs until then"));
        }
    }

    fn odd_price(&self, plan: &PlanName, price: Price) -> Option<String> {
        let entry = self.catalogue.plans.get(plan)?;
        let (usual, every) = match price.every {
            Every::Month => (entry.month?, "month"),
            Every::Year => (entry.year?, "year"),
        };
        let usual = Money { amount: usual, currency: entry.currency };
        let pays = Money { amount: price.amount, currency: price.currency };
        (usual != pays).then(|| format!("pays {pays} a {every}; plan `{plan}` is sold at {usual}"))
    }

    fn unreadable(&mut self, id: Option<&SubscriptionId>, why: &str, file: Option<&ServerFile>) {
        let cure = "nothing is changed for it; a newer basement may be able to read it";
        match id {
            Some(id) => self.complain(id, file, &format!("could not be read: {why}"), cure),
            None => self.outcome.complaints.push(Complaint::new(
                "stripe",
                format!("a subscription without a readable id could not be read: {why}"),
                cure,
            )),
        }
    }

    fn complain(&mut self, id: &SubscriptionId, file: Option<&ServerFile>, message: &str, cure: &str) {
        let message = match file {
            Some(file) => format!("{message} (`{}` is kept as it is)", file.path),
            None => message.to_owned(),
        };
        self.outcome.complaints.push(Complaint::new(format!("stripe:{id}"), message, cure));
    }

    fn note(&mut self, id: &SubscriptionId, text: String) {
        self.outcome.notes.push(Note { subscription: id.clone(), text });
    }
}

fn newest_paid(sub: &Subscription) -> bool {
    sub.latest_invoice.as_ref().is_some_and(|invoice| invoice.paid)
}

/// When it will end, if that is asked for and not taken back.
fn ends_on(sub: &Subscription) -> Option<Moment> {
    let period_end = || sub.items.first().filter(|_| sub.cancel_at_period_end).map(|item| item.period_end);
    sub.cancel_at.or_else(period_end)
}

/// Which plan a subscription is about, and its price; or what is odd about it, and a cure.
fn sold(sub: &Subscription, catalogue: &Catalogue) -> Result<(PlanName, Price), (String, &'static str)> {
    let [item] = sub.items.as_slice() else {
        let message = format!("has {} items, not one", sub.items.len());
        return Err((message, "one subscription is one server: split it at Stripe"));
    };
    if item.quantity != Some(1) {
        let message = match item.quantity {
            Some(n) => format!("has the quantity {n}, not 1"),
            None => "has no quantity: its price is metered".to_owned(),
        };
        return Err((message, "one subscription is one server: make one subscription per server"));
    }
    let Some(plan) = plan(item, catalogue) else {
        let key = item.lookup_key.as_ref().map(|key| format!(", lookup key `{key}`")).unwrap_or_default();
        let message =
            format!("has a price of no plan: `{}`{key}, product `{}`", item.price_id, item.product_id);
        return Err((
            message,
            "name the price, its lookup key or its product in a plan's `stripe` in basement.toml",
        ));
    };
    match &item.price {
        Ok(price) => Ok((plan.clone(), *price)),
        Err(odd) => Err((format!("has an odd price: {odd}"), "sell servers by the month or by the year")),
    }
}

/// The plan that names the price; else its lookup key; else its product.
fn plan<'a>(item: &Item, catalogue: &'a Catalogue) -> Option<&'a PlanName> {
    let named = |id: &str| {
        catalogue.plans.iter().find(|(_, entry)| entry.stripe.iter().any(|s| s == id)).map(|(name, _)| name)
    };
    named(&item.price_id)
        .or_else(|| item.lookup_key.as_deref().and_then(named))
        .or_else(|| named(&item.product_id))
}
