//! Floor 2: the ports, what basement asks of the world, and `Fault`, how the world says no.
//! Contract: a call that returns `Refused` or `Unavailable` certainly had no effect; `Unknown` may have.

use std::any::Any;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, Subscription};
use crate::model::census::{Account, Droplet, Image, Readiness, Size};
use crate::model::firewall::{Firewall, FirewallOrder};
use crate::model::history::{Entry, History};
use crate::model::ids::{CustomerId, DropletId, ServerName, Slug, StepId, SubscriptionId};
use crate::model::insight::Happening;
use crate::model::moment::Moment;
use crate::model::step::CreateOrder;

/// What was asked and what came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// The call, e.g. `POST /v2/droplets`.
    pub call: String,
    /// HTTP or SMTP status, if there was an answer.
    pub status: Option<u16>,
    /// The vendor's own short name for the error (`unprocessable_entity`, `charge_already_refunded`); of mail,
    /// whose matter it is (`login`, `tls`, `sender`, `relay`: ours; `recipient`: the customer's; `policy`, `letter`:
    /// this letter's, until another's is refused alike).
    pub code: Option<String>,
    /// What to tell a person, secrets taken out.
    pub message: String,
    /// The vendor's request id.
    pub request_id: Option<String>,
    /// The answer's body, secrets taken out, cut to 2,000 characters.
    pub body: String,
}

/// How a call can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It did not happen; asking the same again will not help.
    #[error("{0}")]
    Refused(Detail),
    /// It did not happen; ask later.
    #[error("{detail}")]
    Unavailable {
        /// How long to wait, if the vendor said so.
        after: Option<Duration>,
        /// What was asked.
        detail: Detail,
    },
    /// The reply was lost: nobody knows whether it happened.
    #[error("{0}")]
    Unknown(Detail),
}

/// One harmless question of a check-up.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What the credential needs for it, as its vendor calls it; or what was looked for.
    pub what: Cow<'static, str>,
    /// What the answer tells a person.
    pub result: Result<String, Fault>,
    /// What time the vendor says it is.
    pub date: Option<Moment>,
}

/// The three ways of DigitalOcean to change a droplet's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerCall {
    /// `power_on`
    On,
    /// `shutdown`: a polite question that may fail silently.
    Shutdown,
    /// `power_off`: the plug.
    Off,
}

/// A root password, sealed: opened only to write the welcome letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// For which server.
    pub server: ServerName,
    /// For which create attempt.
    pub attempt: u32,
    /// The encrypted password.
    pub blob: Vec<u8>,
    /// Its crypt(3) hash, as it stands in user-data.
    pub hash: String,
}

/// A mail, ready to go. Its body may hold a password, so it has no `Debug` of its own.
#[derive(Clone)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The subject line; never a secret.
    pub subject: String,
    /// The whole letter in plain text.
    pub text: SecretString,
    /// The same in simple HTML.
    pub html: SecretString,
    /// The part of the Message-ID before the `@`, fixed by the letter's step.
    pub message_id: String,
}

/// The ledger's lock: whoever has it is the only writer. Released when dropped.
pub struct Hold(#[expect(dead_code, reason = "kept alive, never read")] Box<dyn Any + Send + Sync>);

/// DigitalOcean.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// All droplets tagged `basement`: every page, ids unique, count equal to `meta.total`, or a fault.
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault>;
    /// One droplet by id; `None` for a 404.
    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault>;
    /// All droplets of this name, tagged or not.
    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault>;
    /// Makes one droplet with all its tags. Never repeated inside: a lost reply is `Unknown`.
    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault>;
    /// Changes the power. `Ok` too if it is already so; busy is `Unavailable`.
    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault>;
    /// Asks for destruction. `Ok` means accepted; 404 is `Ok`.
    async fn destroy(&self, id: DropletId) -> Result<(), Fault>;
    /// Makes a tag, if there is none of this name.
    async fn ensure_tag(&self, tag: &str) -> Result<(), Fault>;
    /// All firewalls of our name: usually one or none. Others are not shown.
    async fn firewalls(&self) -> Result<Vec<Firewall>, Fault>;
    /// Makes our firewall, or replaces all of the one that the order names. `Ok` means accepted. Made never
    /// twice inside: a lost reply is `Unknown`, and a second one of its name is `Refused`.
    async fn put_firewall(&self, order: &FirewallOrder) -> Result<(), Fault>;
    /// Whose account it is.
    async fn account(&self) -> Result<Account, Fault>;
    /// The price list.
    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault>;
    /// One image by its slug; `None` for a 404.
    async fn image(&self, slug: &Slug) -> Result<Option<Image>, Fault>;
    /// Whether the team has the SSH key of this fingerprint or number.
    async fn has_key(&self, key: &str) -> Result<bool, Fault>;
    /// How many requests were left of the hour's, and how many an hour has, when an answer last said so.
    fn left(&self) -> Option<(u64, u64)> {
        None
    }
}

