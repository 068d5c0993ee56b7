//! The simulated cloud's nouns: orders, droplets, actions and refusals, and what makes an order good.

use std::net::Ipv4Addr;

use crate::sim::catalog::{self, Image, Region, Size};
use crate::sim::first_boot::FirstBoot;

/// A no of DigitalOcean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The vendor's short name of it.
    pub id: &'static str,
    /// For people.
    pub message: String,
}

/// What droplets to make. No `Debug`: user-data holds a password's hash.
#[derive(Clone, Default)]
pub struct Order {
    /// One to ten names.
    pub names: Vec<String>,
    /// Size slug.
    pub size: String,
    /// Image slug or number.
    pub image: String,
    /// Region slug; empty for any.
    pub region: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Fingerprints or numbers of keys.
    pub ssh_keys: Vec<String>,
    /// At most 64 KiB.
    pub user_data: Option<String>,
    /// Billed backups.
    pub backups: bool,
    /// A public IPv6.
    pub ipv6: bool,
    /// The metrics agent.
    pub monitoring: bool,
}

/// Power, as the vendor shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Being made.
    New,
    /// On.
    Active,
    /// Off.
    Off,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Makes the droplet.
    Create,
    /// `power_on`
    PowerOn,
    /// `power_off`
    PowerOff,
    /// `shutdown`
    Shutdown,
    /// `reboot`
    Reboot,
    /// `power_cycle`
    PowerCycle,
}

/// How an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not over.
    InProgress,
    /// Over since, in milliseconds.
    Completed(i64),
    /// Given up since, in milliseconds.
    Errored(i64),
}

/// An action on a droplet.
#[derive(Debug, Clone)]
pub struct Act {
    /// Its number.
    pub id: u64,
    /// On which droplet.
    pub droplet: u64,
    /// What.
    pub kind: Kind,
    /// In which region.
    pub region: &'static Region,
    /// Since when, in milliseconds.
    pub started: i64,
    /// How it stands.
    pub progress: Progress,
    pub(super) ignored: bool,
}

/// A droplet as it truly is.
#[derive(Clone)]
pub struct Machine {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// On or off.
    pub power: Power,
    /// Size.
    pub size: &'static Size,
    /// Region.
    pub region: &'static Region,
    /// Image.
    pub image: &'static Image,
    /// Tags in their first spelling.
    pub tags: Vec<String>,
    /// When it was made, in milliseconds.
    pub created: i64,
    /// Its private address, once active.
    pub private: Option<Ipv4Addr>,
    /// Its public address, once it has one.
    pub public: Option<Ipv4Addr>,
    /// From when on listings show it, in milliseconds.
    pub listed_from: i64,
    /// A DELETE was accepted.
    pub deleting: bool,
    /// What runs on the first boot.
    pub user_data: Option<String>,
    /// How far its first boot is.
    pub first_boot: FirstBoot,
    /// Billed backups.
    pub backups: bool,
    /// A public IPv6.
    pub ipv6: bool,
    /// The metrics agent.
    pub monitoring: bool,
    pub(super) pending: Option<u64>,
    /// Tags that are not shown yet.
    pub(super) late_tags: Vec<String>,
    /// The numbers of the snapshots made of it.
    pub snapshots: Vec<u64>,
}

/// Why a droplet is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By DELETE.
    Destroyed,
    /// By somebody's hand, outside the API.
    ByHand,
    /// By a whim, after its create was accepted.
    Vanished,
}

/// A droplet that is no more: the truth that laws are checked against.
#[derive(Debug, Clone)]
pub struct Gone {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its tags at the end.
    pub tags: Vec<String>,
    /// Its public address.
    pub public: Option<Ipv4Addr>,
    /// How far its first boot had come.
    pub first_boot: FirstBoot,
    /// When it was made, in milliseconds.
    pub created: i64,
    /// When it went, in milliseconds.
    pub at: i64,
    /// Why.
    pub ending: Ending,
}

impl Refusal {
    /// 422
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self { status: 422, id: "unprocessable_entity", message: message.into() }
    }

    /// 400
    pub fn bad_request(message: &str) -> Self {
        Self { status: 400, id: "bad_request", message: message.to_owned() }
    }

    /// 403
    pub fn forbidden() -> Self {
        let message = "You are not authorized to perform this operation".to_owned();
        Self { status: 403, id: "forbidden", message }
    }

    /// 404
    pub fn not_found() -> Self {
        let message = "The resource you were accessing could not be found.".to_owned();
        Self { status: 404, id: "not_found", message }
    }
}

impl Order {
    /// Checks it in the vendor's order and with the vendor's words.
    pub fn check(&self) -> Result<(&'static Size, &'static Region, &'static Image), Refusal> {
        let no = |message: &str| Err(Refusal::unprocessable(message));
        if self.names.is_empty() || self.names.iter().any(String::is_empty) {
            return no("Droplet must have a name");
        }
        if self.names.len() > 10 {
            return no("You can only create up to 10 Droplets at a time");
        }
        if !self.names.iter().all(|name| is_hostname(name)) {
            return no("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)");
        }
        let Some(size) = catalog::find_size(&self.size) else {
            return no("You specified an invalid size for Droplet creation.");
        };
        let Some(image) = catalog::find_image(&self.image) else {
            return no("You specified an invalid image for Droplet creation.");
        };
        let region = if self.region.is_empty() { "nyc3" } else { &self.region };
        let Some(region) = catalog::find_region(region) else { return no("Region is not available") };
        if !self.tags.iter().all(|tag| is_tag(tag)) {
            return no("Tag names may only contain letters, numbers, colons, dashes, and underscores.");
        }
        if self.user_data.as_ref().is_some_and(|text| text.len() > 64 * 1024) {
            return no("User data must be at most 64 KiB.");
        }
        Ok((size, region, image))
    }
}

impl Kind {
    /// The action of this name, if a client may ask for it.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::PowerOn, Self::PowerOff, Self::Shutdown, Self::Reboot, Self::PowerCycle];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::PowerOn => "power_on",
            Self::PowerOff => "power_off",
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::PowerCycle => "power_cycle",
        }
    }
}

impl Power {
    /// As the vendor writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Off => "off",
        }
    }
}

impl Machine {
    /// Whether it carries this tag, in whatever case.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))
    }

    /// An action is under way.
    pub fn is_busy(&self) -> bool {
        self.pending.is_some()
    }
}

/// Whether the vendor takes this tag: `^[a-zA-Z0-9_\-:]+$`, at most 255.
pub fn is_tag(tag: &str) -> bool {
    (1..=255).contains(&tag.len())
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'))
}

/// The vendor's pattern `^[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]$`, at most 255.
fn is_hostname(name: &str) -> bool {
    name.len() <= 255
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}
