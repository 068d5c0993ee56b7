//! Takes secrets out of a text before a person or a log sees it, and what would steer a terminal.

use std::cmp::Reverse;
use std::ops::Range;

/// The beginnings of DigitalOcean's and Stripe's secrets, and of crypt hashes. Sources: DigitalOcean API v2
/// `securitySchemes` (`dop_v1_`, `doo_v1_`, `dor_v1_`); Stripe, "API keys" (`sk_`, `rk_`, `whsec_`) and
/// "client secret" (`pi_…_secret_…`).
const PREFIXES: [&str; 14] = [
    "dop_v1_", "doo_v1_", "dor_v1_", "sk_test_", "sk_live_", "rk_test_", "rk_live_", "sk_", "rk_", "whsec_",
    "$6$", "$5$", "$y$", "_secret_",
];
/// Those that other words end with (`disk_`, `risk_`), or that are spoken of: they count only where no word goes
/// before them, and as much follows as no word of ours has.
const SHORT: [&str; 2] = ["sk_", "rk_"];
const SHORTEST: usize = 8;

/// Replaces what follows a secret's prefix by dots, and cuts the text to `limit` characters.
pub fn redact(text: &str, limit: usize) -> String {
    // No more is looked at than can be shown: the text may be megabytes of a stranger's.
    let end = text.char_indices().nth(limit.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    let mut out = String::with_capacity(end.min(limit));
    let mut rest = &text[..end];
    while let Some(Range { start, end }) = next_secret(rest) {
        out.push_str(&rest[..start]);
        out.push('…');
        rest = &rest[end..];
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

/// What is to be taken out first; of two prefixes that begin together the longer one counts.
fn next_secret(text: &str) -> Option<Range<usize>> {
    let known = PREFIXES.iter().filter_map(|prefix| {
        text.match_indices(prefix).find_map(|(at, _)| {
            let start = at + prefix.len();
            let end = text.len() - text[start..].trim_start_matches(is_secret_char).len();
            let is_one = if SHORT.contains(prefix) {
                end - start >= SHORTEST
                    && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            } else {
                end > start
            };
            is_one.then_some((at, start..end))
        })
    });
    known
        .chain(url_password(text))
        .min_by_key(|(at, found)| (*at, Reverse(found.start)))
        .map(|(_, found)| found)
}

/// The password of `scheme://user:password@host`, which may hold anything but a blank. In an example it is
/// called by its name.
fn url_password(text: &str) -> Option<(usize, Range<usize>)> {
    text.match_indices("://").find_map(|(at, mark)| {
        let start = at + mark.len();
        let ends = |c: char| c.is_whitespace() || matches!(c, '`' | '"' | '<' | '>');
        let word = text[start..].split(ends).next()?;
        let (login, _) = word.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let is_one = !matches!(password, "" | "password" | "…") && !user.contains('/');
        is_one.then(|| (at, start + user.len() + 1..start + login.len()))
    })
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
