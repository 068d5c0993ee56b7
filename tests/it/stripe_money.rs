//! The Stripe adapter: what was paid, refunds and cancellations.

use basement::model::billing::{Payment, RefundOrder, RefundStatus};
use basement::model::ids::{PaymentId, StepId, SubscriptionId};
use basement::model::moment::Moment;
use basement::model::money::Money;
use basement::ports::{Billing, Fault};
use serde_json::{Value, json};

use crate::scripted::Canned;
use crate::stripe_script::{Script, answer, error, lost, ok, page};

const AT: i64 = 1_790_000_500;

fn invoice(id: &str, reason: &str, created: i64) -> Value {
    json!({
        "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "created": created,
        "amount_paid": 3500, "currency": "usd", "starting_balance": 0, "livemode": false,
        "post_payment_credit_notes_amount": 0, "customer_email": "ada@example.com",
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    })
}

fn paid_by(id: &str, kind: &str, payment: &str, amount: i64) -> Value {
    json!({"id": id, "object": "invoice_payment", "amount_paid": amount, "status": "paid", "livemode": false,
        "payment": {"type": kind, kind: payment}})
}

fn charge(amount: i64, refunded: i64, disputed: bool) -> Value {
    json!({"id": "ch_1", "object": "charge", "amount_captured": amount, "amount_refunded": refunded,
        "currency": "usd", "disputed": disputed, "livemode": false})
}

fn intent(id: &str, amount: i64) -> Value {
    json!({"id": id, "object": "payment_intent", "amount_received": amount, "currency": "usd",
        "client_secret": "pi_1_secret_2", "livemode": false, "latest_charge": charge(amount, 0, false)})
}

fn refund(id: &str, amount: i64, status: &str, step: Option<&str>) -> Value {
    let metadata = step.map_or(json!({}), |step| json!({"basement_step": step}));
    json!({"id": id, "object": "refund", "amount": amount, "currency": "usd", "status": status,
        "metadata": metadata})
}

fn sub() -> SubscriptionId {
    SubscriptionId::parse("sub_1").unwrap()
}

fn step() -> StepId {
    StepId::parse("refund/sub_1/pi_1").unwrap()
}

fn order() -> RefundOrder {
    let payment = PaymentId::parse("pi_1").unwrap();
    RefundOrder { subscription: sub(), payment, amount: Money::usd(3500) }
}

fn none() -> Canned {
    page(&[], false)
}

async fn payment(answers: Vec<Canned>) -> Option<Payment> {
    let script = Script::start(answers).await;
    script.stripe.payment(&sub(), Moment::from_unix(AT)).await.unwrap()
}

async fn try_refund(answers: Vec<Canned>) -> (Script, Result<basement::model::billing::Refund, Fault>) {
    let script = Script::start(answers).await;
    let result = script.stripe.refund(&order(), &step(), 1).await;
    (script, result)
}

#[tokio::test]
async fn the_invoice_of_the_period_is_chosen() {
    let mut open = invoice("in_open", "subscription_cycle", AT - 1);
    open["status"] = json!("open");
    let list = [
        invoice("in_later", "subscription_cycle", AT + 1),
        open,
        invoice("in_update", "subscription_update", AT - 10),
        invoice("in_manual", "manual", AT - 11),
        invoice("in_cycle", "subscription_cycle", AT - 20),
        invoice("in_create", "subscription_create", AT - 3_000_000),
    ];
    let pays = [paid_by("inpay_1", "payment_intent", "pi_1", 3500)];
    let script =
        Script::start(vec![page(&list, false), page(&pays, false), ok(&intent("pi_1", 3500)), none()]).await;
    let payment = script.stripe.payment(&sub(), Moment::from_unix(AT)).await.unwrap().unwrap();
    assert_eq!(payment.invoice.as_str(), "in_cycle");
    assert_eq!(payment.amount_paid, Money::usd(3500));
    assert_eq!(payment.parts[0].refundable(), Money::usd(3500));
    assert_eq!(payment.by_hand, None);
    let asked = script.asked();
    assert_eq!(asked[0].query("subscription"), Some("sub_1"));
    assert_eq!(asked[0].query("status"), Some("paid"));
    assert_eq!(asked[1].query("invoice"), Some("in_cycle"));
    assert_eq!(asked[2].query("expand[0]"), Some("latest_charge"));
    assert_eq!(asked[3].query("payment_intent"), Some("pi_1"));
}

