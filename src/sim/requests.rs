//! What was asked of the simulated vendors: counts always, whole exchanges if a test wants them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Whom a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// `/v2/…`
    DigitalOcean,
    /// `/v1/…`
    Stripe,
    /// SMTP.
    Mail,
    /// A droplet itself, at its own address.
    Droplet,
}

/// One request with its answer, for contract tests. No `Debug`: user-data holds a password's hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: String,
    /// The request's body.
    pub request: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub answer: String,
}

/// Counts since the beginning, or since the last `clear`.
#[derive(Clone, Default, Serialize)]
pub struct Requests {
    /// By vendor.
    pub vendors: BTreeMap<Vendor, u64>,
    /// By pattern, e.g. `GET /v2/droplets/:id`.
    pub calls: BTreeMap<String, u64>,
    /// How many came in over HTTP and are not carried out yet.
    #[serde(skip)]
    pub under_way: u64,
    /// Whole exchanges over HTTP, kept if this is `Some`.
    #[serde(skip)]
    pub exchanges: Option<Vec<Exchange>>,
}

impl Requests {
    /// Counts one request.
    pub fn count(&mut self, vendor: Vendor, method: &str, path: &str) {
        *self.vendors.entry(vendor).or_default() += 1;
        *self.calls.entry(format!("{method} {}", pattern(path))).or_default() += 1;
    }

    /// How many requests a vendor got.
    pub fn of(&self, vendor: Vendor) -> u64 {
        self.vendors.get(&vendor).copied().unwrap_or(0)
    }

    /// Forgets the counts and exchanges.
    pub fn clear(&mut self) {
        self.vendors.clear();
        self.calls.clear();
        if let Some(exchanges) = &mut self.exchanges {
            exchanges.clear();
        }
    }
}

/// A path with its ids replaced by `:id`.
pub fn pattern(path: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in path.split('/') {
        let named =
            matches!(words.last(), Some(&("tags" | "images" | "keys" | "firewalls"))) && !word.is_empty();
        words.push(if named || is_id(word) { ":id" } else { word });
    }
    words.join("/")
}

fn is_id(word: &str) -> bool {
    /// The prefixes of Stripe's ids.
    const STRIPE: [&str; 9] = ["sub_", "cus_", "in_", "pi_", "ch_", "re_", "price_", "prod_", "evt_"];
    let number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    number || STRIPE.iter().any(|prefix| word.starts_with(prefix))
}
