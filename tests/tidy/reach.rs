//! Files that no `mod` line leads to: dead code that the compiler never sees.

use std::collections::BTreeSet;

use super::source::Source;

/// Complains of every file not reached from the library, the binary or a test's root.
pub fn strays(sources: &[Source]) -> Vec<String> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> = sources.iter().map(|s| &s.path).filter(|p| is_root(p)).cloned().collect();
    while let Some(path) = open.pop() {
        let Some(source) = sources.iter().find(|s| s.path == path) else { continue };
        if reached.insert(path) {
            open.extend(included(source));
        }
    }
    sources
        .iter()
        .filter(|s| !reached.contains(&s.path))
        .map(|s| s.complain(0, "no `mod` line leads here", "name it in its folder's mod.rs, or delete it"))
        .collect()
}

fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts.as_slice(),
        ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

/// The files that a file's `mod` lines may mean.
fn included(source: &Source) -> Vec<String> {
    let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let below = match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ if is_root(&source.path) => folder.to_owned(),
        _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
    };
    let mut files = Vec::new();
    let mut given: Option<String> = None;
    for (line, code) in source.text.lines().zip(&source.code) {
        if let Some(path) = line.trim().strip_prefix("#[path = \"").and_then(|l| l.strip_suffix("\"]")) {
            given = Some(format!("{folder}/{path}"));
        } else if let Some(name) = module_name(code) {
            match given.take() {
                Some(path) => files.push(path),
                None => files.extend([format!("{below}/{name}.rs"), format!("{below}/{name}/mod.rs")]),
            }
        }
    }
    files
}

fn module_name(code: &str) -> Option<&str> {
    let rest = code.trim();
    let rest =
        ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|p| rest.strip_prefix(p)).unwrap_or(rest);
    rest.strip_prefix("mod ")?.strip_suffix(';')
}
