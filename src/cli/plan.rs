//! `basement plan`: look, and say what would be done. Reads only.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::engine::{self, Prices};
use crate::model::approval::Approval;
use crate::model::insight::Insight;
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::plan::approval::{Standing, standing};
use crate::plan::guard::Objection;
use crate::plan::preflight;
use crate::render;
use crate::render::against::against;
use crate::render::fold::fold;
use crate::render::json::PlanDocument;
use crate::render::preview::Preview;
use crate::render::view::PlanView;
use crate::render::words;

use super::error::{Failure, code, pretty};
use super::saved::Saved;
use super::{Allow, Context, apply, base, foresight, keys, overdue, project, say, wiring};

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal.
    Text,
    /// For programs; versioned, see `basement schema plan`.
    Json,
    /// For a pull request's comment.
    Markdown,
    /// A page for a browser.
    Html,
}

/// Arguments of `basement plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Show each of many like rows, and with `--base` also the steps that are not of this change.
    #[arg(long)]
    all: bool,
    /// Exit with 2 if there is something to do (3 if the guard objects, 6 if the breaker is open).
    #[arg(long)]
    exit_code: bool,
    /// Also save the plan in this file: for `apply FILE`, which does this and nothing else, and for `approve FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Say whose doing each step is: this change's, or what the files of REV ask for already.
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Show the letters that would be sent instead, each as it would be; passwords are dots.
    #[arg(long)]
    letters: bool,
    #[command(flatten)]
    allow: Allow,
    /// The plan of a later day, e.g. 2026-12-01: everything due before it done, Stripe as the files say.
    #[arg(long, value_parser = Moment::parse, value_name = "DAY", conflicts_with_all = ["out", "base", "letters"])]
    at: Option<Moment>,
}

pub(super) async fn run(context: &Context, args: &PlanArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let eyes = wiring::eyes(&project.config)?;
    let history = wiring::history(&project).await?;
    let setup = project.setup(&args.allow.allow);
    let base = args.base.as_ref().map(|revision| base::load(&project, revision)).transpose()?;
    let mut prices = Prices::default();
    let is_lost = args.allow.allow.iter().any(|name| name == apply::LOST_KEY);
    let strongbox = keys::strongbox(&project, is_lost).await?;
    let (look, other) =
        engine::compare((&eyes, strongbox.as_ref()), &setup, base.as_ref(), history, &mut prices).await?;
    let look = match args.at {
        Some(at) => foresight::at(look, &setup, at)?,
        None => look,
    };
    if let Some(path) = &args.out {
        Saved::new(&look, text(&look, &setup)).write(path)?;
    }
    if args.letters {
        let ledger = wiring::read_ledger(&project).await?;
        let letters = engine::preview(ledger.as_deref(), &setup, &look).await?;
        show_letters(&letters, args.format)?;
    } else {
        let insight = foresight::insight(&eyes, &project, &setup, &look, other.as_ref()).await;
        print(context, &look, &setup, &insight, args)?;
    }
    if let Some(why) = overdue::words(overdue::count(&project).await?) {
        say::remark(&format!("warning: {why}; the next `basement apply` erases what is overdue"));
    }
    Ok(match &look.plan {
        _ if !args.exit_code => code::DONE,
        plan if plan.is_broken() => code::BROKEN,
        _ if !objections(&look, &setup).0.is_empty() => code::OBJECTED,
        // Nothing to do, as far as is known: that is not the same as nothing to do.
        Plan { steps, .. } if steps.is_empty() && !look.unanswered.is_empty() => code::ERROR,
        Plan { steps, .. } if steps.is_empty() => code::DONE,
        _ => code::STEPS,
    })
}

/// Shows a plan to people, with what is known of it, and what could not be known for it.
pub(super) fn show(
    context: &Context,
    look: &engine::Look,
    setup: &engine::Setup,
    insight: &Insight,
) -> Result<(), Failure> {
    warn(look);
    let style = render::text::Style { colour: context.colour, width: super::watch::width() };
    let mut insight = insight.clone();
    if insight.concerns.is_empty() {
        insight.concerns.extend(preflight::quota(&look.plan, &look.census));
    }
    let view = view(look, setup, &insight);
    let view = if context.all { view } else { fold(view) };
    context.voice.print(&render::text::text(&view, style))
}

fn show_letters(letters: &[Preview], format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => say::print(&render::preview::text(letters)),
        Format::Json => {
            say::print(&pretty(&json!({ "version": render::json::VERSION, "letters": letters }))?)
        }
        Format::Markdown | Format::Html => Err(Failure::new(
            "`--letters` has no such `--format`",
            "letters are shown as text, or as JSON for programs",
        )),
    }
}

fn print(
    context: &Context,
    look: &engine::Look,
    setup: &engine::Setup,
    insight: &Insight,
    args: &PlanArgs,
) -> Result<(), Failure> {
    let view = view(look, setup, insight);
    match args.format {
        Format::Text => {
            let view = match &args.base {
                Some(base) => against(view, &look.plan, base, args.all),
                None => view,
            };
            let view = if args.all { view } else { fold(view) };
            let style = render::text::Style { colour: context.colour, width: super::watch::width() };
            say::print(&render::text::text(&view, style))?;
        }
        Format::Json => {
            let objections = objections(look, setup).0;
            let document = PlanDocument::new(&look.plan, &view, &objections, insight);
            say::print(&pretty(&document)?)?;
        }
        Format::Markdown => say::print(&render::markdown::markdown(&view))?,
        Format::Html => {
            let page = render::html::html(&view).map_err(|error| Failure::plain(error.to_string()))?;
            say::print(&page)?;
        }
    }
    warn(look);
    Ok(())
}

/// A plan as everybody reads it, whatever the terminal.
pub(super) fn text(look: &engine::Look, setup: &engine::Setup) -> String {
    render::text::text(&view(look, setup, &Insight::default()), render::text::Style::PLAIN)
}

fn view(look: &engine::Look, setup: &engine::Setup, insight: &Insight) -> PlanView {
    let (stand, waived) = objections(look, setup);
    PlanView::new(&look.plan, &setup.fleet, &look.history, &stand, insight)
        .waived(&waived)
        .with_digest(&crate::plan::digest::digest(&look.plan))
}

fn warn(look: &engine::Look) {
    for fault in &look.unanswered {
        say::remark(&format!("warning: a question was not answered; its server waits: {fault}"));
    }
}

/// What the guard objects to, each with how to waive it; and what was waived, and by whom.
fn objections(look: &engine::Look, setup: &engine::Setup) -> (Vec<String>, Vec<String>) {
    let (mut stand, mut waived) = (Vec::new(), Vec::new());
    for objection in &look.objections {
        let name = objection.name();
        let counts = |approval: &&Approval| {
            Objection::is_approvable(name)
                && approval.waives.iter().any(|waived| waived == name)
                && standing(approval, &look.plan, look.team()) == Standing::Counts
        };
        match setup.approvals.iter().find(counts) {
            Some(Approval { by, until, .. }) => {
                let until = words::time_seen(*until, look.plan.at);
                waived.push(format!("{objection}; approved by {by} until {until}"));
            }
            None if setup.allow.contains(name) => waived.push(format!("{objection}; `--allow {name}`")),
            None => stand.push(render::objection::sentence(objection, name, Objection::is_approvable(name))),
        }
    }
    (stand, waived)
}
