//! What comes from the environment: addresses, and secrets with their `…_FILE` forms.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::error::Failure;
use crate::adapters::files::{Group, read_secret};

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

/// A secret of one line from `NAME`, or from the file that `NAME_FILE` names.
pub(super) fn secret(name: &str, what: &str) -> Result<SecretString, Failure> {
    let text = secret_text(name, what)?;
    if !text.expose_secret().contains(['\n', '\r']) {
        return Ok(text);
    }
    let file = format!("{name}_FILE");
    let given = if var(&file).is_some() { file } else { name.to_owned() };
    Err(Failure::new(
        format!("`{given}` has more than one line"),
        format!("give {what} as one line, and nothing else"),
    ))
}

/// The same, of any number of lines.
pub(super) fn secret_text(name: &str, what: &str) -> Result<SecretString, Failure> {
    optional_secret(name)?.ok_or_else(|| {
        Failure::new(
            format!("`{name}` is not set: {what} is needed"),
            format!("set `{name}`, or `{name}_FILE` to a file that holds it"),
        )
    })
}

/// The same, where it may be missing.
pub(super) fn optional_secret(name: &str) -> Result<Option<SecretString>, Failure> {
    let given = std::env::var(name).ok().map(Zeroizing::new);
    let given = given.as_ref().map(|text| text.trim()).filter(|text| !text.is_empty());
    let path = var(&format!("{name}_FILE")).map(PathBuf::from);
    match (given, path) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some(SecretString::from(text))),
        (Some(_), Some(_)) => Err(Failure::new(
            format!("`{name}` and `{name}_FILE` are both set"),
            "unset one of them: nobody should have to guess which one counts",
        )),
        (None, Some(path)) => match read_secret(&path, "secret", group(&path)) {
            Ok(secret) => Ok(Some(secret)),
            Err(bad) => Err(Failure::plain(format!("`{name}_FILE`: `{}` {bad}", path.display()))),
        },
    }
}

/// Files in systemd's folder of credentials are this user's alone, whatever the group's bits say.
fn group(path: &Path) -> Group {
    match var("CREDENTIALS_DIRECTORY") {
        Some(folder) if path.starts_with(&folder) => Group::Ignored,
        _ => Group::Refused,
    }
}
