//! One HTTP exchange, with every way it can go wrong told apart. Knows no vendor.
//! Invariants: `NotSent` is only said when not a byte of the request can have left; an answer is read to
//! its limit and no further.

use std::time::Duration;

use crate::model::moment::Moment;
use crate::ports::Detail;
use crate::wire::redact::redact_line;

/// What one exchange may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From name lookup to the last byte of the answer.
    pub patience: Duration,
    /// The longest answer, unpacked.
    pub bytes: usize,
}

impl Default for Limits {
    /// A page of 200 droplets is about 0.8 MB; ten times that is not an answer of theirs.
    fn default() -> Self {
        Self { patience: Duration::from_secs(60), bytes: 8 * 1024 * 1024 }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body; perhaps HTML from a proxy.
    pub body: String,
}

/// No answer, or none that could be read.
#[derive(Debug, Clone)]
pub enum Lost {
    /// It provably never left (name not found, connection refused, TLS not agreed): safe to ask again.
    NotSent(String),
    /// It may have been carried out.
    Ambiguous(String),
    /// It was answered, but the answer breaks off, is far too long or is not text.
    Cut(Box<Answer>, String),
}

/// A client that follows no redirects (a secret goes to no second host), with rustls and ring. Plain HTTP
/// is for this machine only, so it goes through no proxy either, whatever the environment says.
pub fn client(user_agent: &str, base: &str) -> Result<reqwest::Client, String> {
    // A second call finds the provider installed already; that is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder();
    let builder = if base.starts_with("https://") { builder } else { builder.no_proxy() };
    builder
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Limits::default().patience)
        .build()
        .map_err(|error| chain(&error))
}

/// Sends one request and reads the whole answer.
pub async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
    exchange_within(Limits::default(), request).await
}

/// The same, within these limits.
pub async fn exchange_within(limits: Limits, request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
    let mut response = request.timeout(limits.patience).send().await.map_err(|error| {
        // `is_builder`: a bad URL or header; `is_connect`: no connection was made.
        let never_left = error.is_connect() || error.is_builder();
        let host = error.url().filter(|_| error.is_connect()).map(|url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", url.host_str().unwrap_or_default())
        });
        // The call is named beside it; the whole URL would say it twice.
        let error = error.without_url();
        let text = match host {
            Some(host) => format!("no connection to `{host}`: {}", root(&error)),
            None => chain(&error),
        };
        if never_left { Lost::NotSent(text) } else { Lost::Ambiguous(text) }
    })?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    let mut flaw = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break None,
            Err(error) => break Some(chain(&error.without_url())),
        }
        if body.len() > limits.bytes {
            break Some(format!("the answer is longer than {} bytes", limits.bytes));
        }
    };
    let body = String::from_utf8(body).unwrap_or_else(|error| {
        // In JSON a letter made up in place of a broken one could be a part of a name or a tag.
        if (200..300).contains(&status) {
            flaw.get_or_insert_with(|| "the answer is not UTF-8".to_owned());
        }
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    });
    let answer = Answer { status, headers, body };
    match flaw {
        None => Ok(answer),
        Some(why) => Err(Lost::Cut(Box::new(answer), why)),
    }
}

impl Answer {
    /// The same without `secret`, should a proxy or the vendor repeat it in an error.
    pub fn without(mut self, secret: &str) -> Self {
        if self.body.contains(secret) {
            self.body = self.body.replace(secret, "…");
        }
        self
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What time it was there.
    pub fn date(&self) -> Option<Moment> {
        Moment::parse_http(self.header("date")?).ok()
    }

    /// A `Detail` of this answer, its secrets taken out.
    pub fn detail(
        &self,
        call: &str,
        code: Option<String>,
        message: &str,
        request_id: Option<String>,
    ) -> Detail {
        Detail {
            call: call.to_owned(),
            status: Some(self.status),
            code: code.map(|code| redact_line(&code, 80)),
            message: redact_line(message, 500),
            request_id: request_id.map(|id| redact_line(&id, 200)),
            body: redact_line(&self.body, 2_000),
        }
    }
}

impl Lost {
    /// What was seen, for a person.
    pub fn text(&self) -> &str {
        match self {
            Self::NotSent(text) | Self::Ambiguous(text) | Self::Cut(_, text) => text,
        }
    }

    /// A `Detail` of a call without an answer; `id` is the header that names the request. No body is in it.
    pub fn detail(&self, call: &str, id: &str) -> Detail {
        let message = redact_line(self.text(), 500);
        let (status, request_id) = match self {
            Self::Cut(answer, _) => (Some(answer.status), answer.header(id).map(|id| redact_line(id, 200))),
            Self::NotSent(_) | Self::Ambiguous(_) => (None, None),
        };
        Detail { call: call.to_owned(), status, message, request_id, ..Detail::default() }
    }
}

/// The innermost cause, which is the one that says something.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// An error and its causes in one line; reqwest's URLs carry no secrets here.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}
