//! Every call of both adapters, where it is struck, and the good answers around that.

use std::sync::Arc;
use std::time::Duration;

use basement::adapters::digitalocean::DigitalOcean;
use basement::adapters::http::Limits;
use basement::adapters::pace::Pace;
use basement::adapters::stripe::Stripe;
use basement::model::billing::RefundOrder;
use basement::model::ids::{CustomerId, DropletId, PaymentId, StepId, SubscriptionId};
use basement::model::moment::Moment;
use basement::model::money::Money;
use basement::model::policy::Mode;
use basement::ports::{Billing, Cloud, Fault, PowerCall};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::raw::{Raw, Reply, whole};
use crate::digitalocean::{droplet, order};
use crate::scripted::VirtualClock;

/// A token of before 2021: nothing but the adapter knows that it is one.
pub const OLD_TOKEN: &str = "01d5eed123456789abcdef0123456789abcdef0123456789abcdef0123456789";
pub const KEY: &str = "sk_test_51HostileHostileHostile";

/// One call of a port, and the request in it that is answered badly.
pub struct Call {
    pub name: &'static str,
    /// The beginning of the request.
    pub strike: &'static str,
    /// The struck request changes something.
    pub writes: bool,
}

const fn call(name: &'static str, strike: &'static str, writes: bool) -> Call {
    Call { name, strike, writes }
}

/// All of them.
pub const CALLS: [Call; 22] = [
    call("droplets", "GET /v2/droplets?", false),
    call("find", "GET /v2/droplets?", false),
    call("droplet", "GET /v2/droplets/42 ", false),
    call("create", "POST /v2/droplets ", true),
    call("power", "POST /v2/droplets/42/actions ", true),
    call("destroy", "DELETE /v2/droplets/42 ", true),
    call("account", "GET /v2/account ", false),
    call("sizes", "GET /v2/sizes?", false),
    call("image", "GET /v2/images/ubuntu-22-04-x64 ", false),
    call("key", "GET /v2/account/keys/289794 ", false),
    call("subscriptions", "GET /v1/subscriptions?", false),
    call("subscription", "GET /v1/subscriptions/sub_1?", false),
    call("customer", "GET /v1/customers/cus_1 ", false),
    call("payment", "GET /v1/invoices?", false),
    call("payment", "GET /v1/invoice_payments?", false),
    call("payment", "GET /v1/payment_intents/pi_1?", false),
    call("payment", "GET /v1/refunds?", false),
    call("payment of a charge", "GET /v1/charges/ch_1 ", false),
    call("refund", "GET /v1/refunds?", false),
    call("refund", "POST /v1/refunds ", true),
    call("cancel", "DELETE /v1/subscriptions/sub_1 ", true),
    call("power on", "POST /v2/droplets/42/actions ", true),
];

impl Call {
    /// The good answer that is spoilt.
    pub fn spoilt(&self) -> (u16, Value) {
        match self.good(self.strike) {
            // A delete has nothing to spoil.
            (204, _) => (200, json!({"a": "b"})),
            other => other,
        }
    }

    /// The good answer to a request of this call.
    pub fn good(&self, head: &str) -> (u16, Value) {
        good(head, self.name == "payment of a charge")
    }

    /// The same in bytes.
    pub fn answer(&self, head: &str) -> Reply {
        let (status, body) = self.good(head);
        whole(status, if body.is_null() { String::new() } else { body.to_string() })
    }

    /// What it gets from a vendor who is not hostile.
    pub async fn undisturbed(&'static self) -> String {
        let server = Raw::start(Arc::new(|head| self.answer(head))).await;
        Clients::new(&server.url, Duration::from_secs(30)).run(self).await.expect("a good answer")
    }

    /// Whether an answer would be a good one to this call.
    pub fn skips(&self, way: &str) -> bool {
        self.name == "destroy" && way == "an empty body"
    }
}

