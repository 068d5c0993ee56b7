//! The simulated Stripe: what customers do, what time does, both doors, Stripe's own schemas.

mod door;
mod http;
mod life;
mod shapes;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use basement::adapters::http::{Answer, client, exchange};
use basement::model::ids::SubscriptionId;
use basement::model::moment::{Moment, Span};
use basement::sim::billing::Books;
use basement::sim::billing_life::Subscribe;
use basement::sim::billing_port::BillingDoor;
use basement::sim::stripe_http::{Now, control, router};
use serde_json::Value;

const KEY: &str = "sk_test_simulator";

/// When every test begins.
fn noon() -> Moment {
    Moment::parse("2026-01-31T12:00:00Z").expect("a moment")
}

fn days(n: u64) -> Span {
    Span::days(n)
}

fn begin(books: &mut Books, lookup_key: &str) -> SubscriptionId {
    begin_at(books, noon(), Subscribe { lookup_key: lookup_key.to_owned(), ..Subscribe::default() })
}

fn begin_at(books: &mut Books, at: Moment, order: Subscribe) -> SubscriptionId {
    books.subscribe(at, order).expect("the catalogue has it")
}

fn status(books: &Books, id: &SubscriptionId) -> String {
    books.status_of(id).expect("it is there").to_string()
}

/// Books behind both doors, with a clock of their own.
struct Shop {
    url: String,
    http: reqwest::Client,
    books: Arc<Mutex<Books>>,
    clock: Arc<AtomicI64>,
    now: Now,
}

/// An answer with its body read.
struct Reply {
    status: u16,
    body: Value,
    answer: Answer,
}

impl Shop {
    async fn open(books: Books) -> Self {
        let clock = Arc::new(AtomicI64::new(noon().unix()));
        let hand = Arc::clone(&clock);
        let now: Now = Arc::new(move || Moment::from_unix(hand.load(Ordering::SeqCst)));
        let books = Arc::new(Mutex::new(books));
        let routes =
            router(Arc::clone(&books), Arc::clone(&now)).merge(control(Arc::clone(&books), Arc::clone(&now)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, http: client("basement-test", "http://").expect("a client"), books, clock, now }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("not poisoned")
    }

    fn door(&self) -> BillingDoor {
        BillingDoor { books: Arc::clone(&self.books), now: Arc::clone(&self.now), world: None }
    }

    fn now(&self) -> Moment {
        (self.now)()
    }

    fn pass(&self, span: Span) {
        self.clock.store(self.now().plus(span).unix(), Ordering::SeqCst);
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", &[("authorization", &format!("Bearer {KEY}"))]).await
    }

    async fn post(&self, path: &str, form: &str, key: &str) -> Reply {
        let bearer = format!("Bearer {KEY}");
        self.send("POST", path, form, &[("authorization", &bearer), ("idempotency-key", key)]).await
    }

    async fn control(&self, verb: &str, body: &str) -> Reply {
        self.send("POST", &format!("/control/stripe/{verb}"), body, &[("content-type", "application/json")])
            .await
    }

    async fn send(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.url)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = exchange(request).await.expect("an answer");
        let body = serde_json::from_str(&answer.body).expect("JSON");
        Reply { status: answer.status, body, answer }
    }
}

impl Reply {
    fn ids(&self) -> Vec<String> {
        let data = self.body["data"].as_array().expect("a list");
        data.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }

    fn replayed(&self) -> bool {
        self.answer.header("idempotent-replayed") == Some("true")
    }

    /// Status, type, code and parameter of an error.
    fn error(&self) -> (u16, &str, Option<&str>, Option<&str>) {
        let error = &self.body["error"];
        let kind = error["type"].as_str().expect("an error");
        (self.status, kind, error["code"].as_str(), error["param"].as_str())
    }
}
