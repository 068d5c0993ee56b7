//! Stands between the engine and its ports, counts every call, and spoils the ones it was told to.
//! Invariant: a spoilt call keeps the ports' contract: what is `Unavailable` had no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, Subscription};
use crate::model::census::{Account, Droplet, Image, Readiness, Size};
use crate::model::firewall::{Firewall, FirewallOrder};
use crate::model::history::{Entry, History};
use crate::model::ids::{CustomerId, DropletId, ServerName, Slug, StepId, SubscriptionId};
use crate::model::insight::Happening;
use crate::model::moment::Moment;
use crate::model::step::CreateOrder;
use crate::ports::{Billing, Cloud, Detail, Fault, Hold, Ledger, Mail, Mailer, PowerCall, Probe, Sealed};

/// How a call is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spoil {
    /// It does not happen, and says so.
    FailBefore,
    /// It happens, and its reply is lost.
    FailAfter,
    /// The program dies just before it.
    CrashBefore,
    /// The program dies just after it.
    CrashAfter,
    /// It happens twice, as when a lost request is repeated on the way.
    Twice,
}

/// What kind of call it is, which settles how it may be spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

/// Counts and spoils; clones share it.
#[derive(Clone, Default)]
pub struct Meddler(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Default)]
struct State {
    calls: usize,
    spoils: BTreeMap<usize, Spoil>,
    log: Vec<String>,
}

/// A port with a meddler before it.
pub struct Meddled<P> {
    inner: P,
    meddler: Meddler,
}

impl Meddler {
    /// Spoils the `n`th call from now, counted from 0.
    pub fn spoil(&self, n: usize, how: Spoil) {
        let mut state = self.state();
        let at = state.calls + n;
        state.spoils.insert(at, how);
    }

