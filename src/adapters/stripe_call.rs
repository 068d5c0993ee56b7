//! One call to Stripe: asked again while that is safe, its failures told apart, its mode checked.
//! Invariant: a write whose reply was lost ends as `Unknown` unless a later reply settles it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};

use super::http::{Answer, Limits, Lost, exchange_within};
use crate::model::moment::Moment;
use crate::model::policy::Mode;
use crate::ports::{Clock, Detail, Fault};
use crate::wire::redact::redact_line;
use crate::wire::stripe::{self, Page, Problem};

/// The header that names a request.
const REQUEST_ID: &str = "request-id";
/// How long to wait before each further try.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// A list with more pages (100,000 items) has no end.
const MAX_PAGES: usize = 1_000;
/// The longest `Retry-After` that is waited for here; longer ones go to whoever asked.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends requests to one account in one mode.
pub struct Caller {
    /// The HTTP client.
    pub http: reqwest::Client,
    /// Scheme, host and perhaps a path, without a slash at the end.
    pub base: String,
    /// The secret or restricted key.
    pub key: SecretString,
    /// The mode that every object must be of.
    pub mode: Mode,
    /// For waiting.
    pub clock: Arc<dyn Clock>,
    /// What one exchange may cost.
    pub limits: Limits,
}

/// A good answer, not read yet.
pub struct Reply {
    /// The call, e.g. `GET /v1/refunds`.
    pub call: String,
    /// Its status, 2xx.
    pub status: u16,
    /// Stripe's request id.
    pub request_id: Option<String>,
    /// What time it was there.
    pub date: Option<Moment>,
    /// Its body.
    pub body: String,
}

/// A try that went wrong.
struct Miss {
    fault: Fault,
    /// Whether to try again.
    again: bool,
    /// What `Retry-After` said.
    after: Option<Duration>,
    /// Had an earlier try with this key been carried out, this answer would tell.
    settles: bool,
}

impl Caller {
    /// Sends a request, and again while that is safe; a write is always sent again with the same `key`.
    pub async fn send(&self, request: &RequestBuilder, key: Option<&str>) -> Result<Reply, Fault> {
        self.send_page(request, None, key).await
    }

    /// Reads the object that has this id. Another's address or status would be worse than none.
    pub async fn object<T>(
        &self,
        request: &RequestBuilder,
        id: &str,
        read: fn(Value) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let reply = self.send(request, None).await?;
        let value = self.value(&reply)?;
        let found = match stripe::id(&value) {
            Some(other) if other != id => Err(format!("asked for `{id}`, got `{}`", redact_line(other, 80))),
            _ => read(value),
        };
        found.map_err(|why| Fault::Refused(reply.unreadable(&why)))
    }

