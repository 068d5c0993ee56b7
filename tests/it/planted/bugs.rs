//! The bugs: each a port that does one thing wrong, and everything else as the port behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use basement::engine::{Eyes, Ports};
use basement::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, Status, Subscription};
use basement::model::census::{Account, Droplet, Image, Size};
use basement::model::firewall::{Firewall, FirewallOrder, Progress, ours};
use basement::model::history::{Entry, Event, History, Outcome};
use basement::model::ids::{CustomerId, DropletId, ServerName, Slug, StepId, SubscriptionId};
use basement::model::insight::Happening;
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::step::{Action, CreateOrder};
use basement::ports::{Billing, Clock, Cloud, Fault, Hold, Ledger, Mail, Mailer, PowerCall, Sealed};
use basement::rehearse::stage::Stage;

/// What a port does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    DoneFirst,
    ClockInKey,
    LostIsGone,
    PageDropped,
    NoLock,
    RandomKey,
    NobodyPaid,
    WallDreamt,
}

struct Planted<P: ?Sized> {
    bug: Bug,
    inner: Arc<P>,
    clock: Arc<dyn Clock>,
}

/// Never the same number twice, as if it were random.
static THROWS: AtomicU64 = AtomicU64::new(0);

/// A stage with a bug between the engine and its ports.
pub fn tampered(tamper: fn(Ports) -> Ports) -> Stage {
    let mut stage = Stage::default();
    stage.tamper = tamper;
    stage
}

/// No time to look for what a lost reply may have made.
pub fn no_horizon() -> Stage {
    let mut stage = Stage::default();
    stage.policy.horizon = Span::seconds(0);
    stage
}

pub fn wall_dreamt(ports: Ports) -> Ports {
    plant(ports, Bug::WallDreamt)
}

pub fn done_first(ports: Ports) -> Ports {
    plant(ports, Bug::DoneFirst)
}

pub fn clock_in_key(ports: Ports) -> Ports {
    plant(ports, Bug::ClockInKey)
}

pub fn lost_is_gone(ports: Ports) -> Ports {
    plant(ports, Bug::LostIsGone)
}

pub fn page_dropped(ports: Ports) -> Ports {
    plant(ports, Bug::PageDropped)
}

pub fn no_lock(ports: Ports) -> Ports {
    plant(ports, Bug::NoLock)
}

pub fn random_key(ports: Ports) -> Ports {
    plant(ports, Bug::RandomKey)
}

pub fn nobody_paid(ports: Ports) -> Ports {
    plant(ports, Bug::NobodyPaid)
}

fn plant(ports: Ports, bug: Bug) -> Ports {
    let Ports { eyes: Eyes { cloud, probe, billing, clock }, mailer, ledger, vault } = ports;
    let at = || clock.clone();
    Ports {
        mailer: Arc::new(Planted { bug, inner: mailer, clock: at() }),
        ledger: Arc::new(Planted { bug, inner: ledger, clock: at() }),
        vault,
        eyes: Eyes {
            probe,
            cloud: Arc::new(Planted { bug, inner: cloud, clock: at() }),
            billing: Arc::new(Planted { bug, inner: billing, clock: at() }),
            clock,
        },
    }
}

