//! Agreed: what a person said yes to, and what of later passes follows from that.
//! Invariant: of what takes something away, only what was shown is done, or what settles what was shown.

use std::collections::BTreeSet;

use crate::model::approval::Approval;
use crate::model::ids::{ServerName, StepId};
use crate::model::plan::{Notice, Plan};
use crate::model::step::{Action, DestroyCause, Fact, Step};

use super::digest::{destructive, digest, of_step};

/// What was agreed to, for all passes of one run.
#[derive(Debug, Clone)]
pub struct Agreed {
    digest: String,
    steps: BTreeSet<String>,
    /// Steps that were refused before, and said to be asked again.
    waiting: BTreeSet<StepId>,
    /// Asked to shut down: their power may be cut.
    stopping: BTreeSet<ServerName>,
    /// On their way to a customer: their delivery may fail, and is settled then.
    arriving: BTreeSet<ServerName>,
    is_begun: bool,
}

impl Agreed {
    /// A yes to a plan as it was shown.
    pub fn to(plan: &Plan) -> Self {
        let servers = |is: fn(&Step) -> bool, waits: fn(&Notice) -> bool| {
            let steps = plan.steps.iter().filter(|step| is(step)).filter_map(|step| step.server.clone());
            let notes = plan.notes.iter().filter(|note| waits(&note.notice));
            steps.chain(notes.filter_map(|note| note.server.clone())).collect()
        };
        let waiting = plan.notes.iter().filter_map(|note| match &note.notice {
            Notice::Waiting { step, .. } => Some(step.clone()),
            _ => None,
        });
        Self {
            digest: digest(plan),
            steps: destructive(plan).map(of_step).collect(),
            waiting: waiting.collect(),
            stopping: servers(
                |step| matches!(step.action, Action::Shutdown { .. }),
                |notice| matches!(notice, Notice::ShuttingDown { .. }),
            ),
            arriving: servers(is_of_delivery, is_on_its_way),
            is_begun: false,
        }
    }

    /// What a file says yes to besides, due or not.
    pub fn and(mut self, approval: &Approval) -> Self {
        self.steps.extend(approval.steps.iter().map(|step| step.is.clone()));
        self
    }

    /// Whether the first plan takes away something else than was shown.
    pub fn is_moved(&self, plan: &Plan) -> bool {
        !self.is_begun && self.digest != digest(plan)
    }

    /// From now on plans are what became of the first one.
    pub fn begin(&mut self) {
        self.is_begun = true;
    }

    /// Whether a later plan takes something away with this step that nobody agreed to.
    pub fn is_beyond(&self, step: &Step) -> bool {
        self.is_begun && step.action.is_destructive() && !self.covers(step)
    }

    fn covers(&self, step: &Step) -> bool {
        let is_in =
            |servers: &BTreeSet<ServerName>| step.server.as_ref().is_some_and(|it| servers.contains(it));
        let follows = match &step.action {
            Action::PowerOff { .. } => is_in(&self.stopping),
            action => is_settlement(action) && is_in(&self.arriving),
        };
        follows || self.waiting.contains(&step.id) || self.steps.contains(&of_step(step))
    }
}

/// What ends a delivery that failed; nobody has used the droplet.
fn is_settlement(action: &Action) -> bool {
    match action {
        Action::Destroy { cause, .. } => *cause != DestroyCause::Promised,
        Action::Refund { .. } | Action::Cancel { .. } => true,
        _ => false,
    }
}

fn is_of_delivery(step: &Step) -> bool {
    match &step.action {
        Action::Create { .. } | Action::Record { fact: Fact::GaveUp { .. } } => true,
        action => is_settlement(action),
    }
}

fn is_on_its_way(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::Arriving { .. }
            | Notice::Booting { .. }
            | Notice::GettingReady { .. }
            | Notice::NotReady { .. }
    )
}
