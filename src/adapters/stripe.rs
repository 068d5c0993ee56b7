//! `Billing` over Stripe's HTTP: async-stripe's request builders and API version, our own transport (for
//! request ids, our own idempotency key with retries, and lists in which one odd item hides no other).
//! Invariant: at most one standing refund per step, found again by its metadata or its key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use stripe_billing::invoice::ListInvoice;
use stripe_billing::invoice_payment::{ListInvoicePayment, ListInvoicePaymentStatus};
use stripe_billing::subscription::{
    CancelSubscription, CancelSubscriptionCancellationDetails, ListSubscription, ListSubscriptionStatus,
    RetrieveSubscription,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::customer::RetrieveCustomer;
use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::{CreateRefund, CreateRefundReason, ListRefund};
use stripe_shared::InvoiceStatus;

use super::http::{self, Limits};
use super::stripe_call::{Caller, Reply, call_name, known};
use crate::model::billing::{
    Customer, Payment, PaymentPart, Reading, Refund, RefundOrder, Status, Subscription,
};
use crate::model::ids::{CustomerId, PaymentId, StepId, SubscriptionId};
use crate::model::insight::Happening;
use crate::model::moment::Moment;
use crate::model::money::Money;
use crate::model::policy::Mode;
use crate::ports::{Asked, Billing, Clock, Fault};
use crate::wire::stripe as wire;
use crate::wire::stripe_events as wire_events;
use crate::wire::stripe_money::{self as money, Charge, Intent, Invoice, InvoicePayment, Source};

/// The most that Stripe gives per page.
const PAGE: i64 = 100;

/// What is read, as Stripe names its permissions.
const READ: [(&str, &str); 6] = [
    ("Subscriptions: read", "/subscriptions"),
    ("Customers: read", "/customers"),
    ("Invoices: read", "/invoices"),
    ("PaymentIntents: read", "/payment_intents"),
    ("Charges: read", "/charges"),
    ("Refunds: read", "/refunds"),
];

/// One Stripe account, in one mode.
pub struct Stripe {
    caller: Caller,
}

/// Why a client for Stripe cannot be made. No text of the key is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSetup {
    /// It does not look like a key.
    #[error(
        "the Stripe key is none: it does not begin with `sk_test_`, `rk_test_`, `sk_live_` or `rk_live_`, or \
         has odd characters; hint: copy it again from Stripe's dashboard, Developers, API keys"
    )]
    Key,
    /// It is of the other mode.
    #[error(
        "the Stripe key is of {0} mode, but the fleet is of {1} mode; hint: set `STRIPE_API_KEY` to a key that \
         begins with `rk_{1}_` or `sk_{1}_`, or change the mode in `basement.toml`"
    )]
    Mode(&'static str, &'static str),
    /// The key would travel in the clear.
    #[error(
        "the Stripe address `{0}` is neither https nor on this machine; hint: leave it out, or write it like \
         `https://api.stripe.com` or `http://127.0.0.1:8421`"
    )]
    Address(String),
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Http(String),
}

impl Stripe {
    /// A client for `base_url` (`https://api.stripe.com`), which fits `mode`.
    pub fn new(
        base_url: &str,
        key: SecretString,
        mode: Mode,
        clock: Arc<dyn Clock>,
        user_agent: &str,
    ) -> Result<Self, BadSetup> {
        check_key(key.expose_secret(), mode)?;
        let base = check_address(base_url)?;
        let http = http::client(user_agent, &base).map_err(BadSetup::Http)?;
        Ok(Self { caller: Caller { http, base, key, mode, clock, limits: Limits::default() } })
    }

