//! Floor 5: the commands. They read arguments, call the floors below, print, and decide nothing.

pub mod config;
pub mod error;
pub mod generate;
pub mod hush;
pub mod init;
pub mod validate;

mod apply;
mod approve;
mod ask;
mod base;
mod declare;
mod demo;
mod doctor;
mod env;
mod foresight;
mod keys;
mod ledger;
mod letters;
mod overdue;
mod plan;
mod project;
mod rehearse;
mod rekey;
mod render;
mod resend;
mod saved;
mod say;
mod schema;
mod sim;
mod templates;
mod watch;
mod wiring;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::plan::guard::Objection;
use crate::wire::redact::redact;

use error::{Failure, code};

/// Servers sold by subscription, run the GitOps way: Stripe to YAML to DigitalOcean.
#[derive(Debug, Parser)]
#[command(name = "basement", version, about, arg_required_else_help = true, after_help = AFTER)]
struct Cli {
    /// The fleet repository: the folder with `basement.toml` and `fleet/`.
    #[arg(short = 'C', long = "dir", global = true, default_value = ".", value_name = "FOLDER")]
    dir: PathBuf,
    /// Colour on the terminal; `auto` obeys `NO_COLOR`, `TERM` and whether it is one.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Say more on stderr: each wait for DigitalOcean. Twice: also each request and its status.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Exit codes: 0 done · 1 error · 2 plan has steps (--exit-code) · 3 guard objected, nothing done · \
4 the world moved, nothing done · 5 applied in part · 6 breaker open · 64 usage · 130 interrupted, run again to resume.\n\
Try it without any account: `basement demo`.";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a fleet repository: `basement.toml`, folders, templates. Overwrites nothing.
    Init(init::InitArgs),
    /// Write the desired fleet from all Stripe subscriptions.
    Generate(generate::GenerateArgs),
    /// Check `basement.toml` and all files of the fleet.
    Validate(validate::ValidateArgs),
    /// Say what would be done, why, and what it costs. Reads only.
    Plan(plan::PlanArgs),
    /// Print a server's user-data: what its droplet does at its first boot. The hash is dots.
    Render(render::RenderArgs),
    /// Create, power, destroy, refund and mail until the live fleet is what the files say.
    Apply(apply::ApplyArgs),
    /// Approve what a saved plan takes away: writes `fleet/approvals/…yaml`, to be committed.
    Approve(approve::ApproveArgs),
    /// Freeze a server for a while: writes its override, to be committed.
    Hold(declare::HoldArgs),
    /// Declare a server destroyed: writes its tombstone, to be reviewed. Acts on nothing.
    Destroy(declare::DestroyArgs),
    /// What the ledger knows of every server.
    Status(ledger::ShowArgs),
    /// What was intended and done, line by line.
    History(ledger::HistoryArgs),
    /// Let a failed server be created again.
    Retry(ledger::PersonArgs),
    /// Let a server that was deleted outside basement be created again.
    Recreate(ledger::PersonArgs),
    /// Send a server's welcome letter again, while its password is kept.
    Resend(resend::ResendArgs),
    /// Seal every kept password with the first of the seal keys.
    Rekey,
    /// Close the breaker: creates and refunds go on, and what failed meanwhile is tried again.
    Reset(ledger::ResetArgs),
    /// Write all letters into a folder, to be read before a customer does. Sends nothing.
    Letters(letters::LettersArgs),
    /// Say whether files, credentials, ledger and clock will do. Changes nothing, tells no secret.
    Doctor(doctor::DoctorArgs),
    /// Serve a simulated DigitalOcean, Stripe and mail relay on this machine.
    Sim(sim::SimArgs),
    /// See the whole thing at work on the simulator: no account, no network.
    Demo(demo::DemoArgs),
    /// Play storms on the simulated world, and judge them by the laws.
    Rehearse(rehearse::RehearseArgs),
    /// Print the JSON Schema of what programs read; without a name, the names.
    Schema(schema::SchemaArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    fn needs_repository(&self) -> bool {
        !matches!(
            self,
            Self::Init(_)
                | Self::Sim(_)
                | Self::Demo(_)
                | Self::Rehearse(_)
                | Self::Schema(_)
                | Self::Completions { .. }
        )
    }
}

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs; versioned.
    Json,
}

