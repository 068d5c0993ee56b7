//! A knife that falls at a random moment: after so many more requests, and then so many milliseconds.

use std::process::{Child, Command};
use std::time::Duration;

use basement::adapters::clock::RealClock;
use basement::ports::Clock as _;
use basement::sim::dice::Dice;

use crate::commands::Bench;

/// How long an answer of the simulator takes, in milliseconds: without it an apply would be over in a blink.
pub const LATENCY: u64 = 12;
/// How long a program may go on before it is taken for stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// The calls that cannot be taken back, and the mails.
const DEEDS: [&str; 6] = [
    "POST /v2/droplets",
    "POST /v2/droplets/:id/actions",
    "DELETE /v2/droplets/:id",
    "POST /v1/refunds",
    "DELETE /v1/subscriptions/:id",
    "SMTP mail",
];

/// When the knife falls.
pub struct Knife {
    /// Which calls count; all of them if there are none here.
    calls: &'static [&'static str],
    /// How many of them there are then.
    count: u64,
    then: Duration,
}

/// A running program; it never outlives the test.
pub struct Process(Child);

impl Process {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        Self(command.spawn().expect("it starts"))
    }

    /// How it ended, if it did; -1 after a signal.
    pub fn code(&mut self) -> Option<i32> {
        let status = self.0.try_wait().expect("it can be asked");
        status.map(|status| status.code().unwrap_or(-1))
    }

    /// Kills it; false if it had ended by itself.
    pub fn kill(&mut self) -> bool {
        let is_alive = self.code().is_none();
        self.0.kill().expect("it can be killed");
        let status = self.0.wait().expect("it can be waited for");
        // Whoever was killed has no exit code.
        is_alive && status.code().is_none()
    }

    /// Waits until it ends by itself.
    pub fn end(&mut self, bench: &Bench) -> i32 {
        wait_until(bench, || self.code().is_some());
        self.code().expect("it has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Knife {
    /// Somewhere in an apply that is about to begin: mostly about a deed.
    pub fn throw(bench: &Bench, dice: &mut Dice) -> Self {
        let (calls, more): (&[&str], u64) = match dice.below(8) {
            0..=4 => (&DEEDS, 1 + dice.below(5)),
            5 | 6 => (&[], 1 + dice.below(8)),
            _ => (&[], 0),
        };
        // A program needs some time to begin.
        let then = if more == 0 { 100 } else { LATENCY + 6 };
        Self::after(bench, calls, more, dice.below(then))
    }

    /// After so many more of these calls, and then so many milliseconds.
    pub fn after(bench: &Bench, calls: &'static [&'static str], more: u64, then: u64) -> Self {
        Self { calls, count: asked(bench, calls) + more, then: Duration::from_millis(then) }
    }

    /// Waits for the moment, or for the end of all of these programs. Says which deed was asked for last.
    pub fn wait(&self, bench: &Bench, all: &mut [Process]) -> &'static str {
        let mut before = DEEDS.map(|deed| asked(bench, &[deed]));
        let mut last = "before any of these";
        wait_until(bench, || {
            let now = DEEDS.map(|deed| asked(bench, &[deed]));
            last = (0..DEEDS.len()).find(|n| now[*n] > before[*n]).map_or(last, |n| DEEDS[n]);
            before = now;
            asked(bench, self.calls) >= self.count || all.iter_mut().all(|one| one.code().is_some())
        });
        pause(bench, self.then);
        last
    }
}

/// Waits until nothing that was asked for is still to be carried out.
pub fn quiet(bench: &Bench) {
    wait_until(bench, || bench.world().requests.under_way == 0);
}

/// Lets some real time pass.
pub fn pause(bench: &Bench, time: Duration) {
    bench.wait(RealClock::new().sleep(time));
}

fn wait_until(bench: &Bench, mut is_so: impl FnMut() -> bool) {
    let clock = RealClock::new();
    while !is_so() {
        pause(bench, Duration::from_millis(1));
        assert!(bench.wait(clock.elapsed()) < PATIENCE, "a program is stuck");
    }
}

fn asked(bench: &Bench, calls: &[&str]) -> u64 {
    let world = bench.world();
    let all = world.requests.calls.iter();
    all.filter(|(name, _)| calls.is_empty() || calls.contains(&name.as_str())).map(|(_, n)| n).sum()
}
