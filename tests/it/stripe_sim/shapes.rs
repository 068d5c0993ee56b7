//! Every answer against Stripe's own schemas (folder `BASEMENT_SPECS`) and async-stripe's types.

use axum::body::Bytes;
use basement::sim::billing::{Books, RefundFate};
use basement::sim::billing_life::Subscribe;
use serde_json::Value;
use stripe_billing::invoice::ListInvoice;
use stripe_billing::invoice_payment::ListInvoicePayment;
use stripe_billing::subscription::{CancelSubscription, ListSubscription, ListSubscriptionStatus};
use stripe_client_core::{
    CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod, StripeRequest as _,
};
use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::{CreateRefund, ListRefund};

use super::{KEY, Shop, begin_at, days, noon};

/// A sample with refunds in every state, a dispute, and open payments.
async fn shop() -> Shop {
    let mut books = Books::sample(noon(), 25);
    for n in 0..3 {
        begin_at(&mut books, noon(), Subscribe::nth(100 + n, "basic-month"));
    }
    let shop = Shop::open(books).await;
    let last: Vec<String> = shop.get("/v1/charges?limit=100").await.ids();
    for (n, fate) in [RefundFate::AtOnce, later(false), later(true)].into_iter().enumerate() {
        shop.books().rules().refunds = fate;
        let form = format!("charge={}&amount=700&metadata[a]=b&expand[]=charge", last[n]);
        let reply = shop.post("/v1/refunds", &form, &format!("shape-{n}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    shop.pass(days(1));
    shop.books().rules().refunds = later(true);
    shop.post("/v1/refunds", &format!("charge={}", last[3]), "shape-3").await;
    shop.control("dispute", r#"{"user_id": "user-0005"}"#).await;
    shop
}

fn later(succeeds: bool) -> RefundFate {
    RefundFate::Later { after: days(1), succeeds }
}

#[tokio::test]
async fn every_answer_obeys_stripes_schemas() {
    let Some(folder) = crate::contract::folder() else { return };
    let path = folder.join("stripe.schemas.json");
    let text = std::fs::read_to_string(&path).expect("the schemas");
    let schemas: Value = serde_json::from_str(&text).expect("JSON");
    let obeys = |name: &str, body: &Value| {
        let mut schema = schemas.clone();
        schema["$ref"] = format!("#/$defs/{name}").into();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let errors: Vec<String> =
            validator.iter_errors(body).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{body:#}");
    };
    let shop = shop().await;
    for (path, one, many) in [
        (
            "subscriptions?status=all&expand[]=data.customer&expand[]=data.latest_invoice.payments",
            "subscription",
            "subscription_list",
        ),
        ("customers?", "customer", "customer_list"),
        ("invoices?expand[]=data.payments.data.payment&expand[]=data.customer", "invoice", "invoice_list"),
        (
            "invoice_payments?expand[]=data.payment.payment_intent&expand[]=data.invoice",
            "invoice_payment",
            "invoice_payment_list",
        ),
        ("payment_intents?expand[]=data.latest_charge", "payment_intent", "payment_intent_list"),
        ("charges?expand[]=data.refunds", "charge", "charge_list"),
        ("refunds?expand[]=data.charge&expand[]=data.payment_intent", "refund", "refund_list"),
        ("prices?expand[]=data.product", "price", "price_list"),
        ("products?", "product", "product_list"),
        ("events?", "event", "event_list"),
    ] {
        let page = shop.get(&format!("/v1/{path}&limit=100")).await.body;
        obeys(many, &page);
        let items = page["data"].as_array().expect("a list");
        assert!(!items.is_empty(), "{path}");
        for item in items {
            obeys(one, item);
        }
        let (collection, _) = path.split_once('?').expect("a query");
        let id = items[0]["id"].as_str().expect("an id");
        let found = shop.get(&format!("/v1/{collection}/{id}")).await;
        obeys(one, &found.body);
        let missing = shop.get(&format!("/v1/{collection}/nothing_1")).await;
        assert_eq!(missing.status, 404);
        obeys("error", &missing.body);
    }
    let disputes = shop.get("/v1/events?type=charge.dispute.created").await.body;
    let dispute = &disputes["data"][0]["data"]["object"];
    assert_eq!(
        (dispute["object"].as_str(), dispute["status"].as_str()),
        (Some("dispute"), Some("needs_response"))
    );
    assert!(dispute["payment_intent"].as_str().is_some_and(|id| id.starts_with("pi_")), "{dispute}");
    obeys("account", &shop.get("/v1/account").await.body);
    obeys("deleted_customer", &shop.get("/v1/customers/cus_000006").await.body);
    obeys("error", &shop.send("GET", "/v1/refunds", "", &[]).await.body);
    obeys("subscription", &shop.post("/v1/subscriptions/sub_000001", "metadata[a]=b", "s").await.body);
}

/// async-stripe's requests and types over a plain client.
struct Wire<'a>(&'a Shop);

struct Unread(String);

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl StripeClientErr for Unread {
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl StripeClient for Wire<'_> {
    type Err = Unread;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Unread> {
        let (request, _) = request.into_pieces();
        let method = match request.method {
            StripeMethod::Get => "GET",
            StripeMethod::Post => "POST",
            StripeMethod::Delete => "DELETE",
        };
        let query = request.query.map_or_else(String::new, |query| format!("?{query}"));
        let path = format!("/v1/{}{query}", request.path.trim_start_matches('/').trim_start_matches("v1/"));
        let bearer = format!("Bearer {KEY}");
        let body = request.body.unwrap_or_default();
        let reply = self.0.send(method, &path, &body, &[("authorization", &bearer)]).await;
        match reply.status {
            200 => Ok(reply.answer.body.into_bytes().into()),
            _ => Err(Unread(reply.answer.body)),
        }
    }
}

fn paths(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[tokio::test]
async fn async_stripe_reads_every_answer() -> Result<(), Unread> {
    let shop = shop().await;
    let wire = Wire(&shop);
    let all = ListSubscription::new().status(ListSubscriptionStatus::All).limit(100);
    let page = all.expand(paths(&["data.latest_invoice.payments"])).customize().send(&wire).await?;
    assert_eq!(page.data.len(), 28);
    assert!(page.data.iter().any(|s| s.status_details.is_some()), "one is paused");
    let page = ListInvoice::new().limit(100).customize().send(&wire).await?;
    assert!(page.data.len() > 28);
    let expand = paths(&["data.payment.payment_intent"]);
    let page = ListInvoicePayment::new().limit(100).expand(expand).customize().send(&wire).await?;
    let payment = &page.data[0].payment.payment_intent;
    let intent = payment.as_ref().expect("an intent").id().clone();
    let get = RetrievePaymentIntent::new(intent.clone()).expand(paths(&["latest_charge"]));
    let found = get.customize().send(&wire).await?;
    assert!(found.latest_charge.is_some_and(|charge| charge.is_object()));
    let page = ListRefund::new().customize().send(&wire).await?;
    assert_eq!(page.data.len(), 4);
    let made = CreateRefund::new().payment_intent(intent.as_str()).customize().send(&wire).await?;
    assert_eq!(made.amount, 800, "what the first refund left");
    let cancel = CancelSubscription::new("sub_000001").prorate(false).invoice_now(false);
    let ended = cancel.customize().send(&wire).await?;
    assert!(ended.ended_at.is_some());
    Ok(())
}
