//! Asks the vendors what only a preflight wants to know of a plan's creates.
//! Invariant: a few reads, none without creates; what cannot be had is left out, and no fault.

use crate::plan::preflight::{Shelf, named};
use crate::ports::Fault;

use super::{Eyes, Look};

/// DigitalOcean, as people call it.
const DIGITALOCEAN: &str = "DigitalOcean";

/// What there is of the images and SSH keys that a plan's creates name, and what the credential may not ask.
pub(super) async fn shelf(eyes: &Eyes, look: &Look) -> Shelf {
    let mut shelf = Shelf::default();
    // Of the questions that a plan asks anyway, this is the one whose refusal it survives.
    for fault in &look.unanswered {
        note(&mut shelf, fault, "firewall:read");
    }
    let (images, keys) = named(&look.plan);
    for slug in images {
        match eyes.cloud.image(slug).await {
            Ok(image) => drop(shelf.images.insert(slug.clone(), image)),
            // An outage is not waited for once more.
            Err(fault) if fault.is_hopeless() => return shelf,
            Err(fault) => note(&mut shelf, &fault, "image:read"),
        }
    }
    for key in keys {
        match eyes.cloud.has_key(key).await {
            Ok(is_there) => drop(shelf.keys.insert(key.to_owned(), is_there)),
            Err(fault) if fault.is_hopeless() => return shelf,
            Err(fault) => note(&mut shelf, &fault, "ssh_key:read"),
        }
    }
    shelf
}

fn note(shelf: &mut Shelf, fault: &Fault, scope: &'static str) {
    if fault.is_forbidden() {
        shelf.denied.insert((DIGITALOCEAN, scope));
    }
}