/// Objections waived by name.
#[derive(Debug, Args)]
pub(crate) struct Allow {
    /// Waive an objection by its name, e.g. `many-destroys`; may be given several times.
    #[arg(long = "allow", value_name = "NAME", value_parser = waivable())]
    allow: Vec<String>,
}

/// All that may be waived by name.
fn waivable() -> clap::builder::PossibleValuesParser {
    Objection::NAMES.into_iter().chain([apply::LOST_KEY]).collect::<Vec<_>>().into()
}

/// What every command knows.
#[derive(Debug)]
pub(crate) struct Context {
    dir: PathBuf,
    colour: bool,
    /// Where people are talked to.
    voice: say::Voice,
    /// Of many like rows each is shown.
    all: bool,
}

/// Parses the command line, runs it, and returns the exit code.
pub fn main() -> u8 {
    hush::hush();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // A key may have been given where a name belongs.
            let words = error.render().ansi().to_string();
            say::remark(redact(&words, usize::MAX).trim_end());
            return code::USAGE;
        }
        Err(help) => {
            let _ = help.print();
            return code::DONE;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::remark(&format!("error: no runtime: {error}"));
            return code::ERROR;
        }
    };
    watch::log(cli.verbose);
    let done = runtime.block_on(run(cli));
    // A thread may still wait at the terminal's prompt; it must not keep the process.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => {
            say::remark(&failure.to_string());
            failure.code
        }
    }
}

async fn run(cli: Cli) -> Result<u8, Failure> {
    let colour = match cli.color {
        Colour::Always => anstream::ColorChoice::Always,
        Colour::Never => anstream::ColorChoice::Never,
        Colour::Auto => anstream::AutoStream::choice(&std::io::stdout()),
    };
    colour.write_global();
    if cli.command.needs_repository() && !cli.dir.join(config::FILE).exists() {
        return Err(Failure::new(
            format!("`{}` is not a fleet repository: it has no `{}`", cli.dir.display(), config::FILE),
            "run `basement init` to begin one there, or name another folder with `-C`",
        ));
    }
    let colour = !matches!(colour, anstream::ColorChoice::Never);
    let context = Context { dir: cli.dir, colour, voice: say::Voice::Out, all: false };
    match cli.command {
        Command::Init(args) => Ok(init::run(&args, &context.dir, &templates::FILES, &mut say::out())?),
        Command::Generate(args) => {
            let config = project::load_config(&context.dir)?;
            let (billing, now) = (wiring::billing(&config)?, wiring::clock()?.now().await);
            let dir = &context.dir;
            Ok(generate::run(&args, &*billing, now, dir, context.colour, &mut say::out(), &mut say::talk())
                .await?)
        }
        Command::Validate(args) => Ok(validate::run(&args, &context.dir, &mut say::out(), &mut say::talk())?),
        Command::Plan(args) => plan::run(&context, &args).await,
        Command::Render(args) => render::run(&context, &args).await,
        Command::Apply(args) => apply::run(context, &args).await,
        Command::Approve(args) => approve::run(&context, &args).await,
        Command::Hold(args) => declare::hold(&context, &args).await,
        Command::Destroy(args) => declare::destroy(&context, &args).await,
        Command::Status(args) => ledger::status(&context, &args).await,
        Command::History(args) => ledger::history(&context, &args).await,
        Command::Retry(args) => ledger::retry(&context, &args).await,
        Command::Recreate(args) => ledger::recreate(&context, &args).await,
        Command::Resend(args) => resend::run(&context, &args).await,
        Command::Rekey => rekey::run(&context).await,
        Command::Reset(args) => ledger::reset(&context, &args).await,
        Command::Letters(args) => letters::run(&context, &args).await,
        Command::Doctor(args) => doctor::run(&context, &args).await,
        Command::Sim(args) => sim::run(&args).await,
        Command::Demo(args) => demo::run(&args).await,
        Command::Rehearse(args) => rehearse::run(&args).await,
        Command::Schema(args) => schema::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "basement", &mut script);
            say::print(&String::from_utf8_lossy(&script))?;
            Ok(code::DONE)
        }
    }
}
