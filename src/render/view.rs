//! The plan arranged for a reader: sections, rows, totals, and the summary. Words, no markup.
//! Invariant: every renderer takes its words from here, so all say the same.

use std::collections::BTreeSet;

use crate::model::desired::Fleet;
use crate::model::history::History;
use crate::model::ids::{ServerName, StepId};
use crate::model::insight::{Concern, Insight, Label, Upcoming};
use crate::model::moment::Moment;
use crate::model::money::{Currency, Money, Totals};
use crate::model::plan::{MoneyLine, Note, Notice, Plan, Uses};
use crate::model::step::{Action, Step};

pub use super::counts::Counts;
pub use super::sections::{Part, Section};

use super::counts::summary;
use super::insight;
use super::money;
use super::sections;
use super::verdict::{Danger, verdict};
use super::why;
use super::words::{self, Places, Sign, clean, count};

/// A plan, ready to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanView {
    /// The sentence to be read first.
    pub verdict: String,
    /// How much to worry.
    pub danger: Danger,
    /// The moment it is valid at.
    pub at: Moment,
    /// The digest of what it takes away, if it was asked for.
    pub digest: Option<String>,
    /// What this is a plan of.
    pub heading: String,
    /// What is to be read, in order; none is empty.
    pub sections: Vec<Section>,
    /// Lines about money and caps.
    pub money: Vec<String>,
    /// Money a month before and after, one a currency.
    pub months: Vec<Month>,
    /// What applying it takes of the request budget.
    pub budget: Option<String>,
    /// How many steps and notes of each kind.
    pub counts: Counts,
    /// The last line.
    pub summary: String,
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
    /// It takes something away: no summary hides whose it is.
    pub takes: bool,
    /// Why, in the few words that many rows share.
    pub cause: String,
    /// When, if it is not to be done now.
    pub at: Option<Moment>,
    /// The step's id; none for a note.
    pub id: Option<StepId>,
}

/// A month's money in one currency, before and after the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// What comes in.
    pub revenue: Money,
    /// What the droplets cost now.
    pub cost: Money,
    /// What they will cost.
    pub cost_after: Money,
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
        let upcoming = insight.upcoming.iter().map(|next| upcoming_row(next, places, plan));
        let sections = [
            Section::new(Part::Stopped, "Stopped", note_rows(&breaker)),
            Section::new(Part::UnderWay, "Under way", note_rows(&waits)),
            Section::new(Part::Notes, "Notes", note_rows(&says)),
            Section::new(Part::Upcoming, "Upcoming", upcoming.collect()),
            Section::new(
                Part::Concerns,
                "What stands in its way",
                insight.concerns.iter().map(concern_row).collect(),
            ),
            Section::new(Part::Questions, "To be asked before it may be applied", asks.collect()),
            Section::new(Part::Objections, "Not to be applied as it is", objects.collect()),
        ];
        let mut sections: Vec<Section> =
            sections.into_iter().chain(sections::of_steps(steps, step_rows(plan, places, insight))).collect();
        sections.retain(|section| !section.rows.is_empty());
        // A stable sort: groups of steps keep their order.
        sections.sort_by_key(|section| section.part);
        let (danger, verdict) = verdict(plan, objections.len(), &insight.concerns);
        let heading = format!(
            "{} {} UTC: {} declared, {} seen",
            words::day(*at),
            at.clock(),
            count(*servers as u64, "server"),
            count(*droplets as u64, "droplet")
        );
        Self {
            verdict,
            danger,
            at: *at,
            digest: None,
            heading,
            sections,
            months: months(money),
            budget: insight.budget.as_ref().map(insight::budget),
            money: money::lines(money, &refunds).into_iter().chain(caps_line(uses)).collect(),
            summary: summary(&counts, &refunds, *servers, !breaker.is_empty()),
            counts,
        }
    }

    /// The same, naming the digest of what it takes away.
    pub fn with_digest(self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self }
    }

    /// The same with what the guard objected to and a person waived.
    pub fn waived(mut self, sentences: &[String]) -> Self {
        let row = |text: &String| Row::new(Sign::Note, "waived", "", clean(text), String::new());
        if !sentences.is_empty() {
            let rows = sentences.iter().map(row).collect();
            self.sections.push(Section::new(Part::Waived, "Objections that were waived", rows));
        }
        self
    }

    /// The steps' rows, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Row> {
        self.rows_of(Part::Steps)
    }

    /// The rows of one part, in order.
    pub fn rows_of(&self, part: Part) -> impl Iterator<Item = &Row> {
        self.sections.iter().filter(move |section| section.part == part).flat_map(|section| &section.rows)
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }
}

