//! `basement resend SERVER`: the welcome letter once more, while its password is kept.

use clap::Args;

use crate::engine::{self, Prices};
use crate::model::ids::ServerName;
use crate::plan::resend::{self, Keeping};
use crate::ports::Fault;
use crate::render::words::day;

use super::error::{Failure, code, parts};
use super::{Context, keys, project, say, wiring};

/// Arguments of `basement resend`.
#[derive(Debug, Args)]
pub(crate) struct ResendArgs {
    /// Whose welcome letter.
    #[arg(value_parser = ServerName::parse)]
    server: ServerName,
}

pub(super) async fn run(context: &Context, args: &ResendArgs) -> Result<u8, Failure> {
    let server = &args.server;
    let project = project::load(&context.dir)?;
    let setup = project.setup(&[]);
    let ports = wiring::ports(&project, keys::vault(&project).await?).await?;
    let hold = wiring::hold(ports.ledger.as_ref(), &project, "resend").await?;
    let history = ports.ledger.history().await?;
    let attempt = history.records.get(server).map_or(0, |record| record.attempt);
    let keep = setup.letters.keep_password;
    let keeping = Keeping { has_password: ports.ledger.sealed(server, attempt).await?.is_some(), keep };
    let entries = ports.ledger.entries(Some(server)).await?;
    let look = engine::look((&ports.eyes, None), &setup, history, &mut Prices::default()).await?;
    let step = resend::again(server, &setup.fleet, &look.census, &look.history, &entries, keeping)
        .map_err(|no| Failure::plain(no.to_string()))?;
    engine::take(&ports, &setup, &hold, &look, &step).await.map_err(|fault| failure(server, fault))?;
    let until = look.history.records.get(server).and_then(|record| record.delivered).map(|at| at.plus(keep));
    let until = until.map(|at| format!("; its password is kept until {}", day(at))).unwrap_or_default();
    say::tell(&format!("the welcome letter of `{server}` was sent again{until}"));
    Ok(code::DONE)
}

/// No later `apply` settles what a person asked for once.
fn failure(server: &ServerName, fault: Fault) -> Failure {
    match &fault {
        Fault::Unknown(_) => Failure::new(
            format!("nobody knows whether the letter arrived: {}", parts(&fault).0),
            format!(
                "ask the customer; `basement resend {server}` sends it with the same Message-ID, so that a second copy is dropped"
            ),
        ),
        Fault::Refused(_) | Fault::Unavailable { .. } => fault.into(),
    }
}
