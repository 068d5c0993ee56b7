//! `basement plan`: look, and say what would be done. Reads only.

use clap::Args;

use crate::engine::{self, Prices};
use crate::model::insight::Insight;
use crate::model::plan::Plan;
use crate::render;

use super::error::{Failure, code, pretty};
use super::{Context, Format, project, say, wiring};

/// Arguments of `basement plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 2 if there is something to do (3 if the guard objects, 6 if the breaker is open).
    #[arg(long)]
    exit_code: bool,
}

pub(super) async fn run(context: &Context, args: &PlanArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let eyes = wiring::eyes(&project.config)?;
    let history = wiring::history(&project).await?;
    let setup = project.setup(&[]);
    let look = engine::look(&eyes, &setup, history, &mut Prices::default()).await?;
    show(context, &look, &setup, args.format)?;
    Ok(match &look.plan {
        _ if !args.exit_code => code::DONE,
        plan if plan.is_broken() => code::BROKEN,
        _ if !look.objections.is_empty() => code::OBJECTED,
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
    let objections: Vec<String> =
        look.objections.iter().map(|o| format!("{o}; waive it by `--allow {}`", o.name())).collect();
    let view = render::view::PlanView::new(
        &look.plan,
        &setup.fleet,
        &look.history,
        &objections,
        &Insight::default(),
    );
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
            let json = render::json::json(&look.plan, &view, &objections, Some(&digest));
            say::print(&pretty(&json)?)?;
        }
    }
    Ok(())
}
