//! The request budget of one DigitalOcean token, shared by everything that uses it.
//! Invariants: never more than `burst` requests begin in any minute; creates stop where the reserve for
//! cleaning up begins; nobody asks again before a 429's wait is over.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Semaphore, SemaphorePermit};

use super::http::Answer;
use crate::ports::Clock;

/// The longest wait inside one call; what takes longer is told to the caller.
pub const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Requests a minute. DigitalOcean allows 250 (5 % of the hour's 5,000) per token; 50 are left to people.
/// Source: API v2 description, "Rate Limit".
const BURST: usize = 200;
/// Requests of the hour that creates leave for cleaning up.
const RESERVE: u64 = 100;
const FLIGHTS: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);

/// What a request is for, which decides how far down the budget it may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Makes something: stops at the reserve, and leaves a tenth of the minute to the others.
    Make,
    /// Looks, switches or cleans up.
    Other,
}

/// The budget. One per token.
pub struct Pace {
    clock: Arc<dyn Clock>,
    flights: Semaphore,
    /// One waiter each, so that a thousand calls in line do not all watch the clock.
    makers: Turn<()>,
    others: Turn<()>,
    spent: AtomicU64,
    book: Mutex<Book>,
}

/// The permission to send one request; it ends when dropped.
#[must_use]
pub struct Flight<'a>(#[expect(dead_code, reason = "kept alive, never read")] SemaphorePermit<'a>);

/// There is no budget for so long that the caller should do something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    /// How long.
    pub after: Duration,
    /// Why, for a person.
    pub why: String,
}

struct Book {
    /// When the requests of the last minute began.
    begun: VecDeque<Duration>,
    burst: usize,
    reserve: u64,
    /// `ratelimit-remaining`, if it is low, and until when that is believed.
    low: Option<(u64, Duration)>,
    /// `ratelimit-remaining` and `ratelimit-limit` of the last answer that had both.
    seen: Option<(u64, u64)>,
    not_before: Duration,
}

enum Verdict {
    Go,
    Wait(Duration, String),
}

