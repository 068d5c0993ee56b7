//! The DigitalOcean adapter against scripted answers, in virtual time.

mod contract;
mod firewalls;
mod pace;
mod preflight;
mod reads;
mod writes;

use std::sync::Arc;

use basement::adapters::digitalocean::DigitalOcean;
use basement::adapters::pace::Pace;
use basement::model::desired::Spec;
use basement::model::ids::{PlanName, ServerName, Slug, UserSlug};
use basement::model::step::CreateOrder;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::scene::spec;
use crate::scripted::{Canned, Scripted, VirtualClock};

pub const TOKEN: &str = "dop_v1_0123456789abcdef";

/// An adapter, its server, its clock and its budget.
pub struct Bench {
    pub cloud: DigitalOcean,
    pub server: Scripted,
    pub clock: Arc<VirtualClock>,
    pub pace: Arc<Pace>,
}

impl Bench {
    pub async fn new(script: impl IntoIterator<Item = Canned>) -> Self {
        let server = Scripted::start(script).await;
        Self::at(&server.url.clone(), server)
    }

    pub fn at(base: &str, server: Scripted) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let pace = Arc::new(Pace::new(clock.clone()));
        let cloud = DigitalOcean::new(base, SecretString::from(TOKEN), pace.clone(), clock.clone(), "test")
            .expect("a good base URL");
        Self { cloud, server, clock, pace }
    }
}

/// A droplet as DigitalOcean shows it: the private address first.
pub fn droplet(id: u64, name: &str, status: &str) -> Value {
    json!({
        "id": id, "name": name, "status": status, "locked": false,
        "size_slug": "s-1vcpu-1gb",
        "size": {"slug": "s-1vcpu-1gb", "price_monthly": 5.999_999_84, "price_hourly": 0.00893},
        "region": {"slug": "nyc3", "name": "New York 3"},
        "created_at": "2026-11-02T09:14:00Z",
        "networks": {
            "v4": [
                {"ip_address": "10.128.0.2", "netmask": "255.255.0.0", "gateway": "nil", "type": "private"},
                {"ip_address": "192.0.2.7", "netmask": "255.255.255.0", "gateway": "192.0.2.1", "type": "public"}
            ],
            "v6": []
        },
        "tags": ["Basement", "user-ada", format!("server-{name}")],
        "a_field_of_tomorrow": {"x": [1, 2]}
    })
}

/// A page of droplets with these ids.
pub fn page(ids: impl IntoIterator<Item = u64>, total: u64, next: Option<&str>) -> Value {
    let droplets: Vec<Value> = ids.into_iter().map(|id| droplet(id, "ada-7f3k2m9q", "active")).collect();
    let links = next.map_or_else(|| json!({}), |next| json!({"pages": {"next": next, "last": next}}));
    json!({"droplets": droplets, "links": links, "meta": {"total": total}})
}

pub fn trouble(status: u16, id: &str, message: &str) -> Canned {
    Canned::json(status, &json!({"id": id, "message": message, "request_id": "req-1"}))
}

pub fn limited() -> Canned {
    trouble(429, "too_many_requests", "API Rate limit exceeded.")
}

/// A proxy's page.
pub fn html(status: u16) -> Canned {
    Canned::text(status, "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>")
        .header("content-type", "text/html")
        .header("x-request-id", "req-html")
}

pub fn order() -> CreateOrder {
    CreateOrder {
        server: ServerName::parse("ada-7f3k2m9q").expect("a name"),
        user: UserSlug::parse("ada").expect("a slug"),
        plan: PlanName::parse("basic").expect("a plan"),
        spec: Spec {
            size: Slug::parse("s-1vcpu-1gb").expect("a slug"),
            ssh_keys: vec!["289794".to_owned(), "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45".to_owned()],
            ..spec()
        },
        attempt: 1,
    }
}

pub fn created(id: u64) -> Canned {
    Canned::json(202, &json!({"droplet": {"id": id, "status": "new"}, "links": {"actions": []}}))
}

pub fn acted() -> Canned {
    Canned::json(201, &json!({"action": {"id": 7, "status": "in-progress", "type": "power_off"}}))
}
