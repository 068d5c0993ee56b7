//! `basement hold` and `basement destroy`: write a person's wish into the fleet's files, for review. Neither acts.

use std::collections::BTreeMap;

use clap::Args;

use crate::adapters::folder;
use crate::fleet::yaml::{self, OVERRIDES, SERVERS, SourceFile};
use crate::fleet::{print, wish};
use crate::model::desired::{Because, DesiredState, Hold};
use crate::model::ids::ServerName;
use crate::model::moment::Span;
use crate::render::diff::unified;

use super::error::{Failure, code};
use super::project::Project;
use super::{Context, project, say, validate, wiring};

/// Arguments of `basement hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// Which server.
    #[arg(value_parser = ServerName::parse)]
    server: ServerName,
    /// For how long.
    #[arg(long, value_parser = Span::parse, value_name = "SPAN")]
    until: Span,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Arguments of `basement destroy`.
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Which server.
    #[arg(value_parser = ServerName::parse)]
    server: ServerName,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// `basement hold`.
pub(super) async fn hold(context: &Context, args: &HoldArgs) -> Result<u8, Failure> {
    if args.until == Span::seconds(0) {
        return Err(Failure::new("a hold of no time holds nothing", "for example `--until 7d`"));
    }
    said(&args.reason)?;
    let project = project::load(&context.dir)?;
    let Some(server) = project.fleet.servers.get(&args.server) else {
        return Err(unknown(&args.server, "no file declares it, so nothing is ever done to it"));
    };
    let now = wiring::clock()?.now().await;
    if let Some(hold) = server.held_at(now) {
        return Err(Failure::new(
            format!("`{}` is held already: {}", args.server, hold.reason),
            format!("edit `hold` in `{OVERRIDES}{}.yaml`", args.server),
        ));
    }
    let path = format!("{OVERRIDES}{}.yaml", args.server);
    let before = text(context, &path)?;
    let hold = Hold { until: Some(now.plus(args.until)), reason: args.reason.clone() };
    let after = wish::held(before.as_deref(), &hold).ok_or_else(|| {
        Failure::new(
            format!("`{path}` has a hold that is over"),
            "take its `hold` out first, or give it another `until`",
        )
    })?;
    write(context, &project, (&path, &after))?;
    let until = now.plus(args.until);
    say::tell(&format!("hold: commit `{path}`; `{}` is then left as it is until {until}", args.server));
    Ok(code::DONE)
}

/// `basement destroy`.
pub(super) async fn destroy(context: &Context, args: &DestroyArgs) -> Result<u8, Failure> {
    said(&args.reason)?;
    let project = project::load(&context.dir)?;
    let Some(server) = project.fleet.servers.get(&args.server) else {
        return Err(unknown(
            &args.server,
            "no file declares it; an orphan is declared in `fleet/extra` first, or destroyed by hand",
        ));
    };
    if server.state == DesiredState::Destroyed {
        return Err(Failure::new(
            format!("`{}` is a tombstone already", args.server),
            "`basement plan` says what is still to be done about it",
        ));
    }
    let now = wiring::clock()?.now().await;
    let path = server.file.clone();
    let before = text(context, &path)?;
    let because = Because::Other(args.reason.clone());
    let after = if path.starts_with(SERVERS) {
        let (files, _) = folder::survey(&project.root);
        let read = yaml::servers(&files).map_err(|wrong| Failure::plain(validate::page(&wrong)))?;
        let found = read.into_iter().find(|file| file.path == path);
        let declared =
            found.map(|file| file.declared).ok_or_else(|| unknown(&args.server, "its file is gone"))?;
        let state = DesiredState::Destroyed;
        print::print(&yaml::Declared {
            state,
            because,
            since: now,
            ends_on: None,
            destroy_after: None,
            hold: None,
            ..declared
        })
    } else {
        wish::tombstone(before.as_deref().unwrap_or_default(), &because, now)
    };
    write(context, &project, (&path, &after))?;
    if let Some(subscription) = server.subscription() {
        say::remark(&format!(
            "note: while `{subscription}` is paid, nothing is destroyed: end it at Stripe first"
        ));
    }
    say::tell(&format!(
        "destroy: nothing is done yet; commit `{path}`, and `basement plan` says what follows"
    ));
    Ok(code::DONE)
}

/// Whoever reads the file a year later has the reason alone.
fn said(reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::new(
            "`--reason` says nothing",
            "say in a few words why, for whoever reads the file later",
        ));
    }
    Ok(())
}

fn unknown(server: &ServerName, why: &str) -> Failure {
    Failure::new(format!("`{server}`: {why}"), "`basement status` lists the servers")
}

/// A file's text; none if there is no such file.
fn text(context: &Context, path: &str) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(context.dir.join(path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Failure::new(format!("`{path}` cannot be read: {error}"), "look at its permissions"))
        }
    }
}

/// Writes a file and shows the change; what would make the fleet unreadable is not written.
fn write(context: &Context, project: &Project, (path, text): (&str, &str)) -> Result<(), Failure> {
    let (mut files, _) = folder::survey(&project.root);
    let before = files.iter().find(|file| file.path == path).map(|file| file.bytes.clone());
    files.retain(|file| file.path != path);
    files.push(SourceFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() });
    yaml::parse(&files, &project.config.catalogue).map_err(|wrong| {
        Failure::plain(format!("this cannot be written down:\n\n{}", validate::page(&wrong)))
    })?;
    folder::write(&project.root, &BTreeMap::from([(path.to_owned(), text.to_owned())]))?;
    let before = before.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    say::print(&unified(path, before.as_deref(), text, context.colour))
}
