//! Takes a YAML mapping apart key by key, so that every wrong key is said at once and with its place.
//! The parser gives no places of single keys; they are found again in the text, which is small.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_yaml::{Mapping, Value};

use super::complaint::{Complaint, nearest};

/// A key that a mapping may have, and what it may look like.
pub(super) type Key = (&'static str, &'static str);

/// One file's text, for saying where in it something is wrong.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    /// Its path.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// A mapping being taken apart.
pub(super) struct Reader<'a> {
    page: Page<'a>,
    /// Where in the text its keys stand.
    region: Range<usize>,
    /// `price.` inside `price`, for the words of a complaint.
    inside: String,
    keys: &'static [Key],
    map: Mapping,
    complaints: Vec<Complaint>,
}

impl Page<'_> {
    /// A complaint about the value of a top-level key, or about the whole file if the key is not found.
    pub fn complain(&self, key: &str, message: impl Into<String>, cure: impl Into<String>) -> Complaint {
        let complaint = Complaint::new(self.file, message, cure);
        match find_key(self.text, 0..self.text.len(), key) {
            Some(at) => complaint.at_byte(self.text, value_after(self.text, at)),
            None => complaint,
        }
    }

    /// The byte at which a key stands last.
    pub fn last(&self, key: &str) -> Option<usize> {
        self.text.match_indices(key).map(|(at, _)| at).filter(|at| is_key(self.text, *at, key)).last()
    }
}

impl<'a> Reader<'a> {
    /// Begins with a file's top mapping; unknown keys are complaints from the start.
    pub fn new(page: Page<'a>, map: Mapping, keys: &'static [Key]) -> Self {
        let region = 0..page.text.len();
        Self::begin(page, region, String::new(), map, keys)
    }

    /// Takes a key that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if self.map.contains_key(key) {
            return self.optional(key);
        }
        let name = format!("{}{key}", self.inside);
        let cure = format!("add a line such as `{key}: {}`", self.example(key));
        let complaint = Complaint::new(self.page.file, format!("missing key `{name}`"), cure);
        self.complaints.push(if self.inside.is_empty() {
            complaint
        } else {
            complaint.at_byte(self.page.text, self.region.start)
        });
        None
    }

    /// Takes a key that may be there.
    pub fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.map.remove(key)?;
        if value.is_null() {
            let (name, example) = (format!("{}{key}", self.inside), self.example(key));
            let cure = format!("write a value such as `{example}`, or take the key out");
            self.complain(key, format!("`{name}` is empty"), cure);
            return None;
        }
        match serde_yaml::from_value(value) {
            Ok(taken) => Some(taken),
            Err(error) => {
                let (message, cure) = explain(&error.to_string(), key, self.example(key));
                self.complain(key, format!("`{}{key}`: {message}", self.inside), cure);
                None
            }
        }
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Begins with a mapping inside this one; `close` it when it is done.
    pub fn nested(&mut self, key: &'static str, keys: &'static [Key]) -> Option<Reader<'a>> {
        let map: Mapping = self.optional(key)?;
        let at = find_key(self.page.text, self.region.clone(), key)
            .map_or(self.region.start, |at| value_after(self.page.text, at));
        let end = end_of_block(self.page.text, at);
        Some(Self::begin(self.page, at..end, format!("{key}."), map, keys))
    }

    /// One complaint more.
    pub fn add(&mut self, complaint: Complaint) {
        self.complaints.push(complaint);
    }

    /// Takes over the complaints of a mapping inside this one.
    pub fn close(&mut self, nested: Reader<'a>) {
        self.complaints.extend(nested.finish());
    }

    /// All complaints.
    pub fn finish(self) -> Vec<Complaint> {
        self.complaints
    }

    fn begin(
        page: Page<'a>,
        region: Range<usize>,
        inside: String,
        map: Mapping,
        keys: &'static [Key],
    ) -> Self {
        let mut reader = Self { page, region, inside, keys, map, complaints: Vec::new() };
        let unknown: Vec<String> = reader.map.keys().map(word).filter(|key| !reader.knows(key)).collect();
        for key in unknown {
            let known = || keys.iter().map(|(known, _)| *known);
            let cure = match nearest(&key, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the keys here are {}", list(known())),
            };
            let complaint = Complaint::new(page.file, format!("unknown key `{}{key}`", reader.inside), cure);
            let at = find_key(page.text, reader.region.clone(), &key);
            reader.complaints.push(match at {
                Some(at) => complaint.at_byte(page.text, at),
                None => complaint,
            });
        }
        reader
    }

    fn knows(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, _)| *known == key)
    }

    fn example(&self, key: &str) -> &'static str {
        self.keys.iter().find(|(known, _)| *known == key).map_or("", |(_, example)| example)
    }

    fn complain(&mut self, key: &str, message: String, cure: String) {
        let complaint = Complaint::new(self.page.file, message, cure);
        self.complaints.push(match find_key(self.page.text, self.region.clone(), key) {
            Some(at) => complaint.at_byte(self.page.text, value_after(self.page.text, at)),
            None => complaint,
        });
    }
}

