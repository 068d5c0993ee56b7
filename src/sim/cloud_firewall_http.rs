//! Door two of the simulated DigitalOcean: firewalls over HTTP.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_firewall::Wall;
use crate::sim::cloud_http::{Asked, answer, empty, read};
use crate::sim::cloud_view::moment;
use crate::sim::machine::Refusal;
use crate::sim::world::{Shared, lock};

/// Serves `/v2/firewalls…`.
pub fn router(world: Shared) -> Router {
    Router::new()
        .route("/v2/firewalls", get(list).post(make))
        .route("/v2/firewalls/{id}", get(one).put(replace).delete(delete))
        .with_state(world)
}

/// A firewall as the vendor shows it.
pub(super) fn view(cloud: &Cloudlet, wall: &Wall) -> Value {
    let pending = cloud.pending(wall).into_iter();
    let pending: Vec<Value> =
        pending.map(|id| json!({ "droplet_id": id, "removing": false, "status": "waiting" })).collect();
    let content = &wall.content;
    json!({
        "id": wall.id,
        "name": content.name,
        "status": cloud.wall_status(wall),
        "created_at": moment(wall.created),
        "pending_changes": pending,
        "inbound_rules": content.inbound_rules,
        "outbound_rules": content.outbound_rules,
        "droplet_ids": content.droplet_ids,
        "tags": content.tags,
    })
}

async fn list(State(world): State<Shared>, asked: Asked) -> Response {
    let mut world = lock(&world);
    let cloud = world.cloud();
    let walls = cloud.walls();
    let views: Vec<Value> = asked.slice(walls).iter().map(|wall| view(cloud, wall)).collect();
    asked.answer("firewalls", &views, walls.len())
}

async fn make(State(world): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let content = read(&body)?;
    let mut world = lock(&world);
    let cloud = world.cloud();
    let id = cloud.make_wall(content)?;
    show(cloud, &id, StatusCode::ACCEPTED)
}

async fn one(State(world): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    show(lock(&world).cloud(), &id, StatusCode::OK)
}

async fn replace(
    State(world): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let content = read(&body)?;
    let mut world = lock(&world);
    let cloud = world.cloud();
    cloud.replace_wall(&id, content)?;
    show(cloud, &id, StatusCode::OK)
}

async fn delete(State(world): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    if lock(&world).cloud().delete_wall(&id) { Ok(empty()) } else { Err(Refusal::not_found()) }
}

fn show(cloud: &Cloudlet, id: &str, status: StatusCode) -> Result<Response, Refusal> {
    let wall = cloud.wall(id).ok_or_else(Refusal::not_found)?;
    Ok(answer(status, &json!({ "firewall": view(cloud, wall) })))
}
