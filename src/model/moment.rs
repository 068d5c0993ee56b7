//! A moment and a span, in whole seconds, UTC. Nothing here reads a clock.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in time, in whole seconds since 1970 (UTC). Written `2026-11-02T09:14:00Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

/// A length of time in whole seconds, never negative. Written `90s`, `5m`, `12h`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u64);

/// A text that is not a moment or a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a {1}")]
pub struct BadTime(String, &'static str);

impl Moment {
    /// From Unix seconds, as Stripe writes times; held inside the years 1 to 9999.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(-62_135_596_800, 253_402_207_200))
    }

    /// Unix seconds.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, as DigitalOcean writes times; parts of a second are dropped. A bare date is midnight.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        if let Ok(t) = full.parse::<jiff::Timestamp>() {
            return Ok(Self::from_unix(t.as_second()));
        }
        // Of the very last day no clock of ours has the end: it is a time all the same.
        let last = full.strip_suffix('Z').and_then(|civil| civil.parse::<jiff::civil::DateTime>().ok());
        last.filter(|civil| civil.date() == jiff::civil::Date::MAX)
            .map(|_| Self::from_unix(i64::MAX))
            .ok_or_else(|| BadTime(text.to_owned(), "time like `2026-11-02T09:14:00Z`"))
    }

    /// Reads a time as HTTP's `Date` has it (RFC 9110), `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn parse_http(text: &str) -> Result<Self, BadTime> {
        jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .map(|t| Self::from_unix(t.as_second()))
            .map_err(|_| {
                BadTime(text.chars().take(80).collect(), "time like `Sun, 06 Nov 1994 08:49:37 GMT`")
            })
    }

    /// Writes it so; `None` before the year 1.
    pub fn http(self) -> Option<String> {
        let at = jiff::Timestamp::from_second(self.0).ok()?;
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
    }

    /// This much later.
    pub fn plus(self, span: Span) -> Self {
        Self::from_unix(self.0.saturating_add_unsigned(span.0))
    }

    /// This much earlier.
    pub fn minus(self, span: Span) -> Self {
        Self::from_unix(self.0.saturating_sub_unsigned(span.0))
    }

    /// How long after `earlier` this is; zero if it is before.
    pub fn since(self, earlier: Self) -> Span {
        Span(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The day, `2026-11-02`.
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }

    /// The time of day, `09:14:00`.
    pub fn clock(self) -> String {
        self.to_string()[11..19].to_owned()
    }
}

impl Span {
    /// A span of seconds.
    pub const fn seconds(n: u64) -> Self {
        Self(n)
    }

    /// A span of minutes.
    pub const fn minutes(n: u64) -> Self {
        Self(n * 60)
    }

    /// A span of days of 24 hours.
    pub const fn days(n: u64) -> Self {
        Self(n * 86_400)
    }

    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Its whole seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// The same as std's.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }

    /// Reads `90s`, `5m`, `12h`, `7d`.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime(text.to_owned(), "span like `90s`, `5m`, `12h` or `7d`");
        let unit = text.chars().last().ok_or_else(bad)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(bad()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        digits.parse::<u64>().map(|n| Self(n * factor)).map_err(|_| bad())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(t) => f.pad(&t.to_string()),
            Err(_) => f.pad("9999-12-31T00:00:00Z"),
        }
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        let text = match n {
            0 => "0s".to_owned(),
            _ if n.is_multiple_of(86_400) => format!("{}d", n / 86_400),
            _ if n.is_multiple_of(3_600) => format!("{}h", n / 3_600),
            _ if n.is_multiple_of(60) => format!("{}m", n / 60),
            _ => format!("{n}s"),
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Moment {
    type Error = BadTime;
    fn try_from(text: String) -> Result<Self, BadTime> {
        Self::parse(&text)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

impl TryFrom<String> for Span {
    type Error = BadTime;
    fn try_from(text: String) -> Result<Self, BadTime> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}
