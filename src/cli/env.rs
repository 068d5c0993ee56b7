//! What comes from the environment: addresses, and secrets with their `…_FILE` forms.

use std::path::PathBuf;

use secrecy::SecretString;

use super::error::Failure;

/// DigitalOcean's address unless `DIGITALOCEAN_API_URL` says otherwise.
pub(super) const DIGITALOCEAN: &str = "https://api.digitalocean.com";
/// Stripe's address unless `STRIPE_API_BASE` says otherwise.
pub(super) const STRIPE: &str = "https://api.stripe.com";

/// Where DigitalOcean is.
pub(super) fn digitalocean_url() -> String {
    var("DIGITALOCEAN_API_URL").unwrap_or_else(|| DIGITALOCEAN.to_owned())
}

/// Where Stripe is.
pub(super) fn stripe_url() -> String {
    var("STRIPE_API_BASE").unwrap_or_else(|| STRIPE.to_owned())
}

/// Whether one of the vendors is the real one.
pub(super) fn is_real() -> bool {
    digitalocean_url() == DIGITALOCEAN || stripe_url() == STRIPE
}

/// A variable that is set and not blank.
pub(super) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A secret from `NAME`, or from the file that `NAME_FILE` names.
pub(super) fn secret(name: &str, what: &str) -> Result<SecretString, Failure> {
    optional_secret(name)?.ok_or_else(|| {
        Failure::new(
            format!("`{name}` is not set: {what} is needed"),
            format!("set `{name}`, or `{name}_FILE` to a file that holds it"),
        )
    })
}

/// The same, where it may be missing.
pub(super) fn optional_secret(name: &str) -> Result<Option<SecretString>, Failure> {
    if let Some(text) = var(name) {
        return Ok(Some(SecretString::from(text)));
    }
    let Some(path) = var(&format!("{name}_FILE")).map(PathBuf::from) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new(
            format!("`{name}_FILE`: `{}` cannot be read: {error}", path.display()),
            "name a file that this user may read",
        )
    })?;
    Ok(Some(SecretString::from(text.trim().to_owned())))
}
