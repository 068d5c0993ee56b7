//! What `basement plan` says besides the plan: what comes next, what will stand in its way, what it takes.

use crate::engine::{Look, Setup};
use crate::model::insight::Insight;
use crate::model::moment::{Moment, Span};
use crate::model::policy::Catalogue;
use crate::plan::forecast;
use crate::plan::preflight::{self, Shelf};

use super::error::Failure;

/// So far ahead a plan looks by itself.
const AHEAD: Span = Span::days(14);

/// All of it, into an insight.
pub(super) fn look_ahead(
    insight: &mut Insight,
    look: &Look,
    setup: &Setup,
    (catalogue, shelf): (&Catalogue, &Shelf),
    left: Option<(u64, u64)>,
) {
    let Look { plan, census, history, .. } = look;
    let until = census.at.plus(AHEAD);
    insight.upcoming = forecast::forecast(&setup.fleet, census, history, &setup.policy, until).upcoming;
    insight.concerns = preflight::concerns(plan, &setup.fleet, catalogue, census, shelf);
    let (left, limit) = left.unzip();
    insight.budget = preflight::budget(plan, left, limit);
    if let Some(concern) = insight.budget.as_ref().and_then(preflight::shortage) {
        insight.concerns.push(concern);
    }
}

/// The same look, as it will be at a moment: everything due before it done, Stripe as the files say.
pub(super) fn at(look: Look, setup: &Setup, at: Moment) -> Result<Look, Failure> {
    let Look { census, history, .. } = &look;
    if at < census.at {
        return Err(Failure::new(
            format!("{at} is over: what was done stands in the ledger"),
            "`basement history` tells it; `--at` takes a later day",
        ));
    }
    let forecast::Forecast { plan, history, census, .. } =
        forecast::forecast(&setup.fleet, census, history, &setup.policy, at);
    Ok(Look { plan, history, census, objections: Vec::new(), unanswered: look.unanswered })
}