/// The line, from 1, on which a top-level key of a file stands.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let at = find_key(text, 0..text.len(), key)?;
    Some(text[..at].matches('\n').count() + 1)
}

/// `` `a`, `b` and `c` ``
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A deserializer's message in plainer words, and a cure.
fn explain(error: &str, key: &str, example: &str) -> (String, String) {
    if let Some(rest) = error.strip_prefix("unknown variant `") {
        let mut words = rest.split('`').step_by(2);
        let given = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        let cure = match nearest(given, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", list(known.iter().copied())),
        };
        return (format!("`{given}` is not one of {}", list(known)), cure);
    }
    let message = error
        .replace("expected i64", "expected a whole number of cents")
        .replace("expected a map", "expected keys and values")
        .replace("expected a YAML mapping", "expected keys and values")
        .replace("unit value", "nothing");
    let cure =
        if error.ends_with("expected a string") && !error.contains("map") && !error.contains("sequence") {
            "put the value in quotes".to_owned()
        } else {
            format!("for example `{key}: {example}`")
        };
    (message, cure)
}

/// A key as it is written, if it is a plain one.
fn word(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null => "null".to_owned(),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => "(not a word)".to_owned(),
    }
}

/// The byte at which a key begins: rather at the beginning of a line than inside one.
fn find_key(text: &str, region: Range<usize>, key: &str) -> Option<usize> {
    let hits = || {
        text.get(region.clone())
            .unwrap_or_default()
            .match_indices(key)
            .map(|(at, _)| region.start + at)
            .filter(|at| is_key(text, *at, key))
    };
    hits()
        .find(|at| text[..*at].trim_end_matches(['"', '\'']).ends_with('\n') || *at == 0)
        .or_else(|| hits().next())
}

fn is_key(text: &str, at: usize, key: &str) -> bool {
    let line = &text[text[..at].rfind('\n').map_or(0, |end| end + 1)..at];
    let open = line.trim_end_matches(['"', '\'']).chars().last();
    let after = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start_matches(' ');
    !key.is_empty()
        && !line.trim_start().starts_with('#')
        && open.is_none_or(|c| c == ' ' || c == '{' || c == ',')
        && after.starts_with(':')
}

/// The byte at which the value of the key at `at` begins.
fn value_after(text: &str, at: usize) -> usize {
    let Some(colon) = text[at..].find(':') else { return at };
    let rest = &text[at + colon + 1..];
    let blank = rest.len() - rest.trim_start_matches(' ').len();
    // A value on the next lines: the key's own line says more.
    if rest[blank..].starts_with(['\n', '\r']) || rest[blank..].is_empty() {
        at
    } else {
        at + colon + 1 + blank
    }
}

/// The byte at which the next top-level key begins, or the end.
fn end_of_block(text: &str, from: usize) -> usize {
    let mut end = from;
    for line in text[from..].split_inclusive('\n') {
        let inside = end == from || line.starts_with([' ', '#', '}', '\n', '\r']);
        if !inside {
            return end;
        }
        end += line.len();
    }
    end
}
