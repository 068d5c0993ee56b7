//! What a droplet publishes when its first boot is over, and what follows from it and from its SSH handshake.
//! Whoever answers at that address is not trusted: every text is of a closed alphabet, short, or left out.

use serde::Deserialize;

use crate::model::census::{ASKS_NO_PASSWORD, Readiness};

/// Where the page is. Source: `cloud-init/base.yaml`.
pub const PATH: &str = "/.well-known/basement.json";
/// The longest page that is read.
pub const MOST_BYTES: usize = 4096;
/// So many failed checks say enough.
const MOST_CHECKS: usize = 20;
/// The longest name of a check.
const LONGEST_CHECK: usize = 60;
/// What a fingerprint begins with, and how many characters of base64 follow.
const FINGERPRINT: (&str, usize) = ("SHA256:", 43);

/// What an SSH server shows before anybody has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The fingerprint of its key.
    pub key: String,
    /// It asks for a password, among other things.
    pub asks_password: bool,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    state: String,
    #[serde(default)]
    failed: Vec<String>,
    ssh_host_key: Option<String>,
}

/// Reads the page of the server with this public id: the SSH key it tells (a page of one's own template may tell
/// none), or why it is not ready.
pub fn page(body: &str, id: &str) -> Result<Option<String>, Readiness> {
    if body.len() > MOST_BYTES {
        return Err(not_yet("its page is too long to be ours"));
    }
    let page: Page =
        serde_json::from_str(body).map_err(|_| not_yet("its page is not what a first boot writes"))?;
    if page.id != id {
        return Err(not_yet("its page is of another server"));
    }
    match page.state.as_str() {
        "ready" if page.failed.is_empty() => {}
        "ready" | "failed" => {
            let failed = page.failed.iter().take(MOST_CHECKS).map(|check| name(check)).collect();
            return Err(Readiness::Failed { failed });
        }
        _ => return Err(not_yet("its page says neither `ready` nor `failed`")),
    }
    match page.ssh_host_key {
        Some(key) if !is_fingerprint(&key) => Err(not_yet("its page tells no SSH key that can be read")),
        key => Ok(key),
    }
}

/// What follows when the page is good: the key must be the one that the handshake shows.
pub fn compared(told: Option<String>, handshake: Handshake) -> Readiness {
    let Handshake { key: shown, asks_password } = handshake;
    match told {
        _ if !is_fingerprint(&shown) => not_yet("SSH shows no key that can be read"),
        Some(told) if told != shown => Readiness::Mismatch { told, shown },
        _ if !asks_password => Readiness::Failed { failed: vec![ASKS_NO_PASSWORD.to_owned()] },
        host_key => Readiness::Ready { host_key },
    }
}

/// Nothing is known yet.
pub fn not_yet(why: impl Into<String>) -> Readiness {
    Readiness::NotYet { why: why.into(), is_absent: false }
}

/// The droplet itself says that it has no page.
pub fn no_page(why: impl Into<String>) -> Readiness {
    Readiness::NotYet { why: why.into(), is_absent: true }
}

/// The name of a check, or what stands for one that is no name.
fn name(check: &str) -> String {
    let is_plain =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b':' | b'.' | b'_' | b'-');
    let is_name = (1..=LONGEST_CHECK).contains(&check.len()) && check.bytes().all(is_plain);
    if is_name { check.to_owned() } else { "(unreadable)".to_owned() }
}

fn is_fingerprint(text: &str) -> bool {
    let (head, length) = FINGERPRINT;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    text.strip_prefix(head).is_some_and(|rest| rest.len() == length && rest.bytes().all(is_base64))
}
