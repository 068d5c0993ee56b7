//! A plan as one HTML page that needs nothing else: filters if scripts run, all of it if they do not.
//! Invariants: the template escapes every text; the policy lets no script and no style run but our own.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::model::ids::StepId;
use crate::model::moment::Moment;
use crate::model::money::Money;

use super::money::Month;
use super::sections::{label_unsaid, label_word};
use super::view::{Part, PlanView, Row, Section};
use super::words::{Sign, ahead};

const PAGE: &str = include_str!("../../pages/plan.html.j2");
const STYLE: &str = include_str!("../../pages/plan.css");
const SCRIPT: &str = include_str!("../../pages/plan.js");

/// Why a page cannot be written: the template is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template of the page is wrong: {0}")]
pub struct BadPage(String);

/// Writes a plan's page.
pub fn html(view: &PlanView) -> Result<String, BadPage> {
    let PlanView { verdict, danger, at, digest, heading, sections, money, months, budget, summary, .. } =
        view;
    let env = TEMPLATE.as_ref().map_err(|why| BadPage(why.clone()))?;
    let page = Page {
        style: STYLE,
        style_hash: hash(STYLE),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        verdict,
        danger: danger.word(),
        at: at.to_string(),
        digest: digest.as_deref(),
        heading,
        summary,
        money: money.iter().chain(budget).collect(),
        months: months.iter().map(bars).collect(),
        labels: view.rows().filter_map(label_word).collect(),
        causes: view.rows().map(|row| row.cause.as_str()).collect(),
        sections: urgent_first(sections).into_iter().map(|section| part(section, *at)).collect(),
    };
    let page = env.get_template("plan.html.j2").and_then(|template| template.render(Serde(&page)));
    page.map_err(|error| BadPage(error.to_string()))
}

static TEMPLATE: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_syntax(SyntaxConfig::builder().trim_blocks(false).build().map_err(|error| error.to_string())?);
    env.add_template("plan.html.j2", PAGE).map_err(|error| error.to_string())?;
    Ok(env)
});

/// What a policy names an inline script or style by.
fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

#[derive(Serialize)]
struct Page<'a> {
    style: &'a str,
    style_hash: String,
    script: &'a str,
    script_hash: String,
    verdict: &'a str,
    danger: &'static str,
    at: String,
    digest: Option<&'a str>,
    heading: &'a str,
    summary: &'a str,
    money: Vec<&'a String>,
    months: Vec<Vec<Bar>>,
    labels: BTreeSet<&'static str>,
    causes: BTreeSet<&'a str>,
    sections: Vec<PartOut<'a>>,
}

#[derive(Serialize)]
struct PartOut<'a> {
    part: &'static str,
    title: &'a str,
    counted: bool,
    rows: Vec<RowOut<'a>>,
    line: Vec<Mark>,
    from: &'static str,
    to: String,
}

#[derive(Serialize)]
struct RowOut<'a> {
    kind: &'static str,
    sign: char,
    verb: &'a str,
    subject: &'a str,
    what: &'a str,
    why: &'a str,
    details: &'a [String],
    money: Option<&'a str>,
    doing: &'static str,
    label: Option<&'static str>,
    cause: &'a str,
    id: Option<&'a str>,
}

/// A point of the timeline.
#[derive(Serialize)]
struct Mark {
    x: u64,
    sign: &'static str,
    text: String,
}

/// A bar of a month's money, as wide as its share of the greatest.
#[derive(Serialize)]
struct Bar {
    what: &'static str,
    class: &'static str,
    width: u64,
    amount: String,
}

/// A page is read from its top: why nothing may be done comes before what would be done.
fn urgent_first(sections: &[Section]) -> Vec<&Section> {
    let place = |section: &&Section| match section.part {
        Part::Stopped => 0,
        Part::Objections => 1,
        Part::Questions => 2,
        Part::Concerns => 3,
        Part::Steps => 4,
        Part::Withdrawn => 5,
        Part::Upcoming => 6,
        Part::UnderWay => 7,
        Part::Notes => 8,
        Part::Waived => 9,
    };
    let mut sections: Vec<&Section> = sections.iter().collect();
    sections.sort_by_key(place);
    sections
}

fn part(section: &Section, now: Moment) -> PartOut<'_> {
    let Section { part, title, doing: _, rows } = section;
    let last = rows.iter().filter_map(|row| row.at).max();
    PartOut {
        part: part_class(*part),
        title,
        counted: title.ends_with(')'),
        rows: rows.iter().map(|row| row_out(row, section)).collect(),
        line: last
            .map(|last| rows.iter().filter_map(|row| mark(row, now, last)).collect())
            .unwrap_or_default(),
        from: "now",
        to: last.map(|last| ahead(last, now)).unwrap_or_default(),
    }
}

fn row_out<'a>(row: &'a Row, section: &Section) -> RowOut<'a> {
    let Row { sign, verb, subject, what, why, details, money, label: _, takes: _, cause, at: _, id } = row;
    RowOut {
        kind: sign_class(*sign),
        sign: sign.mark(),
        verb,
        subject,
        what,
        why,
        details,
        money: money.as_deref(),
        doing: label_word(row).unwrap_or_default(),
        label: label_unsaid(row, section),
        cause,
        id: id.as_ref().map(StepId::as_str),
    }
}

/// Where on the line between now and the last of them a step comes.
fn mark(row: &Row, now: Moment, last: Moment) -> Option<Mark> {
    let span = last.since(now).as_seconds().max(1);
    let x = 20 + 960 * row.at?.since(now).as_seconds().min(span) / span;
    Some(Mark { x, sign: sign_class(row.sign), text: row.sentence() })
}

fn bars(month: &Month) -> Vec<Bar> {
    let Month { revenue, revenue_after, cost, cost_after } = month;
    let amounts = [
        ("revenue now", "in", revenue),
        ("revenue after", "in", revenue_after),
        ("cost now", "out", cost),
        ("cost after", "next", cost_after),
    ];
    let most = amounts.iter().map(|(_, _, money)| money.amount.max(0)).max().unwrap_or(0).max(1);
    let width =
        |money: &Money| u64::try_from(i128::from(money.amount.max(0)) * 100 / i128::from(most)).unwrap_or(0);
    let bar = |(what, class, money): (_, _, &Money)| Bar {
        what,
        class,
        width: width(money),
        amount: money.to_string(),
    };
    // A currency in which nothing is paid for droplets has no bars of costs.
    let costs = cost.amount != 0 || cost_after.amount != 0;
    amounts.into_iter().filter(|(_, class, _)| costs || *class == "in").map(bar).collect()
}

fn sign_class(sign: Sign) -> &'static str {
    match sign {
        Sign::Create => "create",
        Sign::Destroy => "destroy",
        Sign::Power => "power",
        Sign::Money => "back",
        Sign::Letter => "letter",
        Sign::Note => "note",
        Sign::Record => "record",
    }
}

fn part_class(part: Part) -> &'static str {
    match part {
        Part::Stopped => "stopped",
        Part::Steps => "steps",
        Part::Withdrawn => "withdrawn",
        Part::UnderWay => "underway",
        Part::Notes => "notes",
        Part::Upcoming => "upcoming",
        Part::Concerns => "concerns",
        Part::Questions => "questions",
        Part::Objections => "objections",
        Part::Waived => "waived",
    }
}
