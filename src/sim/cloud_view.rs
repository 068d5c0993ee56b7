//! The simulated cloud's answers as DigitalOcean writes them: droplets, actions, tags, pages.
//! Views borrow from the world and are written straight to text, so a page of 200 costs no tree.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::moment::Moment;
use crate::sim::catalog::{Image, Region, Size};
use crate::sim::machine::{Act, Machine, Progress};

/// A droplet.
#[derive(Serialize)]
pub struct Droplet<'a> {
    id: u64,
    name: &'a str,
    memory: u32,
    vcpus: u32,
    disk: u32,
    disk_info: [Disk; 1],
    locked: bool,
    status: &'static str,
    kernel: Option<()>,
    created_at: String,
    features: Vec<&'static str>,
    backup_ids: [u64; 0],
    next_backup_window: Option<()>,
    snapshot_ids: &'a [u64],
    image: &'static Image,
    volume_ids: [&'static str; 0],
    size: &'static Size,
    size_slug: &'static str,
    networks: Networks,
    region: &'static Region,
    tags: &'a [String],
    vpc_uuid: &'static str,
}

/// An action.
#[derive(Serialize)]
pub struct Action {
    id: u64,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    started_at: String,
    completed_at: Option<String>,
    resource_id: u64,
    resource_type: &'static str,
    region: &'static Region,
    region_slug: &'static str,
}

/// A tag.
#[derive(Serialize)]
pub struct Tag<'a> {
    name: &'a str,
    resources: Resources,
}

/// A page of a listing.
pub struct Listing<'a, T> {
    /// The member that holds the items (`droplets`).
    pub key: &'static str,
    /// The page's items.
    pub items: &'a [T],
    /// The neighbours' addresses by name; empty if all fits on one page.
    pub pages: Vec<(&'static str, String)>,
    /// How many items there are on all pages.
    pub total: usize,
}

#[derive(Serialize)]
struct Disk {
    #[serde(rename = "type")]
    kind: &'static str,
    size: Amount,
}

#[derive(Serialize)]
struct Amount {
    amount: u32,
    unit: &'static str,
}

#[derive(Serialize)]
struct Networks {
    v4: Vec<NetworkV4>,
    v6: [(); 0],
}

#[derive(Serialize)]
struct NetworkV4 {
    ip_address: String,
    netmask: &'static str,
    gateway: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Resources {
    count: u64,
    droplets: Count,
}

#[derive(Serialize)]
struct Count {
    count: u64,
}

impl<'a> Droplet<'a> {
    /// How the vendor shows this droplet.
    pub fn of(machine: &'a Machine, private_first: bool) -> Self {
        let mut features = vec!["droplet_agent", "private_networking"];
        features.extend(machine.backups.then_some("backups"));
        features.extend(machine.ipv6.then_some("ipv6"));
        features.extend(machine.monitoring.then_some("monitoring"));
        let size = machine.size;
        Self {
            id: machine.id,
            name: &machine.name,
            memory: size.memory,
            vcpus: size.vcpus,
            disk: size.disk,
            disk_info: [Disk { kind: "local", size: Amount { amount: size.disk, unit: "gib" } }],
            locked: false,
            status: machine.power.word(),
            kernel: None,
            created_at: moment(machine.created),
            features,
            backup_ids: [],
            next_backup_window: None,
            snapshot_ids: &machine.snapshots,
            image: machine.image,
            volume_ids: [],
            size,
            size_slug: size.slug,
            networks: Networks { v4: networks(machine, private_first), v6: [] },
            region: machine.region,
            tags: &machine.tags,
            vpc_uuid: "760e09ef-dc84-11e8-981e-3cfdfeaae000",
        }
    }
}

impl Action {
    /// How the vendor shows this action.
    pub fn of(act: &Act) -> Self {
        let (status, over) = match act.progress {
            Progress::InProgress => ("in-progress", None),
            Progress::Completed(at) => ("completed", Some(at)),
            Progress::Errored(at) => ("errored", Some(at)),
        };
        Self {
            id: act.id,
            status,
            kind: act.kind.word(),
            started_at: moment(act.started),
            completed_at: over.map(moment),
            resource_id: act.droplet,
            resource_type: "droplet",
            region: act.region,
            region_slug: act.region.slug,
        }
    }
}

impl<'a> Tag<'a> {
    /// A tag that so many droplets carry.
    pub fn of(name: &'a str, count: u64) -> Self {
        Self { name, resources: Resources { count, droplets: Count { count } } }
    }
}

impl<T: Serialize> Serialize for Listing<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(self.key, self.items)?;
        map.serialize_entry("links", &Links(&self.pages))?;
        map.serialize_entry("meta", &Meta { total: self.total })?;
        map.end()
    }
}

struct Links<'a>(&'a [(&'static str, String)]);

struct Pages<'a>(&'a [(&'static str, String)]);

#[derive(Serialize)]
struct Meta {
    total: usize,
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.0.is_empty() {
            map.serialize_entry("pages", &Pages(self.0))?;
        }
        map.end()
    }
}

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, href)| (name, href)))
    }
}

/// A time in milliseconds as the vendor writes it.
pub fn moment(ms: i64) -> String {
    Moment::from_unix(ms.div_euclid(1_000)).to_string()
}

fn networks(machine: &Machine, private_first: bool) -> Vec<NetworkV4> {
    let private = machine.private.map(|ip| NetworkV4 {
        ip_address: ip.to_string(),
        netmask: "255.255.0.0",
        gateway: "nil".to_owned(),
        kind: "private",
    });
    let public = machine.public.map(|ip| {
        let [a, b, c, _] = ip.octets();
        NetworkV4 {
            ip_address: ip.to_string(),
            netmask: "255.255.255.0",
            gateway: format!("{a}.{b}.{c}.1"),
            kind: "public",
        }
    });
    let pair = if private_first { [private, public] } else { [public, private] };
    pair.into_iter().flatten().collect()
}
