//! Reads a letter's source back into words: as much of MIME as a mail client's simple letters need.
//! Pure; what it does not understand it leaves as it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A letter, as its reader sees it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// `Subject`, decoded.
    pub subject: String,
    /// `Message-ID`, with its angle brackets.
    pub message_id: String,
    /// `To`, decoded.
    pub to: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// Reads headers and body.
pub fn parse(data: &str) -> Letter {
    let (headers, body) = split(&data.replace("\r\n", "\n"));
    let mut letter = Letter {
        subject: words(header(&headers, "subject")),
        message_id: header(&headers, "message-id").to_owned(),
        to: words(header(&headers, "to")),
        ..Letter::default()
    };
    read(&headers, &body, &mut letter);
    letter
}

fn read(headers: &[(String, String)], body: &str, letter: &mut Letter) {
    let kind = header(headers, "content-type");
    if let Some(boundary) = boundary(kind) {
        let mark = format!("\n--{boundary}");
        let whole = format!("\n{body}");
        for part in whole.split(&mark).skip(1).take_while(|part| !part.starts_with("--")) {
            let (headers, body) = split(part.strip_prefix('\n').unwrap_or(part));
            read(&headers, &body, letter);
        }
        return;
    }
    let text = match header(headers, "content-transfer-encoding").to_ascii_lowercase().as_str() {
        "quoted-printable" => text(&quoted_printable(body)),
        "base64" => text(&base64(body)),
        _ => body.to_owned(),
    };
    let text = text.replace("\r\n", "\n");
    if kind.to_ascii_lowercase().starts_with("text/html") { letter.html = text } else { letter.text = text }
}

/// Headers, unfolded, names in lower case; and what stands behind the first empty line.
fn split(source: &str) -> (Vec<(String, String)>, String) {
    let (head, body) = match source.strip_prefix('\n') {
        Some(body) => ("", body),
        None => source.split_once("\n\n").unwrap_or((source, "")),
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        match (headers.last_mut(), line.split_once(':')) {
            (Some((_, value)), _) if line.starts_with([' ', '\t']) => {
                value.push_str(line);
            }
            (_, Some((name, value))) => {
                headers.push((name.to_ascii_lowercase(), value.trim_start().to_owned()));
            }
            _ => {}
        }
    }
    (headers, body.to_owned())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn boundary(kind: &str) -> Option<String> {
    let at = kind.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let rest = &kind[at..];
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().map(str::to_owned),
        None => rest.split([';', ' ']).next().map(str::to_owned),
    }
}

/// RFC 2047: `=?utf-8?b?…?=`. White space between two encoded words is no part of the text.
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut pending = String::new();
    let mut after_encoded = false;
    for word in value.split_inclusive(' ') {
        let bare = word.trim_end_matches(' ');
        if bare.is_empty() {
            pending.push_str(word);
            continue;
        }
        let decoded = encoded_word(bare);
        if !(after_encoded && decoded.is_some()) {
            out.push_str(&pending);
        }
        out.push_str(decoded.as_deref().unwrap_or(bare));
        after_encoded = decoded.is_some();
        " ".repeat(word.len() - bare.len()).clone_into(&mut pending);
    }
    out
}

fn encoded_word(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (_charset, how, code) = (parts.next()?, parts.next()?, parts.next()?);
    match how {
        "b" | "B" => Some(text(&base64(code))),
        "q" | "Q" => Some(text(&quoted_printable(&code.replace('_', " ")))),
        _ => None,
    }
}

fn quoted_printable(code: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(code.len());
    let mut rest = code.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'=', [b'\n', after @ ..]) => rest = after,
            (b'=', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high * 16 + low);
                    rest = after;
                }
                _ => out.push(b'='),
            },
            _ => out.push(*first),
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn base64(code: &str) -> Vec<u8> {
    let tight: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(tight).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