    /// Reads every page of a list, its items not read yet. Incomplete is a fault.
    pub async fn list(&self, request: &RequestBuilder) -> Result<Vec<Value>, Fault> {
        let mut items: Vec<Value> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let reply = self.send_page(request, cursor.as_deref(), None).await?;
            let page: Page =
                stripe::read(self.value(&reply)?).map_err(|why| Fault::Refused(reply.unreadable(&why)))?;
            let broken = |why: &str| Fault::Unavailable { after: None, detail: reply.detail(why) };
            for item in &page.data {
                self.check_mode(&reply, item)?;
                if let Some(id) = stripe::id(item)
                    && !seen.insert(id.to_owned())
                {
                    return Err(broken(&format!(
                        "the pages of the list name `{}` twice",
                        redact_line(id, 80)
                    )));
                }
            }
            let last = page.data.last().and_then(stripe::id).map(ToOwned::to_owned);
            items.extend(page.data);
            match (page.has_more, last) {
                (false, _) => return Ok(items),
                (true, Some(id)) => cursor = Some(id),
                (true, None) => return Err(broken("there are more pages, but the list does not say where")),
            }
        }
        let message = format!("the list has no end after {MAX_PAGES} pages");
        let detail = Detail { call: call_name(request), message, ..Detail::default() };
        Err(Fault::Unavailable { after: None, detail })
    }

    /// Reads every page of a list whose items must all be readable.
    pub async fn all<T>(
        &self,
        request: &RequestBuilder,
        read: fn(Value) -> Result<T, String>,
    ) -> Result<Vec<T>, Fault> {
        let refused = |why: String| Fault::refused(&call_name(request), format!("cannot be read: {why}"));
        self.list(request).await?.into_iter().map(|item| read(item).map_err(refused)).collect()
    }

    /// The JSON of a reply, of the right mode.
    pub fn value(&self, reply: &Reply) -> Result<Value, Fault> {
        let value = serde_json::from_str(&reply.body).map_err(|_| Fault::Unavailable {
            after: None,
            detail: reply.page("the answer is not JSON; hint: is a proxy between here and Stripe?"),
        })?;
        self.check_mode(reply, &value)?;
        Ok(value)
    }

    /// Whether a page of a list is of the right mode.
    pub fn list_mode(&self, reply: &Reply) -> Result<(), Fault> {
        let page: Page =
            stripe::read(self.value(reply)?).map_err(|why| Fault::Refused(reply.unreadable(&why)))?;
        page.data.iter().try_for_each(|item| self.check_mode(reply, item))
    }

    async fn send_page(
        &self,
        request: &RequestBuilder,
        cursor: Option<&str>,
        key: Option<&str>,
    ) -> Result<Reply, Fault> {
        let call = call_name(request);
        let url = self.url(request, cursor).map_err(|why| Fault::refused(&call, why))?;
        let mut waits = WAITS.into_iter();
        let mut doubt = false;
        loop {
            let outcome = exchange_within(self.limits, self.build(request, url.clone(), key)).await;
            let miss = match outcome {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(Reply::new(call, answer)),
                Ok(answer) => refusal(request, &call, key.is_some(), &answer),
                Err(lost) => no_answer(request, &call, &lost),
            };
            tracing::info!("{}", miss.fault);
            let unsettled = doubt && !miss.settles;
            doubt |= matches!(miss.fault, Fault::Unknown(_));
            match waits.next().filter(|_| miss.again) {
                Some(wait) => {
                    self.clock.sleep(wait.max(miss.after.unwrap_or_default().min(LONGEST_WAIT))).await;
                }
                None if unsettled => return Err(Fault::Unknown(miss.fault.detail().clone())),
                None => return Err(miss.fault),
            }
        }
    }

    fn build(&self, request: &RequestBuilder, url: Url, key: Option<&str>) -> reqwest::RequestBuilder {
        let mut out = self
            .http
            .request(method(request), url)
            .bearer_auth(self.key.expose_secret())
            .header("Stripe-Version", VERSION.as_str());
        if let Some(key) = key {
            out = out.header("Idempotency-Key", key);
        }
        if let Some(body) = &request.body {
            out = out
                .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(sorted(body));
        }
        out
    }

    fn url(&self, request: &RequestBuilder, cursor: Option<&str>) -> Result<Url, String> {
        let mut url = Url::parse(&format!("{}/v1{}", self.base, request.path)).map_err(|e| e.to_string())?;
        url.set_query(request.query.as_deref().filter(|query| !query.is_empty()));
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("starting_after", cursor);
        }
        Ok(url)
    }

    fn check_mode(&self, reply: &Reply, value: &Value) -> Result<(), Fault> {
        let live = self.mode == Mode::Live;
        match stripe::livemode(value) {
            Some(found) if found != live => {
                let (found, want) = if found { ("live", "test") } else { ("test", "live") };
                Err(Fault::Refused(reply.detail(&format!(
                    "`{}` is of {found} mode, but this fleet is of {want} mode; \
                     hint: check the mode in `basement.toml` and the key in `STRIPE_API_KEY`",
                    redact_line(stripe::id(value).unwrap_or("an object"), 80),
                ))))
            }
            _ => Ok(()),
        }
    }
}

impl Reply {
    /// A `Detail` about this reply. Its body is left out: it may hold personal data.
    pub fn detail(&self, message: &str) -> Detail {
        Detail {
            call: self.call.clone(),
            status: Some(self.status),
            code: None,
            message: redact_line(message, 500),
            request_id: self.request_id.clone(),
            body: String::new(),
        }
    }

    /// The same of somebody's web page, which is shown: it says whose it is.
    fn page(&self, message: &str) -> Detail {
        let is_page = self.body.trim_start().starts_with('<');
        let body = if is_page { redact_line(&without_addresses(&self.body), 2_000) } else { String::new() };
        Detail { body, ..self.detail(message) }
    }

    /// A `Detail` saying where the answer is odd.
    pub fn unreadable(&self, why: &str) -> Detail {
        self.detail(&format!("the answer cannot be read: {why}"))
    }

    fn new(call: String, answer: Answer) -> Self {
        let request_id = request_id(&answer);
        tracing::info!(status = answer.status, "{call}");
        tracing::debug!(bytes = answer.body.len(), request_id);
        Self { call, status: answer.status, request_id, date: answer.date(), body: answer.body }
    }
}

/// The call's name, e.g. `GET /v1/subscriptions`.
pub fn call_name(request: &RequestBuilder) -> String {
    format!("{} /v1{}", method(request), request.path)
}