    /// The same, with other limits for one exchange.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.caller.limits = limits;
        self
    }

    /// Asks for one item of everything that is read here. What a key may write cannot be asked without writing,
    /// and `/v1/account` not with a restricted key (<https://github.com/stripe/stripe-node/issues/2246>).
    pub async fn checkup(&self) -> Vec<Asked> {
        let mut asked = Vec::new();
        for (what, path) in READ {
            let ask = RequestBuilder::new(StripeMethod::Get, path).query(&BTreeMap::from([("limit", 1)]));
            let (result, date) = match self.caller.send(&ask, None).await {
                // The mode of what is there is looked at too.
                Ok(reply) => (self.caller.list_mode(&reply).map(|()| String::new()), reply.date),
                Err(fault) => (Err(fault), None),
            };
            // A key that is not known, or no network, will be the same to the next question.
            let is_over = result.as_ref().is_err_and(Fault::is_hopeless);
            asked.push(Asked { what: what.into(), result, date });
            if is_over {
                break;
            }
        }
        asked
    }

    async fn refunds(&self, payment: &PaymentId) -> Result<Vec<Refund>, Fault> {
        let ask = ListRefund::new().limit(PAGE);
        let ask = if is_intent(payment) {
            ask.payment_intent(payment.as_str())
        } else {
            ask.charge(payment.as_str())
        };
        let ask = ask.build();
        let values = self.caller.list(&ask).await?;
        let read = |value| {
            money::check_refunded(&value, payment)?;
            money::refund(value)
        };
        let refunds: Result<Vec<Refund>, String> = values.into_iter().map(read).collect();
        refunds.map_err(|why| Fault::refused(&call_name(&ask), format!("cannot be read: {why}")))
    }

    /// The refund that was made for a step: one that stands, else one that came back, for giving that back is a
    /// person's work.
    async fn refund_of(&self, payment: &PaymentId, step: &StepId) -> Result<Option<Refund>, Fault> {
        let refunds = self.refunds(payment).await?;
        let ours = refunds.into_iter().filter(|refund| refund.step.as_ref() == Some(step));
        Ok(ours.min_by_key(|refund| !refund.stands()))
    }

    async fn invoices(&self, id: &SubscriptionId) -> Result<Vec<Invoice>, Fault> {
        let ask =
            ListInvoice::new().subscription(id.as_str()).status(InvoiceStatus::Paid).limit(PAGE).build();
        let invoices = self.caller.all(&ask, wire::read::<Invoice>).await?;
        match invoices.iter().find(|invoice| invoice.is_of_another(id)) {
            Some(other) => {
                let why = format!("asked for invoices of `{id}`, got `{}` of another subscription", other.id);
                Err(Fault::refused(&call_name(&ask), why))
            }
            None => Ok(invoices),
        }
    }

    /// The payments of an invoice, and why one of them is a person's business.
    async fn parts(&self, invoice: &Invoice) -> Result<(Vec<PaymentPart>, Option<String>), Fault> {
        let ask = ListInvoicePayment::new()
            .invoice(invoice.id.as_str())
            .status(ListInvoicePaymentStatus::Paid)
            .limit(PAGE)
            .build();
        let (mut parts, mut by_hand) = (Vec::new(), None);
        for payment in self.caller.all(&ask, wire::read::<InvoicePayment>).await? {
            let share = payment.amount_paid;
            let part = match payment.source() {
                Source::Intent(id) => self.intent(id).await?,
                Source::Charge(id) => self.charge(id).await?,
                Source::Elsewhere(kind) => {
                    by_hand = Some(format!("the invoice `{}` was paid outside Stripe ({kind})", invoice.id));
                    continue;
                }
            };
            if share.is_some_and(|share| share.0 < part.received.amount) {
                by_hand =
                    Some(format!("the payment `{}` was not for the invoice `{}` alone", part.id, invoice.id));
            }
            parts.push(part);
        }
        Ok((parts, by_hand))
    }

    async fn intent(&self, id: PaymentId) -> Result<PaymentPart, Fault> {
        let ask = RetrievePaymentIntent::new(id.as_str()).expand(vec!["latest_charge".to_owned()]).build();
        let intent = self.caller.object(&ask, id.as_str(), wire::read::<Intent>).await?;
        let received = Money { amount: intent.amount_received.0, currency: intent.currency };
        let refunds = self.refunds(&id).await?;
        Ok(money::part(id, received, intent.latest_charge.as_ref(), refunds))
    }

    async fn charge(&self, id: PaymentId) -> Result<PaymentPart, Fault> {
        let ask = RequestBuilder::new(StripeMethod::Get, format!("/charges/{id}"));
        let charge = self.caller.object(&ask, id.as_str(), wire::read::<Charge>).await?;
        let received = Money { amount: charge.amount_captured.0, currency: charge.currency };
        let refunds = self.refunds(&id).await?;
        Ok(money::part(id, received, Some(&charge), refunds))
    }

    async fn has_ended(&self, id: &SubscriptionId) -> Result<bool, Fault> {
        let ended = |now: Subscription| matches!(now.status, Status::Canceled | Status::IncompleteExpired);
        Ok(self.subscription(id).await?.is_none_or(ended))
    }

    /// Whether a reply to a cancellation is Stripe's, and says that this subscription has ended.
    fn says_ended(&self, reply: &Reply, id: &SubscriptionId) -> bool {
        let ended = |value| wire::id(&value) == Some(id.as_str()) && wire::has_ended(&value);
        self.caller.value(reply).is_ok_and(ended)
    }
}

