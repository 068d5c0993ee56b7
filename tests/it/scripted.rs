//! A tiny HTTP server that says what it was told to, in order, and remembers what it was asked;
//! and a clock whose time passes only by waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use basement::model::moment::Moment;
use basement::ports::Clock;
use serde_json::Value;

/// What the virtual clock shows at the start, in Unix seconds.
pub const START: i64 = 1_793_610_000;

/// One answer.
#[derive(Debug, Clone)]
pub struct Canned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    lost: bool,
}

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub uri: String,
    pub body: String,
    pub headers: HeaderMap,
}

#[derive(Default)]
struct Book {
    script: VecDeque<Canned>,
    seen: Vec<Seen>,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub struct Scripted {
    pub url: String,
    book: Arc<Mutex<Book>>,
}

/// Virtual time.
#[derive(Default)]
pub struct VirtualClock {
    waits: Mutex<Vec<Duration>>,
}

impl Canned {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("content-type", "application/json")
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), lost: false }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The connection breaks after half of the answer.
    pub fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    fn response(self) -> Response {
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).expect("a status"));
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = if self.lost {
            let half = self.body[..self.body.len() / 2].to_owned();
            let parts = [Ok(half), Err(std::io::Error::other("cut"))];
            Body::from_stream(futures_util::stream::iter(parts))
        } else {
            Body::from(self.body)
        };
        response.body(body).expect("a response")
    }
}

impl Seen {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Scripted {
    /// Listens on an ephemeral port.
    pub async fn start(script: impl IntoIterator<Item = Canned>) -> Self {
        let book = Arc::new(Mutex::new(Book { script: script.into_iter().collect(), seen: Vec::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&book));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, book }
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// The same, as `METHOD uri` lines.
    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.uri)).collect()
    }

    /// How many answers were not asked for.
    pub fn left(&self) -> usize {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).script.len()
    }
}

impl VirtualClock {
    /// Every wait, in order.
    pub fn spans(&self) -> Vec<Duration> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Their whole seconds.
    pub fn waits(&self) -> Vec<u64> {
        self.spans().iter().map(Duration::as_secs).collect()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    async fn now(&self) -> Moment {
        let seconds = self.elapsed().await.as_secs();
        Moment::from_unix(START + i64::try_from(seconds).expect("not for ever"))
    }

    async fn elapsed(&self) -> Duration {
        self.spans().iter().sum()
    }

    async fn sleep(&self, span: Duration) {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        tokio::task::yield_now().await;
    }
}

async fn answer(
    State(book): State<Arc<Mutex<Book>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let seen = Seen {
        method: method.to_string(),
        uri: uri.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
        headers,
    };
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    book.seen.push(seen);
    let unscripted = || Canned::text(418, "the script has no answer left");
    book.script.pop_front().unwrap_or_else(unscripted).response()
}
