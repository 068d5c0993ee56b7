//! `basement rehearse`: storms and saved scripts on the simulated world, judged by the laws.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use clap::Args;

use crate::rehearse::faults;
use crate::rehearse::meddler::Spoil;
use crate::rehearse::run::{Outcome, play, shrink};
use crate::rehearse::stage::Stage;
use crate::rehearse::storm::{self, Act};
use crate::render::words::count;

use super::error::{Failure, code};
use super::say;

/// After so many storms that broke a law there is enough to mend.
const ENOUGH: usize = 5;

/// Arguments of `basement rehearse`.
#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// Saved storms to play; without any, seeded ones are thrown.
    scripts: Vec<PathBuf>,
    /// Throw seeded storms.
    #[arg(long, conflicts_with = "scripts")]
    storm: bool,
    /// Spoil every call of every scenario in every way, and every pair of calls where money moves.
    #[arg(long, conflicts_with_all = ["scripts", "storm"])]
    faults: bool,
    /// How many.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    seeds: u64,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    from: u64,
    /// Where a shrunk storm that broke a law is saved, as `storm-SEED.yaml`.
    #[arg(long, value_name = "FOLDER")]
    save: Option<PathBuf>,
}

/// What all threads found together.
#[derive(Default)]
struct Found {
    tally: BTreeMap<String, u64>,
    failed: Vec<String>,
}

pub(super) async fn run(args: &RehearseArgs) -> Result<u8, Failure> {
    let failed = if args.faults {
        all_faults().await
    } else if args.scripts.is_empty() {
        storms(args)?
    } else {
        scripts(&args.scripts).await?
    };
    if failed.is_empty() {
        return Ok(code::DONE);
    }
    let count = failed.len();
    Err(Failure::new(
        format!("{count} broke a law\n\n{}", failed.join("\n")),
        "a saved storm is played again by `basement rehearse FILE`",
    ))
}

fn storms(args: &RehearseArgs) -> Result<Vec<String>, Failure> {
    let (next, found) = (AtomicU64::new(args.from), Mutex::new(Found::default()));
    let end = args.from.saturating_add(args.seeds);
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| thrower(&next, end, &found));
        }
    });
    let Found { tally, failed } = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let total: u64 = tally.values().sum();
    let (storms, acts) = (count(args.seeds, "storm"), count(total, "act"));
    say::tell(&format!("{storms} from seed {}, {acts}:", args.from));
    for (word, n) in &tally {
        say::tell(&format!("{n:>12}  {word}"));
    }
    say::tell(&format!("rehearse: {} broke a law", failed.len()));
    if let Some(folder) = &args.save {
        save(folder, &failed)?;
    }
    Ok(failed)
}

/// One thread: takes the next seed until there is none, or enough has been found.
fn thrower(next: &AtomicU64, end: u64, found: &Mutex<Found>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let acts = storm::throw(seed);
        let outcome = runtime.block_on(play(&acts));
        let failure = (!outcome.broken.is_empty()).then(|| {
            let small = runtime.block_on(shrink(&acts));
            report(&format!("seed {seed}"), &runtime.block_on(play(&small)), &small)
        });
        let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        outcome.tally.into_iter().for_each(|(word, n)| *found.tally.entry(word).or_default() += n);
        found.failed.extend(failure);
        if found.failed.len() >= ENOUGH {
            return;
        }
    }
}

/// Every scenario, with every call and every pair of calls spoilt.
async fn all_faults() -> Vec<String> {
    let mut failed = Vec::new();
    for scenario in faults::scenarios() {
        let (calls, _) = faults::rehearse(&scenario, Stage::default).await;
        let cases = faults::cases(&scenario, calls);
        let (next, broken) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..threads() {
                scope.spawn(|| spoiler(&scenario, &cases, &next, &broken));
            }
        });
        let broken = broken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let n = |n: usize, noun| count(n as u64, noun);
        let (calls, ways, wrong) = (n(calls, "call"), n(cases.len(), "way"), n(broken.len(), "broken law"));
        say::tell(&format!("{}: {calls}, spoilt in {ways}, {wrong}", scenario.name));
        failed.extend(broken);
    }
    failed
}

/// One thread: takes the next case until there is none.
fn spoiler(
    scenario: &faults::Scenario,
    cases: &[Vec<(usize, Spoil)>],
    next: &AtomicUsize,
    broken: &Mutex<Vec<String>>,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
        let found = runtime.block_on(faults::spoilt(scenario, Stage::default, case));
        broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(found);
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

async fn scripts(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut failed = Vec::new();
    for path in paths {
        let wrong = |why: String| {
            Failure::new(
                format!("`{}`: {why}", path.display()),
                "such a file is what `basement rehearse --save` writes",
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let acts = storm::parse(&text).map_err(|error| wrong(error.to_string()))?;
        let outcome = play(&acts).await;
        let verdict = if outcome.broken.is_empty() { "holds" } else { "BREAKS A LAW" };
        say::tell(&format!("{}: {verdict}", path.display()));
        if !outcome.broken.is_empty() {
            failed.push(report(&path.display().to_string(), &outcome, &acts));
        }
    }
    Ok(failed)
}

/// A storm as the YAML that plays it again, with what it broke in comments.
fn report(name: &str, outcome: &Outcome, acts: &[Act]) -> String {
    let laws: Vec<String> = outcome.broken.iter().map(|b| format!("# law {}: {}", b.law, b.what)).collect();
    format!("# {name}\n{}\n{}", laws.join("\n"), storm::print(acts).unwrap_or_default())
}

fn save(folder: &Path, failed: &[String]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    for text in failed {
        let seed: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        std::fs::write(folder.join(format!("storm-{seed}.yaml")), text)?;
    }
    Ok(())
}
