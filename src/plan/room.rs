//! Room in the team's quota: which creates wait until destroys have made some, so that none is refused for want
//! of it. Pure: `preflight` says it, and `engine/apply` keeps to it.

use std::collections::BTreeSet;

use crate::model::census::Census;
use crate::model::ids::StepId;
use crate::model::plan::{Notice, Plan};
use crate::model::step::{Action, Step};

/// A plan that makes more droplets than there is room for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squeeze {
    /// How many droplets the team may have.
    pub limit: u64,
    /// How many it has, as far as is seen or expected.
    pub has: u64,
    /// How many are to be created.
    pub creates: u64,
    /// How many are to be destroyed, or on their way out.
    pub leaving: u64,
    /// The creates that wait for those, in this pass.
    pub later: BTreeSet<StepId>,
}

/// What a plan lacks of the quota; `None`: nothing, or nobody knows the quota. If nothing is to go, nothing is
/// waited for: DigitalOcean has the last word on what fits.
pub fn squeeze(plan: &Plan, census: &Census) -> Option<Squeeze> {
    let limit = census.account.as_ref()?.droplet_limit?;
    let number =
        |notice: fn(&Notice) -> bool| plan.notes.iter().filter(|note| notice(&note.notice)).count() as u64;
    let arriving = number(|notice| matches!(notice, Notice::Arriving { .. }));
    let has = census.droplets.len() as u64 + arriving;
    let creates: Vec<&Step> = of(plan, |action| matches!(action, Action::Create { .. }));
    let destroys = of(plan, |action| matches!(action, Action::Destroy { .. })).len() as u64;
    let leaving = destroys + number(|notice| matches!(notice, Notice::Leaving { .. }));
    let room = usize::try_from(limit.saturating_sub(has)).unwrap_or(usize::MAX);
    if creates.len() <= room {
        return None;
    }
    let waits = creates.iter().skip(room).filter(|_| leaving > 0);
    let later = waits.map(|step| step.id.clone()).collect();
    Some(Squeeze { limit, has, creates: creates.len() as u64, leaving, later })
}

fn of(plan: &Plan, is_it: fn(&Action) -> bool) -> Vec<&Step> {
    plan.steps.iter().filter(|step| is_it(&step.action)).collect()
}
