//! `World`: everything simulated, in memory, behind one lock, with its clock.
//! Invariant: the lock is never held across an await; time never goes back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::model::moment::Moment;
use crate::sim::cloud::Cloudlet;
use crate::sim::rates::{Rate, Rates};
use crate::sim::requests::{Requests, Vendor};
use crate::sim::trouble::{Mishap, Trouble};

/// A world that several tasks share.
pub type Shared = Arc<Mutex<World>>;

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockMode {
    /// Only by `advance_to` and `sleep`.
    Manual,
    /// As on the wall, so many times faster; begins now.
    Real {
        /// 1.0 is real time; held inside 0.001 and 1,000,000.
        speed: f64,
    },
}

/// How the simulated DigitalOcean behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// When a manual clock begins.
    pub start: Moment,
    /// From a create until it is `active`.
    pub boot_seconds: u64,
    /// From then on until it has checked itself and says that it is ready.
    pub first_boot_seconds: u64,
    /// The private address stands before the public one, as at the real place.
    pub private_first: bool,
    /// How long a new droplet is missing from listings.
    pub listing_lag_seconds: u64,
    /// How long a destroyed droplet can still be seen.
    pub delete_lag_seconds: u64,
    /// How long a power action takes.
    pub action_seconds: u64,
    /// How long a firewall takes to reach a droplet.
    pub firewall_seconds: u64,
    /// How many droplets the team may have.
    pub droplet_limit: u64,
    /// Requests an hour, per token.
    pub hourly_limit: u64,
    /// Requests a minute, per token.
    pub minute_limit: u64,
}

/// A mail that arrived.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// When.
    pub at: Moment,
    /// The envelope's recipients, joined by `, `.
    pub to: String,
    /// The subject, decoded.
    pub subject: String,
    /// The part of the Message-ID before its `@`.
    pub message_id: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// As it came; through the ports there is no other form than the text.
    pub raw: String,
}

/// One request, as both doors announce it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// To whom.
    pub vendor: Vendor,
    /// `GET`, `POST`, …; `SMTP` for mail.
    pub method: &'a str,
    /// The path without its query.
    pub path: &'a str,
    /// Whose request budget it costs.
    pub token: &'a str,
}

/// What becomes of a request before it reaches the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The budget, for DigitalOcean's headers.
    pub rate: Rate,
    /// What goes wrong; `Slow` has become `delay`.
    pub mishap: Option<Mishap>,
    /// How long the answer takes.
    pub delay: Duration,
    /// How long a client waits after a 429: as long as it says, else until the hour's oldest request is
    /// forgotten.
    pub after: Duration,
}

/// Everything simulated, in memory.
pub struct World {
    time: Time,
    cloud: Cloudlet,
    rates: Rates,
    /// All mails that arrived, oldest first.
    pub outbox: Vec<Delivered>,
    /// What is to go wrong.
    pub trouble: Trouble,
    /// What was asked.
    pub requests: Requests,
    /// By how many seconds our own clock is ahead of the vendors', or behind them.
    pub skew: i64,
}

enum Time {
    Manual { ms: i64 },
    Real { began: Instant, from: i64, skipped: i64, speed: f64 },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start: Moment::from_unix(1_793_610_000), // 2026-11-02T09:00:00Z
            boot_seconds: 25,
            first_boot_seconds: 20,
            private_first: true,
            listing_lag_seconds: 3,
            delete_lag_seconds: 4,
            action_seconds: 3,
            firewall_seconds: 4,
            droplet_limit: 2_000,
            hourly_limit: 5_000,
            minute_limit: 250,
        }
    }
}

impl World {
    /// An empty world.
    pub fn new(settings: Settings, mode: ClockMode) -> Self {
        let time = match mode {
            ClockMode::Manual => Time::Manual { ms: settings.start.unix() * 1_000 },
            ClockMode::Real { speed } => Time::Real {
                began: Instant::now(),
                from: wall_ms(),
                skipped: 0,
                speed: if speed.is_finite() { speed.clamp(0.001, 1e6) } else { 1.0 },
            },
        };
        Self {
            time,
            cloud: Cloudlet::new(settings),
            rates: Rates::default(),
            outbox: Vec::new(),
            trouble: Trouble::default(),
            requests: Requests::default(),
            skew: 0,
        }
    }

