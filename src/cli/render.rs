//! `basement render SERVER`: the user-data of a server's next droplet, or of the one it has; no hash is in it.

use clap::Args;

use crate::fleet::complaint::nearest;
use crate::fleet::userdata::{self, Blanks};
use crate::model::ids::ServerName;

use super::error::{Failure, code};
use super::{Context, project, say, wiring};

/// Stands where the crypt hash would, and is then painted over; it is of no password.
const NOBODYS: &str = "$6$0000000000000000$00000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

/// Arguments of `basement render`.
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Which server.
    #[arg(value_parser = ServerName::parse)]
    server: ServerName,
}

pub(super) async fn run(context: &Context, args: &RenderArgs) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let servers = &project.fleet.servers;
    let Some(server) = servers.get(&args.server) else {
        let known = servers.keys().map(ServerName::as_str);
        let cure = match nearest(args.server.as_str(), known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`basement status` lists the servers".to_owned(),
        };
        return Err(Failure::new(format!("no file declares `{}`", args.server), cure));
    };
    let history = wiring::history(&project).await?;
    let attempt = history.records.get(&server.name).map_or(1, |record| record.attempt.max(1));
    let id = userdata::server_id(&server.name, attempt);
    let blanks = Blanks { root_hash: NOBODYS, server_id: &id, firewall: project.config.policy.firewall };
    let text = userdata::render(&project.templates, &server.spec.template, blanks)
        .map_err(|error| Failure::plain(error.to_string()))?;
    say::print(&text.replace(NOBODYS, &"\u{2022}".repeat(16)))?;
    Ok(code::DONE)
}
