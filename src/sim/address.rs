//! Addresses for simulated droplets: one of each kind per droplet, never given twice.
//! Public ones come from the ranges kept for documentation and benchmarks (RFC 5737, RFC 2544).

use std::net::Ipv4Addr;

/// The hosts 2 to 254 of a /24.
const HOSTS: u64 = 253;

/// The private address of the n-th droplet, in 10.0.0.0/8.
pub fn private(n: u64) -> Ipv4Addr {
    offset([10, 108, 0, 0], n + 1)
}

/// The public address of the n-th droplet.
pub fn public(n: u64) -> Ipv4Addr {
    /// TEST-NET-3, -2 and -1.
    const NETS: [[u8; 4]; 3] = [[203, 0, 113, 0], [198, 51, 100, 0], [192, 0, 2, 0]];
    let n = n.saturating_sub(1);
    let net = usize::try_from(n / HOSTS).unwrap_or(usize::MAX);
    match NETS.get(net) {
        Some(net) => offset(*net, 2 + n % HOSTS),
        // 198.18.0.0/15 has 131,072 of them.
        None => offset([198, 18, 0, 0], 2 + (n - HOSTS * 3) % 131_069),
    }
}

fn offset(net: [u8; 4], by: u64) -> Ipv4Addr {
    let base = u32::from(Ipv4Addr::from(net));
    Ipv4Addr::from(base.wrapping_add(u32::try_from(by).unwrap_or(u32::MAX)))
}
