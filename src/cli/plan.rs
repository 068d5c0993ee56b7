//! `basement plan`: look, and say what would be done. Reads only.

use std::path::PathBuf;

use clap::Args;

use crate::engine::{self, Prices};
use crate::model::approval::Approval;
use crate::model::insight::Insight;
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::plan::approval::{Standing, standing};
use crate::render;
use crate::render::view::PlanView;

use super::error::{Failure, code, pretty};
use super::saved::Saved;
use super::{Context, Format, foresight, project, say, wiring};

/// Arguments of `basement plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 2 if there is something to do (3 if the guard objects, 6 if the breaker is open).
    #[arg(long)]
    exit_code: bool,
    /// Also save the plan in this file: for `apply FILE`, which does this and nothing else, and for `approve FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The plan of a later day, e.g. 2026-12-01: everything due before it done, Stripe as the files say.
    #[arg(long, value_parser = Moment::parse, value_name = "DAY", conflicts_with = "out")]
    at: Option<Moment>,
}

pub(super) async fn run(context: &Context, args: &PlanArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let eyes = wiring::eyes(&project.config)?;
    let history = wiring::history(&project).await?;
    let setup = project.setup(&[]);
    let look = engine::look(&eyes, &setup, history, &mut Prices::default()).await?;
    let look = match args.at {
        Some(at) => foresight::at(look, &setup, at)?,
        None => look,
    };
    let mut insight = Insight::default();
    foresight::look_ahead(&mut insight, &look, &setup, &project.config.catalogue, eyes.cloud.left());
    if let Some(path) = &args.out {
        Saved::new(&look, text(&look, &setup)).write(path)?;
    }
    show_with(context, &look, &setup, &insight, args.format)?;
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

/// Prints a plan, and what could not be known for it.
pub(super) fn show(
    context: &Context,
    look: &engine::Look,
    setup: &engine::Setup,
    format: Format,
) -> Result<(), Failure> {
    show_with(context, look, setup, &Insight::default(), format)
}

fn show_with(
    context: &Context,
    look: &engine::Look,
    setup: &engine::Setup,
    insight: &Insight,
    format: Format,
) -> Result<(), Failure> {
    let view = view(look, setup, insight);
    for fault in &look.unanswered {
        say::remark(&format!("warning: a question was not answered; its server waits: {fault}"));
    }
    match format {
        Format::Text => {
            let style = render::text::Style { colour: context.colour, width: super::watch::width() };
            say::print(&render::text::text(&view, style))?;
        }
        Format::Json => {
            let digest = crate::plan::digest::digest(&look.plan);
            let json = render::json::json(&look.plan, &view, &objections(look, setup).0, Some(&digest));
            say::print(&pretty(&json)?)?;
        }
    }
    Ok(())
}

/// A plan as everybody reads it, whatever the terminal.
pub(super) fn text(look: &engine::Look, setup: &engine::Setup) -> String {
    render::text::text(&view(look, setup, &Insight::default()), render::text::Style::PLAIN)
}

fn view(look: &engine::Look, setup: &engine::Setup, insight: &Insight) -> PlanView {
    let (stand, waived) = objections(look, setup);
    PlanView::new(&look.plan, &setup.fleet, &look.history, &stand, insight).waived(&waived)
}

/// What the guard objects to, each with how to waive it; and what was waived, and by whom.
fn objections(look: &engine::Look, setup: &engine::Setup) -> (Vec<String>, Vec<String>) {
    let (mut stand, mut waived) = (Vec::new(), Vec::new());
    for objection in &look.objections {
        let name = objection.name();
        let counts = |approval: &&Approval| {
            approval.waives.iter().any(|waived| waived == name)
                && standing(approval, &look.plan, look.team()) == Standing::Counts
        };
        match setup.approvals.iter().find(counts) {
            Some(Approval { by, until, .. }) => {
                waived.push(format!("{objection}; approved by {by} until {until}"));
            }
            None if setup.allow.contains(name) => waived.push(format!("{objection}; `--allow {name}`")),
            None => {
                stand.push(format!(
                    "{objection}; waive it by `--allow {name}`, or `basement approve` a saved plan"
                ));
            }
        }
    }
    (stand, waived)
}