#[async_trait]
impl Billing for Stripe {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        let ask = ListSubscription::new()
            .status(ListSubscriptionStatus::All)
            .limit(PAGE)
            .expand(vec!["data.latest_invoice".to_owned()]);
        Ok(wire::reading(self.caller.list(&ask.build()).await?))
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        let ask = RetrieveSubscription::new(id.as_str()).expand(vec!["latest_invoice".to_owned()]);
        known(self.caller.object(&ask.build(), id.as_str(), wire::subscription).await)
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        let ask = RetrieveCustomer::new(id.as_str()).build();
        known(self.caller.object(&ask, id.as_str(), wire::customer).await)
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        let invoices = self.invoices(id).await?;
        let Some(invoice) = money::choose(&invoices, at) else { return Ok(None) };
        let (parts, odd) =
            if invoice.amount_paid.0 == 0 { (Vec::new(), None) } else { self.parts(invoice).await? };
        Ok(Some(Payment {
            invoice: invoice.id.clone(),
            created: invoice.created.0,
            amount_paid: invoice.paid(),
            parts,
            by_hand: invoice.by_hand().or(odd),
        }))
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        if let Some(made) = self.refund_of(&order.payment, step).await? {
            return Ok(made);
        }
        let ask = refund_request(order, step);
        let key = format!("basement:{step}:{attempt}");
        // Stripe, "Idempotent requests": keys have at most 255 characters.
        if key.len() > 255 {
            return Err(Fault::refused(&call_name(&ask), format!("the step `{step}` is too long for a key")));
        }
        let reply = self.caller.send(&ask, Some(&key)).await?;
        let read = self.caller.value(&reply).map_err(|fault| fault.detail().message.clone());
        match read.and_then(money::refund).and_then(|refund| is_answer(refund, order, step)) {
            Ok(refund) => Ok(refund),
            // The money is on its way; the list is another chance to learn the refund's id.
            Err(why) => match self.refund_of(&order.payment, step).await {
                Ok(Some(made)) => Ok(made),
                Ok(None) | Err(_) => Err(Fault::Unknown(reply.unreadable(&why))),
            },
        }
    }

    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault> {
        let values = self.caller.list(&events_request(kinds, since)).await?;
        Ok(values.iter().filter_map(wire_events::happening).collect())
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        let mut why = CancelSubscriptionCancellationDetails::new();
        why.comment = Some("basement: the server could not be delivered".to_owned());
        // Proration would give the customer a credit on top of the refund.
        let ask =
            CancelSubscription::new(id.as_str()).prorate(false).invoice_now(false).cancellation_details(why);
        match self.caller.send(&ask.build(), None).await {
            Ok(reply) if self.says_ended(&reply, id) => Ok(()),
            Ok(reply) => match self.has_ended(id).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => {
                    Err(Fault::Unknown(reply.unreadable("it is not this subscription, ended")))
                }
            },
            // How Stripe says that it has ended already; also after an earlier try whose reply was lost.
            Err(fault) if matches!(fault.detail().status, Some(400 | 404)) => {
                match self.has_ended(id).await {
                    Ok(true) => Ok(()),
                    Ok(false) | Err(_) => Err(fault),
                }
            }
            Err(fault) => Err(fault),
        }
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stripe({}, {:?})", self.caller.base, self.caller.mode)
    }
}

/// The refund, if it is what was asked for: its amount goes into the ledger.
fn is_answer(refund: Refund, order: &RefundOrder, step: &StepId) -> Result<Refund, String> {
    if refund.amount != order.amount {
        return Err(format!("asked for {}, got a refund of {}", order.amount, refund.amount));
    }
    match &refund.step {
        Some(other) if other != step => Err(format!("asked for `{step}`, got the refund of `{other}`")),
        _ => Ok(refund),
    }
}

fn is_intent(payment: &PaymentId) -> bool {
    payment.as_str().starts_with("pi_")
}

/// Events are objects of every kind, so async-stripe's own type for them would draw in all of Stripe.
fn events_request(kinds: &BTreeSet<&'static str>, since: Moment) -> RequestBuilder {
    let ask = serde_json::json!({ "types": kinds, "created": { "gte": since.unix() }, "limit": PAGE });
    RequestBuilder::new(StripeMethod::Get, "/events").query(&ask)
}

fn refund_request(order: &RefundOrder, step: &StepId) -> RequestBuilder {
    let metadata = [(wire::STEP, step.to_string()), (wire::SUBSCRIPTION, order.subscription.to_string())];
    // Never `fraudulent`: that would put the customer on Stripe's block lists.
    let ask = CreateRefund::new()
        .amount(order.amount.amount)
        .reason(CreateRefundReason::RequestedByCustomer)
        .metadata(metadata.map(|(key, value)| (key.to_owned(), value)));
    if is_intent(&order.payment) {
        ask.payment_intent(order.payment.as_str()).build()
    } else {
        ask.charge(order.payment.as_str()).build()
    }
}

fn check_key(key: &str, mode: Mode) -> Result<(), BadSetup> {
    let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("rk_")).ok_or(BadSetup::Key)?;
    let (found, rest) = match (rest.strip_prefix("test_"), rest.strip_prefix("live_")) {
        (Some(rest), _) => (Mode::Test, rest),
        (None, Some(rest)) => (Mode::Live, rest),
        (None, None) => return Err(BadSetup::Key),
    };
    if rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(BadSetup::Key);
    }
    if found == mode { Ok(()) } else { Err(BadSetup::Mode(word(found), word(mode))) }
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live",
        Mode::Test => "test",
    }
}

/// The address without a slash at its end, if a key may be sent there.
fn check_address(text: &str) -> Result<String, BadSetup> {
    let bad = || BadSetup::Address(text.chars().take(80).filter(|c| !c.is_control()).collect());
    let url = Url::parse(text).map_err(|_| bad())?;
    let host = url.host_str().ok_or_else(bad)?;
    let number = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let here = host == "localhost" || number.is_ok_and(|ip| ip.is_loopback());
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    if safe && plain { Ok(text.trim_end_matches('/').to_owned()) } else { Err(bad()) }
}
