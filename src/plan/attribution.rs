//! Whose doing each step is: two plans over one census, subtracted. Pure.
//! Invariant: a partition: every step of the head's plan gets one label; against itself it gets no `this change`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::history::{History, Phase, Record};
use crate::model::ids::StepId;
use crate::model::insight::Label;
use crate::model::letter::Occasion;
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::model::step::{Action, Fact, Reason, Step};

use super::delivered::OLD_SHUTDOWN;

/// Labels every step of `head`, the plan from the files under review, against that from the files they are
/// compared with. Both are plans over the same census and history.
pub fn labels(head: &Plan, base: &Plan, history: &History) -> BTreeMap<StepId, Label> {
    let wanted: BTreeMap<&StepId, &Action> = base.steps.iter().map(|step| (&step.id, &step.action)).collect();
    let label = |step: &Step| match wanted.get(&step.id) {
        Some(action) if **action == step.action => standing(step, history, head.at),
        // Not wanted there, or not like this.
        Some(_) | None => Label::ThisChange,
    };
    head.steps.iter().map(|step| (step.id.clone(), label(step))).collect()
}

/// What `base` wants and `head` does not any more: what a change of the files takes back.
pub fn withdrawn(head: &Plan, base: &Plan) -> Vec<Step> {
    let kept: BTreeSet<&StepId> = head.steps.iter().map(|step| &step.id).collect();
    base.steps.iter().filter(|step| !kept.contains(&step.id)).cloned().collect()
}

/// Whose doing a step is that the files they are compared with ask for too.
fn standing(step: &Step, history: &History, at: Moment) -> Label {
    let unknown = Record::default();
    let record = match &step.server {
        Some(server) => history.records.get(server).unwrap_or(&unknown),
        None => &history.fleet,
    };
    let is_begun = step.again || record.failures.contains_key(&step.id);
    // Asked to shut down long ago, and on again.
    let is_back = record.stopped.is_some_and(|asked| at >= asked.plus(OLD_SHUTDOWN));
    if is_begun || follows(step, record, is_back) {
        Label::InFlight
    } else if moved(step, record, is_back) {
        Label::Drift
    } else {
        Label::Pending
    }
}

/// Whether an earlier pass began what this step goes on with.
fn follows(step: &Step, record: &Record, is_back: bool) -> bool {
    let is_made = matches!(record.phase, Phase::Creating | Phase::Booting | Phase::Failed);
    match (&step.action, &step.reason) {
        // A delivery, or its settlement, is under way.
        (
            Action::Record { .. } | Action::Destroy { .. } | Action::Refund { .. } | Action::Cancel { .. },
            _,
        ) if is_made && !is_declared(&step.reason) => true,
        (Action::Record { .. } | Action::Destroy { .. }, Reason::NeverUp { .. } | Reason::NeverReady { .. })
        | (Action::Record { .. } | Action::Destroy { .. }, Reason::Unopened { .. } | Reason::MaybeTold | Reason::Begun)
        | (Action::Record { .. }, Reason::Found | Reason::NotFound { .. } | Reason::NotDelivered { .. })
        // The breaker's: earlier passes failed.
        | (Action::Record { fact: Fact::BreakerOpened { .. } }, _)
        | (Action::PowerOff { .. }, Reason::StillOn { .. }) => true,
        // Absent because we destroyed it.
        (Action::Record { fact: Fact::Ended } | Action::Destroy { .. }, _) => record.destroyed.is_some(),
        // Asked to be off, and never seen off since.
        (Action::Shutdown { .. }, _) => record.stopped.is_some() && !record.told_off && !is_back,
        // Tried before, and certainly nothing was made.
        (Action::Create { .. }, Reason::Declared { .. }) => record.attempt > 0,
        (Action::Letter { letter }, _) => is_answer(&letter.occasion, record),
        (
            Action::Record { .. }
            | Action::Tag { .. }
            | Action::Firewall { .. }
            | Action::Refund { .. }
            | Action::Cancel { .. }
            | Action::PowerOff { .. }
            | Action::PowerOn { .. }
            | Action::Create { .. },
            _,
        ) => false,
    }
}

/// Whether a letter tells of what an earlier pass did.
fn is_answer(occasion: &Occasion, record: &Record) -> bool {
    match occasion {
        Occasion::Welcome { .. }
        | Occasion::Failed { .. }
        | Occasion::AlertFailed { .. }
        | Occasion::AlertRefused { .. }
        | Occasion::AlertRefund { .. }
        | Occasion::AlertNotReady { .. }
        | Occasion::AlertUnsure { .. }
        | Occasion::AlertFirewall { .. }
        | Occasion::AlertBreaker { .. } => true,
        Occasion::Suspended { .. } | Occasion::Ending { .. } => record.stopped.is_some(),
        Occasion::Resumed { .. } => record.powered_on.is_some(),
        Occasion::Ended => record.destroyed.is_some(),
        Occasion::AlertDeleted { .. } => false,
        Occasion::AlertMany { told } => !told.iter().any(|told| is_deleted(&told.occasion)),
    }
}

/// Whether the record had reached what the files ask for, and the census shows something else.
fn moved(step: &Step, record: &Record, is_back: bool) -> bool {
    match (&step.action, &step.reason) {
        // Delivered and never stopped by us since, but off.
        (Action::PowerOn { .. }, _) => record.phase == Phase::Delivered && record.stopped.is_none(),
        // Stopped by us, but on.
        (Action::Shutdown { .. }, _) => record.stopped.is_some() && (record.told_off || is_back),
        // Gone, made anew, or there, and none of it by us.
        (Action::Record { fact: Fact::Deleted { .. } | Fact::Ended | Fact::Adopted { .. } }, _)
        | (Action::Create { .. }, Reason::Anew)
        // Our firewall, changed by somebody.
        | (Action::Firewall { .. }, Reason::Changed) => true,
        // Ended for us, and there again.
        (Action::Destroy { .. }, _) => record.phase == Phase::Ended,
        (Action::Letter { letter }, _) => match &letter.occasion {
            Occasion::AlertMany { .. } | Occasion::Ended => true,
            occasion => is_deleted(occasion),
        },
        (
            Action::Record { .. }
            | Action::Tag { .. }
            | Action::Firewall { .. }
            | Action::Refund { .. }
            | Action::Cancel { .. }
            | Action::PowerOff { .. }
            | Action::Create { .. },
            _,
        ) => false,
    }
}

fn is_deleted(occasion: &Occasion) -> bool {
    matches!(occasion, Occasion::AlertDeleted { .. })
}

/// The file itself asks for it.
fn is_declared(reason: &Reason) -> bool {
    matches!(reason, Reason::Declared { .. } | Reason::GraceEnded { .. })
}
