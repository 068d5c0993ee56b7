//! The change of a file, as a unified diff that `git apply` takes.

use anstyle::{AnsiColor, Style};
use similar::TextDiff;

use super::words::clean;

/// What changes in a file; empty if nothing does. `None` before: the file is new.
pub fn unified(path: &str, before: Option<&str>, after: &str, colour: bool) -> String {
    if before == Some(after) {
        return String::new();
    }
    let old = before.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{path}"));
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    let text = diff.unified_diff().context_radius(3).header(&old, &format!("b/{path}")).to_string();
    let text: String = text.split_inclusive('\n').map(tame).collect();
    if colour { text.split_inclusive('\n').map(painted).collect() } else { text }
}

/// A line that neither steers a terminal nor hides what it says.
fn tame(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    clean(text) + end
}

fn painted(line: &str) -> String {
    let style = if line.starts_with("+++") || line.starts_with("---") {
        Style::new().bold()
    } else if line.starts_with('+') {
        AnsiColor::Green.on_default()
    } else if line.starts_with('-') {
        AnsiColor::Red.on_default()
    } else if line.starts_with('@') {
        AnsiColor::Cyan.on_default()
    } else {
        return line.to_owned();
    };
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    format!("{style}{text}{style:#}{end}")
}
