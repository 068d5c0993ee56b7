//! The plan arranged for a reader: sections, rows, totals, and the summary. Words, no markup.
//! Invariant: every renderer takes its words from here, so all say the same.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::desired::Fleet;
use crate::model::history::History;
use crate::model::ids::{ServerName, StepId};
use crate::model::insight::{Insight, Label};
use crate::model::money::{Money, Totals};
use crate::model::plan::{Note, Notice, Plan, Uses};
use crate::model::step::{Action, Step};

use super::insight;
use super::money;
use super::why;
use super::words::{self, Places, Sign, clean, count};

/// The title of the steps.
pub(super) const STEPS: &str = "Steps";

/// A plan, ready to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    /// What this is a plan of.
    pub heading: String,
    /// What is to be read, in order; none is empty.
    pub sections: Vec<Section>,
    /// Lines about money and caps.
    pub money: Vec<String>,
    /// How many steps and notes of each kind.
    pub counts: Counts,
    /// The last line.
    pub summary: String,
}

/// Rows under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// One line: a sign, a verb, whom it is about, what, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its sign.
    pub sign: Sign,
    /// What is done.
    pub verb: String,
    /// To which server; empty if to none.
    pub subject: String,
    /// What exactly.
    pub what: String,
    /// Why; may be empty.
    pub why: String,
    /// Further lines: who declared it, what is lost.
    pub details: Vec<String>,
    /// What it changes in a month's cost, or gives back: `+$6.00 a month`.
    pub money: Option<String>,
    /// Whose doing it is.
    pub label: Option<Label>,
    /// The step's id; none for a note.
    pub id: Option<StepId>,
}

/// How many steps of each kind, and what else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tags to make.
    pub tag: usize,
    /// Firewalls to put in place.
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

impl PlanView {
    /// Chooses every word of a plan, once. `objections` are sentences of the guard.
    pub fn new<S: AsRef<str>>(
        plan: &Plan,
        fleet: &Fleet,
        history: &History,
        objections: &[S],
        insight: &Insight,
    ) -> Self {
        let Plan { at, servers, droplets, steps, notes, questions, money, uses } = plan;
        let refunds = refunds(steps);
        let places = Places { fleet, history };
        let counts = Counts::of(plan, objections.len());
        let is_breaker = |note: &&Note| matches!(note.notice, Notice::BreakerOpen { .. });
        let (breaker, rest): (Vec<&Note>, Vec<&Note>) = notes.iter().partition(is_breaker);
        let (waits, says): (Vec<&Note>, Vec<&Note>) = rest.into_iter().partition(|n| n.notice.waits());
        let note_rows = |notes: &[&Note]| notes.iter().map(|note| note_row(note, plan)).collect();
        let asks = questions.iter().map(why::question);
        let asks = asks.map(|(whom, text)| Row::new(Sign::Note, "ask", &whom, text, String::new()));
        let objects = objections
            .iter()
            .map(|o| Row::new(Sign::Note, "objection", "", clean(o.as_ref()), String::new()));
        let sections = [
            ("Stopped", note_rows(&breaker)),
            (STEPS, step_rows(plan, places, insight)),
            ("Under way", note_rows(&waits)),
            ("Notes", note_rows(&says)),
            ("To be asked before it may be applied", asks.collect()),
            ("Not to be applied as it is", objects.collect::<Vec<_>>()),
        ];
        let heading = format!(
            "{} {} UTC: {} declared, {} seen",
            words::day(*at),
            at.clock(),
            count(*servers as u64, "server"),
            count(*droplets as u64, "droplet")
        );
        Self {
            heading,
            sections: sections
                .into_iter()
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(title, rows)| Section { title: title.to_owned(), rows })
                .collect(),
            money: money::lines(money, &refunds).into_iter().chain(caps_line(uses)).collect(),
            summary: summary(&counts, &refunds, *servers, !breaker.is_empty()),
            counts,
        }
    }
}

impl PlanView {
    /// The same with what the guard objected to and a person waived.
    pub fn waived(mut self, sentences: &[String]) -> Self {
        let row = |text: &String| Row::new(Sign::Note, "waived", "", clean(text), String::new());
        if !sentences.is_empty() {
            let rows = sentences.iter().map(row).collect();
            self.sections.push(Section { title: "Objections that were waived".to_owned(), rows });
        }
        self
    }
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

impl Row {
    pub(super) fn new(sign: Sign, verb: &str, subject: &str, what: String, why: String) -> Self {
        let (verb, subject) = (verb.to_owned(), subject.to_owned());
        Self { sign, verb, subject, what, why, details: Vec::new(), money: None, label: None, id: None }
    }
}

/// The steps; what is behind a server's steps is said with the first of them.
fn step_rows(plan: &Plan, places: Places<'_>, insight: &Insight) -> Vec<Row> {
    let mut said = BTreeSet::new();
    let mut rows = Vec::new();
    for step in &plan.steps {
        let mut row = step_row(step, places, plan, insight);
        row.details.extend(insight::loss_of(step, insight, plan.at));
        if let Some(server) = step.server.as_ref().filter(|server| said.insert(*server)) {
            row.details.extend(insight::origin(server, insight, plan.at));
        }
        rows.push(row);
    }
    rows
}

fn step_row(step: &Step, places: Places<'_>, plan: &Plan, insight: &Insight) -> Row {
    let Step { id, server, action, reason, again } = step;
    let mut why = why::reason(reason, plan.at);
    if *again {
        why.push_str("; asked again with the same key, since its end is not known");
    }
    let what = words::what(action, server.as_ref(), places);
    let subject = server.as_ref().map_or("fleet", ServerName::as_str);
    let row = Row::new(Sign::of(action), words::verb(action), subject, what, why);
    let (money, label) = (plan.money.steps.get(id).and_then(money::step), insight.labels.get(id).copied());
    Row { money, label, id: Some(id.clone()), ..row }
}

fn note_row(note: &Note, plan: &Plan) -> Row {
    let Note { server, notice } = note;
    let subject = match (server, notice) {
        (Some(server), _) => server.to_string(),
        (None, Notice::Orphan { name, .. }) => clean(name),
        (None, _) => String::new(),
    };
    let text = why::notice(notice, server.as_ref(), plan.at);
    Row::new(Sign::Note, why::notice_word(notice), &subject, text, String::new())
}

/// What the steps give back: from the steps themselves, so that the sum cannot differ from the rows.
fn refunds<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Totals {
    let mut totals = Totals::default();
    for step in steps {
        if let Action::Refund { order, attempt: _ } = &step.action {
            totals.add(order.amount);
        }
    }
    totals
}

/// How much of each cap is used up; nothing if none is touched.
fn caps_line(uses: &Uses) -> Option<String> {
    let parts = words::uses(uses);
    (!parts.is_empty()).then(|| format!("caps: {}", parts.join(", ")))
}

/// Revenue less cost; `None` if they are in two currencies, which are never added up.
pub fn margin(revenue: &Totals, cost: &Totals) -> Option<Money> {
    let currencies: std::collections::BTreeSet<_> =
        revenue.amounts().chain(cost.amounts()).map(|m| m.currency).collect();
    let currency = match currencies.len() {
        0 => crate::model::money::Currency::USD,
        1 => *currencies.first()?,
        _ => return None,
    };
    let of = |totals: &Totals| totals.0.get(&currency).copied().unwrap_or(0);
    Some(Money { amount: of(revenue) - of(cost), currency })
}

fn summary(counts: &Counts, refunds: &Totals, servers: usize, is_broken: bool) -> String {
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
