//! The simulated Stripe's first door: `ports::Billing` straight on the books, with the same trouble as at HTTP.
//! Invariant: what it answers is what the real adapter reads from the second door, HTTP; nothing is retried here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::model::billing::{
    Customer, Item, LatestInvoice, Payment, PaymentPart, Reading, Refund, RefundOrder, RefundStatus,
    Subscription, Unreadable,
};
use crate::model::desired::Price;
use crate::model::ids::{CustomerId, InvoiceId, PaymentId, RefundId, StepId, SubscriptionId};
use crate::model::insight::{Happening, StripeEvent};
use crate::model::moment::Moment;
use crate::model::money::{Currency, Money};
use crate::ports::{Billing, Clock as _, Detail, Fault};
use crate::sim::edge;
use crate::sim::ports::Door;
use crate::sim::requests::Vendor;
use crate::sim::trouble::Mishap;
use crate::sim::world::{Call, Shared, lock};

use super::billing::{Books, DISPUTED, Event, InvoiceStatus, ItemRow, RefundRow, SubscriptionRow};
use super::billing_life::has_ended;
use super::billing_money::stands;
use super::stripe_form::Form;
use super::stripe_http::Now;
use super::stripe_write::{self, Verb};

/// What is missing from a spoilt subscription.
const SPOILT: &str = "items.data[0]: missing field `price`";

/// The books as a port.
#[derive(Clone)]
pub struct BillingDoor {
    /// The account.
    pub books: Arc<Mutex<Books>>,
    /// What time it is.
    pub now: Now,
    /// Whose trouble strikes here; without a world nothing goes wrong.
    pub world: Option<Shared>,
}

#[async_trait]
impl Billing for BillingDoor {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.call("GET", "/v1/subscriptions", |books, _| {
            let mut reading = Reading::default();
            for (id, row) in &books.subscriptions {
                if row.spoilt {
                    let id = SubscriptionId::parse(id).ok();
                    reading.unreadable.push(Unreadable { id, why: SPOILT.to_owned() });
                } else {
                    reading.subscriptions.extend(subscription(books, id, row));
                }
            }
            Ok(reading)
        })
        .await
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        let path = format!("/v1/subscriptions/{id}");
        self.call("GET", &path, |books, _| match books.subscriptions.get(id.as_str()) {
            Some(row) if row.spoilt => {
                Err(Fault::Refused(Detail { status: Some(200), ..detail(&format!("GET {path}"), SPOILT) }))
            }
            Some(row) => Ok(subscription(books, id.as_str(), row)),
            None => Ok(None),
        })
        .await
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        self.call("GET", &format!("/v1/customers/{id}"), |books, _| {
            let row = books.customers.get(id.as_str());
            Ok(row.map(|row| Customer {
                id: id.clone(),
                email: row.email.clone(),
                name: row.name.clone(),
                deleted: row.deleted,
            }))
        })
        .await
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        self.call("GET", "/v1/invoices", |books, _| Ok(payment(books, id, at))).await
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        let payment = order.payment.as_str();
        let ours = |row: &RefundRow| row.metadata.get("basement_step").is_some_and(|s| s == step.as_str());
        let of_it = |row: &RefundRow| row.payment == payment || row.charge == payment;
        let made = self
            .call("GET", "/v1/refunds", |books, _| {
                let made = books.refunds.iter().rev().filter(|(_, row)| of_it(row) && ours(row));
                Ok(made.min_by_key(|(_, row)| !stands(row)).and_then(|(id, row)| refund(id, row)))
            })
            .await?;
        if let Some(refund) = made {
            return Ok(refund);
        }
        let mut form = Form::default();
        form.put(if payment.starts_with("ch_") { "charge" } else { "payment_intent" }, payment);
        form.put("amount", &order.amount.amount.to_string());
        form.put("reason", "requested_by_customer");
        form.put("metadata[basement_step]", step.as_str());
        form.put("metadata[basement_subscription]", order.subscription.as_str());
        let key = format!("{step}:{attempt}");
        self.call("POST", "/v1/refunds", |books, now| {
            let keyed = (Some(key.as_str()), "req_door");
            let answer = stripe_write::write(books, now, (Verb::Post, "refunds"), &form, keyed);
            if answer.status != 200 {
                return Err(refused("POST", "/v1/refunds", answer.status, &answer.body));
            }
            let id = answer.body["id"].as_str().unwrap_or_default();
            let made = books.refunds.get(id).and_then(|row| refund(id, row));
            made.ok_or_else(|| Fault::Unknown(detail("POST /v1/refunds", "the answer names no refund")))
        })
        .await
    }

    async fn events(&self, kinds: &BTreeSet<&'static str>, since: Moment) -> Result<Vec<Happening>, Fault> {
        self.call("GET", "/v1/events", |books, _| {
            let wanted = |event: &&Event| kinds.contains(event.kind) && event.created >= since;
            Ok(books.events().iter().rev().filter(wanted).map(|event| happening(books, event)).collect())
        })
        .await
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        let path = format!("/v1/subscriptions/{id}");
        let asked = self.call("DELETE", &path, |books, now| {
            let (path, form) = (path.trim_start_matches("/v1/"), Form::default());
            let answer = stripe_write::write(books, now, (Verb::Delete, path), &form, (None, "req_door"));
            match answer.status {
                200 => Ok(()),
                status => Err(refused("DELETE", &format!("/v1/{path}"), status, &answer.body)),
            }
        });
        match asked.await {
            // How Stripe says that it has ended already.
            Err(fault) if matches!(fault.detail().status, Some(400 | 404)) => {
                let now = self.subscription(id).await;
                if now.is_ok_and(|now| now.is_none_or(|now| has_ended(&now.status))) {
                    Ok(())
                } else {
                    Err(fault)
                }
            }
            other => other,
        }
    }
}

