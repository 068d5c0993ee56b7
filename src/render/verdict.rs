//! The verdict: the sentence that is read first, and how much it should worry.
//! Invariant: it is made from the steps themselves, so it can neither play down nor exaggerate them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::insight::Concern;
use crate::model::money::Totals;
use crate::model::plan::Plan;
use crate::model::step::{Action, DestroyCause, Step};

use super::words::count;

/// How much a plan should worry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// It does nothing.
    Nothing,
    /// It takes nothing away.
    Safe,
    /// It destroys, refunds, cancels or switches off.
    Careful,
    /// It may not be applied as it is.
    Blocked,
}

impl Danger {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Safe => "safe",
            Self::Careful => "careful",
            Self::Blocked => "blocked",
        }
    }
}

/// How much to worry, and the sentences that say why.
pub(super) fn verdict(plan: &Plan, objections: usize, concerns: &[Concern]) -> (Danger, String) {
    let n = |n: usize, noun: &str| count(n as u64, noun);
    let (bad, good) = (takes(&plan.steps), gives(&plan.steps));
    let waiting = plan.notes.iter().filter(|note| note.notice.waits()).count();
    let (danger, mut text) = if objections > 0 {
        (Danger::Blocked, format!("Not to be applied: {}.", n(objections, "objection")))
    } else if !plan.questions.is_empty() {
        (
            Danger::Blocked,
            format!("Not to be applied yet: {} unanswered.", n(plan.questions.len(), "question")),
        )
    } else if !bad.is_empty() {
        (Danger::Careful, format!("Careful: {}.", bad.join(", ")))
    } else if !good.is_empty() {
        (Danger::Safe, format!("Safe to apply: {}; nothing is taken away.", good.join(", ")))
    } else if waiting > 0 {
        (Danger::Nothing, format!("Nothing to do yet: {} under way.", n(waiting, "thing")))
    } else {
        (Danger::Nothing, "Nothing to do.".to_owned())
    };
    if danger == Danger::Blocked && !bad.is_empty() {
        text.extend([" It ", &bad.join(", "), "."]);
    }
    if plan.is_broken() {
        text.push_str(" The breaker is open.");
    }
    let grave = concerns.iter().filter(|concern| concern.may_fail()).count();
    let rest = concerns.len() - grave;
    if grave > 0 {
        text.extend([" It may not succeed: ", &n(grave, "concern"), "."]);
    }
    if rest > 0 {
        let more = if grave > 0 { "more concern" } else { "concern" };
        text.extend([" Worth knowing: ", &n(rest, more), "."]);
    }
    (danger, text)
}

/// What is taken away, the worst first.
fn takes(steps: &[Step]) -> Vec<String> {
    // Two kinds, and every cause is one of them.
    let destroys = |used: bool| {
        let is_used = |cause| match cause {
            DestroyCause::Promised => true,
            DestroyCause::NeverUp | DestroyCause::NeverTold => false,
        };
        servers(steps, |action| matches!(action, Action::Destroy { cause, .. } if is_used(*cause) == used))
    };
    let mut refunds = Totals::default();
    for step in steps {
        if let Action::Refund { order, .. } = &step.action {
            refunds.add(order.amount);
        }
    }
    let n = |n: usize, noun: &str| count(n as u64, noun);
    let said = |n: usize, text: String| (n > 0).then_some(text);
    let (used, never) = (destroys(true), destroys(false));
    let is_mended = |step: &&Step| matches!(&step.action, Action::Firewall { order } if order.id.is_some());
    let mended = steps.iter().filter(is_mended).count();
    let cancels = servers(steps, |action| matches!(action, Action::Cancel { .. }));
    let off = servers(steps, |action| matches!(action, Action::Shutdown { .. } | Action::PowerOff { .. }));
    [
        said(used, format!("destroys {} in use", n(used, "server"))),
        said(never, format!("destroys {} that nobody has used", n(never, "server"))),
        refunds.amounts().next().map(|_| format!("refunds {refunds}")),
        said(cancels, format!("cancels {}", n(cancels, "subscription"))),
        said(off, format!("switches off {}", n(off, "server"))),
        said(mended, format!("replaces the rules of {}", n(mended, "firewall"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is made, sent or written down.
fn gives(steps: &[Step]) -> Vec<String> {
    let all = |is: fn(&Action) -> bool| steps.iter().filter(|step| is(&step.action)).count();
    let parts = [
        ("makes", "tag", all(|action| matches!(action, Action::Tag { .. }))),
        ("puts in place", "firewall", all(|action| matches!(action, Action::Firewall { .. }))),
        ("creates", "server", all(|action| matches!(action, Action::Create { .. }))),
        ("switches on", "server", all(|action| matches!(action, Action::PowerOn { .. }))),
        ("sends", "letter", all(|action| matches!(action, Action::Letter { .. }))),
        ("writes down", "fact", all(|action| matches!(action, Action::Record { .. }))),
    ];
    let parts = parts.into_iter().filter(|(_, _, n)| *n > 0);
    parts.map(|(verb, noun, n)| format!("{verb} {}", count(n as u64, noun))).collect()
}

/// Of how many servers a kind of step is; one step of none counts as one.
fn servers(steps: &[Step], is: impl Fn(&Action) -> bool) -> usize {
    steps.iter().filter(|step| is(&step.action)).map(|step| &step.server).collect::<BTreeSet<_>>().len()
}
