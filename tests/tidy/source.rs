//! A source file with its comments and texts blanked out, so that only code is judged.

use std::fs;
use std::path::Path;

/// One file.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The same lines, with comments, strings and characters made of blanks.
    pub code: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank(text).lines().map(str::to_owned).collect();
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// A complaint about a line, counted from 0.
    pub fn complain(&self, line: usize, what: &str, cure: &str) -> String {
        format!("{}:{}: {what}; {cure}", self.path, line + 1)
    }

    /// The crate's module it belongs to, if it is one: `src/render/text.rs` → `render`.
    pub fn module(&self) -> Option<&str> {
        let first = self.path.strip_prefix("src/")?.split('/').next()?;
        let module = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(module, "lib" | "main")).then_some(module)
    }

    /// Its path as a module: `src/render/text.rs` → `[render, text]`.
    pub fn module_path(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').filter(|part| !matches!(*part, "lib" | "main")).collect()
    }
}

/// Every Rust file of the package.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        read(root, &root.join(folder), &mut sources);
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn read(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder that can be read").path();
        if path.is_dir() {
            read(root, &path, sources);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a source in UTF-8");
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&name, &text));
        }
    }
}

/// Comments, strings and characters as blanks; line breaks stay.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let len = skip(&chars[i..], i.checked_sub(1).map(|before| chars[before]));
        if len == 0 {
            out.push(chars[i]);
            i += 1;
        } else {
            out.extend(chars[i..i + len].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            i += len;
        }
    }
    out
}

/// How many characters from here are comment, string or character; 0 if this is code.
fn skip(rest: &[char], before: Option<char>) -> usize {
    let at = |n: usize| rest.get(n).copied().unwrap_or('\0');
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match at(0) {
        '/' if at(1) == '/' => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        '/' if at(1) == '*' => block(rest),
        '"' => quoted(rest),
        'r' if !in_word && (at(1) == '"' || (at(1) == '#' && matches!(at(2), '#' | '"'))) => raw(rest, 1),
        'b' if !in_word && at(1) == 'r' && matches!(at(2), '"' | '#') => raw(rest, 2),
        '\'' if at(1) == '\\' => {
            let end = rest.iter().skip(3).position(|c| *c == '\'').unwrap_or(0);
            end + 4
        }
        '\'' if at(2) == '\'' && at(1) != '\'' => 3,
        _ => 0,
    }
}

fn block(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut i = 0;
    while i + 1 < rest.len() {
        match (rest[i], rest[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[char]) -> usize {
    let mut i = 1;
    while i < rest.len() && rest[i] != '"' {
        i += if rest[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(rest.len())
}

fn raw(rest: &[char], from: usize) -> usize {
    let hashes = rest[from..].iter().take_while(|c| **c == '#').count();
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = from + hashes + 1;
    let found = rest.get(body..).and_then(|text| text.windows(end.len()).position(|w| w == end));
    found.map_or(rest.len(), |n| body + n + end.len())
}
