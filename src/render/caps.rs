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
    let counted = used.destroys.count;
    if destroys > counted {
        let rule = match counted {
            0 => "nobody has used them, so `caps` counts none".to_owned(),
            n => {
                format!("`caps` counts the {n} that somebody may have used, and allows {}", used.destroys.cap)
            }
        };
        let whole = format!("{} to destroy: {rule}", count(destroys as u64, "droplet"));
        parts.splice(0..usize::from(counted > 0), [whole]);
    }
    (!parts.is_empty()).then(|| format!("caps: {}", parts.join("; ")))
}