/// What a droplet shows at its own address.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Asks `address` for the page of its first boot and for its SSH key; `id` is the server's public id. Sends no
    /// secret, and takes nothing but a complete and consistent answer for `Ready`.
    async fn ready(&self, address: Ipv4Addr, id: &str) -> Readiness;
}

/// Stripe.
#[async_trait]
pub trait Billing: Send + Sync {
    /// All subscriptions in every status: every page or a fault; unreadable items are named, not dropped.
    async fn subscriptions(&self) -> Result<Reading, Fault>;
    /// One subscription; `None` if Stripe does not know it.
    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault>;
    /// One customer; `None` if Stripe does not know it.
    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault>;
    /// The newest paid invoice that begins or renews the subscription and was made at or before `at`,
    /// with its payments and refunds.
    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault>;
    /// Refunds once per step: a refund that carries this step in its metadata is returned as it is; else it
    /// is asked for with an `Idempotency-Key` made of step and attempt.
    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault>;
    /// What happened at or after a moment, of these kinds (`customer.subscription.deleted` …), newest first.
    /// Stripe keeps events for 30 days. One that cannot be read is left out: a plan is told of them, never made.
    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault>;
    /// Ends a subscription now, without proration. `Ok` too if it has ended already.
    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault>;
}

/// The mail relay.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands over one mail. `Unknown` after DATA: it may have been delivered.
    async fn send(&self, mail: &Mail) -> Result<(), Fault>;
}

/// What was intended and done.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Takes the lock, or says who has it. `holder` names this process to others.
    async fn hold(&self, holder: &str) -> Result<Hold, Fault>;
    /// Every server's row.
    async fn history(&self) -> Result<History, Fault>;
    /// Writes entries, their rows and the sealed password in one durable transaction.
    async fn append(&self, hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault>;
    /// The entries, oldest first, of one server or of all.
    async fn entries(&self, server: Option<&ServerName>) -> Result<Vec<Entry>, Fault>;
    /// The sealed password of a server's create attempt.
    async fn sealed(&self, server: &ServerName, attempt: u32) -> Result<Option<Sealed>, Fault>;
    /// Erases, beyond recovery from the ledger, the sealed passwords that nobody has needed since before
    /// this moment (`Record::password_idle`); says how many.
    async fn erase_passwords(&self, hold: &Hold, before: Moment) -> Result<u64, Fault>;
}

/// Makes, seals and opens root passwords.
#[async_trait]
pub trait Vault: Send + Sync {
    /// A new password for this attempt, sealed, with its hash.
    async fn make(&self, server: &ServerName, attempt: u32) -> Result<Sealed, Fault>;
    /// Opens it again.
    async fn open(&self, sealed: &Sealed) -> Result<SecretString, Fault>;
}

/// Time. The engine asks for `now` once a pass; nobody else may.
#[async_trait]
pub trait Clock: Send + Sync {
    /// What time it is.
    async fn now(&self) -> Moment;
    /// Time since some fixed point, for measuring short waits.
    async fn elapsed(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, span: Duration);
}

impl Hold {
    /// Keeps `guard` alive as long as the lock is held.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Box::new(guard))
    }
}

impl Fault {
    /// What was asked and what came back.
    pub fn detail(&self) -> &Detail {
        match self {
            Self::Refused(detail) | Self::Unknown(detail) | Self::Unavailable { detail, .. } => detail,
        }
    }

    /// The credential is wrong or may not do this: no further call will fare better.
    pub fn is_credentials(&self) -> bool {
        matches!(self, Self::Refused(detail) if matches!(detail.status, Some(401 | 403)))
    }

    /// The credential is a good one, and may not do this.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused(detail) if detail.status == Some(403))
    }

    /// The mail relay refuses us, not this one letter: no other letter will fare better.
    pub fn is_relay(&self) -> bool {
        let is_ours = |code: &str| matches!(code, "login" | "tls" | "sender" | "relay");
        matches!(self, Self::Refused(detail) if detail.code.as_deref().is_some_and(is_ours))
    }

    /// The mail relay refuses this letter in a way that may be about it alone, or about all of ours.
    pub fn may_be_relay(&self) -> Option<&str> {
        let code = matches!(self, Self::Refused(_)).then_some(self.detail().code.as_deref())??;
        matches!(code, "policy" | "letter").then_some(code)
    }

    /// Nobody answers, or nobody knows the credential: another question will be answered in the same way.
    pub fn is_hopeless(&self) -> bool {
        !matches!(self, Self::Refused(_)) || self.detail().status == Some(401)
    }

    /// A refusal of our own making, without a vendor's answer.
    pub fn refused(call: &str, message: impl Into<String>) -> Self {
        Self::Refused(Detail { call: call.to_owned(), message: message.into(), ..Detail::default() })
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.call, self.message)?;
        if let Some(status) = self.status {
            write!(f, " (status {status}")?;
            if let Some(code) = &self.code {
                write!(f, ", {code}")?;
            }
            f.write_str(")")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}
