//! A relay's words about one letter, fit to be kept for ever: nothing in them tells who was written to.
//! Invariant: of what a relay echoes, no address and no part of the recipient's gets through, in whatever case.

/// Around a word; kept where the word is dropped.
const PUNCTUATION: [char; 13] = ['<', '>', '(', ')', '[', ']', '"', '\'', ',', ';', ':', '!', '?'];

/// The words without those that hold an address, or a part of `to`.
pub(super) fn anonymous(words: &str, to: &str) -> String {
    let parts = parts_of(to);
    let mut all = words.split_whitespace();
    let code = all.clone().next().filter(|word| is_enhanced_code(word));
    if code.is_some() {
        all.next();
    }
    // A quoted local part may hold blanks: then no word is safe.
    let is_odd = parts.iter().any(|part| part.contains(char::is_whitespace));
    let said =
        all.filter(|_| !is_odd).map(|word| if tells(word, &parts) { dropped(word) } else { word.to_owned() });
    code.map(str::to_owned).into_iter().chain(said).collect::<Vec<_>>().join(" ")
}

/// What names a recipient: the address, the part before the `@`, that without a `+tag`, and the domain.
fn parts_of(to: &str) -> Vec<String> {
    let to = to.to_lowercase();
    let (local, domain) = to.rsplit_once('@').unwrap_or((&to, ""));
    let plain = local.split('+').next().unwrap_or_default();
    let parts = [&to, local, local.trim_matches('"'), plain, domain];
    parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn tells(word: &str, parts: &[String]) -> bool {
    let word = word.to_lowercase();
    word.contains('@') || word.contains("%40") || parts.iter().any(|part| has_word(&word, part))
}

/// Whether `part` stands in `word` by itself, not within a longer run of letters and digits.
fn has_word(word: &str, part: &str) -> bool {
    let is_edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    word.match_indices(part).any(|(at, _)| {
        is_edge(word[..at].chars().next_back()) && is_edge(word[at + part.len()..].chars().next())
    })
}

fn dropped(word: &str) -> String {
    let open: String = word.chars().take_while(|c| PUNCTUATION.contains(c)).collect();
    let close: Vec<char> = word.chars().rev().take_while(|c| PUNCTUATION.contains(c)).collect();
    format!("{open}…{}", close.into_iter().rev().collect::<String>())
}

/// `5.7.1` (RFC 3463).
fn is_enhanced_code(word: &str) -> bool {
    let numbers: Vec<&str> = word.split('.').collect();
    let is_short = |n: &&str| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    numbers.len() == 3 && matches!(numbers[0], "2" | "4" | "5") && numbers.iter().all(is_short)
}
