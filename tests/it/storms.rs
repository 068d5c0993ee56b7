//! Storms: seeded random customers, operators and vendors; the laws hold after every run.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use basement::rehearse::{run, storm};

/// Storms in `cargo test`, unoptimised; `BASEMENT_STORMS` asks for more, `BASEMENT_STORM_SEED` for another
/// beginning. `basement rehearse --storm` throws many more a second.
const STORMS: u64 = 2_000;
/// Two cores are everywhere.
const THREADS: usize = 2;
/// After so many failures there is enough to mend.
const ENOUGH: usize = 5;

#[derive(Default)]
struct Found {
    tally: BTreeMap<String, u64>,
    failures: Vec<String>,
}

#[test]
fn no_storm_breaks_a_law() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (from, count) = (number("BASEMENT_STORM_SEED", 1), number("BASEMENT_STORMS", STORMS));
    let (next, found) = (AtomicU64::new(from), Mutex::new(Found::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| throw(&next, from + count, &found));
        }
    });
    let Found { tally, failures } = found.into_inner().expect("no thread panicked");
    println!("{count} storms from seed {from}: {tally:?}");
    assert!(failures.is_empty(), "{} storms broke a law:\n{}", failures.len(), failures.join("\n"));
}

/// One thread: the next seed until there is none.
fn throw(next: &AtomicU64, end: u64, found: &Mutex<Found>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || found.lock().expect("no panic").failures.len() >= ENOUGH {
            return;
        }
        let acts = storm::throw(seed);
        let outcome = runtime.block_on(run::play(&acts));
        let failure = (!outcome.broken.is_empty()).then(|| {
            let small = runtime.block_on(run::shrink(&acts));
            let script = storm::print(&small).expect("YAML");
            format!("seed {seed}: {:?}\n{script}", outcome.broken)
        });
        let mut found = found.lock().expect("no panic");
        outcome.tally.into_iter().for_each(|(word, n)| *found.tally.entry(word).or_default() += n);
        found.failures.extend(failure);
    }
}

/// Every storm that once broke a law is kept as a script, and breaks none any more.
#[test]
fn no_saved_storm_breaks_a_law() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/storms");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let acts = storm::parse(&std::fs::read_to_string(&path).expect("a script")).expect("a storm");
        let outcome = runtime.block_on(run::play(&acts));
        assert!(outcome.broken.is_empty(), "{}: {:?}", path.display(), outcome.broken);
        played += 1;
    }
    assert!(played > 0, "there are saved storms");
}
