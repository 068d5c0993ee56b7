//! The ways of a hostile vendor: each makes an answer out of a good one, or out of nothing.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::raw::{Reply, head, whole};

/// What a way of answering is given: the good answer that it spoils, and where it may lead away to.
pub struct Given<'a> {
    pub status: u16,
    pub good: &'a Value,
    pub here: &'a str,
    pub elsewhere: &'a str,
    pub secret: &'a str,
}

/// A way of answering and its name.
pub type Way = (String, fn(&Given<'_>, u16) -> Reply, u16);

const PAGE: &str = "<html><head><title>Welcome\u{1b}[2J</title></head><body>captive portal</body></html>";

/// All of them that end by themselves.
pub fn ways() -> Vec<Way> {
    type Plain = (&'static str, fn(&Given<'_>, u16) -> Reply);
    let mut ways: Vec<Way> = Vec::new();
    let plain: [Plain; 26] = [
        ("cut JSON", |g, _| half(g, g.status)),
        ("closed in the middle", |g, _| short(g)),
        ("closed in a chunk", |g, _| Reply::Whole(chunked(g.status, &text(g), "fff\r\n"))),
        ("closed before a word", |_, _| Reply::Whole(Vec::new())),
        ("closed in the head", |_, _| Reply::Whole(b"HTTP/1.1 200 OK\r\nx-a: ".to_vec())),
        ("no HTTP", |_, _| Reply::Whole(b"250 hello, this is SMTP\r\n\r\n".to_vec())),
        ("an empty body", |g, _| whole(g.status, "")),
        ("null", |g, _| whole(g.status, "null")),
        ("[]", |g, _| whole(g.status, "[]")),
        ("{}", |g, _| whole(g.status, "{}")),
        ("42", |g, _| whole(g.status, "42")),
        ("all null", |g, _| whole(g.status, all(g.good, &Value::Null).to_string())),
        ("all numbers", |g, _| whole(g.status, all(g.good, &json!(-7)).to_string())),
        ("all texts", |g, _| whole(g.status, all(g.good, &json!("x\u{202e}\u{0}")).to_string())),
        ("all lists", |g, _| whole(g.status, all(g.good, &json!([])).to_string())),
        ("twice", |g, _| whole(g.status, text(g) + &text(g))),
        ("a word behind", |g, _| whole(g.status, text(g) + " x")),
        ("a web page", |g, _| whole(g.status, PAGE)),
        ("an echo of the secret", |g, _| whole(g.status, format!("<p>Bearer {} {}</p>", g.secret, g.secret))),
        ("not UTF-8", |g, _| whole(g.status, broken(&text(g)))),
        ("deep", |g, _| whole(g.status, deep(g.good, 100_000))),
        ("129 deep", |g, _| whole(g.status, deep(g.good, 129))),
        ("10 MB", |g, _| whole(g.status, " ".repeat(10_000_000) + &text(g))),
        ("a gzip bomb", |g, _| zipped(g.status)),
        ("endless", |g, _| endless(g.status)),
        ("endless headers", |_, _| {
            Reply::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-a: bbbbbbbbbbbbbbbb\r\n".repeat(100))
        }),
    ];
    ways.extend(plain.map(|(name, way)| (name.to_owned(), way, 0)));
    for status in [301, 302, 303, 304, 307, 308] {
        ways.push((format!("{status} here"), |g, status| to(g.here, status), status));
        ways.push((format!("{status} elsewhere"), |g, status| to(g.elsewhere, status), status));
    }
    for status in [400, 401, 403, 404, 408, 409, 422, 429, 451, 500, 502, 503, 520] {
        ways.push((format!("{status}, a web page"), |_, status| whole(status, PAGE), status));
    }
    for status in [400, 404, 422] {
        ways.push((format!("{status}, odd JSON"), |_, s| whole(s, r#"{"error": {"code": 7}}"#), status));
    }
    ways
}

/// Those that only the client's patience ends.
pub fn slow() -> Vec<Way> {
    vec![
        ("slow headers".to_owned(), |_, _| Reply::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec()), 0),
        (
            "a slow body".to_owned(),
            |g, _| Reply::Drip(format!("{}content-length: 100000\r\n\r\n", head(g.status)).into_bytes()),
            0,
        ),
    ]
}

fn text(given: &Given<'_>) -> String {
    given.good.to_string()
}

fn half(given: &Given<'_>, status: u16) -> Reply {
    let text = text(given);
    whole(status, &text[..text.len() / 2])
}

/// All is promised, and half is sent.
fn short(given: &Given<'_>) -> Reply {
    let text = text(given);
    let (status, length) = (given.status, text.len());
    let all = format!("{}content-length: {length}\r\n\r\n{}", head(status), &text[..length / 2]);
    Reply::Whole(all.into_bytes())
}

fn chunked(status: u16, body: &str, next: &str) -> Vec<u8> {
    let length = body.len();
    format!("{}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n{next}", head(status)).into_bytes()
}

fn endless(status: u16) -> Reply {
    let part = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    Reply::Flood(
        format!("{}transfer-encoding: chunked\r\n\r\n", head(status)).into_bytes(),
        part.into_bytes(),
    )
}

fn to(host: &str, status: u16) -> Reply {
    let all = format!("{}location: {host}/v2/account?to=me\r\ncontent-length: 0\r\n\r\n", head(status));
    Reply::Whole(all.into_bytes())
}

/// Every value of the top, and of the first item below, replaced.
fn all(good: &Value, by: &Value) -> Value {
    let Value::Object(fields) = good else { return by.clone() };
    Value::Object(fields.keys().map(|key| (key.clone(), by.clone())).collect())
}

/// The first letter of a text in it is no letter any more.
fn broken(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = text.find(":\"").expect("there is a text") + 2;
    bytes[at] = 0xff;
    bytes
}

/// The good one with so deep a field of tomorrow that a reader must give up.
fn deep(good: &Value, levels: usize) -> String {
    let text = good.to_string();
    format!("{{\"tomorrow\":{}{},{}", "[".repeat(levels), "]".repeat(levels), &text[1..])
}

/// 200 MB of blanks in 1.3 MB: a literal, then "the last one 258 times more" in deflate's fixed code.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (mut bits, mut held, mut out) = (0u64, 0u32, vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    let mut put = |value: u64, count: u32| {
        bits |= value << held;
        held += count;
        while held >= 8 {
            out.push(u8::try_from(bits & 0xff).expect("a byte"));
            (bits, held) = (bits >> 8, held - 8);
        }
    };
    put(0b011, 3); // the last block, fixed codes
    put(0b0000_1010, 8); // 0x20 is 0x30 + 0x20 = 0b01010000, its first bit first
    for _ in 0..800_000 {
        put(0b1010_0011, 8); // 285, 258 bytes: 0b11000101, its first bit first
        put(0, 5); // from one byte before
    }
    out
});

fn zipped(status: u16) -> Reply {
    let length = BOMB.len();
    let all = format!("{}content-encoding: gzip\r\ncontent-length: {length}\r\n\r\n", head(status));
    Reply::Whole([all.as_bytes(), &BOMB].concat())
}
