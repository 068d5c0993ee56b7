//! Vendors at their worst: every call of both adapters against every hostile answer. A read ends in a fault
//! and never in less than there is; a write ends as unknown; nothing secret is shown or goes elsewhere.

mod calls;
mod listing;
mod raw;
mod relay;
mod replies;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use basement::ports::Fault;
use futures_util::StreamExt;
use futures_util::stream;

use self::calls::{CALLS, Call, Clients, KEY, OLD_TOKEN};
use self::raw::{Raw, whole};
use self::replies::{Given, Way};

/// How one combination ended: `R`efused, un`A`vailable, un`K`nown, `=` as if nothing were odd, or `!` with what is wrong about it.
async fn end(call: &'static Call, (name, make, status): &Way, patience: Duration) -> String {
    let elsewhere = Raw::start(Arc::new(|_| whole(200, "{}"))).await;
    let (away, make, status) = (elsewhere.url.clone(), *make, *status);
    let server = Raw::start(Arc::new(move |head| {
        if !head.starts_with(call.strike) {
            let (status, body) = call.good(head);
            return whole(status, if body.is_null() { String::new() } else { body.to_string() });
        }
        let (code, good) = call.spoilt();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let here = format!("http://{host}");
        let secret = if call.strike.contains("/v2/") { OLD_TOKEN } else { KEY };
        make(&Given { status: code, good: &good, here: &here, elsewhere: &away, secret }, status)
    }))
    .await;
    let result = Clients::new(&server.url, patience).run(call).await;
    if !elsewhere.seen().is_empty() {
        return "! it went elsewhere".to_owned();
    }
    let astray = server.seen().iter().any(|head| head.contains("to=me"));
    let fault = match result {
        _ if astray => return "! it followed a redirect".to_owned(),
        // What a reader skips may be as deep as it likes.
        Ok(got) if name.ends_with("deep") && got == call.undisturbed().await => return "=".to_owned(),
        Ok(got) => return format!("! it was taken for {got}"),
        Err(fault) => fault,
    };
    let complaint = complain(call, name, &fault);
    let letter = match fault {
        Fault::Refused(_) => "R",
        Fault::Unavailable { .. } => "A",
        Fault::Unknown(_) => "K",
    };
    complaint.map_or_else(|| letter.to_owned(), |why| format!("! {why}: {fault:?}"))
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
async fn table(ways: &[Way], patience: Duration, at_once: usize) -> String {
    let all: Vec<(&'static Call, &Way)> =
        ways.iter().flat_map(|way| CALLS.iter().map(move |call| (call, way))).collect();
    let runs = all.iter().map(|(call, way)| async {
        let end = if call.skips(&way.0) { ".".to_owned() } else { end(call, way, patience).await };
        (way.0.as_str(), call.name, end)
    });
    let ends: Vec<_> = stream::iter(runs).buffered(at_once).collect().await;
    let bad: Vec<String> = ends
        .iter()
        .filter(|(_, _, end)| end.starts_with('!'))
        .map(|(way, call, end)| format!("{call} × {way}: {end}"))
        .collect();
    assert!(bad.is_empty(), "{} of {}:\n{}", bad.len(), ends.len(), bad.join("\n"));
    let ran = ends.iter().filter(|(_, _, end)| end != ".").count();
    println!("hostile vendors: {ran} combinations");
    let mut rows: BTreeMap<&str, String> = BTreeMap::new();
    for (way, _, end) in &ends {
        rows.entry(way).or_default().push_str(end);
    }
    let mut text = String::new();
    for (way, _, _) in ways {
        writeln!(text, "{} {way}", rows[way.as_str()]).expect("a string");
    }
    text
}

#[tokio::test]
async fn every_call_against_every_hostile_answer() {
    insta::assert_snapshot!(table(&replies::ways(), Duration::from_secs(30), 4).await);
}

/// The first eight columns are `DigitalOcean`'s calls, as they stand in `calls.rs`; the others Stripe's.
#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    insta::assert_snapshot!(table(&replies::slow(), Duration::from_secs(1), 40).await);
}
