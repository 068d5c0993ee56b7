//! `basement apply`: ask, then repeat passes until nothing is left to do; ctrl-C finishes calls in flight.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use tokio::sync::watch as channel;

use crate::engine::settle::{self, End, Run};
use crate::engine::{self, Look, Prices};
use crate::model::approval::Approval;
use crate::model::insight::Insight;
use crate::model::moment::Span;
use crate::model::step::Step;
use crate::plan::agreed::Agreed;
use crate::plan::approval::{Standing, standing};
use crate::plan::digest::destructive;
use crate::render::events::ApplyEvent;
use crate::render::why::step_line;
use crate::render::words::{self, Places};

use super::error::{self, Failure, code};
use super::project::Project;
use super::saved::Saved;
use super::{Allow, Context, ask, foresight, keys, plan, project, say, watch, wiring};

/// Waived by this name: passwords that were not told yet are lost with their key.
pub(super) const LOST_KEY: &str = "lost-key";

/// Arguments of `basement apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// A saved plan, from `basement plan --out`: it is done if it would still be the same (else exit code 4), and nothing
    /// else is taken away.
    plan: Option<PathBuf>,
    /// Do not ask; needed where there is no terminal.
    #[arg(long)]
    auto_approve: bool,
    #[command(flatten)]
    allow: Allow,
    /// Show each of many like rows of the plan.
    #[arg(long)]
    all: bool,
    /// Stop waiting after so long; what is left is done by the next run.
    #[arg(long, default_value = "15m", value_parser = Span::parse, value_name = "SPAN")]
    deadline: Span,
    /// Write what happens to stdout, one JSON object a line (see `basement schema event`), and talk on stderr.
    #[arg(long)]
    events: bool,
}

/// Runs it; with `--events` the last line says how it ended, whatever the end.
pub(super) async fn run(context: Context, args: &ApplyArgs) -> Result<u8, Failure> {
    let context = Context { all: args.all, ..context };
    if !args.events {
        return go(&context, args).await;
    }
    let ended = go(&Context { voice: say::Voice::Err, ..context }, args).await;
    let (code, text) = match &ended {
        Ok(code::DONE) => (code::DONE, "done".to_owned()),
        Ok(code) => (*code, "not done".to_owned()),
        Err(failure) => (failure.code, failure.to_string()),
    };
    say::tell(&ApplyEvent::Ended { code, text: words::clean(&text) }.to_line());
    ended
}

async fn go(context: &Context, args: &ApplyArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let saved = args.plan.as_deref().map(Saved::read).transpose()?;
    let setup = project.setup(&args.allow.allow);
    if !args.allow.allow.iter().any(|name| name == LOST_KEY) {
        keys::check(&project).await?;
    }
    let ports = wiring::ports(&project, keys::vault_or_new(&project).await?).await?;
    let hold = ports.ledger.hold(&wiring::holder("apply")).await?;
    let stop = stop_on_ctrl_c();
    let mut agreed = None;
    if saved.is_some() || !args.auto_approve {
        let history = ports.ledger.history().await?;
        let strongbox = engine::Strongbox { ledger: ports.ledger.clone(), vault: ports.vault.clone() };
        let eyes = (&ports.eyes, Some(&strongbox));
        let look = engine::look(eyes, &setup, history, &mut Prices::default()).await?;
        let seen = Seen { context, project: &project, eyes: &ports.eyes, setup: &setup, look: &look };
        if let Some(saved) = &saved {
            seen.same(saved)?;
        }
        // Whoever names a saved plan wants it; what it takes away needs more than that.
        let is_harmless = saved.is_some() && destructive(&look.plan).next().is_none();
        let said = if args.auto_approve || is_harmless {
            seen.show().await?;
            Said::Yes(Agreed::to(&look.plan))
        } else {
            seen.consent(&stop).await?
        };
        match said {
            Said::Yes(to) => agreed = Some(to),
            Said::Over(code) => return Ok(code),
        }
    }
    let is_unseen = args.auto_approve && saved.is_none();
    let screen = watch::Screen::new(context, is_unseen.then_some(&setup), args.events);
    let show = |progress: &engine::Progress| screen.show(progress);
    let heard = hear(stop.clone(), &screen);
    let result = tokio::select! {
        result = settle::settle(&ports, &setup, &hold, args.deadline, agreed, stop, &show) => result,
        never = heard => match never {},
    };
    screen.clear();
    finish(context, &setup, &result?)
}

