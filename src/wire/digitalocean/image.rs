//! DigitalOcean's JSON of an image and of an SSH key, as far as a create asks for them. Pure.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Unreadable, read};
use crate::model::census::Image;

/// A single image. Source: API v2, `image.status`: `NEW`, `available`, `pending`, `deleted` or `retired`, and said
/// to be of custom images; what is not known to be bad is good.
pub fn image(body: &str) -> Result<Image, Unreadable> {
    let RawImage { status, regions } = read::<ImageBody>(body)?.image;
    let is_bad = matches!(status.as_deref(), Some("NEW" | "pending" | "deleted" | "retired"));
    Ok(Image { available: !is_bad, regions })
}

/// An SSH key that there is; which, was in the question.
pub fn ssh_key(body: &str) -> Result<(), Unreadable> {
    read::<KeyBody>(body).map(|_| ())
}

#[derive(Deserialize)]
struct KeyBody {
    #[serde(rename = "ssh_key")]
    _ssh_key: RawKey,
}

#[derive(Deserialize)]
struct RawKey {
    #[serde(rename = "fingerprint")]
    _fingerprint: String,
}

#[derive(Deserialize)]
struct ImageBody {
    image: RawImage,
}

#[derive(Deserialize)]
struct RawImage {
    status: Option<String>,
    #[serde(default)]
    regions: BTreeSet<String>,
}
