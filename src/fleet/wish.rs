//! A person's wish put into a file that persons write: what stands there stays as it is, comments too.

use super::print::{quoted, scalar};
use crate::model::desired::{Because, Hold};
use crate::model::moment::Moment;

/// An override's text with a hold; `None` if it has one already.
pub fn held(text: Option<&str>, hold: &Hold) -> Option<String> {
    let text = text.unwrap_or_default();
    if text.lines().any(|line| is_key(line, "hold")) {
        return None;
    }
    let until = hold.until.map(|until| format!("until: {until}, ")).unwrap_or_default();
    Some(with(text, &format!("hold: {{ {until}reason: {} }}", quoted(&hold.reason))))
}

/// The text of a file in `fleet/extra` as a tombstone.
pub fn tombstone(text: &str, because: &Because, since: Moment) -> String {
    const GONE: [&str; 5] = ["state", "because", "since", "destroy_after", "hold"];
    let mut inside = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let is_top = line.starts_with(|c: char| !c.is_whitespace());
        inside = if is_top { GONE.iter().any(|key| is_key(line, key)) } else { inside };
        if !inside {
            kept.push_str(line);
        }
    }
    let lines = format!("state: destroyed\nbecause: {}\nsince: {since}", scalar(because.phrase()));
    with(&kept, &lines)
}

fn is_key(line: &str, key: &str) -> bool {
    line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
}

fn with(text: &str, lines: &str) -> String {
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{gap}{lines}\n")
}
