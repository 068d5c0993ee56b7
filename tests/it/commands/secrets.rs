//! A whole life with secrets that are easy to find, and then a search of everything that was said or left
//! behind. The simulator's outbox is the only place with passwords, the key file the only one with its key.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use basement::sim::smtp::{self, Gate, Verdict};
use basement::sim::trouble::Mishap;
use basement::sim::whim::{Told, Whim};
use tokio::net::TcpListener;

use super::{Bench, Said, files, hush};

const TOKEN: &str = "dop_v1_5eed0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
/// Tokens of before 2021 have no prefix to know them by.
const OLD_TOKEN: &str = "01d5eed123456789abcdef0123456789abcdef0123456789abcdef0123456789";
const STRIPE_KEY: &str = "sk_test_51SeedSeedSeedAbCdEfGhIjKlMnOpQrStUvWxYz0123456789";
const SMTP_PASSWORD: &str = "correct-horse-battery";
/// 32 bytes.
const SEAL_KEY: &str = "c2VhbC1rZXktdGhhdC1pcy1lYXN5LXRvLWZpbmQtISE=";

/// Runs commands and keeps all they say.
struct Ears {
    bench: Bench,
    heard: Vec<(String, Said)>,
    /// What was on the disk at odd moments.
    kept: Vec<(PathBuf, Vec<u8>)>,
}

impl Ears {
    fn new(mut bench: Bench) -> Self {
        bench.set("DIGITALOCEAN_TOKEN", TOKEN);
        bench.set("STRIPE_API_KEY", STRIPE_KEY);
        bench.set("BASEMENT_SEAL_KEYS", format!("1:{SEAL_KEY}"));
        let relay = format!("smtp://shop:{SMTP_PASSWORD}@{}", bench.running.smtp);
        bench.set("BASEMENT_SMTP_URL", relay);
        Self { bench, heard: Vec::new(), kept: Vec::new() }
    }

    fn run(&mut self, words: &str, code: i32) -> &Said {
        let said = self.bench.expect(words, code);
        self.heard.push((words.to_owned(), said));
        &self.heard.last().expect("just heard").1
    }

    /// As above, whatever the end.
    fn hear(&mut self, words: &str) {
        let said = self.bench.run(words);
        self.heard.push((words.to_owned(), said));
    }

    /// Kills it in the middle, which leaves the ledger's `-wal` and `-shm`, and keeps what it left.
    fn kill(&mut self, words: &str, word: &str) {
        let (mut child, mut out) = self.bench.run_until(words, word);
        child.kill().expect("it runs");
        let mut output = child.wait_with_output().expect("it ends");
        out.read_to_end(&mut output.stdout).expect("the rest");
        self.heard.push((words.to_owned(), self.bench.said(&output)));
        self.kept.extend(files(&self.bench.root()));
        let is_left = |name: &str| self.kept.iter().any(|(path, _)| path.ends_with(name));
        assert!(is_left("ledger.sqlite-wal") && is_left("ledger.sqlite-shm"), "nothing was left to search");
    }

    /// Looks for every secret in everything.
    fn search(&self, allowed: &[&str]) {
        let passwords = self.passwords();
        assert!(!passwords.is_empty(), "there was no welcome letter");
        let key_file = self.bench.root().join(".basement/ledger.key");
        let made_key = fs::read_to_string(&key_file).unwrap_or_default();
        let mut secrets: Vec<&str> = vec![TOKEN, OLD_TOKEN, STRIPE_KEY, SMTP_PASSWORD, SEAL_KEY];
        // A part of a secret is one too.
        secrets.extend([&TOKEN[7..], &STRIPE_KEY[8..]]);
        secrets.extend(passwords.iter().map(String::as_str));
        secrets.extend(made_key.trim().split_once(':').map(|(_, key)| key));
        let raw_key = base64(SEAL_KEY);
        for (words, said) in &self.heard {
            for secret in secrets.iter().copied().chain(["$6$", "$5$", "$y$"]) {
                assert!(!said.all().contains(secret), "`basement {words}` says a secret:\n{}", said.page());
            }
        }
        let mut seen = 0;
        for (path, bytes) in files(&self.bench.root()).into_iter().chain(self.kept.clone()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            seen += usize::from(name.starts_with("ledger.sqlite"));
            if allowed.contains(&name.as_str()) {
                continue;
            }
            let needles = secrets.iter().map(|secret| secret.as_bytes()).chain([raw_key.as_slice()]);
            for needle in needles {
                assert!(!has(&bytes, needle), "`{}` holds a secret", path.display());
            }
        }
        assert!(seen >= 2, "the ledger and its lock were not searched");
    }

    /// Every root password that was given out.
    fn passwords(&self) -> BTreeSet<String> {
        hush::passwords(&self.bench.world())
    }
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// A proxy that shows what it was sent: the header with the secret, in a page or in a vendor's own shape.
async fn echo(headers: HeaderMap, path: axum::http::Uri) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let secret = bearer.split_whitespace().last().unwrap_or_default();
    if path.path().starts_with("/page") {
        let page = format!("<html><title>502 for {secret}</title><body>{bearer}</body></html>");
        return (StatusCode::BAD_GATEWAY, Html(page)).into_response();
    }
    let message = format!("Invalid credential: {secret} ({bearer})");
    let json =
        serde_json::json!({ "id": "unauthorized", "message": message, "error": { "message": message } });
    (StatusCode::UNAUTHORIZED, axum::Json(json)).into_response()
}