    /// Spoils nothing any more.
    pub fn rest(&self) {
        self.state().spoils.clear();
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// The calls that were spoilt, in words.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Ends when the program is to die.
    pub async fn crashed(&self) {
        self.0.crash.notified().await;
    }

    /// Puts itself before a port.
    pub fn before<P>(&self, inner: P) -> Meddled<P> {
        Meddled { inner, meddler: self.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says how it is spoilt.
    fn next(&self, call: &str) -> Option<Spoil> {
        let mut state = self.state();
        let n = state.calls;
        state.calls += 1;
        let how = state.spoils.remove(&n);
        if let Some(how) = how {
            state.log.push(format!("call {n}, {call}: {how:?}"));
        }
        how
    }

    /// The program dies here: whoever runs it drops it.
    async fn die(&self) -> ! {
        self.0.crash.notify_one();
        std::future::pending().await
    }

    async fn around<T, F>(&self, call: &str, kind: Kind, make: impl Fn() -> F + Send) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
        T: Send,
    {
        let lost = || Detail { call: call.to_owned(), message: "spoilt".to_owned(), ..Detail::default() };
        match self.next(call) {
            None => make().await,
            Some(Spoil::Twice) => {
                let first = make().await;
                if kind == Kind::Read { first } else { make().await }
            }
            Some(Spoil::FailBefore) => Err(Fault::Unavailable { after: None, detail: lost() }),
            Some(Spoil::FailAfter) => {
                let _ = make().await;
                Err(match kind {
                    Kind::Read => Fault::Unavailable { after: Some(Duration::from_secs(1)), detail: lost() },
                    Kind::Write => Fault::Unknown(lost()),
                })
            }
            Some(Spoil::CrashBefore) => self.die().await,
            Some(Spoil::CrashAfter) => {
                let _ = make().await;
                self.die().await
            }
        }
    }
}

#[async_trait]
impl<P: Cloud> Cloud for Meddled<P> {
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault> {
        self.meddler.around("droplets", Kind::Read, || self.inner.droplets()).await
    }

    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault> {
        self.meddler.around("droplet", Kind::Read, || self.inner.droplet(id)).await
    }

    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault> {
        self.meddler.around("find", Kind::Read, || self.inner.find(name)).await
    }

    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault> {
        // The adapter never repeats a create, so `Twice` would be a lie: it is a lost reply here.
        match self.meddler.next("create") {
            None => self.inner.create(order, user_data).await,
            Some(Spoil::CrashBefore) => self.meddler.die().await,
            Some(Spoil::CrashAfter) => {
                let _ = self.inner.create(order, user_data).await;
                self.meddler.die().await
            }
            Some(Spoil::FailBefore) => Err(Fault::Unavailable { after: None, detail: detail("create") }),
            Some(Spoil::FailAfter | Spoil::Twice) => {
                let _ = self.inner.create(order, user_data).await;
                Err(Fault::Unknown(detail("create")))
            }
        }
    }

    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        self.meddler.around("power", Kind::Write, || self.inner.power(id, call)).await
    }

    async fn destroy(&self, id: DropletId) -> Result<(), Fault> {
        self.meddler.around("destroy", Kind::Write, || self.inner.destroy(id)).await
    }

    async fn ensure_tag(&self, tag: &str) -> Result<(), Fault> {
        self.meddler.around("ensure_tag", Kind::Write, || self.inner.ensure_tag(tag)).await
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>, Fault> {
        self.meddler.around("firewalls", Kind::Read, || self.inner.firewalls()).await
    }

    async fn put_firewall(&self, order: &FirewallOrder) -> Result<(), Fault> {
        self.meddler.around("put_firewall", Kind::Write, || self.inner.put_firewall(order)).await
    }

    async fn account(&self) -> Result<Account, Fault> {
        self.meddler.around("account", Kind::Read, || self.inner.account()).await
    }

    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault> {
        self.meddler.around("sizes", Kind::Read, || self.inner.sizes()).await
    }

    // Only `basement plan` and `basement doctor` ask for these: no run does.
    async fn image(&self, slug: &Slug) -> Result<Option<Image>, Fault> {
        self.inner.image(slug).await
    }

    async fn has_key(&self, key: &str) -> Result<bool, Fault> {
        self.inner.has_key(key).await
    }
}

#[async_trait]
impl<P: Probe> Probe for Meddled<P> {
    async fn ready(&self, address: Ipv4Addr, id: &str) -> Readiness {
        // A probe has no fault of its own: what goes wrong with it is an answer that says nothing.
        let asked = || async { Ok(self.inner.ready(address, id).await) };
        let said = self.meddler.around("ready", Kind::Read, asked).await;
        said.unwrap_or_else(|fault| Readiness::NotYet { why: fault.to_string(), is_absent: false })
    }
}

#[async_trait]
impl<P: Billing> Billing for Meddled<P> {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.meddler.around("subscriptions", Kind::Read, || self.inner.subscriptions()).await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        self.meddler.around("subscription", Kind::Read, || self.inner.subscription(id)).await
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        self.meddler.around("customer", Kind::Read, || self.inner.customer(id)).await
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        self.meddler.around("payment", Kind::Read, || self.inner.payment(id, at)).await
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        self.meddler.around("refund", Kind::Write, || self.inner.refund(order, step, attempt)).await
    }

    // Only `basement plan` asks for it: no run does.
    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault> {
        self.inner.events(kinds, since).await
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        self.meddler.around("cancel", Kind::Write, || self.inner.cancel(id)).await
    }
}

#[async_trait]
impl<P: Mailer> Mailer for Meddled<P> {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        self.meddler.around("send", Kind::Write, || self.inner.send(mail)).await
    }
}

#[async_trait]
impl<P: Ledger> Ledger for Meddled<P> {
    async fn hold(&self, holder: &str) -> Result<Hold, Fault> {
        // The lock goes when the program dies, and is not had twice.
        match self.meddler.next("hold") {
            None | Some(Spoil::Twice) => self.inner.hold(holder).await,
            Some(Spoil::CrashBefore | Spoil::CrashAfter) => self.meddler.die().await,
            Some(Spoil::FailBefore | Spoil::FailAfter) => {
                Err(Fault::Unavailable { after: None, detail: detail("hold") })
            }
        }
    }

    async fn history(&self) -> Result<History, Fault> {
        self.meddler.around("history", Kind::Read, || self.inner.history()).await
    }

    async fn append(&self, hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault> {
        // A transaction is never carried out twice: that would be another transaction.
        match self.meddler.next("append") {
            None | Some(Spoil::Twice) => self.inner.append(hold, entries, sealed).await,
            Some(Spoil::CrashBefore) => self.meddler.die().await,
            Some(Spoil::CrashAfter) => {
                let _ = self.inner.append(hold, entries, sealed).await;
                self.meddler.die().await
            }
            Some(Spoil::FailBefore) => Err(Fault::Unavailable { after: None, detail: detail("append") }),
            Some(Spoil::FailAfter) => {
                let _ = self.inner.append(hold, entries, sealed).await;
                Err(Fault::Unknown(detail("append")))
            }
        }
    }

    // Only `basement history` asks for it: no run does.
    async fn entries(&self, server: Option<&ServerName>) -> Result<Vec<Entry>, Fault> {
        self.inner.entries(server).await
    }

    async fn sealed(&self, server: &ServerName, attempt: u32) -> Result<Option<Sealed>, Fault> {
        self.meddler.around("sealed", Kind::Read, || self.inner.sealed(server, attempt)).await
    }

    async fn erase_passwords(&self, hold: &Hold, before: Moment) -> Result<u64, Fault> {
        self.meddler.around("erase_passwords", Kind::Write, || self.inner.erase_passwords(hold, before)).await
    }
}

fn detail(call: &str) -> Detail {
    Detail { call: call.to_owned(), message: "spoilt".to_owned(), ..Detail::default() }
}
