//! Finds YAML's anchors, aliases and tags before anything is expanded, so that no alias bomb is parsed.
//! Invariant: errs on the side of finding one; a quoted text on one line is never taken for one.

/// The byte at which the first anchor (`&a`), alias (`*a`) or tag (`!a`) begins.
pub fn find(text: &str) -> Option<usize> {
    let mut scan = Scan { start: true, glued: false, quote: None, before: ' ' };
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if scan.found(c, next) {
            return Some(at);
        }
        if scan.comment(c) {
            while chars.next_if(|(_, c)| *c != '\n').is_some() {}
        }
        if scan.quote == Some('"') && c == '\\' && next != Some('\n') {
            chars.next();
            continue;
        }
        scan.step(c, next);
    }
    None
}

/// Where the scan is.
struct Scan {
    /// A node may begin here.
    start: bool,
    /// It begins right behind a `:`, as in `{"a":*b}`; then a quote may be a plain text's.
    glued: bool,
    /// Inside a quoted scalar that began with this. Ends with its line, whatever YAML says: rather one
    /// alias too many than a bomb behind a quote.
    quote: Option<char>,
    /// The character before this one.
    before: char,
}

impl Scan {
    fn found(&self, c: char, next: Option<char>) -> bool {
        let named = next.is_some_and(|next| !next.is_whitespace());
        self.quote.is_none() && self.start && matches!(c, '&' | '*' | '!') && named
    }

    fn comment(&self, c: char) -> bool {
        self.quote.is_none() && c == '#' && self.before.is_whitespace()
    }

    fn step(&mut self, c: char, next: Option<char>) {
        let spaced = next.is_none_or(char::is_whitespace);
        match (self.quote, c) {
            (_, '\n' | '\r') => (self.quote, self.start, self.glued) = (None, true, false),
            (Some(open), c) if c == open => self.quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if self.start && !self.glued => (self.quote, self.start) = (Some(c), false),
            (None, '[' | '{' | ',') => (self.start, self.glued) = (true, false),
            (None, ':') => (self.start, self.glued) = (true, !spaced),
            (None, '-' | '?') if self.start && spaced => {}
            (None, c) if c.is_whitespace() => {}
            (None, _) => self.start = false,
        }
        self.before = c;
    }
}
