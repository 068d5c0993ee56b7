//! Columns: texts side by side, and texts wrapped to a width. Nothing is ever cut.

/// Which side of its column a text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading, each column as wide as its widest text, two spaces between.
pub fn table(heading: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|(text, _)| length(text)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(length(cell));
        }
    }
    let first: Vec<String> = heading.iter().map(|(text, _)| (*text).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&first).chain(rows) {
        let cells = row.iter().zip(heading).zip(&widths).map(|((cell, (_, side)), width)| {
            let gap = " ".repeat(width.saturating_sub(length(cell)));
            match side {
                Side::Left => format!("{cell}{gap}"),
                Side::Right => format!("{gap}{cell}"),
            }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A text in lines of at most `width` characters, broken at spaces; a longer word stands alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && length(&line) + 1 + length(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// How many characters a text has.
pub fn length(text: &str) -> usize {
    text.chars().count()
}
