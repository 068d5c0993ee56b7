//! How much of each cap is used up, in words; what a cap counts is said with it.

use crate::model::plan::{Use, Uses};
use crate::model::step::{Action, Step};

use super::words::count;

/// Of each cap that is touched: `1 of 5 refunds in 24 hours ($35.00 of 500.00)`.
pub fn uses(uses: &Uses) -> Vec<String> {
    let Uses { destroys, refunds, refunded, refund_sum, letters } = uses;
    let of =
        |used: &Use, what: &str| (used.count > 0).then(|| format!("{} of {} {what}", used.count, used.cap));
    let sum = format!(" ({refunded} of {}.{:02})", refund_sum / 100, refund_sum % 100);
    [
        of(destroys, "destroys in one plan"),
        of(refunds, "refunds in 24 hours").map(|text| text + &sum),
        of(letters, "letters in 24 hours"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The line of a plan about caps; nothing if none is touched. Of its destroys a cap counts those that somebody may
/// have used, and where these are not all, that is said.
pub(super) fn line(used: &Uses, steps: &[Step]) -> Option<String> {
    let destroys = steps.iter().filter(|step| matches!(step.action, Action::Destroy { .. })).count();
    let mut parts = uses(used);
    if destroys > used.destroys.count {
        let counted = match used.destroys.count {
            0 => "nobody has used them, so `caps` counts none".to_owned(),
            n => format!("`caps` counts those that somebody may have used: {n}, and {} allowed", verb(used)),
        };
        let words = format!("{} to destroy; {counted}", count(destroys as u64, "droplet"));
        if used.destroys.count > 0 {
            parts[0] = words;
        } else {
            parts.insert(0, words);
        }
    }
    (!parts.is_empty()).then(|| format!("caps: {}", parts.join(", ")))
}

fn verb(used: &Uses) -> String {
    let cap = used.destroys.cap;
    format!("{cap} {}", if cap == 1 { "is" } else { "are" })
}
