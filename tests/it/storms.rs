//! Storms: seeded random customers, operators and vendors; the laws hold after every run.

use std::collections::BTreeMap;

use basement::rehearse::{run, storm};

/// Storms in `cargo test`, unoptimised (`basement rehearse --storm` throws thousands a second); `BASEMENT_STORMS` asks for more, `BASEMENT_STORM_SEED` for another beginning.
const STORMS: u64 = 500;

#[test]
fn no_storm_breaks_a_law() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (from, count) = (number("BASEMENT_STORM_SEED", 1), number("BASEMENT_STORMS", STORMS));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in from..from + count {
        let acts = storm::throw(seed);
        let outcome = runtime.block_on(run::play(&acts));
        outcome.tally.into_iter().for_each(|(word, n)| *tally.entry(word).or_default() += n);
        if !outcome.broken.is_empty() {
            let small = runtime.block_on(run::shrink(&acts));
            let script = storm::print(&small).expect("YAML");
            failures.push(format!("seed {seed}: {:?}\n{script}", outcome.broken));
            if failures.len() >= 5 {
                break;
            }
        }
    }
    println!("{count} storms from seed {from}: {tally:?}");
    assert!(failures.is_empty(), "{} storms broke a law:\n{}", failures.len(), failures.join("\n"));
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