/// `None` for what Stripe itself (and not a proxy) says it does not know.
pub fn known<T>(result: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Refused(detail))
            if detail.status == Some(404) && detail.code.as_deref() == Some("resource_missing") =>
        {
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

fn method(request: &RequestBuilder) -> reqwest::Method {
    match request.method {
        StripeMethod::Get => reqwest::Method::GET,
        StripeMethod::Post => reqwest::Method::POST,
        StripeMethod::Delete => reqwest::Method::DELETE,
    }
}

fn is_write(request: &RequestBuilder) -> bool {
    !matches!(request.method, StripeMethod::Get)
}

/// The builder keeps metadata in a hash map; a key asked again after a crash must come with the same bytes.
fn sorted(body: &str) -> String {
    let mut pairs: Vec<&str> = body.split('&').collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn no_answer(request: &RequestBuilder, call: &str, lost: &Lost) -> Miss {
    let detail = lost.detail(call, REQUEST_ID);
    let fault = match lost {
        Lost::Ambiguous(_) | Lost::Cut(..) if is_write(request) => Fault::Unknown(detail),
        _ => Fault::Unavailable { after: None, detail },
    };
    Miss { fault, again: true, after: None, settles: false }
}

/// Source: Stripe, "Error handling" and "Idempotent requests", <https://docs.stripe.com/error-low-level>:
/// a key's first result is stored, 500s included; 401, 403, 409 and 429 are not, so they settle nothing.
fn refusal(request: &RequestBuilder, call: &str, keyed: bool, answer: &Answer) -> Miss {
    let after =
        answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let problem = stripe::problem(&answer.body);
    let detail = detail(request, call, answer, problem.as_ref());
    let again = match answer.header("stripe-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(answer.status, 409 | 429 | 500..),
    };
    let locked = detail.code.as_deref() == Some("lock_timeout");
    let fault = match answer.status {
        // Another request with our key is under way, and may succeed.
        409 if keyed && !locked => Fault::Unknown(detail),
        500.. if is_write(request) => Fault::Unknown(detail),
        // A redirect, or a refusal of somebody's who may stand behind Stripe as well as before it.
        status if status != 429 && is_write(request) && problem.is_none() => Fault::Unknown(detail),
        409 | 429 | 500.. => Fault::Unavailable { after, detail },
        _ => Fault::Refused(detail),
    };
    let settles = keyed && problem.is_some() && matches!(answer.status, 400 | 402 | 404);
    Miss { fault, again, after, settles }
}

fn detail(request: &RequestBuilder, call: &str, answer: &Answer, problem: Option<&Problem>) -> Detail {
    let said = match problem {
        Some(problem) => problem.message.as_deref().unwrap_or("Stripe gives no reason"),
        None => "the answer is not Stripe's JSON",
    };
    let mut message = redact_line(&without_addresses(said), 400);
    if let Some(cure) = cure(request, answer.status) {
        message = format!("{message}; hint: {cure}");
    }
    let body = match problem {
        // The whole error may hold a payment intent, with its client secret and the customer's address.
        Some(Problem { kind, code, param, .. }) => {
            let text = format!("type {kind:?}, code {code:?}, param {param:?}");
            redact_line(&text.replace("Some(", "").replace(')', ""), 300)
        }
        None => redact_line(&without_addresses(&answer.body), 2_000),
    };
    Detail {
        call: call.to_owned(),
        status: Some(answer.status),
        code: problem.and_then(|p| p.code.as_deref().or(p.kind.as_deref())).map(|code| redact_line(code, 80)),
        message,
        request_id: request_id(answer),
        body,
    }
}

/// Source: Stripe, "Restricted API keys", <https://docs.stripe.com/keys/restricted-api-keys>. An expanded
/// object needs its own permission too.
fn cure(request: &RequestBuilder, status: u16) -> Option<String> {
    match status {
        401 => Some("check that `STRIPE_API_KEY` is whole, not expired and of this account".to_owned()),
        403 => {
            let area = request.path.trim_start_matches('/').split('/').next().unwrap_or_default();
            let names = match area {
                "subscriptions" => "Subscriptions (and Invoices: read)",
                "invoices" | "invoice_payments" => "Invoices",
                "payment_intents" => "PaymentIntents (and Charges and Refunds: read)",
                "charges" | "refunds" => "Charges and Refunds",
                "customers" => "Customers",
                "events" => "Events",
                other => other,
            };
            let access = if is_write(request) { "write" } else { "read" };
            Some(format!("give the restricted key the permission `{names}`: {access}"))
        }
        _ => None,
    }
}

fn request_id(answer: &Answer) -> Option<String> {
    answer.header(REQUEST_ID).map(|id| redact_line(id, 200))
}

fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
