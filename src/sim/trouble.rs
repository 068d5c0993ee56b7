//! Planned mishaps, the same at both doors. `Trouble::next` is the one place where it is decided
//! whether a call goes wrong: seeded storms will throw their dice there.

use serde::{Deserialize, Serialize};

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// Answered with this status; nothing was done.
    FailBefore(u16),
    /// Done, but answered with this status.
    FailAfter(u16),
    /// A proxy's HTML page with status 502; nothing was done.
    Html502,
    /// Done, but the connection closes without an answer.
    Drop,
    /// The minute's budget is spent: 429 with `retry-after`.
    RateMinute,
    /// The hour's budget is spent: 429 without it.
    RateHour,
    /// Done and answered, so many milliseconds late.
    Slow(u64),
    /// 409, code `lock_timeout` at Stripe: something else works on the same object; nothing was done.
    Locked,
    /// The pages of a listing shift while they are read, so that they contradict one another.
    Shifted,
}

/// What is read page by page, and grows.
const LISTINGS: [&str; 2] = ["GET /v2/droplets", "GET /v1/subscriptions"];

/// A mishap and the calls it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// The beginning of `METHOD path` (`POST /v2/droplets`), or all of it if it ends in `$`
    /// (`POST /v2/droplets$`, which leaves out `…/actions`). Mail is `SMTP mail`. Empty: every call.
    #[serde(default)]
    pub call: String,
    /// What goes wrong.
    pub mishap: Mishap,
    /// How many such calls go well before.
    #[serde(default)]
    pub skip: u32,
    /// How many go wrong then.
    #[serde(default = "once")]
    pub count: u32,
}

/// What is to go wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Mishaps to come, in the order in which they are tried.
    pub planned: Vec<Planned>,
    /// Every answer over HTTP takes this long at least.
    pub latency_ms: u64,
}

impl Trouble {
    /// Plans a mishap for the next call of this kind.
    pub fn plan(&mut self, call: &str, mishap: Mishap) {
        self.planned.push(Planned { call: call.to_owned(), mishap, skip: 0, count: 1 });
    }

    /// What goes wrong with this call, if anything.
    pub fn next(&mut self, method: &str, path: &str) -> Option<Mishap> {
        if self.planned.is_empty() {
            return None;
        }
        let call = format!("{method} {path}");
        let mut found = None;
        for planned in self.planned.iter_mut().filter(|p| p.waits_for(&call)) {
            if planned.skip > 0 {
                planned.skip -= 1;
            } else if planned.count > 0 {
                planned.count -= 1;
                found = Some(planned.mishap);
                break;
            }
        }
        self.planned.retain(|p| p.count > 0);
        found
    }
}

impl Planned {
    fn waits_for(&self, call: &str) -> bool {
        if self.mishap == Mishap::Shifted && !LISTINGS.contains(&call) {
            return false;
        }
        match self.call.strip_suffix('$') {
            Some(whole) => call == whole,
            None => call.starts_with(&self.call),
        }
    }
}

fn once() -> u32 {
    1
}
