//! One HTTP exchange, with every way it can go wrong told apart. Knows no vendor.
//! Invariant: `NotSent` is only said when not a byte of the request can have left.

use std::time::Duration;

use crate::ports::Detail;
use crate::wire::redact::redact;

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
}

/// A client that follows no redirects (a secret goes to no second host), with rustls and ring.
pub fn client(user_agent: &str) -> Result<reqwest::Client, String> {
    // A second call finds the provider installed already; that is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| chain(&error))
}

/// Sends one request and reads the whole answer, at most `MAX_BODY` bytes of it.
pub async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
    /// A page of 200 droplets is about 0.8 MB; ten times that is not an answer of theirs.
    const MAX_BODY: usize = 16 * 1024 * 1024;
    let mut response = request.send().await.map_err(|error| {
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
    while let Some(chunk) = response.chunk().await.map_err(|error| Lost::Ambiguous(chain(&error)))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Err(Lost::Ambiguous(format!("the answer is longer than {MAX_BODY} bytes")));
        }
    }
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

impl Answer {
    /// The same without `secret`, should a proxy or the vendor repeat it in an error.
    pub fn without(mut self, secret: &str) -> Self {
        if self.status >= 300 && self.body.contains(secret) {
            self.body = self.body.replace(secret, "…");
        }
        self
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
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
            code,
            message: redact(message, 500),
            request_id,
            body: redact(&self.body, 2_000),
        }
    }
}

impl Lost {
    /// What was seen, for a person.
    pub fn text(&self) -> &str {
        match self {
            Self::NotSent(text) | Self::Ambiguous(text) => text,
        }
    }

    /// A `Detail` of a call without an answer.
    pub fn detail(&self, call: &str) -> Detail {
        Detail { call: call.to_owned(), message: redact(self.text(), 500), ..Detail::default() }
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
