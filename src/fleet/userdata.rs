//! User-data: a cloud-init template with its two blanks filled in.
//! Invariant: what is filled in is from a closed alphabet, so it needs no quoting anywhere.

use sha2::{Digest, Sha256};

use crate::model::ids::ServerName;

/// DigitalOcean's limit. Source: DigitalOcean API v2, `user_data`.
const MAX_BYTES: usize = 64 * 1024;

/// Why there is no user-data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUserData {
    /// The hash is not a sha512-crypt one. It is not repeated here: it is nobody's business.
    #[error("the root password's hash is not a `$6$` crypt hash")]
    Hash,
    /// The id is not one of ours.
    #[error("`{0}` is not a server id: 8 to 40 of a-z and 0-9")]
    ServerId(String),
    /// A blank nobody can fill in.
    #[error(
        "the cloud-init template has an unknown blank `{{{{{0}}}}}`; hint: there are `{{{{root_hash}}}}` and `{{{{server_id}}}}`"
    )]
    Blank(String),
    /// The customer could not log in.
    #[error(
        "the cloud-init template has no `{{{{root_hash}}}}`; hint: without it the mailed password is not the server's"
    )]
    NoHash,
    /// cloud-init would ignore it without a word.
    #[error(
        "the cloud-init template begins neither with `#cloud-config` nor with `#!`; hint: cloud-init would ignore it"
    )]
    Header,
    /// DigitalOcean takes plain ASCII safely, and nothing else for sure.
    #[error(
        "line {0} of the cloud-init template is not plain ASCII; hint: look for quotes and dashes of a word processor"
    )]
    NotAscii(usize),
    /// Too large for DigitalOcean.
    #[error("the user-data has {0} bytes, and 65536 is the most; hint: let the template fetch what is large")]
    TooLarge(usize),
}

/// The template compiled in under this name.
pub fn built_in(name: &str) -> Option<&'static str> {
    (name == "base").then_some(include_str!("../../cloud-init/base.yaml"))
}

/// A server's public id, by which its own `basement.json` is told from another's: new for every attempt.
pub fn server_id(server: &ServerName, attempt: u32) -> String {
    let mut hex = format!("{:x}", Sha256::digest(format!("{server}/{attempt}")));
    hex.truncate(20);
    hex
}

/// Whether a template can be filled in: known before a create fails of it.
pub fn check(template: &str) -> Result<(), BadUserData> {
    let hash = format!("$6$0123456789abcdef${}", "x".repeat(86));
    render(template, &hash, &"x".repeat(20)).map(drop)
}

/// Fills in a template's `{{root_hash}}` and `{{server_id}}`.
pub fn render(template: &str, root_hash: &str, server_id: &str) -> Result<String, BadUserData> {
    if !is_hash(root_hash) {
        return Err(BadUserData::Hash);
    }
    if !is_server_id(server_id) {
        return Err(BadUserData::ServerId(server_id.chars().take(80).collect()));
    }
    if !template.starts_with("#cloud-config\n") && !template.starts_with("#!") {
        return Err(BadUserData::Header);
    }
    if let Some(line) = template.lines().position(|line| !line.is_ascii()) {
        return Err(BadUserData::NotAscii(line + 1));
    }
    let filled = fill(template, root_hash, server_id)?;
    if filled.len() > MAX_BYTES { Err(BadUserData::TooLarge(filled.len())) } else { Ok(filled) }
}

fn fill(template: &str, root_hash: &str, server_id: &str) -> Result<String, BadUserData> {
    let mut out = String::with_capacity(template.len() + 512);
    let mut rest = template;
    let mut hashed = false;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (blank, behind) = after.split_once("}}").unwrap_or((after.lines().next().unwrap_or(""), ""));
        match blank.trim() {
            "root_hash" => {
                out.push_str(root_hash);
                hashed = true;
            }
            "server_id" => out.push_str(server_id),
            _ => return Err(BadUserData::Blank(blank.chars().take(40).collect())),
        }
        rest = behind;
    }
    out.push_str(rest);
    if hashed { Ok(out) } else { Err(BadUserData::NoHash) }
}

/// `$6$[rounds=N$]salt$hash`: a salt of 1 to 16 characters, a hash of 86.
fn is_hash(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("$6$") else { return false };
    let rest = match rest.strip_prefix("rounds=").and_then(|rest| rest.split_once('$')) {
        Some((rounds, rest)) if !rounds.is_empty() && rounds.bytes().all(|b| b.is_ascii_digit()) => rest,
        Some(_) => return false,
        None => rest,
    };
    let Some((salt, hash)) = rest.split_once('$') else { return false };
    let clean = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    (1..=16).contains(&salt.len()) && hash.len() == 86 && clean(salt) && clean(hash)
}

fn is_server_id(text: &str) -> bool {
    (8..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
