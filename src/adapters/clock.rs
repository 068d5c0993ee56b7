//! Real time, and the simulator's time for rehearsals.
//! Invariant: only a loopback address can be asked for the time.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::http;
use crate::model::moment::Moment;
use crate::ports::Clock;

/// The machine's clock.
#[derive(Debug, Clone)]
pub struct RealClock {
    start: Instant,
}

/// The clock of a running simulator. Waiting there moves its time forward.
/// If the simulator is lost, the last known time stands still: nothing is guessed.
#[derive(Debug)]
pub struct SimClock {
    client: reqwest::Client,
    clock: Url,
    last_ms: AtomicU64,
}

#[derive(Deserialize)]
struct Reading {
    unix_ms: u64,
}

impl RealClock {
    /// Starts to measure now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for RealClock {
    async fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    async fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

impl SimClock {
    /// The clock at `{base}/control/clock`; an error if `base` is not a loopback URL.
    pub fn new(base: &str) -> Result<Self, String> {
        let url = Url::parse(base).map_err(|error| format!("`{base}` is not a URL: {error}"))?;
        if !is_loopback(&url) {
            return Err(format!(
                "`{base}` is not on this machine, so it cannot set the time; hint: use the address that `basement sim` prints"
            ));
        }
        let text = format!("{}/control/clock", base.trim_end_matches('/'));
        let clock = Url::parse(&text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        Ok(Self { client: http::client("basement", clock.as_str())?, clock, last_ms: AtomicU64::new(0) })
    }

    /// Milliseconds since 1970, as the simulator has them. A clock that was never read cannot stand still: it
    /// would show 1970. It is asked again for a while.
    async fn read(&self) -> u64 {
        const PATIENCE: u32 = 100;
        const REST: Duration = Duration::from_millis(50);
        let mut tries = 0;
        loop {
            match self.ask().await {
                Ok(Reading { unix_ms }) => self.last_ms.store(unix_ms, Ordering::Relaxed),
                Err(_) if self.last_ms.load(Ordering::Relaxed) == 0 && tries < PATIENCE => {
                    tries += 1;
                    tokio::time::sleep(REST).await;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "the simulator's clock cannot be read; its time stands still");
                }
            }
            return self.last_ms.load(Ordering::Relaxed);
        }
    }

    async fn ask(&self) -> Result<Reading, String> {
        let answer = http::exchange(self.client.get(self.clock.clone())).await;
        let answer = answer.map_err(|lost| lost.text().to_owned())?;
        serde_json::from_str(&answer.body).map_err(|error| format!("status {}: {error}", answer.status))
    }
}

#[async_trait]
impl Clock for SimClock {
    async fn now(&self) -> Moment {
        Moment::from_unix(i64::try_from(self.read().await / 1_000).unwrap_or(i64::MAX))
    }

    async fn elapsed(&self) -> Duration {
        Duration::from_millis(self.read().await)
    }

    async fn sleep(&self, span: Duration) {
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let until = self.read().await.saturating_add(span_ms);
        let url = format!("{}/sleep", self.clock);
        // The answer may take as long as the wait, where the simulator's time follows ours.
        let request = self.client.post(url).timeout(span.saturating_add(Duration::from_secs(60)));
        match http::exchange(request.json(&json!({ "until_ms": until }))).await {
            Ok(answer) if answer.status < 300 => {
                self.last_ms.fetch_max(until, Ordering::Relaxed);
            }
            Ok(answer) => tracing::warn!(answer.status, "the simulator's clock did not move"),
            Err(lost) => tracing::warn!(error = lost.text(), "the simulator's clock cannot be reached"),
        }
    }
}

/// Whether a URL's host is this machine itself.
pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