impl Row {
    pub(super) fn new(sign: Sign, verb: &str, subject: &str, what: String, why: String) -> Self {
        let (verb, subject) = (verb.to_owned(), subject.to_owned());
        Self {
            sign,
            // A note's kind is its cause; a step's is told apart below.
            cause: verb.clone(),
            verb,
            subject,
            what,
            why,
            details: Vec::new(),
            money: None,
            label: None,
            takes: false,
            at: None,
            id: None,
        }
    }

    /// All of it but its details, in one line: `in 3 days: destroy ada-7f3k2m9q, droplet 123 — …`.
    pub fn sentence(&self) -> String {
        let Self { verb, subject, what, money, why, .. } = self;
        let subject = if subject.is_empty() { String::new() } else { format!(" {subject}") };
        let money = money.as_ref().map(|money| format!(", {money}")).unwrap_or_default();
        let why = if why.is_empty() { String::new() } else { format!(" — {why}") };
        format!("{verb}{subject}, {what}{money}{why}")
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
    let takes = action.is_destructive();
    Row { money, label, takes, cause: why::cause(reason), id: Some(id.clone()), ..row }
}

/// A step to come: its time before its verb, its words as a step's own.
fn upcoming_row(next: &Upcoming, places: Places<'_>, plan: &Plan) -> Row {
    let Upcoming { at, server, action, reason, waits, if_unpaid } = next;
    let verb = format!("{}: {}", words::ahead(*at, plan.at), words::verb(action));
    let subject = server.as_ref().map_or("fleet", ServerName::as_str);
    let time = words::time_seen(*at, plan.at);
    let what = if is_guess(action) {
        time
    } else {
        format!("{time}, {}", words::what(action, server.as_ref(), places))
    };
    let mut why = why::reason(reason, plan.at);
    if *if_unpaid {
        why.push_str(", if it is not paid by then");
    }
    for name in waits {
        why.extend(["; `", name.as_str(), "` stands in its way"]);
    }
    let row = Row::new(Sign::of(action), &verb, subject, what, why);
    Row { cause: why::cause(reason), at: Some(*at), ..row }
}

/// Whether it is about a droplet that is not there yet: it has no number and no address to show.
fn is_guess(action: &Action) -> bool {
    match action {
        Action::Destroy { droplet, .. }
        | Action::Shutdown { droplet }
        | Action::PowerOff { droplet }
        | Action::PowerOn { droplet } => droplet.is_predicted(),
        Action::Letter { letter } => letter.is_welcome(),
        Action::Record { .. }
        | Action::Tag { .. }
        | Action::Firewall { .. }
        | Action::Refund { .. }
        | Action::Cancel { .. }
        | Action::Create { .. } => false,
    }
}

fn concern_row(concern: &Concern) -> Row {
    let insight::Worry { word, text, cure } = insight::concern(concern);
    Row::new(Sign::Note, word, "", format!("{text}; {cure}"), String::new())
}

/// Currencies side by side, never added up.
fn months(money: &MoneyLine) -> Vec<Month> {
    let MoneyLine { revenue, cost, cost_after, .. } = money;
    let currencies: BTreeSet<Currency> =
        [revenue, cost, cost_after].into_iter().flat_map(Totals::amounts).map(|m| m.currency).collect();
    let of =
        |totals: &Totals, currency| Money { amount: totals.0.get(&currency).copied().unwrap_or(0), currency };
    let month = |c| Month { revenue: of(revenue, c), cost: of(cost, c), cost_after: of(cost_after, c) };
    currencies.into_iter().map(month).collect()
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
pub(super) fn refunds<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Totals {
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