#[tokio::test]
async fn only_the_create_invoice_counts_before_the_first_renewal_and_none_is_none() {
    let list = [invoice("in_2", "subscription_cycle", AT + 1), invoice("in_1", "subscription_create", AT)];
    let pays = [paid_by("inpay_1", "payment_intent", "pi_1", 3500)];
    let answers = vec![page(&list, false), page(&pays, false), ok(&intent("pi_1", 3500)), none()];
    assert_eq!(payment(answers).await.unwrap().invoice.as_str(), "in_1");
    assert_eq!(payment(vec![page(&list[..1], false)]).await, None);
}

#[tokio::test]
async fn the_first_invoice_counts_though_our_clock_is_behind() {
    let list = [invoice("in_1", "subscription_create", AT + 40)];
    let pays = [paid_by("inpay_1", "payment_intent", "pi_1", 3500)];
    let answers = vec![page(&list, false), page(&pays, false), ok(&intent("pi_1", 3500)), none()];
    assert_eq!(payment(answers).await.unwrap().invoice.as_str(), "in_1");
}

#[tokio::test]
async fn a_free_trial_has_no_parts() {
    let mut free = invoice("in_1", "subscription_create", AT);
    free["amount_paid"] = json!(0);
    let found = payment(vec![page(&[free], false)]).await.unwrap();
    assert_eq!((found.parts.len(), found.by_hand), (0, None));
}

#[tokio::test]
async fn credit_credit_notes_and_payments_elsewhere_are_for_a_person() {
    let mut credit = invoice("in_1", "subscription_create", AT);
    credit["amount_paid"] = json!(0);
    credit["starting_balance"] = json!(-3500);
    let found = payment(vec![page(&[credit], false)]).await.unwrap();
    assert!(found.by_hand.unwrap().contains("balance"));

    let mut noted = invoice("in_1", "subscription_create", AT);
    noted["post_payment_credit_notes_amount"] = json!(500);
    let found = payment(vec![page(&[noted], false), none()]).await.unwrap();
    assert!(found.by_hand.unwrap().contains("credit note"));

    let list = [invoice("in_1", "subscription_create", AT)];
    let elsewhere = [paid_by("inpay_1", "payment_record", "prec_1", 3500)];
    let found = payment(vec![page(&list, false), page(&elsewhere, false)]).await.unwrap();
    assert!(found.parts.is_empty());
    assert!(found.by_hand.unwrap().contains("payment_record"));

    let shared = [paid_by("inpay_1", "payment_intent", "pi_1", 3500)];
    let answers = vec![page(&list, false), page(&shared, false), ok(&intent("pi_1", 9000)), none()];
    assert!(payment(answers).await.unwrap().by_hand.unwrap().contains("not for the invoice `in_1` alone"));
}

#[tokio::test]
async fn several_payments_and_their_refunds_are_read() {
    let list = [invoice("in_1", "subscription_create", AT)];
    let pays =
        [paid_by("inpay_1", "payment_intent", "pi_1", 1500), paid_by("inpay_2", "charge", "ch_1", 2000)];
    let refunds = [
        refund("re_1", 300, "pending", Some("refund/sub_1/pi_1")),
        refund("re_2", 200, "failed", Some("not a step!")),
        refund("re_3", 100, "weird", None),
    ];
    let found = payment(vec![
        page(&list, false),
        page(&pays, false),
        ok(&intent("pi_1", 1500)),
        page(&refunds, false),
        ok(&charge(2000, 2000, true)),
        none(),
    ])
    .await
    .unwrap();
    let [first, second] = found.parts.as_slice() else { panic!("{found:?}") };
    assert_eq!((first.id.as_str(), first.received, first.refunded), ("pi_1", Money::usd(1500), 400));
    assert_eq!(first.refunds[0].step, Some(step()));
    assert_eq!(first.refunds[1].step, None);
    assert_eq!(first.refunds[2].status, RefundStatus::Other("weird".to_owned()));
    assert_eq!((second.id.as_str(), second.refunded, second.disputed), ("ch_1", 2000, true));
}

#[tokio::test]
async fn invoices_of_another_subscription_are_refused() {
    let mut other = invoice("in_1", "subscription_create", AT);
    other["parent"]["subscription_details"]["subscription"] = json!("sub_2");
    let script = Script::start(vec![page(&[other], false)]).await;
    let fault = script.stripe.payment(&sub(), Moment::from_unix(AT)).await.unwrap_err();
    assert!(matches!(fault, Fault::Refused(_)), "{fault:?}");
}