/// What was said to a plan.
enum Said {
    /// Go on, with this and what follows from it.
    Yes(Agreed),
    /// There is nothing to go on with.
    Over(u8),
}

/// A plan before a person.
struct Seen<'a> {
    context: &'a Context,
    project: &'a Project,
    eyes: &'a engine::Eyes,
    setup: &'a engine::Setup,
    look: &'a Look,
}

impl Seen<'_> {
    /// Shows it as `plan` does; what is known of it besides is asked for here and by no later pass.
    async fn show(&self) -> Result<(), Failure> {
        let Self { context, project, eyes, setup, look } = self;
        let insight = foresight::insight(eyes, project, setup, look, None).await;
        plan::show(context, look, setup, &insight)
    }

    /// Sees that the plan is still the saved one; else shows how it differs.
    fn same(&self, saved: &Saved) -> Result<(), Failure> {
        let Self { context, setup, look, .. } = self;
        let Some(diff) = saved.moved(look, &plan::text(look, setup), context.colour) else {
            return Ok(());
        };
        context.voice.print(&diff)?;
        Err(Failure::new(
            "the world moved since the plan was saved; nothing was done",
            "read what changed above, and save the plan again: `basement plan --out FILE`",
        )
        .with_code(code::MOVED))
    }

    /// Asks a person: by an approval in the fleet's files, or at the terminal.
    async fn consent(&self, stop: &engine::Stop) -> Result<Said, Failure> {
        let Self { context, setup, look, .. } = self;
        let count = destructive(&look.plan).count();
        let counts = |approval: &&Approval| standing(approval, &look.plan, look.team()) == Standing::Counts;
        if let Some(approval) = setup.approvals.iter().find(counts).filter(|_| count > 0) {
            say::remark(&format!("approved by {} until {}", words::clean(&approval.by), approval.until));
            return Ok(Said::Yes(Agreed::to(&look.plan).and(approval)));
        }
        self.show().await?;
        if look.plan.is_settled() && !look.plan.is_broken() {
            return Ok(Said::Over(code::DONE));
        }
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            return Err(unasked(look, setup, count));
        }
        let voice = context.voice;
        let is_yes = if count > 0 {
            let things = words::count(count as u64, "step");
            let question = format!("This takes something away in {things}. Type that number to apply it: ");
            ask::answer(voice, &question, &count.to_string(), stop).await
        } else {
            let question = "Apply this, and what follows from it? Only `yes` is a yes: ";
            ask::answer(voice, question, "yes", stop).await
        };
        if is_yes {
            return Ok(Said::Yes(Agreed::to(&look.plan)));
        }
        say::remark("nothing was done");
        Ok(Said::Over(if *stop.borrow() { code::INTERRUPTED } else { code::DONE }))
    }
}

/// There is nobody to ask: what to give instead.
fn unasked(look: &Look, setup: &engine::Setup, count: usize) -> Failure {
    if count == 0 {
        let cure = "it takes nothing away: `basement apply --auto-approve` does it";
        return Failure::new("there is no terminal to ask at; nothing was done", cure)
            .with_code(code::OBJECTED);
    }
    let near = setup.approvals.iter().map(|approval| {
        let why = standing(approval, &look.plan, look.team());
        format!("; the approval of {} does not count: {why}", approval.at)
    });
    let (why, verb) = (near.collect::<String>(), if count == 1 { "takes" } else { "take" });
    let steps = words::count(count as u64, "step");
    Failure::new(
        format!(
            "there is no terminal to ask at, and nobody approved the {steps} that {verb} something away{why}; \
             nothing was done"
        ),
        "`basement plan --out plan.json && basement approve plan.json`, then commit the approval; \
         or `basement apply --auto-approve`, which the caps alone hold",
    )
    .with_code(code::OBJECTED)
}

