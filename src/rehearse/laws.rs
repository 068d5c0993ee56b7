//! The laws: what must hold after every pass, whatever fails. Judged on the simulator's truth and on what
//! a witness saw, never on the ledger's word. A newcomer should be able to argue with each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, Status, Subscription};
use crate::model::census::{Account, Droplet, MARK, Size};
use crate::model::desired::{DesiredState, Fleet, Server};
use crate::model::history::{Entry, Event, History};
use crate::model::ids::{CustomerId, DropletId, PaymentId, ServerName, Slug, StepId, SubscriptionId};
use crate::model::moment::{Moment, Span};
use crate::model::step::{Action, CreateOrder, Fact};
use crate::ports::{Billing, Cloud, Fault, PowerCall};
use crate::sim::billing::Books;
use crate::sim::machine::Machine;
use crate::sim::world::{Delivered, Shared, World, lock};

/// A law that was broken, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Its number in design.md §15.
    pub law: u8,
    /// What was seen.
    pub what: String,
}

/// Something taken from a droplet, as it was at that instant.
#[derive(Debug, Clone)]
struct Touch {
    at: Moment,
    is_destroy: bool,
    name: String,
    is_marked: bool,
    is_delivered: bool,
    status: Option<Status>,
    is_switched_off: bool,
    wanted: Option<DesiredState>,
}

/// Stands before the cloud and remembers what was true when something was taken away.
#[derive(Clone)]
pub struct Witness {
    world: Shared,
    books: Arc<Mutex<Books>>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    fleet: Fleet,
    touches: Vec<Touch>,
    early_refunds: Vec<Broken>,
}

/// The cloud, with a witness before it.
pub struct Witnessed<P> {
    inner: P,
    witness: Witness,
}

/// All laws that are broken now. `may_repeat_letters`: a connection was lost after a letter had been handed
/// over, so its second copy (with the same Message-ID) is no fault.
pub fn broken(
    world: &mut World,
    books: &mut Books,
    witness: &Witness,
    entries: &[Entry],
    history: &History,
    may_repeat_letters: bool,
) -> Vec<Broken> {
    let mut found = BTreeSet::new();
    found.extend(one_droplet_per_server(world));
    found.extend(one_refund_per_payment(books));
    found.extend(one_letter_per_occasion(world, may_repeat_letters));
    found.extend(witness.broken());
    found.extend(ledger_folds(entries, history));
    found.extend(breaker_holds(entries));
    found.into_iter().collect()
}

/// Law 4, second half: when all is settled, every failed delivery that was paid for is refunded.
pub fn unrefunded(world: &World, books: &Books, witness: &Witness) -> Vec<Broken> {
    let truth = books.truth();
    let failed = world.outbox.iter().filter_map(|letter| letter.message_id.strip_prefix("letter."));
    let failed: BTreeSet<&str> =
        failed.filter_map(|id| id.split_once(".operator-failed").map(|(server, _)| server)).collect();
    let seen = witness.seen();
    let mut found = Vec::new();
    for server in seen.fleet.servers.values().filter(|server| failed.contains(server.name.as_str())) {
        let Some(id) = server.subscription() else { continue };
        let Some(truth) = truth.get(id) else { continue };
        // One that failed at the bank was asked for; what is disputed the bank may take back by itself. Giving
        // such money back is a person's work.
        let is_persons = |pay: &PaymentId| books.is_disputed(pay) || !books.refunds_of(pay).is_empty();
        if truth.paid > 0 && truth.refunded == 0 && !books.payments_of(id).iter().any(is_persons) {
            found.push(Broken {
                law: 4,
                what: format!("{} failed, was paid for, and is not refunded", server.name),
            });
        }
    }
    found
}

/// Law 2: at most one droplet per server, hidden ones included.
fn one_droplet_per_server(world: &mut World) -> Vec<Broken> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for machine in world.cloud().machines().filter(|machine| !machine.deleting) {
        for tag in machine.tags.iter().filter(|tag| tag.starts_with("server-")) {
            *count.entry(tag.clone()).or_default() += 1;
        }
    }
    let twins = count.into_iter().filter(|(_, n)| *n > 1);
    twins.map(|(tag, n)| Broken { law: 2, what: format!("{n} droplets carry `{tag}`") }).collect()
}

