//! The edge before both vendors: counts, budgets, tokens, latency and trouble, over HTTP.
//! Invariant: every answer of `/v2` carries the budget's headers and a request id.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::sim::cloud_http::answer;
use crate::sim::machine::Refusal;
use crate::sim::requests::{Exchange, Vendor};
use crate::sim::trouble::Mishap;
use crate::sim::world::{Admission, Call, Shared, lock};
use crate::wire::first_boot;

/// Cuts the connection it belongs to, without an answer.
#[derive(Debug, Clone, Default)]
pub struct Cut {
    is_cut: Arc<AtomicBool>,
    here: Option<Ipv4Addr>,
}

impl Cut {
    /// For a connection to this address.
    pub fn at(here: Ipv4Addr) -> Self {
        Self { here: Some(here), ..Self::default() }
    }

    /// To which address the connection is.
    pub fn here(&self) -> Option<Ipv4Addr> {
        self.here
    }

    /// From now on nothing can be written.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

/// Lets one request through to the vendors, or not. What was asked for is carried out even if nobody waits for
/// the answer any more, as at the real ones: half of the latency is the way there, half the way back.
pub async fn edge(
    State(world): State<Shared>,
    ConnectInfo(line): ConnectInfo<Cut>,
    request: Request,
    next: Next,
) -> Response {
    let Some(vendor) = vendor(request.uri().path()) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_KEPT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = Request::from_parts(parts, Body::from(body));
    let carried_out = tokio::spawn(serve(world, line, vendor, request, next)).await;
    carried_out.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn serve(world: Shared, line: Cut, vendor: Vendor, request: Request, next: Next) -> Response {
    let token = token(request.headers());
    let (admission, count, keep) = {
        let mut world = lock(&world);
        let (method, path) = (request.method().as_str(), request.uri().path());
        let admission = world.admit(&Call { vendor, method, path, token: &token });
        world.requests.under_way += 1;
        (admission, world.requests.of(vendor), world.requests.exchanges.is_some())
    };
    travel(admission.delay / 2).await;
    let (mut exchange, request) = if keep { remember(request).await } else { (None, request) };
    let refusal = match vendor {
        Vendor::DigitalOcean => refuse(&token, request.method()),
        Vendor::Stripe | Vendor::Mail | Vendor::Droplet => None,
    };
    let mut response = match refusal {
        Some(refusal) => refusal.into_response(),
        None => carry_out(vendor, &admission, &line, request, next).await,
    };
    lock(&world).requests.under_way -= 1;
    travel(admission.delay / 2).await;
    if vendor == Vendor::DigitalOcean {
        mark(response.headers_mut(), &admission, count);
    }
    // The simulated vendors live by the simulated clock; what hyper adds by itself is the machine's.
    if let Some(date) = lock(&world).now().http().and_then(|date| HeaderValue::from_str(&date).ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    if let Some(exchange) = exchange.take() {
        response = record(&world, exchange, response).await;
    }
    response
}

async fn travel(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// A path of neither vendor's.
pub async fn not_found() -> Refusal {
    Refusal::not_found()
}

async fn carry_out(
    vendor: Vendor,
    admission: &Admission,
    line: &Cut,
    request: Request,
    next: Next,
) -> Response {
    match admission.mishap {
        None | Some(Mishap::Slow(_)) => next.run(request).await,
        Some(Mishap::FailBefore(status)) => failure(vendor, status),
        Some(Mishap::FailAfter(status)) => {
            next.run(request).await;
            failure(vendor, status)
        }
        Some(Mishap::Html502) => html(),
        Some(Mishap::Drop) => {
            let response = next.run(request).await;
            line.cut();
            response
        }
        Some(Mishap::RateMinute | Mishap::RateHour) => failure(vendor, 429),
        Some(Mishap::Locked) if vendor == Vendor::Stripe => stripe_failure(409, Some("lock_timeout")),
        Some(Mishap::Locked) => failure(vendor, 409),
        Some(Mishap::Shifted) => shifted(next.run(request).await).await,
    }
}

fn vendor(path: &str) -> Option<Vendor> {
    if path.starts_with("/v2/") {
        Some(Vendor::DigitalOcean)
    } else if path.starts_with("/v1/") {
        Some(Vendor::Stripe)
    } else if path == first_boot::PATH {
        Some(Vendor::Droplet)
    } else {
        None
    }
}

fn token(headers: &HeaderMap) -> String {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { token.trim().to_owned() } else { String::new() }
}

fn refuse(token: &str, method: &Method) -> Option<Refusal> {
    if token.is_empty() {
        let message = "Unable to authenticate you".to_owned();
        return Some(Refusal { status: 401, id: "unauthorized", message });
    }
    let writes = !matches!(*method, Method::GET | Method::HEAD);
    (writes && token.contains("read")).then(Refusal::forbidden)
}

fn failure(vendor: Vendor, status: u16) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if vendor == Vendor::DigitalOcean {
        let (id, message) = words(status);
        return answer(code, &json!({ "id": id, "message": message }));
    }
    stripe_failure(status, stripe_code(status))
}

fn stripe_failure(status: u16, code: Option<&str>) -> Response {
    let kind = if status < 500 { "invalid_request_error" } else { "api_error" };
    let mut error = json!({ "type": kind, "message": words(status).1 });
    if let Some(code) = code {
        error["code"] = json!(code);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = answer(status, &json!({ "error": error }));
    response.headers_mut().insert("request-id", HeaderValue::from_static("req_simulated_trouble"));
    response
}

/// A listing as one sees it whose items move to another page meanwhile: the total of DigitalOcean's no longer
/// fits, and an item of Stripe's comes twice.
async fn shifted(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_KEPT).await.unwrap_or_default();
    let Ok(mut page) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    if let Some(total) = page["meta"]["total"].as_u64() {
        page["meta"]["total"] = json!(total + 1);
    }
    if let Some(items) = page["data"].as_array_mut() {
        items.extend(items.first().cloned());
    }
    answer(parts.status, &page)
}

/// Stripe's code for a status that trouble answered with.
pub fn stripe_code(status: u16) -> Option<&'static str> {
    match status {
        409 => Some("idempotency_key_in_use"),
        429 => Some("rate_limit"),
        _ => None,
    }
}

/// DigitalOcean's short name and sentence for a status.
pub fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("bad_request", "The request was not understood."),
        401 => ("unauthorized", "Unable to authenticate you"),
        403 => ("forbidden", "You are not authorized to perform this operation"),
        404 => ("not_found", "The resource you were accessing could not be found."),
        409 => ("conflict", "The request could not be completed due to a conflict."),
        422 => ("unprocessable_entity", "Please try again."),
        429 => ("too_many_requests", "API Rate limit exceeded."),
        503 => ("service_unavailable", "The service is currently unavailable, please try again later."),
        _ => ("server_error", "Unexpected server-side error"),
    }
}