fn start_echo(bench: &Bench) -> String {
    let listener = bench.wait(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = axum::Router::new().fallback(echo);
    bench.runtime.spawn(async move { axum::serve(listener, app).await });
    url
}

/// A relay that lets nobody in.
fn start_relay(bench: &Bench) -> SocketAddr {
    let listener = bench.wait(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    let gate = Gate { login: Some(("another".to_owned(), "password".to_owned())), ..Gate::default() };
    bench.runtime.spawn(smtp::serve_gated(listener, gate, Arc::new(|_| Verdict::Accept)));
    address
}

#[test]
fn a_whole_life_says_and_leaves_no_secret() {
    let mut ears = Ears::new(Bench::of(3));
    let told = Told { whim: Whim::StuckNew, server: None, times: 1 };
    ears.bench.world().cloud().whims.tell(told);
    ears.run("-vv plan", 0);
    ears.run("-vv plan --format json", 0);
    ears.bench.world().trouble.latency_ms = 20;
    ears.kill("-vv apply --auto-approve", "+ created");
    ears.bench.world().trouble.latency_ms = 0;
    // Intended and not done, while a relay refuses our login.
    let relay = start_relay(&ears.bench);
    let good = ears.bench.env["BASEMENT_SMTP_URL"].clone();
    ears.bench.set("BASEMENT_SMTP_URL", format!("smtp://shop:{SMTP_PASSWORD}@{relay}"));
    // Long enough to look for the droplets whose replies were lost, and to give up the stuck one.
    let said = ears.run("-vv apply --auto-approve --deadline 10m", 5);
    assert!(said.all().contains("535"), "the relay was not asked:\n{}", said.page());
    ears.bench.set("BASEMENT_SMTP_URL", good);
    ears.bench.trouble("GET /v2/droplets", Mishap::Html502, 2);
    ears.run("-vv apply --auto-approve --deadline 1h", 0);
    let kinds: Vec<String> = ears.bench.letters().into_keys().collect();
    assert!(kinds.iter().any(|kind| kind.contains("failed")), "nothing was refunded: {kinds:?}");
    for command in ["status", "status --format json", "history", "history --format json", "plan", "generate"]
    {
        ears.run(command, 0);
    }
    assert_eq!(ears.passwords().len(), 2);
    ears.search(&[]);
}

#[test]
fn errors_that_echo_a_secret_do_not_repeat_it() {
    let mut ears = Ears::new(Bench::of(1));
    ears.run("apply --auto-approve", 0);
    let echo = start_echo(&ears.bench);
    let sim = ears.bench.running.http_url();
    for token in [TOKEN, OLD_TOKEN] {
        ears.bench.set("DIGITALOCEAN_TOKEN", token);
        for path in ["", "/page"] {
            ears.bench.set("DIGITALOCEAN_API_URL", format!("{echo}{path}"));
            for command in ["-vv plan", "-vv apply --auto-approve --deadline 1m"] {
                ears.hear(command);
            }
            ears.bench.set("DIGITALOCEAN_API_URL", sim.clone());
            ears.bench.set("STRIPE_API_BASE", format!("{echo}{path}"));
            ears.run("-vv generate", 1);
            ears.bench.set("STRIPE_API_BASE", sim.clone());
        }
    }
    // Secrets that are put where they do not belong.
    ears.bench.set("BASEMENT_SEAL_KEYS", SEAL_KEY);
    ears.run("apply --auto-approve", 1);
    ears.bench.set("BASEMENT_SEAL_KEYS", format!("1:{SEAL_KEY}!"));
    ears.run("apply --auto-approve", 1);
    ears.bench.set("BASEMENT_SMTP_URL", format!("smtp//shop:{SMTP_PASSWORD}@relay"));
    ears.run("apply --auto-approve", 1);
    ears.bench.set("STRIPE_API_KEY", STRIPE_KEY.replace("sk_test", "sk_live"));
    ears.run("generate", 1);
    ears.bench.set("STRIPE_API_KEY", TOKEN);
    ears.run("generate", 1);
    ears.bench.set("DIGITALOCEAN_TOKEN", format!("{TOKEN} {STRIPE_KEY}"));
    ears.run("plan", 1);
    ears.search(&[]);
    ears.bench.replace(
        "basement.toml",
        "mode = \"test\"",
        &format!("mode = \"test\"\nkey = \"{STRIPE_KEY}\""),
    );
    for file in ["basement.toml", "oops.yaml"] {
        ears.bench.may_hold(file);
    }
    ears.bench.write("fleet/extra/oops.yaml", format!("token: {TOKEN}\n"));
    for command in ["validate", "plan", "generate"] {
        ears.run(command, 1);
    }
    ears.search(&["basement.toml", "oops.yaml"]);
}

#[test]
fn a_key_file_is_the_one_place_with_its_key() {
    let mut ears = Ears::new(Bench::of(2));
    ears.bench.unset("BASEMENT_SEAL_KEYS");
    ears.run("-vv apply --auto-approve", 0);
    ears.run("history", 0);
    assert!(ears.bench.root().join(".basement/ledger.key").exists());
    ears.search(&["ledger.key"]);
}
