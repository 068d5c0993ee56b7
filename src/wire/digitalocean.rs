//! DigitalOcean's JSON to the model, and orders to request bodies. Pure.
//! Invariant: unknown fields are ignored; a needed field that is missing or odd is an error that
//! names the item and the path, never a shorter list.

mod firewall;
mod image;
mod problem;

use std::net::Ipv4Addr;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use crate::model::census::{Account, Droplet, DropletStatus, Size, with_backups};
use crate::model::ids::{DropletId, ServerName, Slug};
use crate::model::moment::Moment;
use crate::model::money::Money;
use crate::model::step::CreateOrder;

pub use firewall::{firewall_body, firewall_put, firewalls, tag_body, tag_made};
pub use image::{image, ssh_key};
pub use problem::{Problem, says_already, says_busy};

/// The longest user-data DigitalOcean takes. Source: API v2, `droplet_create.user_data` ("may not exceed 64 KiB").
pub const MAX_USER_DATA: usize = 64 * 1024;

/// Why an answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or JSON cut short: another try may fare better.
    #[error("the answer is no JSON: {0}")]
    Torn(String),
    /// JSON, but without something that is needed: another try will not help.
    #[error("the answer cannot be understood: {0}")]
    Odd(String),
}

/// How an action stands. Source: API v2, `action.status`: a closed enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Not over.
    InProgress,
    /// Over.
    Completed,
    /// Given up.
    Errored,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// `meta.total`: how many there are on all pages.
    pub total: u64,
    /// `links.pages.next` is there.
    pub more: bool,
}

/// A page of droplets.
pub fn droplets(body: &str) -> Result<Page<Droplet>, Unreadable> {
    let page: RawDroplets = read(body)?;
    Ok(Page {
        items: page.droplets.into_iter().map(RawDroplet::model).collect(),
        total: page.meta.total,
        more: page.links.more(),
    })
}

/// A single droplet.
pub fn droplet(body: &str) -> Result<Droplet, Unreadable> {
    read::<One<RawDroplet>>(body).map(|one| one.droplet.model())
}

/// The number of a droplet just made. An answer that names another one is not about ours.
pub fn created(body: &str, name: &ServerName) -> Result<DropletId, Unreadable> {
    let made = read::<One<Made>>(body)?.droplet;
    match made.name {
        Some(other) if !other.eq_ignore_ascii_case(name.as_str()) => {
            Err(Unreadable::Odd(format!("it is about the droplet `{other}`, not `{name}`")))
        }
        _ => Ok(made.id),
    }
}

/// A page of sizes. One whose slug is outside our alphabet cannot be asked for, and is kept as `None`.
pub fn sizes(body: &str) -> Result<Page<Option<(Slug, Size)>>, Unreadable> {
    let page: RawSizes = read(body)?;
    let model = |raw: RawSize| {
        let size = Size {
            monthly: Money::usd(raw.price_monthly),
            available: raw.available,
            regions: raw.regions.into_iter().collect(),
        };
        Some((Slug::parse(&raw.slug).ok()?, size))
    };
    Ok(Page {
        items: page.sizes.into_iter().map(model).collect(),
        total: page.meta.total,
        more: page.links.more(),
    })
}

/// The account: its team where there is one.
pub fn account(body: &str) -> Result<Account, Unreadable> {
    let RawAccount { uuid, droplet_limit, status, team } = read::<AccountBody>(body)?.account;
    let team = team
        .and_then(|team| team.uuid)
        .or(uuid)
        .filter(|uuid| !uuid.is_empty())
        .ok_or_else(|| Unreadable::Odd("`account` has neither `team.uuid` nor `uuid`".to_owned()))?;
    // The ledger keeps it and knows the team by it.
    if team.len() > 100 || !team.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Unreadable::Odd("the `uuid` of `account` is none".to_owned()));
    }
    Ok(Account { team, droplet_limit, status })
}

