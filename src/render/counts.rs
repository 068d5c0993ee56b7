//! How many steps of each kind a plan has, and the one line that sums it up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::money::Totals;
use crate::model::plan::Plan;
use crate::model::step::{Action, Step};

use super::view::refunds;
use super::words::count;

/// How many steps of each kind, and what else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Tags to make.
    #[serde(default)]
    pub tag: usize,
    /// Firewalls to put in place.
    #[serde(default)]
    pub firewall: usize,
    /// Droplets to create.
    pub create: usize,
    /// Droplets to destroy.
    pub destroy: usize,
    /// Droplets to ask to shut down.
    pub shutdown: usize,
    /// Droplets whose power is cut.
    pub power_off: usize,
    /// Droplets to power on.
    pub power_on: usize,
    /// Refunds to make.
    pub refund: usize,
    /// Subscriptions to end.
    pub cancel: usize,
    /// Letters to send.
    pub letter: usize,
    /// Facts to write down.
    pub record: usize,
    /// Things under way.
    pub waiting: usize,
    /// Things only said.
    pub notes: usize,
    /// Questions still open.
    pub questions: usize,
    /// Why the plan may not be applied as it is.
    pub objections: usize,
}

impl Counts {
    /// Counts a plan's parts.
    pub fn of(plan: &Plan, objections: usize) -> Self {
        let mut counts = Self { questions: plan.questions.len(), objections, ..Self::of_steps(&plan.steps) };
        counts.waiting = plan.notes.iter().filter(|n| n.notice.waits()).count();
        counts.notes = plan.notes.len() - counts.waiting;
        counts
    }

    fn of_steps<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut counts = Self::default();
        for step in steps {
            *counts.slot(&step.action) += 1;
        }
        counts
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        let Self { tag, firewall, create, destroy, shutdown, power_off, power_on, .. } = self;
        let Self { refund, cancel, letter, record, .. } = self;
        tag + firewall
            + create
            + destroy
            + shutdown
            + power_off
            + power_on
            + refund
            + cancel
            + letter
            + record
    }

    fn slot(&mut self, action: &Action) -> &mut usize {
        match action {
            Action::Record { .. } => &mut self.record,
            Action::Tag { .. } => &mut self.tag,
            Action::Firewall { .. } => &mut self.firewall,
            Action::Destroy { .. } => &mut self.destroy,
            Action::Refund { .. } => &mut self.refund,
            Action::Cancel { .. } => &mut self.cancel,
            Action::Shutdown { .. } => &mut self.shutdown,
            Action::PowerOff { .. } => &mut self.power_off,
            Action::PowerOn { .. } => &mut self.power_on,
            Action::Create { .. } => &mut self.create,
            Action::Letter { .. } => &mut self.letter,
        }
    }
}

/// The last line: what is to be done, and what else there is.
pub(super) fn summary(counts: &Counts, refunds: &Totals, servers: usize, is_broken: bool) -> String {
    let Counts { waiting, notes, questions, objections, .. } = counts;
    let n = |n: usize, noun: &str| (n > 0).then(|| count(n as u64, noun));
    let steps = counted(counts, refunds);
    let rest: Vec<String> = [
        is_broken.then(|| "breaker open".to_owned()),
        (*waiting > 0).then(|| format!("{waiting} under way")),
        n(*notes, "note"),
        n(*questions, "question"),
        n(*objections, "objection"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let head = match (steps.is_empty(), rest.is_empty()) {
        (true, true) => format!("nothing to do: {} as declared", count(servers as u64, "server")),
        (true, false) if *waiting > 0 || *questions > 0 => "nothing to do yet".to_owned(),
        (true, false) => format!("nothing to do: {} declared", count(servers as u64, "server")),
        (false, _) => format!("plan: {}", steps.join(", ")),
    };
    if rest.is_empty() { head } else { format!("{head}; {}", rest.join(", ")) }
}

/// How many steps of each kind, in words.
pub(super) fn step_words(steps: &[&Step]) -> Vec<String> {
    let steps = || steps.iter().copied();
    counted(&Counts::of_steps(steps()), &refunds(steps()))
}

fn counted(counts: &Counts, refunds: &Totals) -> Vec<String> {
    let Counts { create, destroy, shutdown, power_off, power_on, refund, cancel, letter, record, .. } =
        counts;
    let Counts { tag, firewall, .. } = counts;
    let n = |n: usize, noun: &str| (n > 0).then(|| count(n as u64, noun));
    let to = |n: usize, verb: &str| (n > 0).then(|| format!("{n} to {verb}"));
    let refund = n(*refund, "refund").map(|text| format!("{text} ({refunds})"));
    [
        n(*tag, "tag").map(|text| format!("{text} to make")),
        n(*firewall, "firewall").map(|text| format!("{text} to put in place")),
        to(*create, "create"),
        to(*destroy, "destroy"),
        to(*shutdown, "shut down"),
        to(*power_off, "power off"),
        to(*power_on, "power on"),
        refund,
        n(*cancel, "subscription").map(|text| format!("{text} to cancel")),
        n(*letter, "letter"),
        to(*record, "record"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
