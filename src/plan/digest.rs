//! Digests of a plan: of all of it, for a saved plan; of its destructive subset, for an approval. A step's server and
//! reason are in it: a yes is to what was read, and not to the same thing for another reason later.
//! Invariant: unrelated creates and letters do not change the latter; one more destroy does.

use sha2::{Digest as _, Sha256};

use crate::model::plan::Plan;
use crate::model::step::{Action, Step};

/// SHA-256 over the destructive steps in the order of their ids, as 64 hex digits.
pub fn digest(plan: &Plan) -> String {
    hash(destructive(plan))
}

/// The same over all steps: what a saved plan is bound to.
pub fn whole(plan: &Plan) -> String {
    hash(plan.steps.iter())
}

/// The same of one step.
pub fn of_step(step: &Step) -> String {
    hash(std::iter::once(step))
}

/// The steps that take something away.
pub fn destructive(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| step.action.is_destructive())
}

fn hash<'a>(steps: impl Iterator<Item = &'a Step>) -> String {
    let mut steps: Vec<&Step> = steps.collect();
    steps.sort_by(|a, b| a.id.cmp(&b.id));
    let mut hash = Sha256::new();
    for step in steps {
        let Step { id, server, action, reason, again: _ } = step;
        // The same money, asked for once more after a definite no.
        let action = match action {
            Action::Refund { order, attempt: _ } => &Action::Refund { order: order.clone(), attempt: 1 },
            action => action,
        };
        let line = serde_json::to_string(&(id, server, action, reason)).unwrap_or_default();
        hash.update(line + "\n");
    }
    format!("{:x}", hash.finalize())
}
