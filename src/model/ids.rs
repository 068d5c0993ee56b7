//! Names and ids, each checked against a closed alphabet when it is made.
//! Invariant: a value of these types is safe in a path, a header, a tag and a shell word.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {rule}")]
pub struct BadId {
    /// What was wanted, e.g. `server name`.
    pub kind: &'static str,
    /// What was given, cut to 80 characters.
    pub text: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and takes a text; the error names the rule.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { kind: $kind, text: text.chars().take(80).collect(), rule: $rule })
                }
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A server's name: a DNS label in lower case, also the droplet's name and, behind `server-`,
    /// its tag. Stricter than DigitalOcean's own rule for names, on purpose.
    ServerName, "server name", is_label,
    "1 to 63 of a-z, 0-9 and -, neither first nor last a -"
);
text_id!(
    /// A user's slug; behind `user-` it is a tag of the droplet.
    UserSlug, "user slug", is_label,
    "1 to 63 of a-z, 0-9 and -, neither first nor last a -"
);
text_id!(
    /// The name of a plan in the catalogue (`basic`, `pro`).
    PlanName, "plan name", is_label,
    "1 to 63 of a-z, 0-9 and -, neither first nor last a -"
);
text_id!(
    /// A region, size or image of DigitalOcean (`nyc3`, `s-1vcpu-1gb`).
    Slug, "slug", is_slug, "1 to 100 of a-z, 0-9, - _ and ."
);
text_id!(
    /// A Stripe customer (`cus_…`).
    CustomerId, "customer id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// A Stripe subscription (`sub_…`).
    SubscriptionId, "subscription id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// A Stripe invoice (`in_…`).
    InvoiceId, "invoice id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// What money was taken with at Stripe: a payment intent (`pi_…`) or a bare charge (`ch_…`).
    PaymentId, "payment id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// A Stripe refund (`re_…`).
    RefundId, "refund id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// A firewall at DigitalOcean: a UUID.
    FirewallId, "firewall id", is_vendor_id, "1 to 255 of A-Z, a-z, 0-9, - and _"
);
text_id!(
    /// What a step is about, e.g. `refund/sub_1/pi_1`: never random, never the clock.
    StepId, "step id", is_step_id, "words of A-Z, a-z, 0-9, - _ . : joined by /"
);

/// A droplet's number at DigitalOcean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DropletId(pub u64);

impl DropletId {
    /// Numbers from here on are of droplets that are only predicted; nobody is shown them.
    pub const PREDICTED: u64 = u64::MAX / 2;

    /// Whether it is of a droplet that is only predicted.
    pub fn is_predicted(self) -> bool {
        self.0 >= Self::PREDICTED
    }
}

impl fmt::Display for DropletId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StepId {
    /// Joins words known to be clean with `/`.
    ///
    /// # Panics
    /// If a word has a character outside the alphabet: a bug of the caller.
    pub fn of(words: &[&dyn fmt::Display]) -> Self {
        let text = words.iter().map(ToString::to_string).collect::<Vec<_>>().join("/");
        Self::parse(&text).expect("step ids are made of checked ids")
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_slug(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_vendor_id(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_step_id(text: &str) -> bool {
    // Two ids of Stripe's longest, and a word.
    (1..=600).contains(&text.len())
        && text.split('/').all(|word| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        })
}
