//! The simulated world: its state machine over HTTP and through the ports, in virtual time.

mod doors;
mod edge;
mod life;
mod stock;

use basement::adapters::http;
use basement::sim::server::{Options, Running, start};
use basement::sim::world::lock;
use serde_json::{Value, json};

/// A running simulator and a client.
pub struct Sim {
    /// The simulator.
    pub running: Running,
    client: reqwest::Client,
}

impl Sim {
    /// With a manual clock and the usual settings.
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    /// With these options.
    pub async fn with(options: Options) -> Self {
        let running = start(options).await.expect("loopback can be bound");
        Self { running, client: http::client("basement tests", "http://").expect("a client") }
    }

    /// A request as the operator.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.running.http_url())).bearer_auth("operator")
    }

    /// A request and its answer.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> http::Answer {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(body) };
        http::exchange(request).await.expect("an answer")
    }

    /// A request that must be answered with this status; the answer's JSON.
    pub async fn ok(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    /// The same without a body.
    pub async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, &Value::Null, 200).await
    }

    /// A request with another token, or none.
    pub async fn as_token(&self, token: Option<&str>, method: &str, path: &str, status: u16) {
        let request = self
            .client
            .request(method.parse().expect("a method"), format!("{}{path}", self.running.http_url()));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = http::exchange(request).await.expect("an answer");
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }

    /// Makes a droplet; its number.
    pub async fn create(&self, name: &str) -> u64 {
        let made = self.ok("POST", "/v2/droplets", &order(name), 202).await;
        made["droplet"]["id"].as_u64().expect("an id")
    }

    /// The number of the droplet of this name, by the truth.
    pub fn id(&self, name: &str) -> u64 {
        let mut world = lock(&self.running.world);
        let found = world.cloud().machines().find(|m| m.name == name).map(|m| m.id);
        found.expect("there is such a droplet")
    }

    /// Moves time.
    pub async fn advance(&self, seconds: u32) {
        self.ok("POST", "/control/clock/advance", &json!({ "seconds": seconds }), 200).await;
    }

    /// The names that a listing shows.
    pub async fn names(&self, query: &str) -> Vec<String> {
        let page = self.get(&format!("/v2/droplets{query}")).await;
        let droplets = page["droplets"].as_array().expect("droplets").clone();
        droplets.iter().map(|d| d["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// A create request as basement sends it.
pub fn order(name: &str) -> Value {
    json!({
        "name": name, "region": "nyc3", "size": "s-1vcpu-1gb", "image": "ubuntu-22-04-x64", "ssh_keys": [],
        "backups": false, "ipv6": false, "monitoring": true, "user_data": "#cloud-config\n",
        "tags": ["basement", "user-ada", format!("server-{name}")],
    })
}