impl Pace {
    /// A fresh budget.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let book = Book {
            begun: VecDeque::new(),
            burst: BURST,
            reserve: RESERVE,
            low: None,
            seen: None,
            not_before: Duration::ZERO,
        };
        Self {
            clock,
            flights: Semaphore::new(FLIGHTS),
            makers: Turn::new(()),
            others: Turn::new(()),
            spent: AtomicU64::new(0),
            book: Mutex::new(book),
        }
    }

    /// How many requests this process has sent.
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// How many requests were left of the hour's, and how many an hour has, when an answer last said so.
    pub fn left(&self) -> Option<(u64, u64)> {
        self.book().seen
    }

    /// Waits for the budget. Waits longer than [`LONGEST_WAIT`] are handed back instead.
    pub async fn admit(&self, purpose: Purpose) -> Result<Flight<'_>, Exhausted> {
        let turn = match purpose {
            Purpose::Make => &self.makers,
            Purpose::Other => &self.others,
        };
        let _turn = turn.lock().await;
        loop {
            let permit = self.flights.acquire().await.map_err(|_| Exhausted {
                after: Duration::ZERO,
                why: "the request budget was closed".to_owned(),
            })?;
            let now = self.clock.elapsed().await;
            let verdict = self.book().verdict(now, purpose);
            match verdict {
                Verdict::Go => {
                    self.spent.fetch_add(1, Ordering::Relaxed);
                    return Ok(Flight(permit));
                }
                Verdict::Wait(after, why) if after > LONGEST_WAIT => return Err(Exhausted { after, why }),
                Verdict::Wait(after, why) => {
                    drop(permit);
                    pause(self.clock.as_ref(), after, &why).await;
                }
            }
        }
    }

    /// Learns from the headers of an answer. A 429 teaches [`Pace::rejected`]: that of a burst says that
    /// nothing remains although the hour is not spent.
    pub async fn learn(&self, answer: &Answer) {
        if answer.status == 429 {
            return;
        }
        let (limit, remaining) = (number(answer, "ratelimit-limit"), number(answer, "ratelimit-remaining"));
        let is_low = {
            let mut book = self.book();
            if let Some(limit) = limit {
                book.fit(limit);
            }
            book.seen = remaining.zip(limit).or(book.seen);
            match remaining {
                Some(left) if left < book.reserve => Some(left),
                Some(_) => {
                    book.low = None;
                    None
                }
                None => None,
            }
        };
        if let Some(left) = is_low {
            let back = self.reset_in(answer).await.unwrap_or(MINUTE).max(Duration::from_secs(1));
            let until = self.clock.elapsed().await.saturating_add(back);
            self.book().low = Some((left, until));
        }
    }

    /// Learns from a 429 how long everybody waits. `tries` counts this call's 429s before this one.
    pub async fn rejected(&self, answer: &Answer, tries: u32) -> Duration {
        let wait = match number(answer, "retry-after") {
            Some(seconds) => Duration::from_secs(seconds).min(LONGEST_WAIT),
            None => match self.reset_in(answer).await {
                Some(span) => span,
                None => backoff(tries),
            },
        };
        let wait = wait.max(Duration::from_secs(1));
        let until = self.clock.elapsed().await.saturating_add(wait);
        let mut book = self.book();
        book.not_before = book.not_before.max(until);
        wait
    }

    /// `ratelimit-reset` as a span, if it lies in the hour ahead. It has been seen in the past on a burst's
    /// 429 (<https://github.com/DNSControl/dnscontrol/issues/636>).
    async fn reset_in(&self, answer: &Answer) -> Option<Duration> {
        let reset = i64::try_from(number(answer, "ratelimit-reset")?).ok()?;
        let ahead = reset.checked_sub(self.clock.now().await.unix())?;
        (0..=3_600).contains(&ahead).then(|| Duration::from_secs(ahead.unsigned_abs()))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing panics while it is held; if it did, the numbers would still be good.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits, and says so.
pub async fn pause(clock: &dyn Clock, span: Duration, why: &str) {
    tracing::info!(seconds = span.as_secs_f64(), why, "waiting for DigitalOcean");
    clock.sleep(span).await;
}

/// 1, 2, 4 … 30 seconds, by the number of tries before.
pub fn backoff(tries: u32) -> Duration {
    Duration::from_secs(1u64.checked_shl(tries).unwrap_or(30).clamp(1, 30))
}

impl Book {
    /// Says whether a request may begin now, and if so writes it down.
    fn verdict(&mut self, now: Duration, purpose: Purpose) -> Verdict {
        while self.begun.front().is_some_and(|begun| *begun + MINUTE <= now) {
            self.begun.pop_front();
        }
        if self.not_before > now {
            return wait(self.not_before.saturating_sub(now), "it answered 429".to_owned());
        }
        let making = purpose == Purpose::Make;
        let room = if making { self.burst - self.burst / 10 } else { self.burst };
        if let Some(over) = self.begun.len().checked_sub(room) {
            let until = self.begun[over] + MINUTE;
            let why = format!("{} requests in the last minute, at most {room} may be", self.begun.len());
            return wait(until.saturating_sub(now), why);
        }
        if let (true, Some((left, until))) = (making, self.low) {
            if until > now {
                let why = format!(
                    "the token has {left} requests left this hour, and {} are kept for cleaning up",
                    self.reserve
                );
                return wait(until.saturating_sub(now), why);
            }
            // One goes ahead to learn how it stands now; the others wait for its answer.
            self.low = Some((left, now + MINUTE));
        }
        self.begun.push_back(now);
        Verdict::Go
    }

    /// A token with less than the usual 5,000 an hour gets a smaller minute and a smaller reserve.
    fn fit(&mut self, limit: u64) {
        self.burst = usize::try_from(limit / 25).unwrap_or(BURST).clamp(1, BURST);
        self.reserve = (limit / 10).min(RESERVE);
    }
}

/// Whole seconds, rounded up, so that a queue wakes once a second and not for every single slot.
fn wait(span: Duration, why: String) -> Verdict {
    Verdict::Wait(Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0)), why)
}

fn number(answer: &Answer, header: &str) -> Option<u64> {
    answer.header(header)?.trim().parse().ok()
}
