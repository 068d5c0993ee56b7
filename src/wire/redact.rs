//! Takes secrets out of a text before a person or a log sees it.

/// The beginnings of DigitalOcean's and Stripe's secrets. Sources: DigitalOcean API v2
/// `securitySchemes` (`dop_v1_`, `doo_v1_`, `dor_v1_`); Stripe, "API keys" (`sk_`, `rk_`, `whsec_`).
const PREFIXES: [&str; 9] =
    ["dop_v1_", "doo_v1_", "dor_v1_", "sk_test_", "sk_live_", "rk_test_", "rk_live_", "whsec_", "$6$"];

/// Replaces what follows a secret's prefix by dots, and cuts the text to `limit` characters.
pub fn redact(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut rest = text;
    while let Some((at, prefix)) = next_secret(rest) {
        out.push_str(&rest[..at + prefix.len()]);
        out.push('…');
        rest = rest[at + prefix.len()..].trim_start_matches(is_secret_char);
    }
    out.push_str(rest);
    match out.char_indices().nth(limit) {
        Some((cut, _)) => format!("{}…", &out[..cut]),
        None => out,
    }
}

fn next_secret(text: &str) -> Option<(usize, &'static str)> {
    PREFIXES.iter().filter_map(|prefix| Some((text.find(prefix)?, *prefix))).min()
}

fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '+' | '=')
}