/// Law 4, first half: at most one refund per payment, never more than was paid.
fn one_refund_per_payment(books: &Books) -> Vec<Broken> {
    let mut found = Vec::new();
    for (id, truth) in books.truth() {
        if truth.refunded > truth.paid {
            found.push(Broken {
                law: 4,
                what: format!("{id}: {} of {} given back", truth.refunded, truth.paid),
            });
        }
        for payment in books.payments_of(&id) {
            let refunds = books.refunds_of(&payment).len();
            if refunds > 1 {
                found.push(Broken { law: 4, what: format!("{payment} was refunded {refunds} times") });
            }
        }
    }
    found
}

/// Law 5: at most one letter per occasion.
fn one_letter_per_occasion(world: &World, may_repeat: bool) -> Vec<Broken> {
    // A letter comes again under its own id or not at all: the same words within the hour are the same occasion.
    let same = |a: &Delivered, b: &Delivered| {
        a.message_id != b.message_id
            && a.to == b.to
            && a.text == b.text
            && b.at.since(a.at) < Span::minutes(60)
    };
    let pairs =
        world.outbox.iter().enumerate().flat_map(|(n, a)| world.outbox[n + 1..].iter().map(move |b| (a, b)));
    let mut found: Vec<Broken> = pairs
        .filter(|(a, b)| same(a, b))
        .map(|(a, b)| Broken { law: 5, what: format!("`{}` came again as `{}`", a.message_id, b.message_id) })
        .collect();
    if may_repeat {
        return found;
    }
    let mut seen = BTreeSet::new();
    let again = world.outbox.iter().filter(|letter| !seen.insert(&letter.message_id));
    found.extend(
        again.map(|letter| Broken { law: 5, what: format!("`{}` was sent twice", letter.message_id) }),
    );
    found
}

/// Law 8: the ledger folds, and every Done has an Intended.
fn ledger_folds(entries: &[Entry], history: &History) -> Vec<Broken> {
    let mut folded = History::default();
    let mut intended: BTreeSet<&StepId> = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        folded.fold(entry);
        match &entry.event {
            Event::Intended { .. } => {
                intended.insert(&entry.step);
            }
            Event::Done { .. } if !intended.contains(&entry.step) => {
                found.push(Broken {
                    law: 8,
                    what: format!("`{}` is done and was never intended", entry.step),
                });
            }
            Event::Done { .. } | Event::Failed { .. } | Event::Unknown { .. } | Event::Noticed { .. } => {}
        }
    }
    if folded != *history {
        found.push(Broken { law: 8, what: "the rows are not what the entries fold to".to_owned() });
    }
    found
}

/// Law 11: while the breaker is open nothing is created, and no settlement of a failed delivery begins.
fn breaker_holds(entries: &[Entry]) -> Vec<Broken> {
    let mut is_open = false;
    let mut begun: BTreeSet<&ServerName> = BTreeSet::new();
    let mut found = Vec::new();
    for Entry { at, server, step, event } in entries {
        let broken = |what: &str| Broken { law: 11, what: format!("{at}: `{step}` {what}, breaker open") };
        match (event, server) {
            (Event::Noticed { fact: Fact::BreakerOpened { .. } }, _) => is_open = true,
            (Event::Noticed { fact: Fact::BreakerReset }, _) => is_open = false,
            (Event::Noticed { fact: Fact::GaveUp }, Some(server)) => drop(begun.remove(server)),
            (Event::Intended { action: Action::Create { .. } }, _) if is_open => {
                found.push(broken("was made"));
            }
            (Event::Intended { action: Action::Refund { .. } | Action::Cancel { .. } }, Some(server))
                if begun.insert(server) && is_open =>
            {
                found.push(broken("began"));
            }
            _ => {}
        }
    }
    found
}

impl Witness {
    /// A witness of this world.
    pub fn new(world: Shared, books: Arc<Mutex<Books>>) -> Self {
        Self { world, books, seen: Arc::default() }
    }

    /// From now on the files say this.
    pub fn declare(&self, fleet: &Fleet) {
        self.seen().fleet = fleet.clone();
    }

