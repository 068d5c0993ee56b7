//! What a new server is called: the user's slug and a short hash of the subscription's id.
//! Given once: a server that has a file keeps its name and its user for ever.

use sha2::{Digest, Sha256};

use crate::model::billing::Subscription;
use crate::model::ids::{ServerName, SubscriptionId, UserSlug};

/// The slug's longest: with `-` and 8 characters of hash it is far from a label's 63.
const LONGEST: usize = 40;

/// The name of a subscription's server, and whose it is.
pub(super) fn name(subscription: &Subscription) -> (ServerName, UserSlug) {
    // An address would be personal data in a file and in a tag.
    let given = subscription.user_id.as_deref().filter(|id| !id.contains('@')).map(slug);
    let slug =
        given.flatten().or_else(|| slug(subscription.customer.as_str())).unwrap_or_else(|| "user".into());
    let user = UserSlug::parse(&slug).expect("a slug is a label");
    let server = ServerName::parse(&given_to(&user, &subscription.id));
    (server.expect("a slug and a hash make a label"), user)
}

/// The name that was given to the server of a user's subscription.
pub(super) fn given_to(user: &UserSlug, subscription: &SubscriptionId) -> String {
    format!("{user}-{}", hash(subscription.as_str()))
}

/// Whether a subscription's own `user_id` is left aside since it looks like a mail address.
pub(super) fn is_address(subscription: &Subscription) -> bool {
    subscription.user_id.as_deref().is_some_and(|id| id.contains('@'))
}

/// Lower case, everything but a-z and 0-9 as single dashes between words; `None` if nothing is left.
fn slug(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("-");
    slug.truncate(LONGEST);
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// 40 bits of SHA-256 in Crockford's alphabet, which has no letters that look alike.
fn hash(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let digest = Sha256::digest(text.as_bytes());
    let bits = digest[..5].iter().fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
    (0..8)
        .rev()
        .map(|place| char::from(ALPHABET[usize::try_from((bits >> (place * 5)) & 31).unwrap_or(0)]))
        .collect()
}