#[async_trait]
impl Cloud for Planted<dyn Cloud> {
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault> {
        let all = self.inner.droplets().await?;
        Ok(if self.bug == Bug::PageDropped { Vec::new() } else { all })
    }

    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault> {
        match self.inner.droplet(id).await {
            Err(_) if self.bug == Bug::LostIsGone => Ok(None),
            result => result,
        }
    }

    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault> {
        self.inner.find(name).await
    }

    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault> {
        self.inner.create(order, user_data).await
    }

    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        self.inner.power(id, call).await
    }

    async fn destroy(&self, id: DropletId) -> Result<(), Fault> {
        self.inner.destroy(id).await
    }

    async fn ensure_tag(&self, tag: &str) -> Result<(), Fault> {
        self.inner.ensure_tag(tag).await
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>, Fault> {
        let seen = self.inner.firewalls().await?;
        let ours = Firewall {
            id: "fw-1".parse().expect("an id"),
            status: Progress::Succeeded,
            pending: 0,
            tags: BTreeSet::from(["basement".to_owned()]),
            droplets: BTreeSet::new(),
            rules: ours(),
        };
        Ok(if self.bug == Bug::WallDreamt { vec![ours] } else { seen })
    }

    async fn put_firewall(&self, order: &FirewallOrder) -> Result<(), Fault> {
        self.inner.put_firewall(order).await
    }

    async fn account(&self) -> Result<Account, Fault> {
        self.inner.account().await
    }

    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault> {
        self.inner.sizes().await
    }

    async fn image(&self, slug: &Slug) -> Result<Option<Image>, Fault> {
        self.inner.image(slug).await
    }

    async fn has_key(&self, key: &str) -> Result<bool, Fault> {
        self.inner.has_key(key).await
    }
}

#[async_trait]
impl Billing for Planted<dyn Billing> {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.inner.subscriptions().await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        let mut found = self.inner.subscription(id).await?;
        if let (Bug::NobodyPaid, Some(subscription)) = (self.bug, &mut found) {
            subscription.status = Status::Canceled;
        }
        Ok(found)
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        self.inner.customer(id).await
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        self.inner.payment(id, at).await
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        self.inner.refund(order, step, attempt).await
    }

    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault> {
        self.inner.events(kinds, since).await
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        self.inner.cancel(id).await
    }
}

#[async_trait]
impl Mailer for Planted<dyn Mailer> {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let mut mail = mail.clone();
        match self.bug {
            Bug::ClockInKey => mail.message_id.push_str(&self.clock.elapsed().await.as_millis().to_string()),
            Bug::RandomKey => mail.message_id.push_str(&THROWS.fetch_add(1, Ordering::Relaxed).to_string()),
            _ => {}
        }
        self.inner.send(&mail).await
    }
}

#[async_trait]
impl Ledger for Planted<dyn Ledger> {
    async fn hold(&self, holder: &str) -> Result<Hold, Fault> {
        match self.inner.hold(holder).await {
            Err(_) if self.bug == Bug::NoLock => Ok(Hold::new(())),
            result => result,
        }
    }

    async fn history(&self) -> Result<History, Fault> {
        self.inner.history().await
    }

    async fn append(&self, hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault> {
        let mut entries = entries.to_vec();
        if self.bug == Bug::DoneFirst {
            entries = entries.into_iter().flat_map(done_at_once).collect();
        }
        if entries.is_empty() { Ok(()) } else { self.inner.append(hold, &entries, sealed).await }
    }

    async fn entries(&self, server: Option<&ServerName>) -> Result<Vec<Entry>, Fault> {
        self.inner.entries(server).await
    }

    async fn sealed(&self, server: &ServerName, attempt: u32) -> Result<Option<Sealed>, Fault> {
        self.inner.sealed(server, attempt).await
    }

    async fn erase_passwords(&self, hold: &Hold, before: Moment) -> Result<u64, Fault> {
        self.inner.erase_passwords(hold, before).await
    }
}

/// A refund or a letter that is intended is written down as done too, and its end not again.
fn done_at_once(entry: Entry) -> Vec<Entry> {
    let outcome = match &entry.event {
        Event::Intended { action: Action::Refund { order, .. } } => Outcome::Refunded {
            refund: "re_planted".parse().expect("an id"),
            amount: Money { ..order.amount },
            status: "succeeded".to_owned(),
        },
        Event::Intended { action: Action::Letter { .. } } => Outcome::Plain,
        Event::Done { .. } if is_unshown(&entry.step) => return Vec::new(),
        _ => return vec![entry],
    };
    let done = Entry { event: Event::Done { outcome }, ..entry.clone() };
    vec![entry, done]
}

fn is_unshown(step: &StepId) -> bool {
    step.as_str().starts_with("refund/") || step.as_str().starts_with("letter/")
}