    /// An empty world to be shared.
    pub fn shared(settings: Settings, mode: ClockMode) -> Shared {
        Arc::new(Mutex::new(Self::new(settings, mode)))
    }

    /// What time it is, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        match &self.time {
            Time::Manual { ms } => *ms,
            Time::Real { began, from, skipped, speed } => {
                let passed = began.elapsed().mul_f64(*speed).as_millis();
                from.saturating_add(*skipped).saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
            }
        }
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        Moment::from_unix(self.now_ms().div_euclid(1_000))
    }

    /// What our own clock shows, right or wrong.
    pub fn our_now(&self) -> Moment {
        Moment::from_unix(self.now().unix().saturating_add(self.skew))
    }

    /// Whether time moves only when told to.
    pub fn is_manual(&self) -> bool {
        matches!(self.time, Time::Manual { .. })
    }

    /// Moves time forward to at least `to_ms`, in either mode; never back.
    pub fn advance_to(&mut self, to_ms: i64) {
        let now = self.now_ms();
        match &mut self.time {
            Time::Manual { ms } => *ms = (*ms).max(to_ms),
            Time::Real { skipped, .. } => *skipped += (to_ms - now).max(0),
        }
        self.cloud();
    }

    /// The simulated DigitalOcean, everything due by now done.
    pub fn cloud(&mut self) -> &mut Cloudlet {
        let now = self.now_ms();
        self.cloud.settle(now);
        &mut self.cloud
    }

    /// Lets a request in: counts it, weighs it against the budget, and asks trouble.
    pub fn admit(&mut self, call: &Call) -> Admission {
        let now = self.now_ms();
        self.requests.count(call.vendor, call.method, call.path);
        let (rate, limited) = match call.vendor {
            Vendor::DigitalOcean => self.rates.take(call.token, now, &self.cloud.settings),
            Vendor::Stripe | Vendor::Mail | Vendor::Droplet => (Rate::default(), None),
        };
        let latency = match call.vendor {
            Vendor::DigitalOcean | Vendor::Stripe => self.trouble.latency_ms,
            Vendor::Mail | Vendor::Droplet => 0,
        };
        let (mishap, slow) = match limited.or_else(|| self.trouble.next(call.method, call.path)) {
            Some(Mishap::Slow(ms)) => (None, ms),
            other => (other, 0),
        };
        let rate = match mishap {
            Some(Mishap::RateMinute) => rate.spent_for_a_minute(),
            Some(Mishap::RateHour) => rate.spent_for_an_hour(now),
            _ => rate,
        };
        // As the real adapter reckons, by its own clock; what is not in the hour ahead it does not believe.
        let ahead = rate.reset.saturating_sub(self.our_now().unix());
        let ahead = u64::try_from(ahead).ok().filter(|seconds| *seconds <= 3_600).unwrap_or(30);
        let after = Duration::from_secs(rate.retry_after.unwrap_or(ahead).max(1));
        Admission { rate, mishap, delay: Duration::from_millis(latency.saturating_add(slow)), after }
    }

    /// How much wall time is left until `until_ms`; `None` if that is now or past.
    fn left(&self, until_ms: i64) -> Option<Duration> {
        let ms = u64::try_from(until_ms - self.now_ms()).ok().filter(|ms| *ms > 0)?;
        match &self.time {
            Time::Manual { .. } => None,
            Time::Real { speed, .. } => Some(Duration::from_millis(ms).div_f64(*speed)),
        }
    }
}

/// Locks a world. A test that panicked elsewhere does not matter here: every change is made whole.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Manual: moves time forward to at least `until_ms`. Real: waits until then.
pub async fn wait_until(world: &Shared, until_ms: i64) {
    /// Long waits are taken in parts, so that a jump of the clock meanwhile is noticed.
    const PART: Duration = Duration::from_millis(200);
    loop {
        let left = {
            let mut world = lock(world);
            if world.is_manual() {
                world.advance_to(until_ms);
            }
            world.left(until_ms)
        };
        match left {
            Some(left) => tokio::time::sleep(left.clamp(Duration::from_millis(1), PART)).await,
            None => return,
        }
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
