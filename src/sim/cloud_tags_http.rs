//! Door two of the simulated DigitalOcean: tags over HTTP.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use crate::sim::cloud_http::{Asked, answer, empty, read};
use crate::sim::cloud_view::Tag;
use crate::sim::machine::Refusal;
use crate::sim::world::{Shared, lock};

/// Serves `/v2/tags…`.
pub fn router(world: Shared) -> Router {
    Router::new()
        .route("/v2/tags", get(list).post(create))
        .route("/v2/tags/{tag}", get(one).delete(delete))
        .route("/v2/tags/{tag}/resources", post(assign).delete(unassign))
        .with_state(world)
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    resource_id: String,
    resource_type: String,
}

async fn list(State(world): State<Shared>, asked: Asked) -> Response {
    let mut world = lock(&world);
    let counts: Vec<(&str, u64)> = world.cloud().tag_counts().into_iter().collect();
    let views: Vec<Tag> = asked.slice(&counts).iter().map(|(name, count)| Tag::of(name, *count)).collect();
    asked.answer("tags", &views, counts.len())
}

async fn create(State(world): State<Shared>, body: Bytes) -> Result<Response, Refusal> {
    let Name { name } = read(&body)?;
    let mut world = lock(&world);
    let cloud = world.cloud();
    let Some(tag) = cloud.new_tag(&name) else {
        let error = format!("Error validating resource tag: \"{name} contains invalid characters\"");
        let cause = format!("rpc error: code = InvalidArgument desc = {error}");
        let body = json!({ "error": error, "messages": null, "root_causes": [cause] });
        return Ok(answer(StatusCode::BAD_REQUEST, &body));
    };
    let count = cloud.tag_counts().get(tag.as_str()).copied().unwrap_or(0);
    Ok(answer(StatusCode::CREATED, &json!({ "tag": Tag::of(&tag, count) })))
}

async fn one(State(world): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    let tag = cloud.spelling(&name).ok_or_else(Refusal::not_found)?;
    let count = cloud.tag_counts().get(tag).copied().unwrap_or(0);
    Ok(answer(StatusCode::OK, &json!({ "tag": Tag::of(tag, count) })))
}

async fn delete(State(world): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    if lock(&world).cloud().delete_tag(&name) { Ok(empty()) } else { Err(Refusal::not_found()) }
}

async fn assign(world: State<Shared>, name: Path<String>, body: Bytes) -> Result<Response, Refusal> {
    set(&world, &name, &body, true)
}

async fn unassign(world: State<Shared>, name: Path<String>, body: Bytes) -> Result<Response, Refusal> {
    set(&world, &name, &body, false)
}

fn set(world: &Shared, name: &str, body: &Bytes, on: bool) -> Result<Response, Refusal> {
    let Resources { resources } = read(body)?;
    let droplets = resources
        .iter()
        .map(|resource| match (resource.resource_type.as_str(), resource.resource_id.parse()) {
            ("droplet", Ok(id)) => Ok(id),
            _ => Err(Refusal::not_found()),
        })
        .collect::<Result<Vec<u64>, Refusal>>()?;
    lock(world).cloud().set_tag(name, &droplets, on)?;
    Ok(empty())
}
