//! What a plan that people see says besides its steps: causes, what comes next, what will stand in its way, what
//! it takes. One for `plan` and `apply`; it reads only.

use std::collections::BTreeSet;

use crate::engine::{self, Eyes, Look, Setup};
use crate::model::insight::Insight;
use crate::model::moment::{Moment, Span};
use crate::model::plan::Plan;
use crate::plan::{attribution, forecast, guard, preflight};

use super::error::Failure;
use super::project::Project;
use super::wiring;

/// So far ahead a plan looks by itself.
const AHEAD: Span = Span::days(14);

/// All that is known of a plan; with another one that it was compared with, also whose doing each step is.
pub(super) async fn insight(
    eyes: &Eyes,
    project: &Project,
    setup: &Setup,
    look: &Look,
    other: Option<&Plan>,
) -> Insight {
    let (mut insight, shelf) = engine::insight(eyes, setup, look).await;
    insight.declared = wiring::declared(project, &look.plan);
    if let Some(other) = other {
        insight.labels = attribution::labels(&look.plan, other, &look.history);
    }
    let Look { plan, census, .. } = look;
    let until = census.at.plus(AHEAD);
    insight.upcoming = forecast::forecast(today(look, setup, &setup.waived(look)), until).upcoming;
    insight.concerns = preflight::concerns(plan, &setup.fleet, &project.config.catalogue, census, &shelf);
    let (left, limit) = eyes.cloud.left().unzip();
    insight.budget = preflight::budget(plan, left, limit);
    insight.concerns.extend(insight.budget.as_ref().and_then(preflight::shortage));
    insight
}

/// The same look, as it will be at a moment: everything due before it done, Stripe as the files say.
pub(super) fn at(look: Look, setup: &Setup, at: Moment) -> Result<Look, Failure> {
    let Look { census, .. } = &look;
    if at < census.at {
        return Err(Failure::new(
            format!("{at} is over: what was done stands in the ledger"),
            "`basement history` tells it; `--at` takes a later day",
        ));
    }
    let forecast::Forecast { plan, history, census, .. } =
        forecast::forecast(today(&look, setup, &setup.waived(&look)), at);
    let objections = guard::objections(&plan, &census, &history);
    Ok(Look { plan, history, census, objections, unanswered: look.unanswered })
}

fn today<'a>(look: &'a Look, setup: &'a Setup, allow: &'a BTreeSet<String>) -> forecast::Today<'a> {
    let Look { plan, census, history, .. } = look;
    forecast::Today { plan, fleet: &setup.fleet, census, history, policy: &setup.policy, allow }
}
