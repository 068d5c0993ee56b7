//! Invoices, payments and charges as Stripe writes them since basil: an invoice names no charge,
//! a charge no invoice; invoice payments stand between.

use serde_json::{Value, json};

use crate::model::desired::Every;
use crate::model::moment::Moment;

use super::billing::{Books, InvoiceRow, InvoiceStatus, ItemRow, PaymentRow};
use super::stripe_json::{list, time, with, with_nulls};

pub(super) fn invoice(books: &Books, id: &str, row: &InvoiceRow) -> Value {
    let paid = if row.status == InvoiceStatus::Paid { row.amount } else { 0 };
    let finalized = (row.status != InvoiceStatus::Draft).then_some(row.created);
    let uncollectible = (row.status == InvoiceStatus::Uncollectible).then_some(row.created);
    let customer = books.customers.get(&row.customer);
    let lines = row.items.iter().enumerate().map(|(n, item)| line(books, id, row, n, item)).collect();
    let head = json!({
            "id": id, "object": "invoice", "account_country": "US", "amount_due": row.amount,
            "amount_overpaid": 0, "amount_paid": paid, "amount_remaining": row.amount - paid,
            "amount_shipping": 0, "attempt_count": row.attempts, "attempted": row.attempts > 0,
            "auto_advance": row.status == InvoiceStatus::Open,
            "automatic_tax": {
                "enabled": false, "disabled_reason": null, "liability": null, "provider": null, "status": null,
            },
            "billing_reason": row.reason, "collection_method": "charge_automatically",
            "created": row.created.unix(), "currency": "usd", "customer": row.customer,
            "customer_email": customer.and_then(|c| c.email.as_ref()),
            "customer_name": customer.and_then(|c| c.name.as_ref()),
            "customer_tax_exempt": "none", "default_tax_rates": [], "discounts": [],
            "effective_at": time(finalized),
            "ending_balance": finalized.map(|_| 0), "issuer": { "type": "self" },
            "lines": list(&format!("/v1/invoices/{id}/lines"), lines, false),
            "livemode": books.live, "metadata": {}, "next_payment_attempt": time(row.next_attempt),
            "number": finalized.map(|_| id.replace("in_", "BASE-")),
            "parent": {
                "type": "subscription_details", "quote_details": null,
                "subscription_details": { "metadata": row.metadata, "subscription": row.subscription },
            },
            "payment_settings": {
                "default_mandate": null, "payment_method_options": null, "payment_method_types": null,
            },
            "period_start": row.looks_back_to.unix(), "period_end": row.created.unix(),
    });
    let rest = json!({
            "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
            "starting_balance": 0, "status": row.status.word(),
            "status_transitions": {
                "finalized_at": time(finalized), "marked_uncollectible_at": time(uncollectible),
                "paid_at": time(row.paid_at), "voided_at": time(row.voided_at),
            },
            "subtotal": row.amount, "subtotal_excluding_tax": row.amount, "total": row.amount,
            "total_discount_amounts": [], "total_excluding_tax": row.amount,
            "total_pretax_credit_amounts": [], "total_taxes": [],
    });
    with_nulls(
        with(head, rest),
        "account_name account_tax_ids application automatically_finalizes_at custom_fields \
         customer_account customer_address customer_phone customer_shipping default_payment_method \
         default_source description due_date footer from_invoice last_finalization_error \
         latest_revision on_behalf_of receipt_number rendering shipping_cost shipping_details \
         statement_descriptor test_clock webhooks_delivered_at",
    )
}

/// An intent and its place behind an invoice share their number.
pub(super) fn inpay(pi: &str) -> String {
    pi.replacen("pi_", "inpay_", 1)
}

pub(super) fn invoice_payment(books: &Books, pi: &str, row: &PaymentRow) -> Value {
    let (status, paid) = match (&row.charge, row.canceled_at) {
        (Some(_), _) => ("paid", Some(row.amount)),
        (None, Some(_)) => ("canceled", None),
        (None, None) => ("open", None),
    };
    json!({
        "id": inpay(pi), "object": "invoice_payment", "amount_paid": paid, "amount_requested": row.amount,
        "created": row.created.unix(), "currency": "usd", "invoice": row.invoice, "is_default": true,
        "livemode": books.live, "payment": { "type": "payment_intent", "payment_intent": pi },
        "status": status,
        "status_transitions": {
            "canceled_at": time(row.canceled_at), "paid_at": time(row.charge.as_ref().map(|(_, at)| *at)),
        },
    })
}

