//! A Stripe that answers from a script, and a client for it.
//! When a script ends, its answers must all be used, and every request must fit Stripe's own document.

use std::sync::Arc;
use std::time::Duration;

use basement::adapters::stripe::Stripe;
use basement::model::policy::Mode;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::scripted::{Canned, Scripted, Seen, VirtualClock};
use crate::stripe_spec::check_request;

/// The key of every test; no output may hold it.
pub const KEY: &str = "sk_test_51secretsecretsecret";

/// Name and value, in order.
pub type Pairs = Vec<(String, String)>;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: Pairs,
    pub form: Pairs,
    pub seen: Seen,
}

/// The scripted server and a client for it.
pub struct Script {
    pub stripe: Stripe,
    clock: Arc<VirtualClock>,
    server: Scripted,
}

/// An answer of status 200.
pub fn ok(value: &Value) -> Canned {
    answer(200, &value.to_string())
}

/// A page of a list.
pub fn page(items: &[Value], has_more: bool) -> Canned {
    ok(&json!({"object": "list", "data": items, "has_more": has_more, "url": "/v1/x"}))
}

/// An error of Stripe's.
pub fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Canned {
    let mut error = json!({"type": kind, "message": message});
    if let Some(code) = code {
        error["code"] = json!(code);
    }
    answer(status, &json!({ "error": error }).to_string())
}

/// Any answer.
pub fn answer(status: u16, body: &str) -> Canned {
    Canned::text(status, body).header("request-id", "req_1")
}

/// The connection breaks after the request was taken.
pub fn lost() -> Canned {
    answer(200, "").lost()
}

impl Asked {
    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// A form field.
    pub fn form(&self, name: &str) -> Option<&str> {
        find(&self.form, name)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.seen.header(name)
    }

    fn new(seen: Seen) -> Self {
        let (path, query) = seen.uri.split_once('?').unwrap_or((&seen.uri, ""));
        Self {
            method: seen.method.clone(),
            path: path.to_owned(),
            query: pairs(query),
            form: pairs(&seen.body),
            seen,
        }
    }
}

impl Script {
    /// Starts a server with these answers, and a test-mode client for it.
    pub async fn start(answers: Vec<Canned>) -> Self {
        let server = Scripted::start(answers).await;
        let clock = Arc::new(VirtualClock::default());
        let key = SecretString::from(KEY);
        let stripe = Stripe::new(&server.url, key, Mode::Test, clock.clone(), "basement/test").unwrap();
        Self { stripe, clock, server }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.server.seen().into_iter().map(Asked::new).collect()
    }

    /// The calls so far, like `GET /v1/refunds`.
    pub fn calls(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// The waits so far, in milliseconds.
    pub fn waits(&self) -> Vec<u128> {
        self.clock.spans().iter().map(Duration::as_millis).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let left = self.server.left();
        assert_eq!(left, 0, "{left} answers were not asked for; asked: {:#?}", self.calls());
        for asked in self.asked() {
            assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
            assert_eq!(asked.header("stripe-version"), Some("2026-09-30.endive"));
            assert_eq!(asked.header("user-agent"), Some("basement/test"));
            check_request(&asked);
        }
    }
}

fn pairs(text: &str) -> Pairs {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}
