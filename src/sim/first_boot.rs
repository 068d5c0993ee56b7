//! The first boot of a simulated droplet, and what it shows afterwards: a page, and an SSH key of its own.
//! Invariant: the key depends on the droplet's number alone, so both doors and every run show the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{HashAlg, PrivateKey};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::sim::machine::{Machine, Power};

/// How a first boot ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// All is well.
    #[default]
    Good,
    /// A check of its own fails.
    Fails,
    /// An old server answers at its address.
    OtherServer,
    /// Somebody stands between: SSH shows another key than the page tells.
    OtherKey,
}

/// How far the first boot of a droplet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstBoot {
    /// Since when it is over, in milliseconds.
    pub over: Option<i64>,
    /// How it ends.
    pub fate: Fate,
    /// It was switched off meanwhile, and begins anew when it is on again.
    pub(super) waits: bool,
}

impl FirstBoot {
    /// Since when it is over and good.
    pub fn good_since(self) -> Option<i64> {
        self.over.filter(|_| self.fate == Fate::Good)
    }
}

/// The page that a droplet publishes, as `cloud-init/base.yaml` writes it; `None` while there is none.
pub fn page(machine: &Machine) -> Option<String> {
    machine.first_boot.over?;
    let own = server_id(machine.user_data.as_deref()?)?;
    let fate = machine.first_boot.fate;
    let id = if fate == Fate::OtherServer { "0123456789abcdef0123" } else { own };
    let failed: &[&str] = if fate == Fate::Fails { &["package:certbot", "firewall:443"] } else { &[] };
    let state = if failed.is_empty() { "ready" } else { "failed" };
    let key = fingerprint(machine.id);
    let page = json!({ "id": id, "state": state, "failed": failed, "ssh_host_key": key });
    Some(format!("{page}\n"))
}

/// Whose key SSH shows there: by number.
pub fn shown_key(machine: &Machine) -> u64 {
    if machine.first_boot.fate == Fate::OtherKey { machine.id | 1 << 40 } else { machine.id }
}

/// Whether it is on, so that somebody answers.
pub fn answers(machine: &Machine) -> bool {
    machine.power == Power::Active && !machine.deleting
}

/// Ends its first boot well at a moment in milliseconds, if it is on and that was not so.
pub fn mend(machine: &mut Machine, now: i64) {
    if machine.power == Power::Active && machine.first_boot.good_since().is_none() {
        machine.first_boot = FirstBoot { over: Some(now), ..FirstBoot::default() };
    }
}

/// The SSH host key of a droplet.
pub fn host_key(droplet: u64) -> PrivateKey {
    let seed: [u8; 32] = Sha256::digest(format!("host key {droplet}")).into();
    PrivateKey::from(Ed25519Keypair::from_seed(&seed))
}

/// Its fingerprint. Kept, since a storm's worlds all have the same droplets.
pub fn fingerprint(droplet: u64) -> String {
    static KNOWN: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || host_key(droplet).public_key().fingerprint(HashAlg::Sha256).to_string();
    known.entry(droplet).or_insert_with(make).clone()
}

/// The public id in user-data: what its script will write into the page.
fn server_id(user_data: &str) -> Option<&str> {
    let (_, rest) = user_data.split_once(r#"{"id":""#)?;
    rest.split_once('"').map(|(id, _)| id)
}