impl BillingDoor {
    /// A door beside a world, in its time and its trouble.
    pub fn new(books: Arc<Mutex<Books>>, world: Shared) -> Self {
        let clock = world.clone();
        Self { books, now: Arc::new(move || lock(&clock).now()), world: Some(world) }
    }

    /// One request to Stripe: admitted, delayed, troubled, carried out.
    async fn call<T>(
        &self,
        method: &str,
        path: &str,
        effect: impl FnOnce(&mut Books, Moment) -> Result<T, Fault> + Send,
    ) -> Result<T, Fault> {
        let mishap = self.admit(method, path).await;
        let call = || format!("{method} {path}");
        let failed = |status: u16, code: Option<&str>| {
            let said = detail(&call(), edge::words(status).1);
            let code = code.map(str::to_owned);
            Err(told_apart(method, Detail { status: Some(status), code, ..said }))
        };
        match mishap {
            None | Some(Mishap::Slow(_)) => self.carry_out(effect),
            Some(Mishap::FailBefore(status)) => failed(status, edge::stripe_code(status)),
            Some(Mishap::FailAfter(status)) => {
                // The answer is lost, be it good or bad.
                let _ = self.carry_out(effect);
                failed(status, edge::stripe_code(status))
            }
            Some(Mishap::Html502) => failed(502, None),
            Some(Mishap::RateMinute | Mishap::RateHour) => failed(429, edge::stripe_code(429)),
            Some(Mishap::Locked) => failed(409, Some("lock_timeout")),
            Some(Mishap::Shifted) => {
                let why = detail(&call(), "the pages of the list name an item twice");
                Err(Fault::Unavailable { after: None, detail: Detail { status: Some(200), ..why } })
            }
            Some(Mishap::Drop) => {
                let _ = self.carry_out(effect);
                let lost = detail(&call(), "connection closed before message completed");
                let is_read = method == "GET";
                Err(if is_read {
                    Fault::Unavailable { after: None, detail: lost }
                } else {
                    Fault::Unknown(lost)
                })
            }
        }
    }

    /// What goes wrong with a request, after its delay.
    async fn admit(&self, method: &str, path: &str) -> Option<Mishap> {
        let world = self.world.as_ref()?;
        let admission = lock(world).admit(&Call { vendor: Vendor::Stripe, method, path, token: "ports" });
        Door::new(world.clone()).sleep(admission.delay).await;
        admission.mishap
    }

    /// On the account, caught up with the time.
    fn carry_out<T>(&self, effect: impl FnOnce(&mut Books, Moment) -> T) -> T {
        let now = (self.now)();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.tick(now);
        effect(&mut books, now)
    }
}

fn subscription(books: &Books, id: &str, row: &SubscriptionRow) -> Option<Subscription> {
    let latest = row.latest_invoice.as_ref().and_then(|id| Some((id, books.invoices.get(id)?)));
    Some(Subscription {
        id: SubscriptionId::parse(id).ok()?,
        customer: CustomerId::parse(&row.customer).ok()?,
        status: row.status.clone(),
        livemode: books.live,
        created: row.created,
        ended_at: row.ended_at,
        cancel_at_period_end: row.cancel_at_period_end,
        cancel_at: row.cancel_at,
        collection_paused: row.collection_paused.is_some(),
        user_id: row.metadata.get("user_id").cloned(),
        switched_off: row.metadata.get("basement_power").is_some_and(|power| power == "off"),
        items: row.items.iter().map(|item| self::item(row, item)).collect(),
        latest_invoice: latest.and_then(|(id, invoice)| {
            let paid = invoice.status == InvoiceStatus::Paid;
            Some(LatestInvoice { id: InvoiceId::parse(id).ok()?, created: invoice.created, paid })
        }),
    })
}

