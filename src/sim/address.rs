//! Addresses for simulated droplets: one of each kind per droplet, never given twice.
//! Public ones are of this machine's own 127.0.0.0/8, so that what a droplet publishes can really be asked there.

use std::net::Ipv4Addr;

/// The private address of the n-th droplet, in 10.0.0.0/8.
pub fn private(n: u64) -> Ipv4Addr {
    offset([10, 108, 0, 0], n + 1)
}

/// The public address of the n-th droplet, far from where other programs of this machine listen.
pub fn public(n: u64) -> Ipv4Addr {
    offset([127, 64, 0, 0], n + 1)
}

fn offset(net: [u8; 4], by: u64) -> Ipv4Addr {
    let base = u32::from(Ipv4Addr::from(net));
    Ipv4Addr::from(base.wrapping_add(u32::try_from(by).unwrap_or(u32::MAX)))
}
