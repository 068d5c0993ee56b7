//! Killed for real: the binary dies by SIGKILL at random moments and is started again, until all is calm.
//! The laws are judged on the simulator's truth, after every kill. A seed gives the same story, and nearly the
//! same moments: real processes are not to be told exactly when to die.

mod knife;
mod shop;
mod story;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Kills in `cargo test`; `BASEMENT_KILLS` asks for more, `BASEMENT_KILL_SEED` for another beginning.
const KILLS: u64 = 20;
/// Stories told at once: most of each is waiting for answers that take their time.
const TELLERS: usize = 3;

/// What was done, counted by its name.
#[derive(Default)]
pub struct Tally(BTreeMap<String, u64>);

/// What came of a story.
pub struct Told {
    /// What was done in it.
    pub tally: Tally,
    /// What was broken.
    pub broken: Vec<String>,
}

impl Tally {
    /// Counts more of something.
    pub fn add(&mut self, name: &str, more: usize) {
        *self.0.entry(name.to_owned()).or_default() += more as u64;
    }

    fn kills(&self) -> u64 {
        self.0.iter().filter(|(name, _)| name.starts_with("kills, ")).map(|(_, n)| n).sum()
    }
}

#[test]
fn no_kill_breaks_a_law() {
    let number =
        |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (from, kills) = (number("BASEMENT_KILL_SEED", 1), number("BASEMENT_KILLS", KILLS));
    let next = AtomicU64::new(from);
    let sum = Mutex::new(Told { tally: Tally::default(), broken: Vec::new() });
    let lock = || sum.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..TELLERS {
            scope.spawn(|| {
                while lock().tally.kills() < kills && lock().broken.is_empty() {
                    let told = story::tell(next.fetch_add(1, Ordering::Relaxed));
                    let mut sum = lock();
                    told.tally.0.into_iter().for_each(|(name, n)| *sum.tally.0.entry(name).or_default() += n);
                    sum.broken.extend(told.broken);
                }
            });
        }
    });
    let Told { tally, broken } = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} kills, {} broken laws, stories from seed {from}", tally.kills(), broken.len());
    tally.0.iter().for_each(|(name, n)| println!("    {n:>7} {name}"));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(tally.kills() >= kills, "not so many kills: {}", tally.kills());
}
