//! A plan as JSON, version 1, in types, so that its schema says what is written.
//! Invariant: fields are only ever added; times are RFC 3339 in UTC; what is read back is what was written.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::census::Question;
use crate::model::ids::{DropletId, ServerName, StepId};
use crate::model::insight::{Budget, Concern, Declared, Insight, Label, Lost, StripeEvent, Upcoming};
use crate::model::moment::Moment;
use crate::model::plan::{MoneyLine, Note, Notice, Plan, Uses};
use crate::model::step::{Action, Reason, Step};

use super::insight;
use super::verdict::Danger;
use super::view::{Counts, Part, PlanView, Row};
use super::why;
use super::words::{Sign, hides};

/// The version of every JSON document written here.
pub const VERSION: u64 = 1;

/// A plan with its words: what `basement plan --format json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// Always 1: fields are only ever added.
    pub version: u64,
    /// The moment of the census.
    pub at: Moment,
    /// The digest of what it takes away: what an approval is bound to.
    pub digest: Option<String>,
    /// What to think of it.
    pub verdict: VerdictDocument,
    /// Nothing is to do, under way or to ask.
    pub settled: bool,
    /// How many servers the files declare.
    pub servers: usize,
    /// How many of our droplets there are.
    pub droplets: usize,
    /// What is to be done: what is dangerous first, one server's steps together.
    pub steps: Vec<StepDocument>,
    /// What is only said, or under way.
    pub notes: Vec<NoteDocument>,
    /// What must be known before it may be applied.
    pub questions: BTreeSet<Question>,
    /// Why it may not be applied as it is.
    pub objections: Vec<String>,
    /// What was said against it, and waived.
    pub waived: Vec<String>,
    /// Money a month, in minor units by currency.
    pub money: MoneyLine,
    /// The same in words.
    pub money_text: Vec<String>,
    /// How much of each cap is used up.
    pub uses: Uses,
    /// Where a server's state is declared.
    pub declared: BTreeMap<ServerName, Vec<Declared>>,
    /// What happened at Stripe before that.
    pub events: BTreeMap<ServerName, StripeEvent>,
    /// What is lost with a droplet that is destroyed, by its number.
    pub lost: BTreeMap<DropletId, Lost>,
    /// What later passes will want, soonest first.
    pub upcoming: Vec<UpcomingDocument>,
    /// What will stand in its way.
    pub concerns: Vec<ConcernDocument>,
    /// What applying it takes of DigitalOcean's request budget.
    pub budget: Option<BudgetDocument>,
    /// The summary.
    pub summary: SummaryDocument,
}

/// The sentence that is read first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictDocument {
    /// How much to worry.
    pub danger: Danger,
    /// In words.
    pub text: String,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// What it is about; also the key it is asked with.
    pub id: StepId,
    /// For which server; null: about the whole fleet.
    pub server: Option<ServerName>,
    /// The action's word.
    pub kind: String,
    /// The character a line of text begins with.
    pub sign: char,
    /// What to do.
    pub action: Action,
    /// What to do, in words.
    pub text: String,
    /// Why.
    pub reason: ReasonDocument,
    /// It was intended before and its end is not known.
    pub again: bool,
    /// Whose doing it is, if the plan was made against a base.
    pub label: Option<Label>,
    /// What it changes in a month's cost, or gives back, in words.
    pub money: Option<String>,
    /// Further lines: who declared it, what is lost.
    pub details: Vec<String>,
}

/// Why a step is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonDocument {
    /// In words.
    pub text: String,
    /// As data.
    pub data: Reason,
}

/// Something said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteDocument {
    /// About which server; null: about none of the files.
    pub server: Option<ServerName>,
    /// Something is under way, so that the next look will find it changed.
    pub waits: bool,
    /// In words.
    pub text: String,
    /// As data.
    pub data: Notice,
}

/// A step to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpcomingDocument {
    /// In words.
    pub text: String,
    /// As data.
    #[serde(flatten)]
    pub data: Upcoming,
}

/// A concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConcernDocument {
    /// In words.
    pub text: String,
    /// What to do about it.
    pub cure: String,
    /// As data.
    pub data: Concern,
}

/// A request budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetDocument {
    /// In words.
    pub text: String,
    /// As data.
    #[serde(flatten)]
    pub data: Budget,
}

/// A plan in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryDocument {
    /// In words.
    pub text: String,
    /// How many steps and notes of each kind.
    pub counts: Counts,
}

/// JSON that is as harmless to a terminal as text is: what steers it, or turns or hides text, is escaped; read
/// back, it is the same.
pub fn tame(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside of strings there is no such character but the line break.
        if c != '\n' && hides(c) {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

impl PlanDocument {
    /// A plan with the words its view has chosen.
    pub fn new(plan: &Plan, view: &PlanView, objections: &[impl AsRef<str>], insight: &Insight) -> Self {
        let Plan { at, servers, droplets, steps, notes, questions, money, uses } = plan;
        let Insight { declared, events, lost, labels: _, upcoming, concerns, budget } = insight;
        let rows: BTreeMap<&StepId, &Row> =
            view.rows().filter_map(|row| Some((row.id.as_ref()?, row))).collect();
        let coming = view.rows_of(Part::Upcoming).zip(upcoming);
        Self {
            version: VERSION,
            at: *at,
            digest: view.digest.clone(),
            verdict: VerdictDocument { danger: view.danger, text: view.verdict.clone() },
            settled: plan.is_settled(),
            servers: *servers,
            droplets: *droplets,
            steps: steps.iter().filter_map(|step| Some(step_document(step, rows.get(&step.id)?))).collect(),
            notes: notes.iter().map(|n| note(n, plan)).collect(),
            questions: questions.clone(),
            objections: objections.iter().map(|text| text.as_ref().to_owned()).collect(),
            waived: view.rows_of(Part::Waived).map(|row| row.what.clone()).collect(),
            money: money.clone(),
            money_text: view.money.clone(),
            uses: uses.clone(),
            declared: declared.clone(),
            events: events.clone(),
            lost: lost.clone(),
            upcoming: coming
                .map(|(row, data)| UpcomingDocument { text: row.sentence(), data: data.clone() })
                .collect(),
            concerns: concerns.iter().map(concern).collect(),
            budget: budget.map(|data| BudgetDocument { text: insight::budget(&data), data }),
            summary: SummaryDocument { text: view.summary.clone(), counts: view.counts.clone() },
        }
    }
}

fn step_document(step: &Step, row: &Row) -> StepDocument {
    let Step { id, server, action, reason, again } = step;
    StepDocument {
        id: id.clone(),
        server: server.clone(),
        kind: action.word().to_owned(),
        sign: Sign::of(action).mark(),
        action: action.clone(),
        text: row.what.clone(),
        reason: ReasonDocument { text: row.why.clone(), data: reason.clone() },
        again: *again,
        label: row.label,
        money: row.money.clone(),
        details: row.details.clone(),
    }
}

fn note(note: &Note, plan: &Plan) -> NoteDocument {
    let Note { server, notice } = note;
    NoteDocument {
        server: server.clone(),
        waits: notice.waits(),
        text: why::notice(notice, server.as_ref(), plan.at),
        data: notice.clone(),
    }
}

fn concern(concern: &Concern) -> ConcernDocument {
    let insight::Worry { word: _, text, cure } = insight::concern(concern);
    ConcernDocument { text, cure, data: concern.clone() }
}
