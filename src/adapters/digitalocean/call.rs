//! One call to DigitalOcean: paced, retried where that is safe, judged.
//! Invariant: a POST is sent a second time only after a 429 or when it provably never left.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::adapters::clock::is_loopback;
use crate::adapters::http::{self, Answer, Limits, Lost};
use crate::adapters::pace::{Exhausted, LONGEST_WAIT, Pace, Purpose, backoff, pause};
use crate::ports::{Clock, Detail, Fault};
use crate::wire::digitalocean::{Problem, Unreadable};

/// The header that names a request.
const REQUEST_ID: &str = "x-request-id";
/// Further tries after the first.
const RETRIES: u32 = 3;
/// Further tries after a 429, if their waits do not end the matter before.
const LIMITED: u32 = 8;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    scopes: &'static str,
    purpose: Purpose,
    absent_is_fine: bool,
}

/// Sends calls.
pub struct Caller {
    client: reqwest::Client,
    base: Url,
    token: SecretString,
    pace: Arc<Pace>,
    clock: Arc<dyn Clock>,
    /// What one exchange may cost.
    pub limits: Limits,
}

/// How one exchange ended.
enum End {
    /// A definite yes (or a 404 where that is one).
    Done(Answer),
    /// A definite no.
    Refused(Detail),
    /// Too many requests.
    Limited(Answer),
    /// It provably never left.
    NotSent(Detail),
    /// It may have been carried out.
    Blurred(Detail),
}

impl Call {
    /// Reads.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path.to_owned(), None)
    }

    /// Changes something; never repeated when the reply is lost.
    pub fn post(path: String, body: Value) -> Self {
        Self::new(Method::POST, path, Some(body))
    }

    /// Replaces all of something, which may be repeated.
    pub fn put(path: &str, body: Value) -> Self {
        Self::new(Method::PUT, path.to_owned(), Some(body))
    }

    /// Deletes by id, which may be repeated.
    pub fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path.to_owned(), None)
    }

    /// Adds a query parameter.
    pub fn with(mut self, key: &'static str, value: &str) -> Self {
        self.query.push((key, value.to_owned()));
        self
    }

    /// The scopes to name when the token may not do it.
    pub fn needs(mut self, scopes: &'static str) -> Self {
        self.scopes = scopes;
        self
    }

    /// It makes something, so it stops where the reserve begins.
    pub fn making(mut self) -> Self {
        self.purpose = Purpose::Make;
        self
    }

    /// A 404 is an answer and not a fault.
    pub fn or_absent(mut self) -> Self {
        self.absent_is_fine = true;
        self
    }

    /// The call in one line, e.g. `GET /v2/droplets?tag_name=basement`.
    pub fn text(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, query.join("&"))
    }

    /// An answer with our own words.
    pub fn detail(&self, answer: &Answer, message: &str) -> Detail {
        answer.detail(&self.text(), None, message, answer.header(REQUEST_ID).map(str::to_owned))
    }

    /// A good answer that cannot be understood, to a call that changes nothing.
    pub fn unreadable(&self, answer: &Answer, why: &Unreadable) -> Fault {
        Fault::Refused(self.detail(answer, &why.to_string()))
    }

    /// A good answer that cannot be understood, to a call that changes something: it may have been carried out.
    pub fn lost_reply(&self, answer: &Answer, why: &Unreadable) -> Fault {
        Fault::Unknown(self.detail(answer, &why.to_string()))
    }

    fn new(method: Method, path: String, body: Option<Value>) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            body,
            scopes: "of this call",
            purpose: Purpose::Other,
            absent_is_fine: false,
        }
    }

    fn reads(&self) -> bool {
        self.method == Method::GET
    }

    fn may_repeat(&self) -> bool {
        self.method != Method::POST
    }

    fn problem(&self, answer: &Answer) -> Detail {
        self.read_problem(answer).0
    }

    /// What a failed answer says, and whether it is DigitalOcean that says it.
    fn read_problem(&self, answer: &Answer) -> (Detail, bool) {
        let Problem { code, message, request_id, is_theirs } =
            Problem::read(answer.status, &answer.body, self.scopes);
        let request_id = request_id.or_else(|| answer.header(REQUEST_ID).map(str::to_owned));
        (answer.detail(&self.text(), code, &message, request_id), is_theirs)
    }

    fn judge(&self, reply: Result<Answer, Lost>) -> End {
        let answer = match reply {
            Ok(answer) => answer,
            Err(Lost::Cut(answer, why)) => return End::Blurred(self.detail(&answer, &why)),
            Err(lost @ Lost::NotSent(_)) => return End::NotSent(lost.detail(&self.text(), REQUEST_ID)),
            Err(lost @ Lost::Ambiguous(_)) => return End::Blurred(lost.detail(&self.text(), REQUEST_ID)),
        };
        match answer.status {
            // A page cut short is a lost reply; what else may be wrong with it, its reader says.
            200..=299 if self.reads() && !is_json(&answer.body) => {
                End::Blurred(self.detail(&answer, "the answer is no JSON, or is cut short"))
            }
            // A delete is answered by 204 and nothing else; a page of a proxy's destroys no droplet.
            200..=299 if self.method == Method::DELETE && !answer.body.trim().is_empty() => {
                End::Blurred(self.detail(&answer, "the answer is not the empty one of a delete"))
            }
            200..=299 => End::Done(answer),
            // A proxy's 404 says nothing about a droplet: money goes back on the strength of this answer.
            404 if self.absent_is_fine && self.problem(&answer).code.as_deref() == Some("not_found") => {
                End::Done(answer)
            }
            429 => End::Limited(answer),
            // Not followed; whether a POST was carried out before, nobody knows.
            300..=399 if self.reads() => End::Refused(self.problem(&answer)),
            400..=407 | 409..=499 => match self.read_problem(&answer) {
                // Who else refuses may stand behind DigitalOcean as well as before it.
                (detail, false) if !self.reads() => End::Blurred(detail),
                (detail, _) => End::Refused(detail),
            },
            _ => End::Blurred(self.problem(&answer)),
        }
    }
}

