//! The real binary, hermetic, against a simulator in this process: a home of its own, no variable but
//! those given here, a manual clock.

mod approve;
mod doctor;
mod dump;
mod ends;
mod errors;
mod everyday;
mod fleet;
mod formats;
mod guard;
mod hush;
mod passwords;
mod preflight;
mod preview;
mod secret_files;
mod secrets;
mod vendors;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use basement::sim::billing::Books;
use basement::sim::server::{Options, Running, start, start_on};
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::world::{Settings, World, lock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A simulator, a home with a fleet repository in it, and the environment of every command.
pub struct Bench {
    /// The simulator.
    pub running: Running,
    env: BTreeMap<&'static str, String>,
    home: TempDir,
    /// Files in which a test puts a secret on purpose, by the end of their paths.
    may_hold: Vec<&'static str>,
    // Dropped last: the simulator runs on it.
    runtime: Runtime,
}

/// What a command said, and how it ended.
pub struct Said {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    names: Vec<(String, &'static str)>,
}

impl Bench {
    /// Without customers; `init` has run.
    pub fn new() -> Self {
        Self::with(Books::new())
    }

    /// With these customers; `init` has run.
    pub fn with(books: Books) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let options = Options { books, ..Options::default() };
        let running = runtime.block_on(start(options)).expect("loopback can be bound");
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("shop")).expect("a folder");
        let env = BTreeMap::from([
            ("HOME", home.path().display().to_string()),
            ("NO_COLOR", "1".to_owned()),
            ("USER", "ops".to_owned()),
            ("DIGITALOCEAN_API_URL", running.http_url()),
            ("STRIPE_API_BASE", running.http_url()),
            ("BASEMENT_SMTP_URL", relay(&running)),
            ("BASEMENT_PROBE_PORTS", running.probe_ports()),
            ("BASEMENT_CLOCK_URL", running.http_url()),
            ("DIGITALOCEAN_TOKEN", hush::TOKEN.to_owned()),
            ("STRIPE_API_KEY", hush::STRIPE_KEY.to_owned()),
        ]);
        lock(&running.world).requests.exchanges = Some(Vec::new());
        let bench = Self { running, env, home, may_hold: Vec::new(), runtime };
        assert_eq!(bench.run("init").code, 0);
        bench
    }

    /// With the sample customers of every kind.
    pub fn sample() -> Self {
        Self::with(Books::sample(Settings::default().start, 25))
    }

    /// With so many who pay for a basic server, their files written.
    pub fn of(count: usize) -> Self {
        let bench = Self::new();
        bench.subscribe(count);
        assert_eq!(bench.run("generate").code, 0);
        bench
    }

    /// With so many servers that were delivered and cancelled, and whose grace is over.
    pub fn of_ended(count: usize) -> Self {
        let bench = Self::new();
        for _ in 0..count {
            // One by one, so that each has the same number in every run.
            bench.subscribe(1);
            bench.expect("generate", 0);
            bench.expect("apply --auto-approve", 0);
        }
        let now = bench.world().now();
        for n in 1..=count {
            let id = bench.books().of_user(&format!("user-{n:04}")).remove(0);
            bench.books().cancel(now, &id).expect("a subscription");
        }
        bench.expect("generate --allow shrink", 0);
        bench.expect("apply --auto-approve --deadline 1h", 0);
        bench.advance(8 * 24 * 3_600);
        bench
    }

    /// Sets a variable for all commands to come.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.env.insert(name, value.into());
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) {
        self.env.remove(name);
    }

    /// The simulated relay, with our login.
    pub fn relay(&self) -> String {
        relay(&self.running)
    }

    /// A file in which there will be a secret on purpose.
    pub fn may_hold(&mut self, file: &'static str) {
        self.may_hold.push(file);
    }

    /// More of those who pay for a basic server.
    pub fn subscribe(&self, count: usize) {
        let now = self.world().now();
        let mut books = self.books();
        let before = books.subscription_ids().len();
        for n in 1..=count {
            let order = basement::sim::billing_life::Subscribe::nth(before + n, "basic-month");
            books.subscribe(now, order).expect("a subscription");
        }
    }

    /// The simulated world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.running.world)
    }

    /// The simulated Stripe.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.running.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next so many calls of a kind go wrong.
    pub fn trouble(&self, call: &str, mishap: Mishap, count: u32) {
        let planned = Planned { call: call.to_owned(), mishap, skip: 0, count };
        self.world().trouble.planned.push(planned);
    }

    /// Time goes by.
    pub fn advance(&self, seconds: i64) {
        let mut world = self.world();
        let to = world.now_ms() + seconds * 1_000;
        world.advance_to(to);
    }

    /// Pulls the simulator's plug; its world and books are kept.
    pub fn pull_plug(&mut self) {
        let stop = async { tokio::time::timeout(Duration::from_secs(60), self.running.stop()).await };
        self.runtime.block_on(stop).expect("it stops");
    }

    /// Puts it back: the same world and books at the same addresses. False if one of them is taken by now.
    pub fn put_plug(&mut self) -> bool {
        let Running { world, books, http, smtp, .. } = &self.running;
        let start = start_on(world.clone(), books.clone(), *http, *smtp);
        self.runtime.block_on(start).map(|running| self.running = running).is_ok()
    }

    /// Runs something that waits, on the simulator's own runtime.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The fleet's repository.
    pub fn root(&self) -> PathBuf {
        self.home.path().join("shop")
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// Replaces a text of a file.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root().join(path)).expect("a file");
        assert!(text.contains(from), "`{from}` is not in `{path}`");
        self.write(path, text.replace(from, to));
    }

    /// The files of servers: names and texts, sorted.
    pub fn servers(&self) -> BTreeMap<String, String> {
        files(&self.root().join("fleet/servers"))
            .into_iter()
            .filter(|(path, _)| path.extension().is_some())
            .map(|(path, bytes)| {
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                (name, String::from_utf8(bytes).expect("UTF-8"))
            })
            .collect()
    }

    /// The binary, ready to be given more.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_basement"));
        command.args(words.split_whitespace()).current_dir(self.root()).env_clear().envs(&self.env);
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, words: &str) -> Said {
        self.said(&self.command(words).output().expect("it starts"))
    }

    /// Starts it, and returns as soon as a line of its standard output begins with `word`.
    pub fn run_until(&self, words: &str, word: &str) -> (Child, BufReader<ChildStdout>) {
        until(self.command(words), word)
    }

    /// Runs it to its end, which must be this one.
    pub fn expect(&self, words: &str, code: i32) -> Said {
        let said = self.run(words);
        assert_eq!(said.code, code, "basement {words}\n{}", said.page());
        said
    }

    /// What an ended command said.
    pub fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let home = self.home.path();
        self.is_hushed(&text(&output.stdout));
        self.is_hushed(&text(&output.stderr));
        let names = vec![
            (self.relay(), "smtp://RELAY"),
            (self.running.http_url(), "http://SIM"),
            (self.running.smtp_url(), "smtp://RELAY"),
            (self.running.http.to_string(), "SIM"),
            (self.running.smtp.to_string(), "RELAY"),
            (home.display().to_string(), "HOME"),
        ];
        Said {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
            names,
        }
    }

    fn secrets(&self) -> BTreeSet<String> {
        hush::secrets(&self.env, &self.root(), &self.world())
    }

    /// No output says a secret.
    fn is_hushed(&self, text: &str) {
        assert!(hush::said(text, &self.secrets()).is_none(), "a command says a secret:\n{text}");
    }

    /// No file and no request holds one.
    fn left(&self) -> Vec<String> {
        let secrets = self.secrets();
        let is_meant = |path: &Path| {
            path.ends_with(".basement/ledger.key") || self.may_hold.iter().any(|name| path.ends_with(name))
        };
        let all = files(self.home.path());
        let held = all
            .iter()
            .filter(|(path, bytes)| !is_meant(path) && hush::held(bytes, &secrets).is_some())
            .map(|(path, _)| path.display().to_string());
        let world = self.world();
        let leaked = world.requests.exchanges.iter().flatten().filter_map(|one| hush::leaked(one, &secrets));
        held.chain(leaked).collect()
    }

    /// The subjects of all letters so far, sorted, each with its count.
    pub fn letters(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for letter in &self.world().outbox {
            *found.entry(letter.message_id.clone()).or_default() += 1;
        }
        found
    }

    /// The names of the droplets that there truly are.
    pub fn droplets(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.world().cloud().machines().map(|machine| machine.name.clone()).collect();
        names.sort();
        names
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.left(), Vec::<String>::new(), "a secret is where it has no business");
        }
    }
}

/// Starts a command, and returns as soon as a line of its standard output begins with `word`.
pub fn until(mut command: Command, word: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with(word) {
        line.clear();
        assert!(out.read_line(&mut line).expect("a line") > 0, "it ended before `{word}`");
    }
    (child, out)
}

fn relay(running: &Running) -> String {
    format!("smtp://shop:{}@{}", hush::SMTP_PASSWORD, running.smtp)
}

impl Said {
    /// All of it as a person sees it, with this run's paths and ports taken out.
    pub fn page(&self) -> String {
        let mut page = format!("exit {}\n", self.code);
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                page.extend(["--- ", name, "\n", text]);
            }
        }
        let page = self.names.iter().fold(page, |page, (from, to)| page.replace(from, to));
        without_request_ids(&page)
    }

    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// How many requests came before is no part of what is said.
fn without_request_ids(page: &str) -> String {
    let mut parts = page.split("[request ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(']').map_or(part, |(_, rest)| rest);
        out.extend(["[request ID]", rest]);
    }
    out
}

/// Every file under a folder, as it is on the disk.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            found.insert(path, bytes);
        }
    }
    found
}