fn html() -> Response {
    const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n\
        <body><center><h1>502 Bad Gateway</h1></center><hr><center>cloudflare</center></body></html>\n";
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/html"),
        ("server", "cloudflare"),
        ("cf-ray", "8f1c2d3e4a5b6c7d-EWR"),
    ];
    (StatusCode::BAD_GATEWAY, headers, PAGE).into_response()
}

fn mark(headers: &mut HeaderMap, admission: &Admission, count: u64) {
    let rate = &admission.rate;
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("ratelimit-limit", rate.limit.to_string());
    set("ratelimit-remaining", rate.remaining.to_string());
    set("ratelimit-reset", rate.reset.to_string());
    if let Some(seconds) = rate.retry_after {
        set("retry-after", seconds.to_string());
    }
    set("x-request-id", format!("515850a0-a812-40bf-aa3c-{count:012x}"));
}

/// The largest body that is kept: ten times a page of 200 droplets.
const MAX_KEPT: usize = 8 * 1024 * 1024;

async fn remember(request: Request) -> (Option<Exchange>, Request) {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_KEPT).await.unwrap_or_default();
    let exchange = Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        request: text(&bytes),
        status: 0,
        answer: String::new(),
    };
    (Some(exchange), Request::from_parts(parts, Body::from(bytes)))
}

async fn record(world: &Shared, exchange: Exchange, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_KEPT).await.unwrap_or_default();
    if let Some(exchanges) = &mut lock(world).requests.exchanges {
        exchanges.push(Exchange { status: parts.status.as_u16(), answer: text(&bytes), ..exchange });
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
