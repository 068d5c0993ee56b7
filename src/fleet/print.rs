//! Writes a server's file. Invariant: the same server gives the same bytes, and they read back as it.

use std::fmt::Write as _;

use super::yaml::Declared;
use crate::model::desired::{Every, Hold};
use crate::model::hidden::hides;

/// The file's whole text.
pub fn print(server: &Declared) -> String {
    let Declared {
        server,
        user,
        customer,
        subscription,
        plan,
        price,
        state,
        because,
        since,
        ends_on,
        destroy_after,
        hold,
    } = server;
    let mut out = String::from(
        "# Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.\n",
    );
    let mut line = |key: &str, value: String| {
        let _ = writeln!(out, "{key}: {value}");
    };
    line("server", scalar(server.as_str()));
    line("user", scalar(user.as_str()));
    line("customer", scalar(customer.as_str()));
    line("subscription", scalar(subscription.as_str()));
    line("plan", scalar(plan.as_str()));
    let currency = scalar(&price.currency.to_string());
    let every = match price.every {
        Every::Month => "month",
        Every::Year => "year",
    };
    line("price", format!("{{ amount: {}, currency: {currency}, every: {every} }}", price.amount));
    line("state", state.to_string());
    line("because", scalar(because.phrase()));
    line("since", since.to_string());
    for (key, moment) in [("ends_on", ends_on), ("destroy_after", destroy_after)] {
        if let Some(moment) = moment {
            line(key, moment.to_string());
        }
    }
    if let Some(Hold { until, reason }) = hold {
        let until = until.map(|until| format!("until: {until}, ")).unwrap_or_default();
        line("hold", format!("{{ {until}reason: {} }}", quoted(reason)));
    }
    out
}

/// A text as YAML: plain if every reader of YAML takes it for text, else in double quotes.
pub(super) fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'_' | b'.'))
        && !text.ends_with(' ')
        // What begins with a digit is text only by a letter that no number, date or hexadecimal has.
        && (text.starts_with(|c: char| c.is_ascii_alphabetic())
            || (text.starts_with(|c: char| c.is_ascii_digit())
                && text.bytes().any(|b| matches!(b, b'g'..=b'n' | b'p'..=b'w' | b'y'))))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if hides(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => match u32::from(c) {
                code @ ..=0xffff => drop(write!(out, "\\u{code:04x}")),
                code => drop(write!(out, "\\U{code:08x}")),
            },
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
