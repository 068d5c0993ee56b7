//! What is known about a plan besides its steps, as far as the vendors must be asked for it.
//! Invariant: only reads, asked by `basement plan` alone; what cannot be had is left out, and no fault.

use crate::model::insight::Insight;
use crate::plan::causes;
use crate::plan::preflight::Shelf;
use crate::ports::Fault;

use super::{Eyes, Look, Setup, preflight};

/// What happened at Stripe before a plan's steps, what goes with what it destroys, and what there is of the things
/// that its creates name.
pub async fn insight(eyes: &Eyes, setup: &Setup, look: &Look) -> (Insight, Shelf) {
    let Look { plan, census, history, .. } = look;
    // A key that may not read events is a good one all the same: it is said, and they are left out.
    let found = match causes::trace(plan) {
        Some((kinds, since)) => eyes.billing.events(&kinds, since).await,
        None => Ok(Vec::new()),
    };
    let mut shelf = preflight::shelf(eyes, look).await;
    if found.as_ref().is_err_and(Fault::is_forbidden) {
        shelf.denied.insert(("Stripe", "Events: read"));
    }
    let found = found.unwrap_or_default();
    let insight = Insight {
        events: causes::events(plan, &setup.fleet, census, &found),
        lost: causes::lost(plan, census, history),
        ..Insight::default()
    };
    (insight, shelf)
}
