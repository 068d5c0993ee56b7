//! `basement approve`: a person's dated word for what a saved plan takes away, as a file to be committed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::adapters::folder;
use crate::fleet::approval as file;
use crate::model::moment::Span;
use crate::model::step::Step;
use crate::plan::guard::Objection;
use crate::plan::{approval, digest};
use crate::render::why::step_line;
use crate::render::words::{self, Places};

use super::error::{Failure, code};
use super::saved::Saved;
use super::{Context, env, project, say, wiring};

/// Longer than this nobody remembers what was meant.
const LONGEST: Span = Span::days(90);

/// Arguments of `basement approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The saved plan, from `basement plan --out`.
    plan: PathBuf,
    /// For how long it counts.
    #[arg(long, default_value = "7d", value_parser = Span::parse, value_name = "SPAN")]
    until: Span,
    /// Who says so; by default what `GIT_AUTHOR_NAME` or `USER` says.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

pub(super) async fn run(context: &Context, args: &ApproveArgs) -> Result<u8, Failure> {
    if args.until > LONGEST || args.until == Span::seconds(0) {
        return Err(Failure::new(
            "an approval counts for 90 days at most, and for some time at least",
            "for example `--until 7d`",
        ));
    }
    let saved = Saved::read(&args.plan)?;
    let project = project::load(&context.dir)?;
    let history = wiring::history(&project).await?;
    let count = digest::destructive(&saved.plan).count();
    if count == 0 {
        return Err(Failure::new(
            "this plan takes nothing away: there is nothing to approve",
            "`basement apply` does it without an approval",
        ));
    }
    let Some(team) = saved.team.clone() else {
        return Err(Failure::new("this plan does not say whose droplets it is about", "make it again"));
    };
    let by = args.by.clone().or_else(|| env::var("GIT_AUTHOR_NAME")).or_else(|| env::var("USER"));
    let by = by
        .filter(|by| !by.trim().is_empty())
        .ok_or_else(|| Failure::new("nobody knows who approves this", "say who: `--by \"Ada Lovelace\"`"))?;
    let (waives, stand): (Vec<String>, Vec<String>) =
        saved.objections.iter().cloned().partition(|name| Objection::is_approvable(name));
    let now = wiring::clock()?.now().await;
    let places = Places { fleet: &project.fleet, history: &history };
    let line = |step: &Step| step_line(step, saved.plan.at, places);
    let given =
        approval::approve(&saved.plan, (team, words::clean(&by)), (now, now.plus(args.until)), waives, line);
    let path = file::path(&given);
    folder::write(&project.root, &BTreeMap::from([(path.clone(), file::print(&given))]))?;
    for step in &given.steps {
        say::tell(&format!("! {}", step.what));
    }
    if !given.waives.is_empty() {
        say::tell(&format!("waives: {}", given.waives.join(", ")));
    }
    for name in &stand {
        say::remark(&format!("note: `{name}` still stands: it takes `basement apply --allow {name}`"));
    }
    say::tell(&format!(
        "approved by {} until {}: {}; commit `{path}`, and `basement apply` does it",
        given.by,
        given.until,
        words::count(count as u64, "step")
    ));
    Ok(code::DONE)
}
