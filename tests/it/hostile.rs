//! Vendors at their worst: every call of both adapters against every hostile answer. A read ends in a fault
//! and never in less than there is; a write ends as unknown; nothing secret is shown or goes elsewhere.

pub mod calls;
mod listing;
pub mod raw;
mod relay;
mod replies;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use basement::ports::Fault;
use futures_util::StreamExt;
use futures_util::stream;

use self::calls::{CALLS, Call, Clients, KEY, OLD_TOKEN};
use self::raw::{Raw, whole};
use self::replies::{Given, Way};

/// How one call ends against each of these ways: `R`efused, un`A`vailable, un`K`nown, `=` as if nothing
/// were odd, `.` not tried, or `!` with what is wrong about it.
async fn ends(call: &'static Call, ways: &'static [Way], patience: Duration) -> Vec<String> {
    let elsewhere = Raw::start(Arc::new(|_| whole(200, "{}"))).await;
    let (away, now) = (elsewhere.url.clone(), Arc::new(AtomicUsize::new(0)));
    let turn = Arc::clone(&now);
    let server = Raw::start(Arc::new(move |head| {
        if !head.starts_with(call.strike) {
            return call.answer(head);
        }
        let (status, good) = call.spoilt();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let here = format!("http://{host}");
        let secret = if call.strike.contains("/v2/") { OLD_TOKEN } else { KEY };
        let (_, make, code) = &ways[turn.load(Ordering::SeqCst)];
        make(&Given { status, good: &good, here: &here, elsewhere: &away, secret }, *code)
    }))
    .await;
    let clients = Clients::new(&server.url, patience);
    let undisturbed = call.undisturbed().await;
    let mut ends = Vec::new();
    for (n, (name, ..)) in ways.iter().enumerate() {
        if call.skips(name) {
            ends.push(".".to_owned());
            continue;
        }
        now.store(n, Ordering::SeqCst);
        let end = match clients.run(call).await {
            _ if !elsewhere.seen().is_empty() => "! it went elsewhere".to_owned(),
            _ if server.seen().iter().any(|head| head.contains("to=me")) => "! it followed".to_owned(),
            // What a reader skips may be as deep as it likes.
            Ok(got) if name.ends_with("deep") && got == undisturbed => "=".to_owned(),
            Ok(got) => format!("! it was taken for {got}"),
            Err(fault) => match complain(call, name, &fault) {
                Some(why) => format!("! {why}: {fault:?}"),
                None => letter(&fault).to_owned(),
            },
        };
        ends.push(end);
    }
    ends
}

fn letter(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refused(_) => "R",
        Fault::Unavailable { .. } => "A",
        Fault::Unknown(_) => "K",
    }
}

/// What is wrong with a fault.
fn complain(call: &Call, way: &str, fault: &Fault) -> Option<String> {
    let detail = fault.detail();
    let shown = format!("{fault} {fault:?}");
    for secret in [OLD_TOKEN, KEY, &KEY[8..]] {
        if shown.contains(secret) {
            return Some("it shows a secret".to_owned());
        }
    }
    let text = format!("{fault}{}", detail.body);
    let is_odd = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    let headless =
        way.contains("slow") || way.starts_with("closed before") || way.contains("head") || way == "no HTTP";
    let path = call.strike.trim_end_matches([' ', '?']);
    match () {
        () if text.contains(is_odd) => Some("it steers the terminal".to_owned()),
        () if text.len() > 6_000 => Some("it is too long".to_owned()),
        () if !detail.call.starts_with(path) => Some(format!("it does not name `{path}`")),
        () if !headless && detail.request_id.as_deref() != Some("req-hostile") => {
            Some("it does not name the request".to_owned())
        }
        () if call.writes && !way.starts_with("429") && !matches!(fault, Fault::Unknown(_)) => {
            Some("a write is not unknown".to_owned())
        }
        () if !call.writes && matches!(fault, Fault::Unknown(_)) => Some("a read is unknown".to_owned()),
        () => None,
    }
}

/// Runs every call against these ways, and draws the table.
async fn table(ways: Vec<Way>, patience: Duration, at_once: usize) -> String {
    let ways: &'static [Way] = ways.leak();
    let lanes = stream::iter(CALLS.iter().map(|call| ends(call, ways, patience)));
    let columns: Vec<Vec<String>> = lanes.buffered(at_once).collect().await;
    let (mut text, mut bad, mut ran) = (String::new(), Vec::new(), 0);
    for (n, (way, ..)) in ways.iter().enumerate() {
        for (call, ends) in CALLS.iter().zip(&columns) {
            text.push_str(&ends[n]);
            ran += usize::from(ends[n] != ".");
            if ends[n].starts_with('!') {
                bad.push(format!("{}, `{}` × {way}: {}", call.name, call.strike, ends[n]));
            }
        }
        writeln!(text, " {way}").expect("a string");
    }
    assert!(bad.is_empty(), "{} of {ran}:\n{}", bad.len(), bad.join("\n"));
    println!("hostile vendors: {ran} combinations");
    text
}

#[tokio::test]
async fn every_call_against_every_hostile_answer() {
    insta::assert_snapshot!(table(replies::ways(), Duration::from_secs(30), 4).await);
}

/// The first eight columns are `DigitalOcean`'s calls, as they stand in `calls.rs`; the others Stripe's.
#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    insta::assert_snapshot!(table(replies::slow(), Duration::from_secs(1), 40).await);
}