    /// Stands before a cloud.
    pub fn before<P>(&self, inner: P) -> Witnessed<P> {
        Witnessed { inner, witness: self.clone() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the truth at the instant something is taken away.
    fn see(&self, id: DropletId, is_destroy: bool) {
        let mut world = lock(&self.world);
        let at = world.now();
        let Some(machine) = world.cloud().get(id.0).cloned() else { return };
        let told = |letter: &Delivered| {
            letter.message_id.starts_with(&format!("letter.{}.welcome", machine.name))
                && machine.public.is_some_and(|address| letter.text.contains(&address.to_string()))
        };
        let is_delivered = world.outbox.iter().any(told);
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.tick(at);
        let mut seen = self.seen();
        let server = ServerName::parse(&machine.name).ok();
        let server = server.and_then(|name| seen.fleet.servers.get(&name));
        let subscription = server.and_then(Server::subscription);
        let touch = Touch {
            at,
            is_destroy,
            name: machine.name.clone(),
            is_marked: machine.tags.iter().any(|tag| tag == MARK),
            is_delivered,
            status: subscription.and_then(|id| books.status_of(id)),
            is_switched_off: subscription.is_some_and(|id| books.is_switched_off(id)),
            wanted: server.map(|server| server.state_at(at)),
        };
        seen.touches.push(touch);
    }

    /// Remembers a refund whose server still has a droplet: money goes back after the absence is confirmed.
    fn see_refund(&self, subscription: &SubscriptionId) {
        let mut world = lock(&self.world);
        let mut seen = self.seen();
        let of_it = |server: &&Server| server.subscription() == Some(subscription);
        let name = seen.fleet.servers.values().find(of_it).map(|server| server.name.to_string());
        let mut machines = world.cloud().machines();
        let is_kept = |m: &Machine| Some(&m.name) == name.as_ref() && m.has_tag(MARK) && !m.deleting;
        if machines.any(is_kept) {
            let what = format!("{subscription} is refunded while its droplet is there");
            drop(machines);
            seen.early_refunds.push(Broken { law: 4, what });
        }
    }

    /// Laws 3, 4, 6 and 7, for everything that was taken away.
    fn broken(&self) -> Vec<Broken> {
        let seen = self.seen();
        let mut found = seen.early_refunds.clone();
        for touch in &seen.touches {
            let Touch { at, is_destroy, name, is_marked, is_delivered, status, is_switched_off, wanted } =
                touch;
            let verb = if *is_destroy { "destroyed" } else { "switched off" };
            let mut say =
                |law, why: &str| found.push(Broken { law, what: format!("{at}: {name} was {verb} {why}") });
            if !is_marked {
                say(3, "though it does not carry our mark");
            }
            if *is_destroy && *is_delivered && *wanted != Some(DesiredState::Destroyed) {
                say(6, &format!("though its file says {wanted:?}"));
            }
            let is_paid = matches!(status, Some(Status::Active | Status::Trialing));
            let is_own_wish = *is_switched_off && !is_destroy;
            if is_paid && !is_own_wish && (*is_delivered || !is_destroy) {
                say(7, &format!("though it is paid for ({status:?})"));
            }
        }
        found
    }
}

#[async_trait]
impl<P: Cloud> Cloud for Witnessed<P> {
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault> {
        self.inner.droplets().await
    }

    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault> {
        self.inner.droplet(id).await
    }

    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault> {
        self.inner.find(name).await
    }

    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault> {
        self.inner.create(order, user_data).await
    }

    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        if matches!(call, PowerCall::Shutdown | PowerCall::Off) {
            self.witness.see(id, false);
        }
        self.inner.power(id, call).await
    }

    async fn destroy(&self, id: DropletId) -> Result<(), Fault> {
        self.witness.see(id, true);
        self.inner.destroy(id).await
    }

    async fn account(&self) -> Result<Account, Fault> {
        self.inner.account().await
    }

    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault> {
        self.inner.sizes().await
    }
}

#[async_trait]
impl<P: Billing> Billing for Witnessed<P> {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.inner.subscriptions().await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        self.inner.subscription(id).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        self.inner.customer(id).await
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        self.inner.payment(id, at).await
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        self.witness.see_refund(&order.subscription);
        self.inner.refund(order, step, attempt).await
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        self.inner.cancel(id).await
    }
}
