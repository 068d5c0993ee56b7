//! Door two of the simulated DigitalOcean: droplets, actions, account and price list over HTTP.
//! Answers obey the vendor's OpenAPI document; `tests/it/contract.rs` checks every one.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_view::{Action, Droplet, Listing};
use crate::sim::machine::{Kind, Machine, Order, Refusal};
use crate::sim::world::{Shared, lock};
use crate::sim::{catalog, cloud_firewall_http, cloud_tags_http};

/// Serves `/v2/…`. Tokens, budgets and trouble are the edge's.
pub fn router(world: Shared) -> Router {
    Router::new()
        .route("/v2/droplets", get(list).post(create).delete(destroy_by_tag))
        .route("/v2/droplets/{id}", get(one).delete(destroy))
        .route("/v2/droplets/{id}/actions", get(actions).post(act))
        .route("/v2/droplets/{id}/actions/{action}", get(droplet_action))
        .route("/v2/actions/{id}", get(action))
        .route("/v2/account", get(account))
        .route("/v2/account/keys", get(keys))
        .route("/v2/account/keys/{key}", get(key))
        .route("/v2/sizes", get(sizes))
        .route("/v2/regions", get(regions))
        .route("/v2/images", get(images))
        .route("/v2/images/{image}", get(image))
        .with_state(world.clone())
        .merge(cloud_firewall_http::router(world.clone()))
        .merge(cloud_tags_http::router(world))
}

/// Which page of a listing was asked for, by which filters, at which address.
pub struct Asked {
    page: usize,
    per_page: usize,
    /// `tag_name`, if not empty.
    pub tag: Option<String>,
    /// `name`, if not empty.
    pub name: Option<String>,
    /// `type`, if not empty.
    pub kind: Option<String>,
    /// `http://` and the Host header.
    pub origin: String,
    path: String,
    rest: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    page: Option<String>,
    per_page: Option<String>,
    tag_name: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    name: Option<String>,
    names: Option<Vec<String>>,
    size: Option<String>,
    image: Value,
    region: Option<String>,
    tags: Option<Vec<String>>,
    user_data: Option<String>,
    backups: bool,
    ipv6: bool,
    monitoring: bool,
    ssh_keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Wish {
    #[serde(rename = "type")]
    kind: String,
}

async fn list(State(world): State<Shared>, asked: Asked) -> Result<Response, Refusal> {
    if asked.tag.is_some() && asked.name.is_some() {
        return Err(Refusal::bad_request("`tag_name` and `name` cannot be combined"));
    }
    let mut world = lock(&world);
    let cloud = world.cloud();
    let shown: Vec<&Machine> = cloud
        .listed()
        .filter(|m| asked.tag.as_ref().is_none_or(|tag| m.has_tag(tag)))
        .filter(|m| asked.name.as_ref().is_none_or(|name| m.name.eq_ignore_ascii_case(name)))
        .filter(|_| asked.kind.as_deref() != Some("gpus"))
        .collect();
    let first = cloud.settings.private_first;
    let views: Vec<Droplet> = asked.slice(&shown).iter().map(|m| Droplet::of(m, first)).collect();
    Ok(asked.answer("droplets", &views, shown.len()))
}

async fn create(State(world): State<Shared>, asked: Asked, body: Bytes) -> Result<Response, Refusal> {
    let body: Body = read(&body)?;
    let many = body.names.is_some();
    if many && body.name.is_some() {
        return Err(Refusal::unprocessable("`name` and `names` cannot be combined"));
    }
    let order = body.into_order();
    let mut world = lock(&world);
    let cloud = world.cloud();
    let made = cloud.create(&order)?;
    let first = cloud.settings.private_first;
    let views: Vec<Droplet> =
        made.iter().filter_map(|(id, _)| cloud.get(*id)).map(|m| Droplet::of(m, first)).collect();
    let links: Vec<Value> = made
        .iter()
        .map(|(_, act)| json!({ "id": act, "rel": "create", "href": format!("{}/v2/actions/{act}", asked.origin) }))
        .collect();
    let links = json!({ "actions": links });
    Ok(match views.as_slice() {
        [droplet] if !many => answer(StatusCode::ACCEPTED, &json!({ "droplet": droplet, "links": links })),
        droplets => answer(StatusCode::ACCEPTED, &json!({ "droplets": droplets, "links": links })),
    })
}

/// The real one destroys everything that carries the tag. Nobody may do that here.
async fn destroy_by_tag() -> Refusal {
    Refusal::forbidden()
}

async fn one(State(world): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let mut world = lock(&world);
    let cloud = world.cloud();
    let machine = cloud.get(number(&id)?).ok_or_else(Refusal::not_found)?;
    Ok(answer(StatusCode::OK, &json!({ "droplet": Droplet::of(machine, cloud.settings.private_first) })))
}

async fn destroy(State(world): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    lock(&world).cloud().destroy(number(&id)?)?;
    Ok(empty())
}

async fn act(State(world): State<Shared>, Path(id): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    let wish: Wish = read(&body)?;
    let kind = Kind::parse(&wish.kind)
        .ok_or_else(|| Refusal::unprocessable(format!("`{}` is not simulated", wish.kind)))?;
    let mut world = lock(&world);
    let cloud = world.cloud();
    let act = cloud.act(number(&id)?, kind)?;
    show_action(cloud, act, StatusCode::CREATED)
}

async fn actions(
    State(world): State<Shared>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    let id = number(&id)?;
    let mut world = lock(&world);
    let cloud = world.cloud();
    if cloud.get(id).is_none() {
        return Err(Refusal::not_found());
    }
    let acts = cloud.actions(id);
    let views: Vec<Action> = asked.slice(&acts).iter().map(|act| Action::of(act)).collect();
    Ok(asked.answer("actions", &views, acts.len()))
}

async fn droplet_action(
    State(world): State<Shared>,
    Path((id, act)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (id, act) = (number(&id)?, number(&act)?);
    let mut world = lock(&world);
    let cloud = world.cloud();
    if cloud.action(act).is_none_or(|a| a.droplet != id) {
        return Err(Refusal::not_found());
    }
    show_action(cloud, act, StatusCode::OK)
}

async fn action(State(world): State<Shared>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = number(&id)?;
    show_action(lock(&world).cloud(), id, StatusCode::OK)
}

async fn account(State(world): State<Shared>) -> Response {
    let limit = lock(&world).cloud().settings.droplet_limit;
    let team = json!({ "uuid": TEAM, "name": "basement simulator" });
    answer(
        StatusCode::OK,
        &json!({ "account": {
            "droplet_limit": limit, "floating_ip_limit": 3, "reserved_ip_limit": 3,
            "email": "operator@example.com", "name": "Operator", "uuid": TEAM, "email_verified": true,
            "status": "active", "status_message": "", "team": team,
        }}),
    )
}

async fn keys(State(world): State<Shared>, asked: Asked) -> Response {
    asked.whole("ssh_keys", lock(&world).cloud().stock.keys())
}

async fn key(State(world): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let mut world = lock(&world);
    let key = world.cloud().stock.key(&name).ok_or_else(Refusal::not_found)?;
    Ok(answer(StatusCode::OK, &json!({ "ssh_key": key })))
}

async fn sizes(asked: Asked) -> Response {
    asked.whole("sizes", &catalog::SIZES)
}

async fn regions(asked: Asked) -> Response {
    asked.whole("regions", &catalog::REGIONS)
}

async fn images(State(world): State<Shared>, asked: Asked) -> Response {
    match asked.kind.as_deref() {
        None | Some("distribution") => asked.whole("images", &lock(&world).cloud().stock.images()),
        Some(_) => asked.whole::<()>("images", &[]),
    }
}

async fn image(State(world): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let image = lock(&world).cloud().stock.image(&name).ok_or_else(Refusal::not_found)?;
    Ok(answer(StatusCode::OK, &json!({ "image": image })))
}

impl Asked {
    /// The page's part of all items.
    pub fn slice<'t, T>(&self, all: &'t [T]) -> &'t [T] {
        let from = (self.page - 1).saturating_mul(self.per_page).min(all.len());
        &all[from..from.saturating_add(self.per_page).min(all.len())]
    }

