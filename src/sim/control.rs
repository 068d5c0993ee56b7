//! `/control/…`: what a demo, a test or a person may do to the simulated world from outside.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_http::{answer, empty};
use crate::sim::cloud_view::moment;
use crate::sim::machine::Machine;
use crate::sim::trouble::Planned;
use crate::sim::whim::Told;
use crate::sim::world::{Shared, lock, wait_until};

/// Serves `/control/…`.
pub fn router(world: Shared) -> Router {
    Router::new()
        .route("/control/clock", get(clock))
        .route("/control/clock/sleep", post(sleep))
        .route("/control/clock/advance", post(advance))
        .route("/control/droplets", get(droplets))
        .route("/control/droplets/{which}", delete(remove))
        .route("/control/droplets/{which}/untag", post(untag))
        .route("/control/droplets/{which}/snapshot", post(snapshot))
        .route("/control/images/{image}", delete(retire))
        .route("/control/keys/{key}", post(add_key).delete(remove_key))
        .route("/control/user-data/{which}", get(user_data))
        .route("/control/whim", post(whim))
        .route("/control/trouble", get(planned).post(trouble).delete(calm))
        .route("/control/latency", post(latency))
        .route("/control/outbox", get(outbox).delete(empty_outbox))
        .route("/control/requests", get(requests).delete(clear_requests))
        .with_state(world)
}

/// A no, in words.
struct No(StatusCode, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    until_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seconds {
    seconds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

async fn clock(State(world): State<Shared>) -> Response {
    show_clock(&world)
}

async fn sleep(State(world): State<Shared>, body: Bytes) -> Result<Response, No> {
    let Until { until_ms } = read(&body)?;
    wait_until(&world, until_ms).await;
    Ok(show_clock(&world))
}

async fn advance(State(world): State<Shared>, body: Bytes) -> Result<Response, No> {
    let Seconds { seconds } = read(&body)?;
    {
        let mut world = lock(&world);
        let to = world.now_ms() + i64::from(seconds) * 1_000;
        world.advance_to(to);
    }
    Ok(show_clock(&world))
}

async fn droplets(State(world): State<Shared>) -> Response {
    let mut world = lock(&world);
    let now = world.now_ms();
    let all: Vec<Value> = world.cloud().machines().map(|machine| truth(machine, now)).collect();
    ok(&json!({ "droplets": all }))
}

async fn remove(State(world): State<Shared>, Path(which): Path<String>) -> Result<Response, No> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    for id in find(cloud, &which)? {
        cloud.remove_by_hand(id);
    }
    Ok(empty())
}

async fn untag(State(world): State<Shared>, Path(which): Path<String>) -> Result<Response, No> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    for id in find(cloud, &which)? {
        cloud.untag(id);
    }
    Ok(empty())
}

async fn snapshot(State(world): State<Shared>, Path(which): Path<String>) -> Result<Response, No> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    for id in find(cloud, &which)? {
        cloud.snapshot(id);
    }
    Ok(empty())
}

async fn retire(State(world): State<Shared>, Path(image): Path<String>) -> Result<Response, No> {
    was_there(lock(&world).cloud().stock.retire(&image), "image", &image)
}

async fn add_key(State(world): State<Shared>, Path(fingerprint): Path<String>) -> Response {
    lock(&world).cloud().stock.add_key(&fingerprint);
    empty()
}

async fn remove_key(State(world): State<Shared>, Path(key): Path<String>) -> Result<Response, No> {
    was_there(lock(&world).cloud().stock.remove_key(&key), "key", &key)
}

async fn user_data(State(world): State<Shared>, Path(which): Path<String>) -> Result<Response, No> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    let ids = find(cloud, &which)?;
    let text = ids.first().and_then(|id| cloud.get(*id)).and_then(|machine| machine.user_data.clone());
    text.map(IntoResponse::into_response)
        .ok_or_else(|| No(StatusCode::NOT_FOUND, format!("droplet `{which}` was made without user-data")))
}

async fn whim(State(world): State<Shared>, body: Bytes) -> Result<Response, No> {
    let told: Told = read(&body)?;
    lock(&world).cloud().whims.tell(told);
    Ok(empty())
}

async fn planned(State(world): State<Shared>) -> Response {
    ok(&json!(lock(&world).trouble))
}

async fn trouble(State(world): State<Shared>, body: Bytes) -> Result<Response, No> {
    let planned: Planned = read(&body)?;
    lock(&world).trouble.planned.push(planned);
    Ok(empty())
}

async fn calm(State(world): State<Shared>) -> Response {
    lock(&world).trouble.planned.clear();
    empty()
}

async fn latency(State(world): State<Shared>, body: Bytes) -> Result<Response, No> {
    let Latency { ms } = read(&body)?;
    lock(&world).trouble.latency_ms = ms;
    Ok(empty())
}

async fn outbox(State(world): State<Shared>) -> Response {
    ok(&json!({ "mails": lock(&world).outbox }))
}

async fn empty_outbox(State(world): State<Shared>) -> Response {
    lock(&world).outbox.clear();
    empty()
}

async fn requests(State(world): State<Shared>) -> Response {
    ok(&json!(lock(&world).requests))
}

async fn clear_requests(State(world): State<Shared>) -> Response {
    lock(&world).requests.clear();
    empty()
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        answer(self.0, &json!({ "error": self.1 }))
    }
}

fn ok(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

/// A body's content type does not matter here: people use curl.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, No> {
    serde_json::from_slice(body).map_err(|error| No(StatusCode::BAD_REQUEST, error.to_string()))
}

fn was_there(yes: bool, what: &str, which: &str) -> Result<Response, No> {
    yes.then(empty).ok_or_else(|| No(StatusCode::NOT_FOUND, format!("there is no {what} `{which}`")))
}

fn show_clock(world: &Shared) -> Response {
    let world = lock(world);
    ok(&json!({ "unix_ms": world.now_ms(), "manual": world.is_manual() }))
}

/// The droplets of this number or, if it is none, of this name.
fn find(cloud: &Cloudlet, which: &str) -> Result<Vec<u64>, No> {
    let by_id = which.parse().ok().filter(|id| cloud.get(*id).is_some());
    let ids = match by_id {
        Some(id) => vec![id],
        None => cloud.machines().filter(|m| m.name.eq_ignore_ascii_case(which)).map(|m| m.id).collect(),
    };
    if ids.is_empty() {
        return Err(No(StatusCode::NOT_FOUND, format!("there is no droplet `{which}`")));
    }
    Ok(ids)
}

fn truth(machine: &Machine, now: i64) -> Value {
    let addresses: BTreeMap<&str, String> = [("public", machine.public), ("private", machine.private)]
        .into_iter()
        .filter_map(|(kind, ip)| Some((kind, ip?.to_string())))
        .collect();
    json!({
        "id": machine.id,
        "name": machine.name,
        "status": machine.power.word(),
        "size": machine.size.slug,
        "region": machine.region.slug,
        "image": machine.image.slug,
        "tags": machine.tags,
        "created_at": moment(machine.created),
        "addresses": addresses,
        "listed": machine.listed_from <= now,
        "deleting": machine.deleting,
        "busy": machine.is_busy(),
        "user_data": machine.user_data.is_some(),
    })
}
