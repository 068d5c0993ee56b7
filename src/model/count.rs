//! Numbers with their nouns, for every sentence that counts something.

/// `1 droplet`, `2 droplets`.
pub fn count(n: impl Into<u64>, noun: &str) -> String {
    match n.into() {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}
