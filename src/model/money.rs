//! Exact money: whole minor units (cents) and a currency. Two currencies are never added up.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A three-letter currency in lower case, as Stripe writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text that is not a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency: three letters such as `usd`")]
pub struct BadCurrency(String);

/// An amount in minor units (cents; whole yen), which may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
    /// Which currency.
    pub currency: Currency,
}

/// Sums per currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Totals(pub BTreeMap<Currency, i64>);

impl Currency {
    /// US dollars: what DigitalOcean bills in.
    pub const USD: Self = Self(*b"usd");

    /// Takes `usd` or `USD`.
    pub fn parse(text: &str) -> Result<Self, BadCurrency> {
        match text.as_bytes() {
            [a, b, c] if text.bytes().all(|x| x.is_ascii_alphabetic()) => {
                Ok(Self([*a, *b, *c].map(|x| x.to_ascii_lowercase())))
            }
            _ => Err(BadCurrency(text.chars().take(20).collect())),
        }
    }

    /// How many digits stand behind the point.
    /// Source: Stripe, "Zero-decimal currencies", "Three-decimal currencies" and "Special cases" (ISK and UGX have none,
    /// and are written with two all the same), <https://docs.stripe.com/currencies>.
    fn decimals(self) -> u32 {
        const ZERO: [&[u8; 3]; 15] = [
            b"bif", b"clp", b"djf", b"gnf", b"jpy", b"kmf", b"krw", b"mga", b"pyg", b"rwf", b"vnd", b"vuv",
            b"xaf", b"xof", b"xpf",
        ];
        const THREE: [&[u8; 3]; 5] = [b"bhd", b"jod", b"kwd", b"omr", b"tnd"];
        if ZERO.contains(&&self.0) {
            0
        } else if THREE.contains(&&self.0) {
            3
        } else {
            2
        }
    }
}

impl Money {
    /// So many US cents.
    pub const fn usd(cents: i64) -> Self {
        Self { amount: cents, currency: Currency::USD }
    }
}

impl Totals {
    /// Adds an amount to its currency's sum.
    pub fn add(&mut self, money: Money) {
        *self.0.entry(money.currency).or_default() += money.amount;
    }

    /// Takes an amount from its currency's sum.
    pub fn subtract(&mut self, money: Money) {
        self.add(Money { amount: -money.amount, ..money });
    }

    /// The sums as amounts, those that are zero left out.
    pub fn amounts(&self) -> impl Iterator<Item = Money> + '_ {
        self.0
            .iter()
            .filter(|(_, amount)| **amount != 0)
            .map(|(currency, amount)| Money { amount: *amount, currency: *currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u64.pow(self.currency.decimals());
        let (whole, rest) = (self.amount.unsigned_abs() / unit, self.amount.unsigned_abs() % unit);
        let number = match self.currency.decimals() {
            0 => whole.to_string(),
            n => format!("{whole}.{rest:0width$}", width = n as usize),
        };
        let minus = if self.amount < 0 { "-" } else { "" };
        let text = match &self.currency.0 {
            b"usd" => format!("{minus}${number}"),
            b"eur" => format!("{minus}€{number}"),
            b"gbp" => format!("{minus}£{number}"),
            _ => format!("{minus}{number} {}", self.currency.to_string().to_ascii_uppercase()),
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.amounts().map(|m| m.to_string()).collect();
        if parts.is_empty() { f.pad("$0.00") } else { f.pad(&parts.join(" + ")) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{}", char::from(*b)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Currency {
    type Error = BadCurrency;
    fn try_from(text: String) -> Result<Self, BadCurrency> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.to_string()
    }
}
