//! Rules for one file by itself: banned words, lengths, and its first line.

use super::source::Source;
use super::tables::{
    ALLOWED, BANNED, BANNED_EVERYWHERE, FILE_LINES, FLOORS, FUNCTION_LINES, HEAD_LINES, LONG_HEADS,
    MAIN_LINES, MAY_SLEEP,
};

/// No banned word below its floor.
pub fn banned(source: &Source) -> Vec<String> {
    let in_src = source.path.starts_with("src/");
    let floor = match source.module() {
        Some(module) => FLOORS.iter().find(|(name, _)| *name == module).map_or(0, |(_, floor)| *floor),
        None => 5,
    };
    let sleeps = MAY_SLEEP.iter().any(|(path, _)| *path == source.path);
    let mut complaints = Vec::new();
    for (line, code) in source.code.iter().enumerate() {
        let mut say = |word: &str, cure: &str| {
            complaints.push(source.complain(line, &format!("`{word}` is banned here"), cure));
        };
        for (word, cure) in BANNED_EVERYWHERE {
            if has_word(code, word) && !(sleeps && word.ends_with("sleep")) {
                say(word, cure);
            }
        }
        for (word, below, cure) in BANNED {
            let known = BANNED_EVERYWHERE.iter().any(|(other, _)| *other == word);
            let allowed = ALLOWED.iter().any(|(path, what, _)| *path == source.path && *what == word);
            // `forbid(unsafe_code)` is another word; a string or comment is no code.
            if in_src && floor < below && !known && !allowed && has_word(code, word) {
                say(word, cure);
            }
        }
    }
    complaints
}

/// Files and functions are short.
pub fn lengths(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let limit = if source.path == "src/main.rs" { MAIN_LINES } else { FILE_LINES };
    if source.code.len() > limit {
        let what = format!("{} lines, and {limit} is the limit", source.code.len());
        complaints.push(source.complain(limit, &what, "split it by jobs"));
    }
    for (line, name, lines) in functions(source) {
        if lines > FUNCTION_LINES {
            let what = format!("`{name}` has {lines} lines, and {FUNCTION_LINES} is the limit");
            complaints.push(source.complain(line, &what, "take a step of it out into a function"));
        }
    }
    complaints
}

/// The first line says the file's one job.
pub fn first_line(source: &Source) -> Vec<String> {
    let head = source.text.lines().take_while(|line| line.starts_with("//!")).count();
    if !source.text.starts_with("//! ") {
        return vec![source.complain(0, "no `//!`", "say the file's one job in the first line")];
    }
    if head > HEAD_LINES && !LONG_HEADS.contains(&source.path.as_str()) {
        let what = format!("a head of {head} lines, and {HEAD_LINES} is the limit");
        return vec![source.complain(HEAD_LINES, &what, "say the one job and its invariant, nothing else")];
    }
    Vec::new()
}

/// Every function: its line, its name, and how many lines it has. Counts braces, which rustfmt keeps plain.
pub fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (start, line) in source.code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let mut depth = 0usize;
        let mut opened = false;
        'lines: for (n, line) in source.code[start..].iter().enumerate() {
            for c in line.chars() {
                match c {
                    '{' => (depth, opened) = (depth + 1, true),
                    '}' => depth = depth.saturating_sub(1),
                    // A declaration without a body.
                    ';' if !opened && !line.contains('[') => break 'lines,
                    _ => {}
                }
                if opened && depth == 0 {
                    found.push((start, name.clone(), n + 1));
                    break 'lines;
                }
            }
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line.trim_start();
    if rest.starts_with("pub") {
        rest = rest.strip_prefix("pub").unwrap_or(rest);
        if rest.starts_with('(') {
            rest = rest.split_once(')').map_or(rest, |(_, after)| after);
        }
        rest = rest.trim_start();
    }
    while let Some(after) = ["const ", "async ", "extern "].iter().find_map(|word| rest.strip_prefix(word)) {
        rest = after.trim_start();
    }
    let name = rest.strip_prefix("fn ")?;
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

/// Whether `word` stands in `code` by itself, not as a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (first, last) = (word.chars().next(), word.chars().next_back());
    code.match_indices(word).any(|(at, _)| {
        let joined_before = part(first) && part(code[..at].chars().next_back());
        let joined_after = part(last) && part(code[at + word.len()..].chars().next());
        !joined_before && !joined_after
    })
}
