//! What the ledger knows, and the two words a person may add to it: `retry` and `recreate`.

use clap::Args;

use crate::model::desired::DesiredState;
use crate::model::history::{self, Entry, Event, Phase};
use crate::model::ids::{ServerName, StepId};
use crate::model::step::Fact;
use crate::plan::{breaker, guard};
use crate::render;

use super::error::{Failure, code, pretty};
use super::{Context, Format, project, say, wiring};

/// Arguments of `basement status`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Arguments of `basement history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only of this server.
    #[arg(value_parser = ServerName::parse)]
    server: Option<ServerName>,
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A server that a person says something about.
#[derive(Debug, Args)]
pub(crate) struct PersonArgs {
    /// Which server.
    #[arg(value_parser = ServerName::parse)]
    server: ServerName,
}

/// Arguments of `basement reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// What is reset.
    #[arg(value_enum)]
    what: Resettable,
    /// Do not try failed deliveries again: they are refunded.
    #[arg(long)]
    no_retry: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Resettable {
    /// What stops creates and refunds after creates have failed in a row.
    Breaker,
}

pub(super) async fn status(context: &Context, args: &ShowArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let history = wiring::history(&project).await?;
    let at = wiring::clock()?.now().await;
    let uses = guard::uses(&[], project.fleet.servers.len(), &history, at, &project.config.policy);
    match args.format {
        Format::Text => {
            say::print(&render::status::status_table(&history, Some(&project.fleet), &uses, at))?;
        }
        Format::Json => {
            say::print(&pretty(&render::status::status_json(&history, Some(&project.fleet), &uses, at))?)?;
        }
    }
    Ok(code::DONE)
}

pub(super) async fn history(context: &Context, args: &HistoryArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let mut entries = match wiring::read_ledger(&project).await? {
        Some(ledger) => ledger.entries(None).await?,
        None => Vec::new(),
    };
    if let Some(server) = &args.server {
        let steps = history::steps_about(&entries, server);
        entries.retain(|entry| steps.contains(&entry.step));
    }
    if let Some(server) = args.server.as_ref().filter(|_| entries.is_empty()) {
        return Err(Failure::new(
            format!("the ledger has no line about `{server}`"),
            "`basement status` lists the servers it knows",
        ));
    }
    match args.format {
        Format::Text => say::print(&render::history::history_text(&entries))?,
        Format::Json => say::print(&pretty(&render::history::history_json(&entries))?)?,
    }
    Ok(code::DONE)
}

pub(super) async fn retry(context: &Context, args: &PersonArgs) -> Result<u8, Failure> {
    say(context, &args.server, Phase::Failed, "retry", Fact::Retry).await
}

pub(super) async fn recreate(context: &Context, args: &PersonArgs) -> Result<u8, Failure> {
    say(context, &args.server, Phase::Deleted, "recreate", Fact::Recreate).await
}

/// `basement reset breaker`.
pub(super) async fn reset(context: &Context, args: &ResetArgs) -> Result<u8, Failure> {
    let ResetArgs { what: Resettable::Breaker, no_retry } = args;
    let project = project::load(&context.dir)?;
    let ledger = wiring::open_ledger(&project).await?;
    let hold = wiring::hold(ledger.as_ref(), &project, "reset").await?;
    let history = ledger.history().await?;
    let now = wiring::clock()?.now().await;
    let entries = breaker::reset(&history, now, !no_retry);
    ledger.append(&hold, &entries, None).await?;
    let is_open = history.breaker.open.is_some();
    let state = if is_open { "the breaker is closed" } else { "the breaker was not open" };
    let again = match entries.len() - 1 {
        0 => "nothing waits for another try".to_owned(),
        n => {
            let servers = render::words::count(n as u64, "server");
            format!("{servers} will be tried again by the next `basement apply`")
        }
    };
    say::tell(&format!("{state}; {again}"));
    Ok(code::DONE)
}

/// Writes down a person's word about a server that is in the phase it is meant for.
async fn say(
    context: &Context,
    server: &ServerName,
    wants: Phase,
    word: &str,
    fact: Fact,
) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let ledger = wiring::open_ledger(&project).await?;
    let hold = wiring::hold(ledger.as_ref(), &project, word).await?;
    let history = ledger.history().await?;
    let record = history.records.get(server).filter(|record| record.phase == wants);
    let Some(record) = record else {
        let is =
            history.records.get(server).map_or("unknown to the ledger".to_owned(), |r| r.phase.to_string());
        return Err(Failure::new(
            format!("`{server}` is {is}; `{word}` is for servers that are {wants}"),
            "`basement status` lists the servers",
        ));
    };
    if breaker::is_settling(record) {
        return Err(Failure::new(
            format!(
                "the failed delivery of `{server}` is being settled; nobody is both paid back and served"
            ),
            "run `basement apply` until its letters are out",
        ));
    }
    let now = wiring::clock()?.now().await;
    let entry = Entry {
        at: now,
        server: Some(server.clone()),
        step: StepId::of(&[&word, server, &record.attempt]),
        event: Event::Noticed { fact },
    };
    ledger.append(&hold, &[entry], None).await?;
    let declared = project.fleet.servers.get(server).map(|declared| declared.state_at(now));
    say::tell(&match declared {
        Some(DesiredState::Running) => {
            format!(
                "`{server}` will be created again by the next `basement apply`, if Stripe says it is paid"
            )
        }
        Some(state) => format!("`{server}` may be created again, but its file says it is to be {state}"),
        None => format!("`{server}` may be created again, but no file declares it"),
    });
    Ok(code::DONE)
}
