//! The simulated Stripe over HTTP: keys, request ids, and which call is which.
//! Invariant: whatever is asked, the answer is JSON in Stripe's shape with a `Request-Id`.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;

use crate::model::moment::Moment;

use super::billing::{Books, Refusal};
use super::stripe_form::Form;
use super::stripe_json;
use super::stripe_read;
use super::stripe_write::{self, Answer, Verb};

pub use super::stripe_control::control;

/// What time it is, as whoever runs the simulator says.
pub type Now = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Everything under `/v1/`.
pub fn router(books: Arc<Mutex<Books>>, now: Now) -> Router {
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        // The clock is the world's, and the world is locked before the books.
        let now = now();
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        let response = serve(&mut books, now, &method, &uri, &headers, &body);
        async move { response }
    };
    Router::new().route("/v1/{*path}", any(answer))
}

fn serve(
    books: &mut Books,
    now: Moment,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    books.tick(now);
    books.requests += 1;
    let request_id = format!("req_{:06}", books.requests);
    let path = uri.path().trim_start_matches("/v1/").trim_end_matches('/');
    let query = Form::parse(uri.query().unwrap_or(""));
    let form = query.and(Form::parse(&String::from_utf8_lossy(body)));
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let answer = match permit(headers, method, path) {
        Err(refusal) => stripe_write::refuse(&refusal, &request_id),
        Ok(()) => match verb(method) {
            Some(verb) => stripe_write::write(books, now, (verb, path), &form, (key, &request_id)),
            None => match read(books, method, path, &form) {
                Ok(body) => Answer { status: 200, body, replay_of: None },
                Err(refusal) => stripe_write::refuse(&refusal, &request_id),
            },
        },
    };
    respond(answer, &request_id, key)
}

fn read(books: &Books, method: &Method, path: &str, form: &Form) -> Result<serde_json::Value, Refusal> {
    if method != Method::GET {
        let text = format!("Unrecognized request URL ({method}: /v1/{path}).");
        return Err(Refusal { status: 404, ..Refusal::invalid(None, text, "") });
    }
    match path.split_once('/') {
        None if path == "account" => Ok(stripe_json::account()),
        None => stripe_read::page(books, path, form),
        Some((collection, id)) => stripe_read::one(books, collection, id, form),
    }
}

fn verb(method: &Method) -> Option<Verb> {
    match *method {
        Method::POST => Some(Verb::Post),
        Method::DELETE => Some(Verb::Delete),
        _ => None,
    }
}

/// Any `sk_` or `rk_` key is let in. One whose name contains `read` may not write, and no restricted
/// key may read the account.
fn permit(headers: &HeaderMap, method: &Method, path: &str) -> Result<(), Refusal> {
    let no = |status: u16, text: String| Refusal { status, ..Refusal::invalid(None, text, "") };
    let key = key(headers).ok_or_else(|| {
        let text = "You did not provide an API key. You need to provide your API key in the Authorization \
                    header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        no(401, text.to_owned())
    })?;
    let kind = ["sk_test_", "sk_live_", "rk_test_", "rk_live_", "sk_", "rk_"]
        .into_iter()
        .find(|kind| key.starts_with(kind));
    let Some(kind) = kind.filter(|kind| key.len() > kind.len()) else {
        return Err(no(401, "Invalid API Key provided.".to_owned()));
    };
    let writes = method != Method::GET;
    let needs = match path.split('/').next().unwrap_or(path) {
        "account" if kind.starts_with("rk_") => "rak_accounts_kyc_basic_read",
        "subscriptions" if writes => "rak_subscription_write",
        "refunds" if writes => "rak_charge_write",
        _ if writes => "rak_write",
        _ => return Ok(()),
    };
    if needs == "rak_accounts_kyc_basic_read" || key.contains("read") {
        return Err(no(
            403,
            format!(
                "The provided key '{kind}***' does not have the required permissions for this endpoint on \
                 account 'acct_000001'. Having the '{needs}' permission would allow this request to continue."
            ),
        ));
    }
    Ok(())
}

/// `Bearer KEY`, or Basic with the key as the user (`curl -u KEY:`).
fn key(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        pair.split_once(':').map_or(pair.clone(), |(user, _)| user.to_owned())
    } else if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

fn respond(answer: Answer, request_id: &str, key: Option<&str>) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(answer.body)).into_response();
    let mut put = |name: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    put("request-id", request_id);
    put("stripe-version", stripe_json::VERSION);
    if let Some(key) = key {
        put("idempotency-key", key);
    }
    if let Some(first) = answer.replay_of {
        put("idempotent-replayed", "true");
        put("original-request", &first);
    }
    response
}
