//! `basement generate`: reads Stripe, writes `fleet/servers`, shows the change. Decides nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use clap::Args;

use super::config::{self, Config};
use super::error::Failure;
use crate::adapters::folder;
use crate::fleet::complaint::{Complaint, sorted};
use crate::fleet::generate::{Outcome, generate, unsure};
use crate::fleet::yaml::{self, SERVERS, ServerFile};
use crate::model::billing::Reading;
use crate::model::ids::SubscriptionId;
use crate::model::moment::Moment;
use crate::ports::{Billing, Fault};
use crate::render::diff::unified;
use crate::wire::redact::redact;

/// Exit codes of this command.
const DONE: u8 = 0;
const ERROR: u8 = 1;
const WOULD_CHANGE: u8 = 2;
const REFUSED: u8 = 3;
const IN_PART: u8 = 5;

/// Write the fleet's files from all Stripe subscriptions, and show what changed.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// Write although Stripe's answer looks wrong in this way
    #[arg(long, value_name = "NAME", value_parser = ["empty-answer", "shrink", "other-account"])]
    pub allow: Vec<String>,
    /// Write nothing; exit with 2 if files would change
    #[arg(long)]
    pub check: bool,
}

/// Runs it in `root`. Diffs and the summary go to `out`, everything else to `talk`. Returns the exit code:
/// 0 done, 1 error, 2 files would change (`--check`), 3 refused, 5 some subscriptions were left as they are.
pub async fn run(
    args: &GenerateArgs,
    billing: &dyn Billing,
    now: Moment,
    root: &Path,
    colour: bool,
    out: &mut (dyn Write + Send),
    talk: &mut (dyn Write + Send),
) -> io::Result<u8> {
    let (config, existing) = match load(root) {
        Ok(loaded) => loaded,
        Err(complaints) => {
            write!(talk, "{}", super::validate::page(&complaints))?;
            return Ok(ERROR);
        }
    };
    let reading = match billing.subscriptions().await {
        Ok(reading) => reading,
        Err(fault) => {
            writeln!(talk, "{}", Failure::new(fault.to_string(), cure(&fault)))?;
            return Ok(ERROR);
        }
    };
    let (paid, unasked) = ask(billing, &reading, &existing, now).await;
    let Config { stripe, catalogue, policy, .. } = &config;
    let mut outcome = generate(&reading, &paid, &existing, catalogue, policy, stripe.mode, now);
    outcome.complaints.extend(unasked);
    outcome.complaints = sorted(outcome.complaints);
    let refused =
        outcome.refusals.iter().filter(|r| !(r.waivable() && args.allow.iter().any(|a| a == r.name())));
    let refused: Vec<String> = refused.map(ToString::to_string).collect();
    remarks(&outcome, talk)?;
    if !refused.is_empty() {
        for refusal in refused {
            writeln!(talk, "refused: {refusal}")?;
        }
        writeln!(out, "generate: refused, nothing written")?;
        return Ok(REFUSED);
    }
    let changes = changes(&outcome, &existing);
    show(&changes, &existing, colour, out)?;
    if !args.check {
        folder::write(root, &changes)?;
    }
    summary(args.check, &changes, &outcome, &existing, out)?;
    Ok(match () {
        () if args.check && !changes.is_empty() => WOULD_CHANGE,
        () if !outcome.complaints.is_empty() => IN_PART,
        () => DONE,
    })
}

fn load(root: &Path) -> Result<(Config, Vec<ServerFile>), Vec<Complaint>> {
    let (files, mut complaints) = folder::survey(root);
    // Overrides and extras are none of this command's business.
    complaints.retain(|complaint| {
        complaint.file == "fleet" || complaint.file.starts_with(SERVERS.trim_end_matches('/'))
    });
    let existing = yaml::servers(&files).map_err(|wrong| complaints.extend(wrong));
    let config = config::load(root).map_err(|wrong| complaints.extend(wrong));
    match (config, existing) {
        (Ok(config), Ok(existing)) if complaints.is_empty() => Ok((config, existing)),
        _ => Err(sorted(complaints)),
    }
}

/// Asks whether the first invoice is paid where the listing does not say so. A question without an
/// answer starts no server.
async fn ask(
    billing: &dyn Billing,
    reading: &Reading,
    existing: &[ServerFile],
    now: Moment,
) -> (BTreeSet<SubscriptionId>, Vec<Complaint>) {
    let (mut paid, mut complaints) = (BTreeSet::new(), Vec::new());
    for id in unsure(reading, existing) {
        match billing.payment(&id, now).await {
            Ok(Some(_)) => {
                paid.insert(id);
            }
            Ok(None) => {}
            Err(fault) => {
                let message = format!("whether its first invoice is paid could not be asked: {fault}");
                complaints.push(Complaint::new(format!("stripe:{id}"), message, cure(&fault)));
            }
        }
    }
    (paid, complaints)
}

fn cure(fault: &Fault) -> &'static str {
    match fault {
        fault if fault.is_credentials() => "does the key read subscriptions, customers and invoices?",
        Fault::Refused(_) => "is STRIPE_API_KEY the right key?",
        Fault::Unavailable { .. } | Fault::Unknown(_) => "nothing was changed; run `basement generate` again",
    }
}

fn changes(outcome: &Outcome, existing: &[ServerFile]) -> BTreeMap<String, String> {
    let before = texts(existing);
    let changed =
        outcome.files.iter().filter(|(path, text)| before.get(path.as_str()) != Some(&text.as_str()));
    changed.map(|(path, text)| (path.clone(), text.clone())).collect()
}

fn texts(existing: &[ServerFile]) -> BTreeMap<&str, &str> {
    existing.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect()
}

fn show(
    changes: &BTreeMap<String, String>,
    existing: &[ServerFile],
    colour: bool,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let before = texts(existing);
    for (path, text) in changes {
        write!(
            out,
            "{}",
            redact(&unified(path, before.get(path.as_str()).copied(), text, colour), usize::MAX)
        )?;
    }
    Ok(())
}

fn remarks(outcome: &Outcome, talk: &mut (dyn Write + Send)) -> io::Result<()> {
    for note in &outcome.notes {
        writeln!(talk, "! {}: {}", note.subscription, redact(&note.text, 500))?;
    }
    for complaint in &outcome.complaints {
        write!(talk, "{}", redact(&complaint.to_string(), 4_000))?;
    }
    Ok(())
}

fn summary(
    check: bool,
    changes: &BTreeMap<String, String>,
    outcome: &Outcome,
    existing: &[ServerFile],
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let before = texts(existing);
    let new = changes.keys().filter(|path| !before.contains_key(path.as_str())).count();
    let (changed, same) = (changes.len() - new, outcome.files.len() - changes.len());
    let odd = match outcome.complaints.len() {
        0 => String::new(),
        1 => "; 1 complaint, and what it is about is left as it was".to_owned(),
        n => format!("; {n} complaints, and what they are about is left as it was"),
    };
    let written = if check { " (only checked, nothing written)" } else { "" };
    writeln!(out, "generate: {new} new, {changed} changed, {same} as before{odd}{written}")
}
