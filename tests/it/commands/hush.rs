//! What no command may say and no file may hold, looked for after every run of the binary in every suite.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use basement::sim::requests::Exchange;
use basement::sim::world::World;

/// The bench's own secrets, easy to find.
pub const TOKEN: &str = "dop_v1_be9c0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
pub const STRIPE_KEY: &str = "sk_test_51BenchBenchBenchAbCdEfGhIjKlMnOpQrStUvWxYz0123456789";
pub const SMTP_PASSWORD: &str = "bench-of-oak-and-iron";
/// The beginnings of crypt(3)'s hashes.
const HASHES: [&str; 3] = ["$6$", "$5$", "$y$"];
/// A shorter value is a word of some test's, and no secret.
const SHORTEST: usize = 16;

/// Every secret that the commands were given, were made or gave out so far.
pub fn secrets(env: &BTreeMap<&'static str, String>, root: &Path, world: &World) -> BTreeSet<String> {
    let mut found = passwords(world);
    for (name, value) in env {
        let value = match name.strip_suffix("_FILE") {
            // A pipe is not ours to read.
            Some(_) if Path::new(value).is_file() => fs::read_to_string(value).unwrap_or_default(),
            Some(_) => String::new(),
            None => value.clone(),
        };
        match name.trim_end_matches("_FILE") {
            "DIGITALOCEAN_TOKEN" | "STRIPE_API_KEY" | "BASEMENT_SMTP_PASSWORD" => {
                found.insert(value.trim().to_owned());
            }
            "BASEMENT_SMTP_URL" => found.extend(url_password(&value)),
            "BASEMENT_SEAL_KEYS" => found.extend(keys(&value)),
            _ => {}
        }
    }
    found.extend(keys(&fs::read_to_string(root.join(".basement/ledger.key")).unwrap_or_default()));
    found.retain(|secret| secret.len() >= SHORTEST);
    found
}

/// Every root password that was given out.
pub fn passwords(world: &World) -> BTreeSet<String> {
    let is_password = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_alphanumeric());
    let welcome = world.outbox.iter().filter(|letter| letter.message_id.contains(".welcome"));
    welcome.flat_map(|letter| letter.text.split_whitespace().filter(is_password).map(str::to_owned)).collect()
}

/// The secret that a text says, if it says one.
pub fn said<'a>(text: &str, secrets: &'a BTreeSet<String>) -> Option<&'a str> {
    let mut all = secrets.iter().map(String::as_str).chain(HASHES);
    all.find(|secret| text.contains(secret))
}

/// The secret that a file holds, if it holds one.
pub fn held<'a>(bytes: &[u8], secrets: &'a BTreeSet<String>) -> Option<&'a str> {
    let has = |needle: &&str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    secrets.iter().map(String::as_str).find(has)
}

/// What a vendor was sent or sent back and should not have been. The header with the credential is not kept, and a
/// hash has business in the user-data of a droplet alone.
pub fn leaked(exchange: &Exchange, secrets: &BTreeSet<String>) -> Option<String> {
    let Exchange { method, path, query, request, answer, status: _ } = exchange;
    let is_create = method == "POST" && path == "/v2/droplets";
    let plain = secrets.iter().map(String::as_str);
    let hashes = HASHES.into_iter().filter(|_| !is_create);
    let found =
        plain.chain(hashes).find(|s| [path, query, request, answer].iter().any(|text| text.contains(s)));
    found.map(|_| format!("{method} {path}"))
}

fn url_password(url: &str) -> Option<String> {
    let (login, _) = url.split_once("://")?.1.rsplit_once('@')?;
    Some(login.split_once(':')?.1.to_owned())
}

fn keys(text: &str) -> impl Iterator<Item = String> {
    text.split(',').filter_map(|key| Some(key.trim().split_once(':')?.1.to_owned()))
}
