//! A complaint: what is wrong with one place of one file, shown with its line and a cure.
//! Invariant: what is shown is one screen wide and holds no control characters.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// What is wrong with one place of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// The file, relative to the repository; or what else is meant, as `stripe:sub_1PqXyZ`.
    pub file: String,
    /// Its line, from 1, if one is to blame.
    pub line: Option<usize>,
    /// The column in that line, in characters from 1.
    pub column: Option<usize>,
    /// The line itself.
    pub text_of_line: Option<String>,
    /// What is wrong, in lower case.
    pub message: String,
    /// What to do about it.
    pub cure: String,
}

impl Complaint {
    /// About a whole file.
    pub fn new(file: impl Into<String>, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            text_of_line: None,
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// The same complaint, about one place in `text`: line and column count from 1, a column in characters.
    /// A place behind the end is that of the last line with something in it.
    pub fn at(mut self, text: &str, mut line: usize, mut column: usize) -> Self {
        let last = text.lines().enumerate().filter(|(_, words)| !words.trim().is_empty()).last();
        if let Some((n, words)) = last.filter(|_| line > text.lines().count()) {
            (line, column) = (n + 1, words.chars().count() + 1);
        }
        self.line = Some(line);
        self.column = Some(column);
        self.text_of_line = text.lines().nth(line.saturating_sub(1)).map(str::to_owned);
        self
    }

    /// The same complaint, about the place of a byte in `text`.
    pub fn at_byte(self, text: &str, byte: usize) -> Self {
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &text[..byte];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.matches('\n').count() + 1;
        self.at(text, line, before[start..].chars().count() + 1)
    }
}

/// Puts complaints in order and takes out those said twice.
pub fn sorted(mut complaints: Vec<Complaint>) -> Vec<Complaint> {
    complaints.sort();
    complaints.dedup();
    complaints
}

/// All complaints, one after the other, and their number.
pub fn page(complaints: &[Complaint]) -> String {
    let mut out = String::new();
    for complaint in complaints {
        out.push_str(&complaint.to_string());
        out.push('\n');
    }
    let mut files: Vec<&str> = complaints.iter().map(|c| c.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let s = |n: usize| if n == 1 { "" } else { "s" };
    let (n, m) = (complaints.len(), files.len());
    let _ = writeln!(out, "{n} complaint{} in {m} file{}", s(n), s(m));
    out
}

/// The known word nearest to a mistyped one, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer words are not slips of the finger, and their distance costs time.
    const LONGEST: usize = 64;
    if word.chars().count() > LONGEST {
        return None;
    }
    let far = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(d, candidate)| *d <= far || (word.len() > 2 && candidate.starts_with(word)))
        .min()
        .map(|(_, candidate)| candidate)
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        writeln!(f, ": {}", clean(&short(&self.message)))?;
        if let (Some(line), Some(text)) = (self.line, &self.text_of_line) {
            let (shown, caret) = window(text, self.column.unwrap_or(1));
            let number = line.to_string();
            writeln!(f, "  {number} | {shown}")?;
            writeln!(f, "  {:width$} | {:caret$}^", "", "", width = number.len())?;
        }
        if !self.cure.is_empty() {
            writeln!(f, "  hint: {}", clean(&short(&self.cure)))?;
        }
        Ok(())
    }
}

/// At most 100 characters of a line around a column, and where in them the column is, from 0.
fn window(text: &str, column: usize) -> (String, usize) {
    const WIDTH: usize = 100;
    let at = column.saturating_sub(1).min(text.chars().count());
    let skip = if at < WIDTH - 20 { 0 } else { at - WIDTH / 2 };
    let mut shown = clean(&text.chars().skip(skip).take(WIDTH).collect::<String>());
    if text.chars().nth(skip + WIDTH).is_some() {
        shown.push('…');
    }
    if skip > 0 {
        return (format!("…{shown}"), at - skip + 1);
    }
    (shown, at)
}

/// What is said may quote a key or a value of any length.
fn short(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 1_000;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => Cow::Owned(format!("{}…", &text[..cut])),
        None => Cow::Borrowed(text),
    }
}

/// A file's text must not steer the terminal it is shown on.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            // Characters that turn or hide the text after them are as bad as escapes.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '·',
            c if c.is_control() => '·',
            c => c,
        })
        .collect()
}

/// Levenshtein's distance, a swap of two neighbours counted as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let swap = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + swap);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
