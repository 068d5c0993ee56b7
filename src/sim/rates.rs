//! DigitalOcean's two request budgets, per token: sliding hour and sliding minute.
//! Source: DigitalOcean API v2, "Rate Limit"; `retry-after` is sent for the minute's only.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::sim::trouble::Mishap;
use crate::sim::world::Settings;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// What DigitalOcean's headers say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Requests an hour.
    pub limit: u64,
    /// How many of them are left; 0 too while the minute's are spent.
    pub remaining: u64,
    /// When the oldest request of the hour is forgotten, Unix seconds.
    pub reset: i64,
    /// Seconds, only if the minute's budget is spent.
    pub retry_after: Option<u64>,
}

/// The requests of the last hour, by token.
#[derive(Debug, Default)]
pub struct Rates {
    /// Keyed by a hash, since tokens are not to be kept.
    windows: BTreeMap<u64, VecDeque<i64>>,
}

impl Rates {
    /// Takes one request from a token's budget, or says which budget is spent.
    pub fn take(&mut self, token: &str, now: i64, settings: &Settings) -> (Rate, Option<Mishap>) {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        let window = self.windows.entry(hasher.finish()).or_default();
        while window.front().is_some_and(|at| *at <= now - HOUR_MS) {
            window.pop_front();
        }
        let minute = window.partition_point(|at| *at <= now - MINUTE_MS);
        let in_minute = (window.len() - minute) as u64;
        let hour_spent = window.len() as u64 >= settings.hourly_limit;
        let minute_spent = in_minute >= settings.minute_limit;
        let wait = window.get(minute).map_or(1, |oldest| (oldest + MINUTE_MS - now + 999).div_euclid(1_000));
        if !hour_spent && !minute_spent {
            window.push_back(now);
        }
        let mut rate = Rate {
            limit: settings.hourly_limit,
            remaining: settings.hourly_limit.saturating_sub(window.len() as u64),
            reset: (window.front().copied().unwrap_or(now) + HOUR_MS).div_euclid(1_000),
            retry_after: None,
        };
        if hour_spent {
            return (rate, Some(Mishap::RateHour));
        }
        if minute_spent {
            rate.retry_after = u64::try_from(wait.max(1)).ok();
            return (rate, Some(Mishap::RateMinute));
        }
        (rate, None)
    }
}

impl Rate {
    /// As a burst's 429 shows it; a planned one says 5 seconds.
    pub fn spent_for_a_minute(self) -> Self {
        Self { remaining: 0, retry_after: self.retry_after.or(Some(5)), ..self }
    }

    /// As the hour's 429 shows it.
    pub fn spent_for_an_hour(self, now: i64) -> Self {
        let reset = if self.reset == 0 { (now + HOUR_MS).div_euclid(1_000) } else { self.reset };
        Self { remaining: 0, retry_after: None, reset, ..self }
    }
}