/// The last words, and the exit code.
fn finish(context: &Context, setup: &engine::Setup, run: &Run) -> Result<u8, Failure> {
    let done = watch::summary(&run.did);
    match &run.end {
        End::Settled => {
            context.voice.tell(&format!("apply: {done}; nothing is left to do"));
            Ok(code::DONE)
        }
        End::Broken => {
            if let Some(report) = &run.last {
                plan::show(context, &report.look, setup, &Insight::default())?;
            }
            Err(Failure::new(
                format!("the breaker is open: nothing is created and no refund begins ({done})"),
                "find out why creates fail; then `basement reset breaker` tries again what failed meanwhile",
            )
            .with_code(code::BROKEN))
        }
        End::Objected => {
            if let Some(report) = &run.last {
                plan::show(context, &report.look, setup, &Insight::default())?;
                let names: Vec<String> =
                    report.refused.iter().map(|o| format!("--allow {}", o.name())).collect();
                let (before, code) = if run.did.is_empty() {
                    (String::new(), code::OBJECTED)
                } else {
                    (format!(" (before it: {done})"), code::PARTIAL)
                };
                return Err(Failure::new(
                    format!("the guard objects; of this plan nothing was done{before}"),
                    format!("look at it closely; if it is right, say so by `{}`", names.join(" ")),
                )
                .with_code(code));
            }
            Ok(code::OBJECTED)
        }
        End::Beyond => Err(beyond(setup, run, &done)),
        End::Moved => Err(Failure::new(
            "the world moved since the plan was shown; nothing was done",
            "run `basement apply` again and read the new plan",
        )
        .with_code(code::MOVED)),
        End::Deadline => {
            let mut last = run.last.iter().flat_map(|report| &report.did).rev();
            let fault = run.fault.as_ref().or_else(|| last.find_map(|did| did.result.as_ref().err()));
            let why = fault.map(|fault| format!(": {}", error::parts(fault).0));
            Err(Failure::new(
                format!("not all is done yet ({done}){}", why.unwrap_or_default()),
                "run `basement apply` again: it goes on where this run stopped; `basement plan` says what is waited for",
            )
            .with_code(code::PARTIAL))
        }
        End::Unsent => {
            let (why, hint) = run.fault.as_ref().map(error::parts).unwrap_or_default();
            let hint = hint.unwrap_or_default();
            Err(Failure::new(
                format!("no letter can be sent; all else is done ({done}): {why}"),
                format!(
                    "{hint}; then run `basement apply` again: passwords are kept until their letters are out"
                ),
            )
            .with_code(code::PARTIAL))
        }
        End::Stopped => Err(Failure::new(
            format!("interrupted ({done}); calls in flight were finished and written down"),
            "run `basement apply` again to resume",
        )
        .with_code(code::INTERRUPTED)),
    }
}

/// What was agreed to is done, and more would be taken away.
fn beyond(setup: &engine::Setup, run: &Run, done: &str) -> Failure {
    let Some(report) = &run.last else { return Failure::plain("nothing was done") };
    let places = Places { fleet: &setup.fleet, history: &report.look.history };
    let line = |step: &Step| format!("\n  {}", step_line(step, report.look.plan.at, places));
    let lines: String = report.beyond.iter().map(line).collect();
    let steps = words::count(report.beyond.len() as u64, "step");
    Failure::new(
        format!("what was agreed to is done ({done}); {steps} came up since, to which nobody agreed:{lines}"),
        "run `basement apply` again and read the new plan",
    )
    .with_code(code::MOVED)
}

/// Tells a person that the ctrl-C was heard, then lets the run end by itself.
async fn hear(mut stop: engine::Stop, screen: &watch::Screen<'_>) -> std::convert::Infallible {
    if stop.wait_for(|stopped| *stopped).await.is_ok() {
        screen.remark("stopping: calls in flight are finished first; ctrl-C again to stop at once");
    }
    std::future::pending().await
}

/// The first ctrl-C asks the run to stop; the second is left to the system.
fn stop_on_ctrl_c() -> engine::Stop {
    let (say, stop) = channel::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = say.send(true);
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(i32::from(code::INTERRUPTED));
            }
        }
        // Keeps the sender alive, so that a run without signals never sees a closed channel.
        std::future::pending::<()>().await;
    });
    stop
}
