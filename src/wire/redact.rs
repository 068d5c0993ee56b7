//! Takes secrets out of a text before a person or a log sees it, and what would steer a terminal.

/// The beginnings of DigitalOcean's and Stripe's secrets, and of crypt hashes. Sources: DigitalOcean API v2
/// `securitySchemes` (`dop_v1_`, `doo_v1_`, `dor_v1_`); Stripe, "API keys" (`sk_`, `rk_`, `whsec_`) and
/// "client secret" (`pi_…_secret_…`).
const PREFIXES: [&str; 10] = [
    "dop_v1_", "doo_v1_", "dor_v1_", "sk_test_", "sk_live_", "rk_test_", "rk_live_", "whsec_", "$6$",
    "_secret_",
];

/// Replaces what follows a secret's prefix by dots, and cuts the text to `limit` characters.
pub fn redact(text: &str, limit: usize) -> String {
    // No more is looked at than can be shown: the text may be megabytes of a stranger's.
    let end = text.char_indices().nth(limit.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    let mut out = String::with_capacity(end.min(limit));
    let mut rest = &text[..end];
    while let Some((at, prefix)) = next_secret(rest) {
        out.push_str(&rest[..at + prefix.len()]);
        out.push('…');
        rest = rest[at + prefix.len()..].trim_start_matches(is_secret_char);
    }
    out.push_str(rest);
    match out.char_indices().nth(limit) {
        Some((cut, _)) => format!("{}…", &out[..cut]),
        None if end < text.len() => out + "…",
        None => out,
    }
}

/// The same of a stranger's text, in one line: control characters and those that turn or hide text are
/// made harmless, so that it neither steers a terminal nor fakes lines of ours.
pub fn redact_line(text: &str, limit: usize) -> String {
    redact(text, limit).chars().map(tame).collect()
}

fn next_secret(text: &str) -> Option<(usize, &'static str)> {
    PREFIXES.iter().filter_map(|prefix| Some((text.find(prefix)?, *prefix))).min()
}

fn is_secret_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '+' | '=')
}

fn tame(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '·',
        c if c.is_control() => '·',
        c => c,
    }
}
