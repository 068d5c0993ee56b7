//! The verdict: the sentence that is read first, and how much it should worry.
//! Invariant: it is made from the steps themselves, so it can neither play down nor exaggerate them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::insight::Insight;
use crate::model::money::Totals;
use crate::model::plan::Plan;
use crate::model::step::{Action, DestroyCause, Step};

use super::counts::step_words;
use super::grip::{self, Grip};
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

/// How much to worry, and the sentences that say why; the first says to whom.
pub(super) fn verdict(plan: &Plan, objections: usize, insight: &Insight) -> (Danger, String) {
    let n = |n: usize, noun: &str| count(n as u64, noun);
    let (bad, good) = (takes(&plan.steps), gives(&plan.steps));
    let waiting = plan.notes.iter().filter(|note| note.notice.waits()).count();
    let it = if bad.is_empty() { String::new() } else { format!(": it {}", bad.join(", ")) };
    let (danger, mut text) = if objections > 0 {
        (Danger::Blocked, format!("Not to be applied as it is ({}){it}.", n(objections, "objection")))
    } else if !plan.questions.is_empty() {
        let questions = n(plan.questions.len(), "question");
        (Danger::Blocked, format!("Not to be applied yet ({questions} unanswered){it}."))
    } else if !bad.is_empty() {
        (Danger::Careful, format!("Careful: {}.", bad.join(", ")))
    } else if !good.is_empty() {
        (Danger::Safe, format!("Safe to apply: {}; nothing is taken away.", good.join(", ")))
    } else if waiting > 0 {
        (Danger::Nothing, format!("Nothing to do yet: {} under way.", n(waiting, "thing")))
    } else {
        (Danger::Nothing, "Nothing to do.".to_owned())
    };
    let rest = [lost(&plan.steps, insight), broken(plan), doomed(plan, insight), withdrawn(insight)];
    for sentence in rest.into_iter().flatten() {
        text.extend([" ", &sentence]);
    }
    (danger, text)
}

/// Whose data goes with what is destroyed, as far as it is known.
fn lost(steps: &[Step], insight: &Insight) -> Option<String> {
    let is_lost = |step: &&Step| match &step.action {
        Action::Destroy { droplet, cause: DestroyCause::Promised } => {
            insight.lost.get(droplet).is_some_and(|lost| lost.snapshots == 0)
        }
        _ => false,
    };
    let names = names(steps.iter().filter(is_lost));
    let theirs = if names.len() == 1 { "its data is" } else { "their data are" };
    (!names.is_empty()).then(|| format!("There is no snapshot of {}: {theirs} lost.", named(&names)))
}

fn broken(plan: &Plan) -> Option<String> {
    plan.is_broken().then(|| "The breaker is open: nothing is created, and no refund begins.".to_owned())
}

/// What is certain to be refused, and what only takes longer.
fn doomed(plan: &Plan, insight: &Insight) -> Option<String> {
    let refused = grip::doomed(insight, &plan.steps).len();
    let delays = insight.concerns.iter().any(|concern| grip::grip(concern) == Grip::Delays);
    if refused > 0 {
        return Some(format!(
            "It cannot succeed as it is: {} will be refused.",
            count(refused as u64, "create")
        ));
    }
    delays.then(|| "It will take longer than usual.".to_owned())
}

fn withdrawn(insight: &Insight) -> Option<String> {
    let words = step_words(&insight.withdrawn.iter().collect::<Vec<_>>());
    (!words.is_empty()).then(|| format!("No longer asked for: {}.", words.join(", ")))
}

/// What is taken away, the worst first.
fn takes(steps: &[Step]) -> Vec<String> {
    // Two kinds, and every cause is one of them.
    let destroys = |used: bool| {
        let is_used = |cause| match cause {
            DestroyCause::Promised => true,
            DestroyCause::NeverUp | DestroyCause::NeverTold => false,
        };
        let is_meant =
            |action: &Action| matches!(action, Action::Destroy { cause, .. } if is_used(*cause) == used);
        names(steps.iter().filter(|step| is_meant(&step.action)))
    };
    let mut refunds = Totals::default();
    for step in steps {
        if let Action::Refund { order, .. } = &step.action {
            refunds.add(order.amount);
        }
    }
    let n = |n: usize, noun: &str| count(n as u64, noun);
    let said = |n: usize, text: String| (n > 0).then_some(text);
    let of = |names: &[&str], what: &str| {
        said(names.len(), format!("destroys {} that {what} ({})", n(names.len(), "server"), named(names)))
    };
    let is_mended = |step: &&Step| matches!(&step.action, Action::Firewall { order } if order.takes_away());
    let mended = steps.iter().filter(is_mended).count();
    let cancels = servers(steps, |action| matches!(action, Action::Cancel { .. }));
    let off = servers(steps, |action| matches!(action, Action::Shutdown { .. } | Action::PowerOff { .. }));
    [
        of(&destroys(true), "somebody may have used"),
        of(&destroys(false), "nobody has used"),
        refunds.amounts().next().map(|_| format!("refunds {refunds}")),
        said(cancels, format!("cancels {}", n(cancels, "subscription"))),
        said(off, format!("switches off {}", n(off, "server"))),
        said(mended, format!("replaces the rules of {}", n(mended, "firewall"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The servers of some steps, each once.
fn names<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<&'a str> {
    let names: BTreeSet<&str> =
        steps.map(|step| step.server.as_ref().map_or("fleet", |name| name.as_str())).collect();
    names.into_iter().collect()
}

/// A few names; whoever wants the others finds them in the rows.
fn named(names: &[&str]) -> String {
    const FEW: usize = 3;
    let more = names.len().saturating_sub(FEW);
    let mut named: Vec<String> = names.iter().take(FEW).map(|name| (*name).to_owned()).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
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