    /// The page's items with links to its neighbours.
    pub fn answer<T: Serialize>(&self, key: &'static str, items: &[T], total: usize) -> Response {
        answer(StatusCode::OK, &Listing { key, items, pages: self.pages(total), total })
    }

    fn whole<T: Serialize>(&self, key: &'static str, all: &[T]) -> Response {
        self.answer(key, self.slice(all), all.len())
    }

    fn pages(&self, total: usize) -> Vec<(&'static str, String)> {
        let last = total.div_ceil(self.per_page).max(1);
        let mut pages = Vec::new();
        if self.page > 1 {
            pages.push(("first", self.href(1)));
            pages.push(("prev", self.href(self.page - 1)));
        }
        if self.page < last {
            pages.push(("next", self.href(self.page + 1)));
            pages.push(("last", self.href(last)));
        }
        pages
    }

    fn href(&self, page: usize) -> String {
        let Self { origin, path, per_page, rest, .. } = self;
        format!("{origin}{path}?page={page}&per_page={per_page}{rest}")
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(filters) = Query::<Filters>::try_from_uri(&parts.uri)
            .map_err(|error| Refusal::bad_request(&error.to_string()))?;
        let whole = |text: Option<String>, name: &str, default: usize, most: usize| match text {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=most).contains(n))
                .ok_or_else(|| Refusal::unprocessable(format!("`{name}` must be between 1 and {most}"))),
        };
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let rest: String = (parts.uri.query().unwrap_or_default().split('&'))
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page=") && !pair.starts_with("per_page="))
            .flat_map(|pair| ["&", pair])
            .collect();
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            page: whole(filters.page, "page", 1, 1_000_000)?,
            per_page: whole(filters.per_page, "per_page", 20, 200)?,
            tag: given(filters.tag_name),
            name: given(filters.name),
            kind: given(filters.kind),
            origin: format!("http://{host}"),
            path: parts.uri.path().to_owned(),
            rest,
        })
    }
}

impl Body {
    fn into_order(self) -> Order {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Order {
            names: self.names.unwrap_or_else(|| self.name.into_iter().collect()),
            size: self.size.unwrap_or_default(),
            image: text(&self.image),
            region: self.region.unwrap_or_default(),
            tags: self.tags.unwrap_or_default(),
            ssh_keys: self.ssh_keys.iter().map(text).collect(),
            user_data: self.user_data,
            backups: self.backups,
            ipv6: self.ipv6,
            monitoring: self.monitoring,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, &json!({ "id": self.id, "message": self.message }))
    }
}

/// The simulated team's uuid.
pub const TEAM: &str = "5df3e3004a17e242b7c20ca6c9fc25b701a47ece";

/// An answer with a JSON body.
pub fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => {
            (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A 204.
pub fn empty() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Reads a JSON body.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::unprocessable(format!("invalid request body: {error}")))
}

fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::not_found())
}

fn show_action(cloud: &Cloudlet, act: u64, status: StatusCode) -> Result<Response, Refusal> {
    let act = cloud.action(act).ok_or_else(Refusal::not_found)?;
    Ok(answer(status, &json!({ "action": Action::of(act) })))
}
