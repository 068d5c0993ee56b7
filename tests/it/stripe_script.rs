//! A Stripe that answers from a script: canned answers in order, every request written down.
//! When a script ends, its answers must all be used, and every request must fit Stripe's own document.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use basement::adapters::stripe::Stripe;
use basement::model::moment::Moment;
use basement::model::policy::Mode;
use basement::ports::Clock;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::stripe_spec::check_request;

/// The key of every test; no output may hold it.
pub const KEY: &str = "sk_test_51secretsecretsecret";

/// Name and value, in order.
pub type Pairs = Vec<(String, String)>;

/// One answer.
pub struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    lost: bool,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: Pairs,
    pub form: Pairs,
    pub raw_form: String,
    pub headers: axum::http::HeaderMap,
}

/// The scripted server and a client for it.
pub struct Script {
    pub stripe: Stripe,
    pub clock: Arc<TestClock>,
    board: Arc<Board>,
}

/// A clock that notes its waits and does not wait.
#[derive(Default)]
pub struct TestClock {
    pub waits: Mutex<Vec<Duration>>,
}

#[derive(Default)]
struct Board {
    answers: Mutex<VecDeque<Canned>>,
    asked: Mutex<Vec<Asked>>,
}

/// An answer of status 200.
pub fn ok(value: &Value) -> Canned {
    answer(200, value.to_string())
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
    answer(status, json!({ "error": error }).to_string())
}

/// Any answer.
pub fn answer(status: u16, body: impl Into<String>) -> Canned {
    let headers = vec![("request-id", "req_1".to_owned())];
    Canned { status, headers, body: body.into(), lost: false }
}

/// The connection breaks after the request was taken.
pub fn lost() -> Canned {
    Canned { lost: true, ..answer(200, "") }
}

impl Canned {
    /// With one more header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
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
        self.headers.get(name)?.to_str().ok()
    }
}

impl Script {
    /// Starts a server with these answers, and a test-mode client for it.
    pub async fn start(answers: Vec<Canned>) -> Self {
        let board = Arc::new(Board::default());
        *board.answers.lock().unwrap() = answers.into();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(reply).with_state(board.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = Arc::new(TestClock::default());
        let stripe =
            Stripe::new(&base, SecretString::from(KEY), Mode::Test, clock.clone(), "basement/test").unwrap();
        Self { stripe, clock, board }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.board.asked.lock().unwrap().clone()
    }

    /// The calls so far, like `GET /v1/refunds`.
    pub fn calls(&self) -> Vec<String> {
        self.asked().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// The waits so far, in milliseconds.
    pub fn waits(&self) -> Vec<u128> {
        self.clock.waits.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let left = self.board.answers.lock().unwrap().len();
        assert_eq!(left, 0, "{left} answers were not asked for; asked: {:#?}", self.calls());
        for asked in self.asked() {
            assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
            assert_eq!(asked.header("stripe-version"), Some("2026-09-30.endive"));
            assert_eq!(asked.header("user-agent"), Some("basement/test"));
            check_request(&asked);
        }
    }
}

#[async_trait]
impl Clock for TestClock {
    async fn now(&self) -> Moment {
        Moment::from_unix(1_800_000_000)
    }

    async fn elapsed(&self) -> Duration {
        self.waits.lock().unwrap().iter().sum()
    }

    async fn sleep(&self, span: Duration) {
        self.waits.lock().unwrap().push(span);
    }
}

async fn reply(State(board): State<Arc<Board>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let raw_form = String::from_utf8(to_bytes(body, 100_000).await.unwrap().to_vec()).unwrap();
    board.asked.lock().unwrap().push(Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        form: pairs(&raw_form),
        raw_form,
        headers: head.headers,
    });
    let Some(canned) = board.answers.lock().unwrap().pop_front() else {
        return Response::builder().status(418).body(Body::from("the script is over")).unwrap();
    };
    let mut builder = Response::builder().status(canned.status);
    for (name, value) in canned.headers {
        builder = builder.header(name, value);
    }
    let broken = || futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    let body = if canned.lost { Body::from_stream(broken()) } else { Body::from(canned.body) };
    builder.body(body).unwrap()
}

fn pairs(text: &str) -> Pairs {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn find<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}