pub fn good(head: &str, by_charge: bool) -> (u16, Value) {
    let list = |item: Value| json!({"object": "list", "data": [item], "has_more": false, "url": "/v1/x"});
    let path = head.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
    let body = match path.as_str() {
        "GET /v2/droplets" => {
            json!({"droplets": [droplet(42, "ada-7f3k2m9q", "active")], "links": {}, "meta": {"total": 1}})
        }
        "GET /v2/droplets/42" => json!({"droplet": droplet(42, "ada-7f3k2m9q", "new")}),
        "POST /v2/droplets" => return (202, json!({"droplet": {"id": 42, "name": "ada-7f3k2m9q"}})),
        "POST /v2/droplets/42/actions" => {
            return (201, json!({"action": {"id": 7, "status": "in-progress"}}));
        }
        "DELETE /v2/droplets/42" => return (204, Value::Null),
        "GET /v2/account" => json!({"account": {"uuid": "u", "status": "active", "droplet_limit": 25}}),
        "GET /v2/sizes" => json!({"sizes": [{"slug": "s-1vcpu-1gb", "price_monthly": 6.0, "available": true,
            "regions": ["nyc3"]}], "links": {}, "meta": {"total": 1}}),
        "GET /v2/images/ubuntu-22-04-x64" => json!({"image": {"status": "available", "regions": ["nyc3"]}}),
        "GET /v2/account/keys/289794" => json!({"ssh_key": {"id": 289_794, "fingerprint": "3b:16"}}),
        "GET /v1/subscriptions" => list(subscription()),
        "GET /v1/subscriptions/sub_1" => subscription(),
        "DELETE /v1/subscriptions/sub_1" => {
            let mut ended = subscription();
            ended["status"] = json!("canceled");
            ended
        }
        "GET /v1/customers/cus_1" => {
            json!({"id": "cus_1", "email": "a@example.com", "name": "A", "livemode": false})
        }
        "GET /v1/invoices" => list(json!({"id": "in_1", "status": "paid", "currency": "usd", "created": 9,
            "billing_reason": "subscription_create", "amount_paid": 3500, "starting_balance": 0})),
        "GET /v1/invoice_payments" => {
            let (kind, id) = if by_charge { ("charge", "ch_1") } else { ("payment_intent", "pi_1") };
            list(json!({"id": "ip_1", "amount_paid": 3500, "payment": {"type": kind, kind: id}}))
        }
        "GET /v1/payment_intents/pi_1" => json!({"id": "pi_1", "amount_received": 3500, "currency": "usd",
            "latest_charge": null}),
        "GET /v1/charges/ch_1" => json!({"id": "ch_1", "amount_captured": 3500, "amount_refunded": 0,
            "currency": "usd", "disputed": false}),
        "GET /v1/refunds" => list(json!({"id": "re_0", "amount": 1, "currency": "usd", "status": "failed"})),
        "POST /v1/refunds" => json!({"id": "re_1", "amount": 3500, "currency": "usd", "status": "pending"}),
        other => panic!("nobody asks for `{other}`"),
    };
    (200, body)
}

/// Both adapters, at one address.
pub struct Clients {
    pub cloud: DigitalOcean,
    pub stripe: Stripe,
}

impl Clients {
    pub fn new(url: &str, patience: Duration) -> Self {
        let limits = Limits { patience, bytes: 256 * 1024 };
        let clock = Arc::new(VirtualClock::default());
        let pace = Arc::new(Pace::new(clock.clone()));
        let token = SecretString::from(OLD_TOKEN);
        let cloud = DigitalOcean::new(url, token, pace, clock.clone(), "test").expect("a good URL");
        let key = SecretString::from(KEY);
        let stripe = Stripe::new(url, key, Mode::Test, clock, "test").expect("a good URL");
        Self { cloud: cloud.with_limits(limits), stripe: stripe.with_limits(limits) }
    }

    /// Makes a call; what it says it got.
    pub async fn run(&self, call: &Call) -> Result<String, Fault> {
        let (cloud, stripe, id) = (&self.cloud, &self.stripe, DropletId(42));
        let sub = SubscriptionId::parse("sub_1").expect("an id");
        match call.name {
            "droplets" => cloud.droplets().await.map(said),
            "find" => cloud.find(&order().server).await.map(said),
            "droplet" => cloud.droplet(id).await.map(said),
            "create" => cloud.create(&order(), "").await.map(said),
            "power" => cloud.power(id, PowerCall::Off).await.map(said),
            "power on" => cloud.power(id, PowerCall::On).await.map(said),
            "destroy" => cloud.destroy(id).await.map(said),
            "account" => cloud.account().await.map(said),
            "sizes" => cloud.sizes().await.map(said),
            "image" => cloud.image(&order().spec.image).await.map(said),
            "key" => cloud.has_key("289794").await.map(said),
            "subscriptions" => stripe.subscriptions().await.and_then(|reading| {
                // A list in which one is unreadable is a good one: it says so.
                let odd = Fault::refused("GET /v1/subscriptions", "unreadable");
                if reading.unreadable.is_empty() { Ok(said(reading)) } else { Err(odd) }
            }),
            "subscription" => stripe.subscription(&sub).await.map(said),
            "customer" => stripe.customer(&CustomerId::parse("cus_1").expect("an id")).await.map(said),
            "payment" | "payment of a charge" => {
                stripe.payment(&sub, Moment::from_unix(1_790_000_500)).await.map(said)
            }
            "refund" => {
                let payment = PaymentId::parse("pi_1").expect("an id");
                let order = RefundOrder { subscription: sub, payment, amount: Money::usd(3500) };
                let step = StepId::parse("refund/sub_1/pi_1").expect("an id");
                stripe.refund(&order, &step, 1).await.map(said)
            }
            "cancel" => stripe.cancel(&sub).await.map(said),
            other => panic!("no call is `{other}`"),
        }
    }
}

fn said(what: impl std::fmt::Debug) -> String {
    format!("{what:?}")
}

fn subscription() -> Value {
    json!({
        "id": "sub_1", "customer": "cus_1", "status": "active", "livemode": false, "created": 9,
        "cancel_at_period_end": false, "metadata": {"user_id": "ada"},
        "items": {"data": [{"quantity": 1, "current_period_start": 9, "current_period_end": 99,
            "price": {"id": "price_1", "product": "prod_1", "currency": "usd", "unit_amount": 3500,
                "recurring": {"interval": "month", "interval_count": 1}}}]},
        "latest_invoice": {"id": "in_1", "created": 9, "status": "paid"},
    })
}
