//! The simulated Stripe's first door: `ports::Billing` straight on the books.
//! Invariant: what it answers is what the real adapter reads from the second door, HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::model::billing::{
    Customer, Item, LatestInvoice, Payment, PaymentPart, Reading, Refund, RefundOrder, RefundStatus,
    Subscription, Unreadable,
};
use crate::model::desired::Price;
use crate::model::ids::{CustomerId, InvoiceId, PaymentId, RefundId, StepId, SubscriptionId};
use crate::model::moment::Moment;
use crate::model::money::{Currency, Money};
use crate::ports::{Billing, Detail, Fault};

use super::billing::{Books, InvoiceStatus, ItemRow, RefundRow, SubscriptionRow};
use super::billing_life::has_ended;
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
}

#[async_trait]
impl Billing for BillingDoor {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        let (books, _) = self.enter();
        let mut reading = Reading::default();
        for (id, row) in &books.subscriptions {
            if row.spoilt {
                let id = SubscriptionId::parse(id).ok();
                reading.unreadable.push(Unreadable { id, why: SPOILT.to_owned() });
            } else {
                reading.subscriptions.extend(subscription(&books, id, row));
            }
        }
        Ok(reading)
    }

    async fn subscription(&self, id: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        let (books, _) = self.enter();
        match books.subscriptions.get(id.as_str()) {
            Some(row) if row.spoilt => {
                let call = format!("GET /v1/subscriptions/{id}");
                Err(Fault::Refused(Detail { status: Some(200), ..detail(&call, SPOILT) }))
            }
            Some(row) => Ok(subscription(&books, id.as_str(), row)),
            None => Ok(None),
        }
    }

    async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>, Fault> {
        let (books, _) = self.enter();
        let row = books.customers.get(id.as_str());
        Ok(row.map(|row| Customer {
            id: id.clone(),
            email: row.email.clone(),
            name: row.name.clone(),
            deleted: row.deleted,
        }))
    }

    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        let (books, _) = self.enter();
        Ok(payment(&books, id, at))
    }

    async fn refund(&self, order: &RefundOrder, step: &StepId, attempt: u32) -> Result<Refund, Fault> {
        let (mut books, now) = self.enter();
        let payment = order.payment.as_str();
        let ours = |row: &RefundRow| row.metadata.get("basement_step").is_some_and(|s| s == step.as_str());
        let of_it = |row: &RefundRow| row.payment == payment || row.charge == payment;
        let made = books.refunds.iter().rev().find(|(_, row)| of_it(row) && ours(row));
        if let Some(refund) = made.and_then(|(id, row)| refund(id, row)) {
            return Ok(refund);
        }
        let mut form = Form::default();
        form.put(if payment.starts_with("ch_") { "charge" } else { "payment_intent" }, payment);
        form.put("amount", &order.amount.amount.to_string());
        form.put("reason", "requested_by_customer");
        form.put("metadata[basement_step]", step.as_str());
        form.put("metadata[basement_subscription]", order.subscription.as_str());
        let key = format!("{step}:{attempt}");
        let answer =
            stripe_write::write(&mut books, now, (Verb::Post, "refunds"), &form, (Some(&key), "req_door"));
        if answer.status != 200 {
            return Err(fault("POST /v1/refunds", answer.status, &answer.body));
        }
        let id = answer.body["id"].as_str().unwrap_or_default();
        let made = books.refunds.get(id).and_then(|row| refund(id, row));
        made.ok_or_else(|| Fault::Unknown(detail("POST /v1/refunds", "the answer names no refund")))
    }

    async fn cancel(&self, id: &SubscriptionId) -> Result<(), Fault> {
        let (mut books, now) = self.enter();
        if books.subscriptions.get(id.as_str()).is_some_and(|row| has_ended(&row.status)) {
            return Ok(());
        }
        let path = format!("subscriptions/{id}");
        let form = Form::default();
        let answer = stripe_write::write(&mut books, now, (Verb::Delete, &path), &form, (None, "req_door"));
        match answer.status {
            200 => Ok(()),
            status => Err(fault(&format!("DELETE /v1/{path}"), status, &answer.body)),
        }
    }
}

impl BillingDoor {
    /// The account, caught up with the time.
    fn enter(&self) -> (MutexGuard<'_, Books>, Moment) {
        let now = (self.now)();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.tick(now);
        (books, now)
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

/// A 500 may have had its effect; every other refusal had none.
fn fault(call: &str, status: u16, body: &Value) -> Fault {
    let error = &body["error"];
    let detail = Detail {
        status: Some(status),
        code: error["code"].as_str().map(str::to_owned),
        body: body.to_string(),
        ..detail(call, error["message"].as_str().unwrap_or("refused"))
    };
    if status >= 500 { Fault::Unknown(detail) } else { Fault::Refused(detail) }
}

fn detail(call: &str, message: &str) -> Detail {
    Detail { call: call.to_owned(), message: message.to_owned(), ..Detail::default() }
}