#[tokio::test]
async fn a_refund_is_asked_for_once() {
    let mine = refund("re_1", 3500, "succeeded", Some("refund/sub_1/pi_1"));
    let (script, made) = try_refund(vec![none(), ok(&mine)]).await;
    assert_eq!(made.unwrap().id.as_str(), "re_1");
    let post = &script.asked()[1];
    assert_eq!(post.header("idempotency-key"), Some("basement:refund/sub_1/pi_1:1"));
    assert_eq!(post.form("payment_intent"), Some("pi_1"));
    assert_eq!(post.form("amount"), Some("3500"));
    assert_eq!(post.form("reason"), Some("requested_by_customer"));
    assert_eq!(post.form("metadata[basement_step]"), Some("refund/sub_1/pi_1"));
    assert_eq!(post.form("metadata[basement_subscription]"), Some("sub_1"));

    let old = refund("re_0", 3500, "failed", Some("refund/sub_1/pi_1"));
    let other = refund("re_9", 3500, "succeeded", None);
    let (script, found) = try_refund(vec![page(&[other, old, mine], false)]).await;
    assert_eq!(found.unwrap().id.as_str(), "re_1");
    assert_eq!(script.calls(), ["GET /v1/refunds"]);
}

#[tokio::test]
async fn a_bare_charge_is_refunded_as_a_charge() {
    let script = Script::start(vec![none(), ok(&refund("re_1", 3500, "pending", None))]).await;
    let order = RefundOrder { payment: PaymentId::parse("ch_1").unwrap(), ..order() };
    script.stripe.refund(&order, &step(), 2).await.unwrap();
    let asked = script.asked();
    assert_eq!(asked[0].query("charge"), Some("ch_1"));
    assert_eq!((asked[1].form("charge"), asked[1].form("payment_intent")), (Some("ch_1"), None));
    assert_eq!(asked[1].header("idempotency-key"), Some("basement:refund/sub_1/pi_1:2"));
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_with_the_same_key() {
    let mine = refund("re_1", 3500, "succeeded", Some("refund/sub_1/pi_1"));
    let replay = ok(&mine).header("idempotent-replayed", "true");
    let (script, made) = try_refund(vec![none(), lost(), replay]).await;
    assert_eq!(made.unwrap().id.as_str(), "re_1");
    assert_eq!(script.calls(), ["GET /v1/refunds", "POST /v1/refunds", "POST /v1/refunds"]);
    let asked = script.asked();
    assert_eq!(asked[1].header("idempotency-key"), asked[2].header("idempotency-key"));
    assert_eq!(asked[1].seen.body, asked[2].seen.body);
    let mut sorted: Vec<&str> = asked[1].seen.body.split('&').collect();
    sorted.sort_unstable();
    assert_eq!(asked[1].seen.body, sorted.join("&"), "the same bytes in every process");
}

#[tokio::test]
async fn a_refund_without_an_answer_is_unknown() {
    let (script, end) = try_refund(vec![none(), lost(), lost(), lost(), lost()]).await;
    assert!(matches!(end, Err(Fault::Unknown(_))), "{end:?}");
    assert_eq!(script.waits(), [500, 1000, 2000]);

    // A lost reply, and then nothing that could tell what became of it.
    for (status, code) in [(429, "rate_limit"), (409, "lock_timeout"), (403, "none")] {
        let no =
            error(status, "invalid_request_error", Some(code), "no").header("stripe-should-retry", "false");
        let (_script, end) = try_refund(vec![none(), lost(), no]).await;
        assert!(matches!(end, Err(Fault::Unknown(_))), "{status}: {end:?}");
    }
    // A stored answer does tell.
    let no = error(400, "invalid_request_error", Some("charge_disputed"), "no");
    let (_script, end) = try_refund(vec![none(), lost(), no]).await;
    assert!(matches!(end, Err(Fault::Refused(_))), "{end:?}");
}

#[tokio::test]
async fn an_unreadable_refund_was_made_and_is_looked_for() {
    let mine = refund("re_1", 3500, "pending", Some("refund/sub_1/pi_1"));
    for body in ["<html>", r#"{"id": "re_1", "amount": "many"}"#] {
        let found = page(std::slice::from_ref(&mine), false);
        let (_script, made) = try_refund(vec![none(), answer(200, body), found]).await;
        assert_eq!(made.unwrap().id.as_str(), "re_1");
        let (_script, end) = try_refund(vec![none(), answer(200, body), none()]).await;
        assert!(matches!(end, Err(Fault::Unknown(_))), "{end:?}");
    }
}

#[tokio::test]
async fn refusals_conflicts_and_limits_are_told_apart() {
    let no = error(400, "invalid_request_error", Some("charge_already_refunded"), "Charge ch_1 has already");
    let (_script, end) = try_refund(vec![none(), no]).await;
    let Err(Fault::Refused(detail)) = end else { panic!("{end:?}") };
    assert_eq!(detail.code.as_deref(), Some("charge_already_refunded"));
    assert_eq!(detail.request_id.as_deref(), Some("req_1"));

    let lock = || error(409, "invalid_request_error", Some("lock_timeout"), "locked");
    let (script, end) = try_refund(vec![none(), lock(), lock(), lock(), lock()]).await;
    assert!(matches!(end, Err(Fault::Unavailable { .. })), "{end:?}");
    assert_eq!(script.calls().len(), 5);

    let busy = || error(409, "idempotency_error", Some("idempotency_key_in_use"), "in use");
    let (_script, made) = try_refund(vec![none(), busy(), ok(&refund("re_1", 3500, "pending", None))]).await;
    assert!(made.is_ok());
    let (_script, end) = try_refund(vec![none(), busy().header("stripe-should-retry", "false")]).await;
    assert!(matches!(end, Err(Fault::Unknown(_))), "the other request may succeed: {end:?}");

    let stop = error(500, "api_error", None, "oops").header("stripe-should-retry", "false");
    let (script, end) = try_refund(vec![none(), stop]).await;
    assert!(matches!(end, Err(Fault::Unknown(_))), "{end:?}");
    assert!(script.waits().is_empty());
}

#[tokio::test]
async fn an_error_body_with_a_payment_intent_is_not_repeated() {
    let body = json!({"error": {"type": "card_error", "code": "card_declined", "message": "declined",
        "payment_intent": {"id": "pi_1", "client_secret": "pi_1_secret_2", "receipt_email": "ada@example.com"}}});
    let (_script, end) = try_refund(vec![none(), answer(402, &body.to_string())]).await;
    let text = format!("{end:?}");
    assert!(text.contains("card_declined") && !text.contains("secret_2") && !text.contains("ada@"), "{text}");
}

fn gone() -> Canned {
    error(404, "invalid_request_error", Some("resource_missing"), "No such subscription: 'sub_1'")
}

fn subscription(status: &str) -> Value {
    json!({"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status, "livemode": false,
        "created": 1, "cancel_at_period_end": false, "metadata": {}, "latest_invoice": null,
        "items": {"data": []}})
}

#[tokio::test]
async fn a_subscription_is_cancelled_without_proration() {
    let script = Script::start(vec![ok(&subscription("canceled"))]).await;
    script.stripe.cancel(&sub()).await.unwrap();
    let asked = &script.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("DELETE", "/v1/subscriptions/sub_1"));
    assert_eq!((asked.form("prorate"), asked.form("invoice_now")), (Some("false"), Some("false")));
    assert!(asked.form("cancellation_details[comment]").is_some());
    assert_eq!(asked.header("idempotency-key"), None);
}

#[tokio::test]
async fn cancelling_what_has_ended_is_fine() {
    for answers in [
        vec![gone(), ok(&subscription("canceled"))],
        vec![gone(), gone()],
        vec![lost(), gone(), ok(&subscription("canceled"))],
        vec![answer(200, "<html>"), ok(&subscription("canceled"))],
    ] {
        Script::start(answers).await.stripe.cancel(&sub()).await.unwrap();
    }
    let script = Script::start(vec![gone(), ok(&subscription("active"))]).await;
    assert!(matches!(script.stripe.cancel(&sub()).await, Err(Fault::Refused(_))));
    let script = Script::start(vec![answer(200, "<html>"), ok(&subscription("active"))]).await;
    assert!(matches!(script.stripe.cancel(&sub()).await, Err(Fault::Unknown(_))));
    let script = Script::start(vec![lost(), lost(), lost(), lost()]).await;
    assert!(matches!(script.stripe.cancel(&sub()).await, Err(Fault::Unknown(_))));
}
