//! What the simulated DigitalOcean sells: sizes, regions, images, in the vendor's own shape.
//! Prices: DigitalOcean's price list (hourly is monthly / 672, rounded to five places).

use serde::Serialize;

/// A size.
#[derive(Debug, Serialize)]
pub struct Size {
    /// Its slug.
    pub slug: &'static str,
    /// MB.
    pub memory: u32,
    /// Virtual processors.
    pub vcpus: u32,
    /// GB.
    pub disk: u32,
    /// TB a month.
    pub transfer: f64,
    /// USD.
    pub price_monthly: f64,
    /// USD.
    pub price_hourly: f64,
    /// Where it is sold.
    pub regions: &'static [&'static str],
    /// Sold at all.
    pub available: bool,
    /// Its family.
    pub description: &'static str,
    /// The price of a month in cents, for the ports.
    #[serde(skip)]
    pub cents: i64,
}

/// A region.
#[derive(Debug, Serialize)]
pub struct Region {
    /// For people.
    pub name: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// What it can do.
    pub features: &'static [&'static str],
    /// Whether droplets can be made there.
    pub available: bool,
    /// What is sold there.
    pub sizes: &'static [&'static str],
}

/// A distribution's image.
#[derive(Debug, Serialize)]
pub struct Image {
    /// Its number.
    pub id: u64,
    /// For people.
    pub name: &'static str,
    /// Whose.
    pub distribution: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// Always.
    pub public: bool,
    /// Where it is.
    pub regions: &'static [&'static str],
    /// When it was made.
    pub created_at: &'static str,
    /// `snapshot`, as the vendor calls its own images.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// GB.
    pub min_disk_size: u32,
    /// GB.
    pub size_gigabytes: f64,
    /// For people.
    pub description: &'static str,
    /// None.
    pub tags: [&'static str; 0],
    /// `available`
    pub status: &'static str,
    /// None.
    pub error_message: &'static str,
}

const REGION_SLUGS: &[&str] =
    &["nyc1", "nyc3", "sfo3", "tor1", "lon1", "fra1", "ams3", "blr1", "sgp1", "syd1"];
const SIZE_SLUGS: &[&str] = &["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-4gb"];
const FEATURES: &[&str] = &["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"];

/// All sizes, cheapest first.
pub static SIZES: [Size; 4] = [
    size("s-1vcpu-1gb", [1_024, 1, 25], 1.0, (6.0, 600), 0.00893),
    size("s-1vcpu-2gb", [2_048, 1, 50], 2.0, (12.0, 1_200), 0.01786),
    size("s-2vcpu-2gb", [2_048, 2, 60], 3.0, (18.0, 1_800), 0.02679),
    size("s-2vcpu-4gb", [4_096, 2, 80], 4.0, (24.0, 2_400), 0.03571),
];

/// All regions.
pub static REGIONS: [Region; 10] = [
    region("New York 1", "nyc1"),
    region("New York 3", "nyc3"),
    region("San Francisco 3", "sfo3"),
    region("Toronto 1", "tor1"),
    region("London 1", "lon1"),
    region("Frankfurt 1", "fra1"),
    region("Amsterdam 3", "ams3"),
    region("Bangalore 1", "blr1"),
    region("Singapore 1", "sgp1"),
    region("Sydney 1", "syd1"),
];

/// All images.
pub static IMAGES: [Image; 4] = [
    image(112_929_454, "22.04 (LTS) x64", "Ubuntu", "ubuntu-22-04-x64"),
    image(155_133_621, "24.04 (LTS) x64", "Ubuntu", "ubuntu-24-04-x64"),
    image(139_056_012, "12 x64", "Debian", "debian-12-x64"),
    image(160_232_537, "9 x64", "Rocky Linux", "rockylinux-9-x64"),
];

/// The size of this slug.
pub fn find_size(slug: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.slug == slug)
}

/// The region of this slug, or the first whose slug begins so (`nyc`).
pub fn find_region(slug: &str) -> Option<&'static Region> {
    let exact = REGIONS.iter().find(|region| region.slug == slug);
    exact.or_else(|| REGIONS.iter().find(|region| slug.len() == 3 && region.slug.starts_with(slug)))
}

/// The image of this slug or number.
pub fn find_image(name: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.slug == name || image.id.to_string() == name)
}

const fn size(slug: &'static str, shape: [u32; 3], transfer: f64, monthly: (f64, i64), hourly: f64) -> Size {
    let [memory, vcpus, disk] = shape;
    Size {
        slug,
        memory,
        vcpus,
        disk,
        transfer,
        price_monthly: monthly.0,
        price_hourly: hourly,
        regions: REGION_SLUGS,
        available: true,
        description: "Basic",
        cents: monthly.1,
    }
}

const fn region(name: &'static str, slug: &'static str) -> Region {
    Region { name, slug, features: FEATURES, available: true, sizes: SIZE_SLUGS }
}

const fn image(id: u64, name: &'static str, distribution: &'static str, slug: &'static str) -> Image {
    Image {
        id,
        name,
        distribution,
        slug,
        public: true,
        regions: REGION_SLUGS,
        created_at: "2026-05-15T05:47:50Z",
        kind: "snapshot",
        min_disk_size: 7,
        size_gigabytes: 2.36,
        description: "",
        tags: [],
        status: "available",
        error_message: "",
    }
}
