//! What the simulated team may name in a create: the images that there still are, and its SSH keys.
//! Source: DigitalOcean API v2, "Images" and "SSH Keys".

use std::collections::BTreeSet;

use serde::Serialize;

use crate::sim::catalog::{self, Image};
use crate::sim::machine::{Order, Refusal};

/// Images and keys.
pub struct Stock {
    retired: BTreeSet<&'static str>,
    keys: Vec<Key>,
    added: u64,
}

/// An SSH key of the team.
#[derive(Debug, Serialize)]
pub struct Key {
    id: u64,
    name: String,
    fingerprint: String,
    #[serde(rename = "public_key")]
    text: &'static str,
}

/// The number of the first key.
const FIRST_KEY: u64 = 512_189;

impl Default for Stock {
    fn default() -> Self {
        let mut stock = Self { retired: BTreeSet::new(), keys: Vec::new(), added: 0 };
        stock.add_key("3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa");
        stock
    }
}

impl Stock {
    /// Whether an order names nothing that there is not.
    pub fn check(&self, order: &Order) -> Result<(), Refusal> {
        if self.image(&order.image).is_none() {
            return Err(Refusal::unprocessable("You specified an invalid image for Droplet creation."));
        }
        match order.ssh_keys.iter().find(|key| self.key(key).is_none()) {
            Some(key) => Err(Refusal::unprocessable(format!(
                "{key} are invalid key identifiers for Droplet creation."
            ))),
            None => Ok(()),
        }
    }

    /// The image of this slug or number, if there still is one.
    pub fn image(&self, name: &str) -> Option<&'static Image> {
        catalog::find_image(name).filter(|image| !self.retired.contains(image.slug))
    }

    /// All images that there still are.
    pub fn images(&self) -> Vec<&'static Image> {
        catalog::IMAGES.iter().filter(|image| !self.retired.contains(image.slug)).collect()
    }

    /// Takes an image off the list, as the vendor does at a distribution's end; false if there is none.
    pub fn retire(&mut self, name: &str) -> bool {
        self.image(name).is_some_and(|image| self.retired.insert(image.slug))
    }

    /// The key of this fingerprint or number.
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.is(name))
    }

    /// All keys of the team.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Adds a key of this fingerprint.
    pub fn add_key(&mut self, fingerprint: &str) {
        self.keys.push(Key {
            id: FIRST_KEY + self.added,
            name: "sample key".to_owned(),
            fingerprint: fingerprint.to_ascii_lowercase(),
            text: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3lC3rJ1mC0V2s3q0hQ5xk7Hh5d8ZrLw2Zc8GzjYv5b sample",
        });
        self.added += 1;
    }

    /// Takes the key of this fingerprint or number out of the team; false if there is none.
    pub fn remove_key(&mut self, name: &str) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| !key.is(name));
        self.keys.len() < before
    }
}

impl Key {
    fn is(&self, name: &str) -> bool {
        self.fingerprint.eq_ignore_ascii_case(name) || self.id.to_string() == name
    }
}