pub(super) fn payment_intent(books: &Books, pi: &str, row: &PaymentRow) -> Value {
    let status = match (&row.charge, row.canceled_at) {
        (Some(_), _) => "succeeded",
        (None, Some(_)) => "canceled",
        (None, None) => "requires_payment_method",
    };
    with_nulls(
        json!({
            "id": pi, "object": "payment_intent", "amount": row.amount, "amount_capturable": 0,
            "amount_received": if row.charge.is_some() { row.amount } else { 0 },
            "canceled_at": time(row.canceled_at),
            "cancellation_reason": row.canceled_at.map(|_| "void_invoice"),
            "capture_method": "automatic", "confirmation_method": "automatic",
            "created": row.created.unix(), "currency": "usd", "customer": row.customer,
            "latest_charge": row.charge.as_ref().map(|(charge, _)| charge), "livemode": books.live,
            "metadata": {}, "payment_method_types": ["card"], "setup_future_usage": "off_session",
            "status": status,
        }),
        "allowed_payment_method_types application application_fee_amount automatic_payment_methods \
         client_secret customer_account description excluded_payment_method_types last_payment_error \
         managed_payments next_action on_behalf_of payment_method payment_method_configuration_details \
         payment_method_options payment_record processing receipt_email review shipping source \
         statement_descriptor statement_descriptor_suffix transfer_group",
    )
}

/// None while nothing was charged.
pub(super) fn charge(books: &Books, pi: &str, row: &PaymentRow) -> Option<Value> {
    let (id, at) = row.charge.as_ref()?;
    let refunded = books.refunded(pi);
    Some(with_nulls(
        json!({
            "id": id, "object": "charge", "amount": row.amount, "amount_captured": row.amount,
            "amount_refunded": refunded,
            "billing_details": {
                "address": null, "email": null, "name": null, "phone": null, "tax_id": null,
            },
            "captured": true, "created": at.unix(), "currency": "usd", "customer": row.customer,
            "disputed": row.disputed, "fraud_details": {}, "livemode": books.live, "metadata": {},
            "paid": true, "payment_intent": pi, "refunded": refunded == row.amount, "status": "succeeded",
        }),
        "application application_fee application_fee_amount balance_transaction \
         calculated_statement_descriptor description failure_balance_transaction failure_code \
         failure_message on_behalf_of outcome payment_method payment_method_details receipt_email \
         receipt_number receipt_url review shipping source source_transfer statement_descriptor \
         statement_descriptor_suffix transfer_data transfer_group",
    ))
}

/// The dispute of a charge; it shares the charge's number.
pub(super) fn dispute(books: &Books, charge: &str, at: Moment) -> Option<Value> {
    let pi = books.intent_of(charge)?;
    let amount = books.payments.get(&pi)?.amount;
    Some(json!({
        "id": charge.replacen("ch_", "du_", 1), "object": "dispute", "amount": amount,
        "balance_transactions": [], "charge": charge, "created": at.unix(), "currency": "usd",
        "enhanced_eligibility_types": [], "evidence": {},
        "evidence_details": {
            "due_by": null, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": false, "livemode": books.live, "metadata": {}, "payment_intent": pi,
        "reason": "fraudulent", "status": "needs_response",
    }))
}

fn line(books: &Books, id: &str, row: &InvoiceRow, n: usize, item: &ItemRow) -> Value {
    let per = match item.price.every {
        Every::Month => "month",
        Every::Year => "year",
    };
    let full = item.price.amount * i64::try_from(item.quantity).unwrap_or(0);
    let amount = if row.amount == 0 { 0 } else { full };
    let text = format!("{} × {} (at {} / {per})", item.quantity, item.price.name, item.price.amount);
    json!({
        "id": format!("il_{}_{n}", id.trim_start_matches("in_")), "object": "line_item", "amount": amount,
        "currency": "usd", "description": text, "discount_amounts": [], "discountable": true, "discounts": [],
        "invoice": id, "livemode": books.live, "metadata": row.metadata,
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null, "proration": false, "proration_details": { "credited_items": null },
                "subscription": row.subscription, "subscription_item": item.id,
            },
        },
        "period": { "start": row.period.0.unix(), "end": row.period.1.unix() },
        "pretax_credit_amounts": [],
        "pricing": {
            "type": "price_details", "unit_amount_decimal": item.price.amount.to_string(),
            "price_details": { "price": item.price.id, "product": item.price.product },
        },
        "quantity": item.quantity, "quantity_decimal": item.quantity.to_string(),
        "subscription": row.subscription, "subtotal": amount, "taxes": [],
    })
}