impl Caller {
    /// Checks the base URL: a token travels by TLS, or not beyond this machine.
    pub fn new(
        base: &str,
        token: SecretString,
        pace: Arc<Pace>,
        clock: Arc<dyn Clock>,
        user_agent: &str,
    ) -> Result<Self, String> {
        let url = Url::parse(base.trim_end_matches('/'))
            .map_err(|error| format!("`{base}` is not a URL: {error}; hint: check `DIGITALOCEAN_API_URL`"))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(format!(
                "`{base}` would carry the token in the clear; hint: use `https://`, or an address of this machine"
            ));
        }
        let bytes = token.expose_secret().as_bytes();
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(
                "the DigitalOcean token is empty or has a blank in it; hint: check `DIGITALOCEAN_TOKEN`"
                    .to_owned(),
            );
        }
        let client = http::client(user_agent, url.as_str())?;
        Ok(Self { client, base: url, token, pace, clock, limits: Limits::default() })
    }

    /// Waits, and says so.
    pub async fn wait(&self, span: Duration, why: &str) {
        pause(self.clock.as_ref(), span, why).await;
    }

    /// Sends a call until there is a definite answer, the tries are used up, or another try would be unsafe.
    pub async fn send(&self, call: &Call) -> Result<Answer, Fault> {
        let (mut lost, mut limited, mut waited) = (0, 0, Duration::ZERO);
        let mut blurred = false;
        let fault = loop {
            let flight = match self.pace.admit(call.purpose).await {
                Ok(flight) => flight,
                Err(exhausted) => break unavailable(call, exhausted),
            };
            let reply = http::exchange_within(self.limits, self.request(call)).await;
            // A token of before 2021 has no prefix by which `redact` would know it.
            let secret = self.token.expose_secret();
            let reply = reply.map(|answer| answer.without(secret)).map_err(|lost| match lost {
                Lost::Cut(answer, why) => Lost::Cut(Box::new(answer.without(secret)), why),
                lost => lost,
            });
            if let Ok(answer) = &reply {
                tracing::info!(status = answer.status, "{}", call.text());
                tracing::debug!(bytes = answer.body.len(), left = answer.header("ratelimit-remaining"));
                self.pace.learn(answer).await;
            }
            drop(flight);
            let detail = match call.judge(reply) {
                End::Done(answer) => return Ok(answer),
                End::Refused(detail) => break Fault::Refused(detail),
                End::Limited(answer) => {
                    let wait = self.pace.rejected(&answer, limited).await;
                    (limited, waited) = (limited + 1, waited + wait);
                    if waited > LONGEST_WAIT || limited > LIMITED {
                        break Fault::Unavailable { after: Some(wait), detail: call.problem(&answer) };
                    }
                    // The budget now waits for everybody.
                    continue;
                }
                End::NotSent(detail) => detail,
                End::Blurred(detail) => {
                    blurred = true;
                    if !call.may_repeat() {
                        break Fault::Unknown(detail);
                    }
                    detail
                }
            };
            if lost == RETRIES {
                break Fault::Unavailable { after: None, detail };
            }
            let why = format!("`{}` got no answer: {}", call.text(), detail.message);
            self.wait(backoff(lost), &why).await;
            lost += 1;
        };
        Err(if blurred && !call.reads() { unknown(fault) } else { fault })
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = self.client.request(call.method.clone(), url);
        let request = request.bearer_auth(self.token.expose_secret());
        match &call.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

fn unavailable(call: &Call, Exhausted { after, why }: Exhausted) -> Fault {
    let detail = Detail { call: call.text(), message: why, ..Detail::default() };
    Fault::Unavailable { after: Some(after), detail }
}

/// After a lost reply no later answer can say that nothing happened.
fn unknown(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(detail) | Fault::Unavailable { detail, .. } | Fault::Unknown(detail) => {
            Fault::Unknown(detail)
        }
    }
}