/// The status of an action just asked for.
pub fn action_status(body: &str) -> Result<Progress, Unreadable> {
    read::<ActionBody>(body).map(|body| body.action.status)
}

/// The body of `POST /v2/droplets`, or why it must not be sent. Non-ASCII user-data is accepted by
/// DigitalOcean (202) and then kills the droplet
/// (<https://github.com/digitalocean/terraform-provider-digitalocean/pull/767>).
pub fn create_body(order: &CreateOrder, user_data: &str) -> Result<Value, String> {
    if user_data.len() > MAX_USER_DATA {
        return Err(format!(
            "user-data of `{}` has {} bytes, DigitalOcean takes {MAX_USER_DATA}; hint: shorten the template `{}`",
            order.server,
            user_data.len(),
            order.spec.template
        ));
    }
    if let Some((number, _)) = user_data.lines().enumerate().find(|(_, line)| !line.is_ascii()) {
        return Err(format!(
            "user-data of `{}` is not plain ASCII in line {}; hint: write the template `{}` without accents and symbols",
            order.server,
            number + 1,
            order.spec.template
        ));
    }
    let spec = &order.spec;
    let keys: Vec<Value> = spec
        .ssh_keys
        .iter()
        .map(|key| key.parse::<u64>().map_or_else(|_| json!(key), |id| json!(id)))
        .collect();
    Ok(json!({
        "name": order.server,
        "region": spec.region,
        "size": spec.size,
        "image": spec.image,
        "ssh_keys": keys,
        "backups": spec.backups,
        "ipv6": spec.ipv6,
        "monitoring": spec.monitoring,
        "user_data": user_data,
        "tags": order.tags(),
    }))
}

/// The body of `POST /v2/droplets/{id}/actions`.
pub fn action_body(kind: &str) -> Value {
    json!({ "type": kind })
}

#[derive(Deserialize)]
struct RawDroplets {
    droplets: Vec<RawDroplet>,
    meta: Meta,
    #[serde(default)]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct RawSizes {
    sizes: Vec<RawSize>,
    meta: Meta,
    #[serde(default)]
    links: Option<Links>,
}

#[derive(Deserialize)]
struct One<T> {
    droplet: T,
}

