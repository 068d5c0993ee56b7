//! What is known about a plan besides its steps, as far as the vendors must be asked for it.
//! Invariant: only reads, asked by `basement plan` alone; what cannot be had is left out, and no fault.

use crate::model::insight::Insight;
use crate::plan::causes;

use super::{Eyes, Look, Setup};

/// What happened at Stripe before a plan's steps, and what goes with what it destroys.
pub async fn insight(eyes: &Eyes, setup: &Setup, look: &Look) -> Insight {
    let Look { plan, census, history, .. } = look;
    // A key that may not read events is a good one all the same.
    let found = match causes::trace(plan) {
        Some((kinds, since)) => eyes.billing.events(&kinds, since).await.unwrap_or_default(),
        None => Vec::new(),
    };
    Insight {
        events: causes::events(plan, &setup.fleet, census, &found),
        lost: causes::lost(plan, census, history),
        ..Insight::default()
    }
}
