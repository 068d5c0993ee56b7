//! Who names whom: every path that begins with `crate::`, `basement::` or `super::`, wherever it stands.

use super::source::Source;
use super::tables::{FLOORS, NO_ADAPTERS, PLAIN_ADAPTERS, SHARED_ADAPTERS, WIRING};

/// A module names only floors below its own.
pub fn floors(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let named = paths(source);
    if source.path == "src/main.rs" {
        for (line, path) in named {
            if path[0] != "cli" {
                complaints.push(source.complain(
                    line,
                    &format!("main names `{}`", path[0]),
                    "main names `cli` only",
                ));
            }
        }
        return complaints;
    }
    let Some(own) = source.module() else { return complaints };
    let Some(floor) = floor_of(own) else {
        complaints.push(source.complain(
            0,
            &format!("`{own}` stands on no floor"),
            "add it to tests/tidy/tables.rs",
        ));
        return complaints;
    };
    for (line, path) in named {
        let Some(other) = floor_of(&path[0]) else { continue };
        if path[0] != own && other >= floor {
            let what = format!("`{own}` (floor {floor}) names `{}` (floor {other})", path.join("::"));
            complaints.push(source.complain(
                line,
                &what,
                "name only floors below; move the code or pass it in",
            ));
        }
    }
    complaints
}

/// Adapters are strangers to one another, and above them only the wiring names them.
pub fn adapters(source: &Source) -> Vec<String> {
    let Some(own) = source.module() else { return Vec::new() };
    let here = source.module_path();
    let mut complaints = Vec::new();
    for (line, path) in paths(source) {
        let [first, adapter, ..] = path.as_slice() else { continue };
        if first != "adapters" {
            continue;
        }
        let plain = PLAIN_ADAPTERS.contains(&adapter.as_str());
        let what = format!("it names the adapter `{adapter}`");
        let cure = match own {
            "adapters" => {
                // `ledger_rows` beside `ledger` is one adapter in two files.
                let family = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
                let same = here.get(1).is_none_or(|name| family(name) == family(adapter));
                let fine = same || SHARED_ADAPTERS.contains(&adapter.as_str());
                (!fine).then_some("adapters know only the shared ones of one another (tests/tidy/tables.rs)")
            }
            _ if NO_ADAPTERS.contains(&own) => Some("take a port as an argument"),
            "cli" => (source.path != WIRING && !plain).then_some("only cli/wiring.rs names adapters"),
            _ => None,
        };
        complaints.extend(cure.map(|cure| source.complain(line, &what, cure)));
    }
    complaints
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// Every path from the crate's root that a file names, with its line; groups are taken apart.
pub fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let code = source.code.join("\n");
    let here: Vec<String> = source.module_path().into_iter().map(str::to_owned).collect();
    let mut found = Vec::new();
    for (word, up) in [("crate::", None), ("basement::", None), ("super::", Some(1))] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || matches!(before, '_' | ':') {
                continue;
            }
            let line = code[..at].matches('\n').count();
            let mut rest = &code[at + word.len()..];
            let mut base = Vec::new();
            if let Some(mut up) = up {
                while let Some(more) = rest.strip_prefix("super::") {
                    (rest, up) = (more, up + 1);
                }
                base = here[..here.len().saturating_sub(up)].to_vec();
            }
            expand(rest, &base, &mut |path| found.push((line, path)));
        }
    }
    found.retain(|(_, path)| !path.is_empty());
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`; returns what follows.
fn expand<'a>(text: &'a str, base: &[String], found: &mut dyn FnMut(Vec<String>)) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(rest, base, found).trim_start();
            match rest.chars().next() {
                Some(',') => rest = rest[1..].trim_start(),
                Some('}') => return &rest[1..],
                // Not a group of a `use` after all.
                _ => return rest,
            }
            if let Some(end) = rest.strip_prefix('}') {
                return end;
            }
        }
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let mut path = base.to_vec();
    if end > 0 && &text[..end] != "self" {
        path.push(text[..end].to_owned());
    }
    match text[end..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{')) => {
            expand(rest, &path, found)
        }
        _ => {
            found(path);
            after_name(&text[end..])
        }
    }
}

/// Steps over `::*` and `as other`.
fn after_name(text: &str) -> &str {
    let text = text.strip_prefix("::*").unwrap_or(text).trim_start();
    match text.strip_prefix("as ") {
        Some(rest) => rest.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => text,
    }
}