#[derive(Deserialize)]
struct Made {
    id: DropletId,
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawDroplet {
    id: DropletId,
    name: String,
    status: DropletStatus,
    size_slug: String,
    size: RawPrice,
    region: RawRegion,
    #[serde(deserialize_with = "when")]
    created_at: Moment,
    networks: Option<Networks>,
    tags: Option<Vec<String>>,
    #[serde(default)]
    locked: bool,
    snapshot_ids: Option<Vec<IgnoredAny>>,
    features: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RawPrice {
    #[serde(deserialize_with = "cents")]
    price_monthly: i64,
}

#[derive(Deserialize)]
struct RawRegion {
    slug: String,
}

#[derive(Deserialize)]
struct Networks {
    v4: Option<Vec<Address>>,
}

#[derive(Deserialize)]
#[serde(try_from = "RawAddress")]
struct Address(Option<Ipv4Addr>);

#[derive(Deserialize)]
struct RawAddress {
    #[serde(rename = "type")]
    kind: String,
    ip_address: Option<String>,
}

#[derive(Deserialize)]
struct RawSize {
    slug: String,
    #[serde(deserialize_with = "cents")]
    price_monthly: i64,
    available: bool,
    regions: Vec<String>,
}

#[derive(Deserialize)]
struct AccountBody {
    account: RawAccount,
}

#[derive(Deserialize)]
struct RawAccount {
    uuid: Option<String>,
    droplet_limit: Option<u64>,
    status: String,
    team: Option<Team>,
}

#[derive(Deserialize)]
struct Team {
    uuid: Option<String>,
}

#[derive(Deserialize)]
struct ActionBody {
    action: RawAction,
}

#[derive(Deserialize)]
struct RawAction {
    status: Progress,
}

#[derive(Deserialize)]
struct Meta {
    total: u64,
}

#[derive(Deserialize)]
struct Links {
    pages: Option<Pages>,
}

#[derive(Deserialize)]
struct Pages {
    next: Option<String>,
}

trait More {
    fn more(self) -> bool;
}

impl More for Option<Links> {
    fn more(self) -> bool {
        self.and_then(|links| links.pages).is_some_and(|pages| pages.next.is_some())
    }
}

impl RawDroplet {
    fn model(self) -> Droplet {
        let has_backups = self.features.iter().flatten().any(|feature| feature == "backups");
        let price = Money::usd(self.size.price_monthly);
        Droplet {
            id: self.id,
            name: self.name,
            status: self.status,
            size: self.size_slug,
            region: self.region.slug,
            created_at: self.created_at,
            public_ipv4: self.networks.and_then(Networks::public),
            tags: self.tags.unwrap_or_default().iter().map(|tag| tag.to_ascii_lowercase()).collect(),
            locked: self.locked,
            monthly: if has_backups { with_backups(price) } else { price },
            snapshots: self.snapshot_ids.map_or(0, |ids| ids.len()),
        }
    }
}

impl Networks {
    /// By type and never by place: the private address usually stands first.
    fn public(self) -> Option<Ipv4Addr> {
        self.v4.unwrap_or_default().into_iter().find_map(|address| address.0)
    }
}

impl TryFrom<RawAddress> for Address {
    type Error = String;

    /// A public address that cannot be read is an error: without one a server counts as not delivered.
    fn try_from(raw: RawAddress) -> Result<Self, String> {
        match (raw.kind.as_str(), raw.ip_address) {
            ("public", Some(text)) => {
                text.parse().map(|ip| Self(Some(ip))).map_err(|_| "a public address is none".to_owned())
            }
            ("public", None) => Err("a public address is missing".to_owned()),
            _ => Ok(Self(None)),
        }
    }
}

fn read<T: DeserializeOwned>(body: &str) -> Result<T, Unreadable> {
    let mut source = serde_json::Deserializer::from_str(body);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let inner = error.inner();
        if !inner.is_data() {
            return Unreadable::Torn(inner.to_string());
        }
        let item = item_of(body, error.path()).map(|item| format!("{item}, ")).unwrap_or_default();
        Unreadable::Odd(format!("{item}`{}`: {inner}", error.path()))
    })?;
    source.end().map_err(|error| Unreadable::Torn(error.to_string()))?;
    Ok(value)
}

/// The id or slug of the list's item in which the path ends, read a second time since the first has failed.
fn item_of(body: &str, path: &serde_path_to_error::Path) -> Option<String> {
    let mut segments = path.iter();
    let (Segment::Map { key }, Segment::Seq { index }) = (segments.next()?, segments.next()?) else {
        return None;
    };
    let value: Value = serde_json::from_str(body).ok()?;
    let item = value.get(key)?.get(index)?;
    let name = item.get("id").or_else(|| item.get("slug"))?;
    Some(format!("item {name}"))
}

/// A time at which there were droplets and people to ask for them; Go's zero time is in the year 1.
fn when<'de, D: Deserializer<'de>>(source: D) -> Result<Moment, D::Error> {
    let at = Moment::deserialize(source)?;
    let sane = Moment::from_unix(946_684_800)..Moment::from_unix(32_503_680_000);
    if sane.contains(&at) { Ok(at) } else { Err(D::Error::custom(format!("`{at}` is no time of a droplet"))) }
}

/// Dollars as a float (`6`, `5.99999984`) to whole cents.
fn cents<'de, D: Deserializer<'de>>(source: D) -> Result<i64, D::Error> {
    let dollars = f64::deserialize(source)?;
    if !(0.0..1e9).contains(&dollars) {
        return Err(D::Error::custom(format!("`{dollars}` is not a price")));
    }
    // Through text, since rounding is exact there and a cast would have to be argued for.
    format!("{:.0}", dollars * 100.0).parse().map_err(D::Error::custom)
}