fn item(row: &SubscriptionRow, item: &ItemRow) -> Item {
    let price = item.price;
    Item {
        price_id: price.id.to_owned(),
        lookup_key: Some(price.lookup_key.to_owned()),
        product_id: price.product.to_owned(),
        price: Ok(Price { amount: price.amount, currency: Currency::USD, every: price.every }),
        quantity: Some(item.quantity),
        period_start: row.start,
        period_end: row.end,
    }
}

fn payment(books: &Books, id: &SubscriptionId, at: Moment) -> Option<Payment> {
    let (invoice_id, invoice) = books.invoices.iter().rev().find(|(_, row)| {
        row.subscription == id.as_str()
            && row.status == InvoiceStatus::Paid
            && match row.reason {
                "subscription_create" => true,
                "subscription_cycle" => row.created <= at,
                _ => false,
            }
    })?;
    let paid = invoice.payment.as_ref().and_then(|pi| Some((pi, books.payments.get(pi)?)));
    let part = paid.filter(|(_, row)| row.charge.is_some()).and_then(|(pi, row)| {
        let refunds = books.refunds.iter().rev().filter(|(_, refund)| refund.payment == *pi);
        Some(PaymentPart {
            id: PaymentId::parse(pi).ok()?,
            received: Money::usd(row.amount),
            refunded: books.refunded(pi),
            disputed: row.disputed,
            refunds: refunds.filter_map(|(id, row)| refund(id, row)).collect(),
        })
    });
    Some(Payment {
        invoice: InvoiceId::parse(invoice_id).ok()?,
        created: invoice.created,
        amount_paid: Money::usd(invoice.amount),
        parts: part.into_iter().collect(),
        by_hand: None,
    })
}

fn happening(books: &Books, event: &Event) -> Happening {
    let of = |invoice: &str| books.invoices.get(invoice).map(|row| row.subscription.clone());
    let subscription = match event.object.split_once('_') {
        Some(("sub", _)) => Some(event.object.clone()),
        Some(("in", _)) => of(&event.object),
        _ => None,
    };
    let payment = (event.kind == DISPUTED).then(|| books.intent_of(&event.object)).flatten();
    Happening {
        event: StripeEvent { id: event.id.clone(), kind: event.kind.to_owned(), at: event.created },
        subscription: subscription.and_then(|id| SubscriptionId::parse(&id).ok()),
        payment: payment.and_then(|id| PaymentId::parse(&id).ok()),
    }
}

fn refund(id: &str, row: &RefundRow) -> Option<Refund> {
    Some(Refund {
        id: RefundId::parse(id).ok()?,
        amount: Money::usd(row.amount),
        status: match row.status {
            "pending" => RefundStatus::Pending,
            "succeeded" => RefundStatus::Succeeded,
            "failed" => RefundStatus::Failed,
            other => RefundStatus::Other(other.to_owned()),
        },
        step: row.metadata.get("basement_step").and_then(|step| StepId::parse(step).ok()),
    })
}

/// Stripe's own no.
fn refused(method: &str, path: &str, status: u16, body: &Value) -> Fault {
    let error = &body["error"];
    let call = format!("{method} {path}");
    let said = Detail {
        status: Some(status),
        code: error["code"].as_str().map(str::to_owned),
        body: body.to_string(),
        ..detail(&call, error["message"].as_str().unwrap_or("refused"))
    };
    told_apart(method, said)
}

/// As the real adapter tells failures apart: a 5xx to a write may have had its effect, and a 409 may come from
/// another request with our key, which may succeed; every other refusal had none.
fn told_apart(method: &str, detail: Detail) -> Fault {
    let is_locked = detail.code.as_deref() == Some("lock_timeout");
    match detail.status.unwrap_or_default() {
        409 if method == "POST" && !is_locked => Fault::Unknown(detail),
        500.. if method != "GET" => Fault::Unknown(detail),
        409 | 429 | 500.. => Fault::Unavailable { after: None, detail },
        _ => Fault::Refused(detail),
    }
}

fn detail(call: &str, message: &str) -> Detail {
    Detail { call: call.to_owned(), message: message.to_owned(), ..Detail::default() }
}
