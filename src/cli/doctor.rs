//! `basement doctor`: whether files, credentials, ledger and clock will do, by harmless questions only.
//! Invariant: it changes nothing, asks for nothing that is personal to be shown, and tells no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::error::{Failure, code, parts, pretty};
use super::keys::Kept;
use super::project::Project;
use super::{Context, Format, overdue, project, say, wiring};
use crate::fleet::userdata;
use crate::model::moment::{Moment, Span};
use crate::model::policy::Catalogue;
use crate::ports::{Asked, Fault};
use crate::render::json::VERSION;
use crate::render::words::count;
use crate::wire::credential;
use crate::wire::redact::redact_line;

/// Signatures, budgets and deadlines bear with so much.
const SKEW: Span = Span::seconds(30);

/// Nobody can find that out by harmless questions.
const UNASKED: &str = "; what it may write shows only when it does";

/// Arguments of `basement doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One thing that was looked at.
struct Check {
    what: String,
    is_ok: bool,
    says: String,
    cure: Option<String>,
}

pub(super) async fn run(context: &Context, args: &DoctorArgs) -> Result<u8, Failure> {
    let mut checks = Vec::new();
    let project = if let Ok(project) = project::load(&context.dir) {
        let says = format!("{}, and all can be read", count(project.fleet.servers.len() as u64, "server"));
        checks.push(Check::ok("files", says));
        Some(project)
    } else {
        let failure = Failure::new("something in them is wrong", "`basement validate` tells what, and where");
        checks.push(Check::bad("files", &failure));
        project::without_fleet(&context.dir).ok()
    };
    if let Some(project) = &project {
        checks.extend(templates(project));
        checks.extend(digitalocean(project).await);
        checks.extend(stripe(project).await);
        checks.extend(relay(project).await);
        checks.extend(strongbox(project).await);
        checks.extend(overdue(project).await);
    }
    let is_well = checks.iter().all(|check| check.is_ok);
    match args.format {
        Format::Text => say::print(&page(&checks))?,
        Format::Json => {
            let list: Vec<_> = checks.iter().map(Check::json).collect();
            say::print(&pretty(&json!({ "version": VERSION, "ok": is_well, "checks": list }))?)?;
        }
    }
    Ok(if is_well { code::DONE } else { code::ERROR })
}

/// The templates that plans name.
fn templates(project: &Project) -> Vec<Check> {
    let catalogue = &project.config.catalogue;
    let own = catalogue.plans.values().filter_map(|plan| plan.template.as_ref());
    let names: BTreeSet<_> = own.chain([&catalogue.defaults.template]).collect();
    let check = |name: &String| {
        let what = format!("template `{name}`");
        match userdata::check(&project.templates, name, project.config.policy.ready) {
            Ok(()) => Check::ok(what, "can be filled in".to_owned()),
            Err(bad) => Check::bad(what, &Failure::plain(bad.to_string())),
        }
    };
    names.into_iter().map(check).collect()
}

async fn digitalocean(project: &Project) -> Vec<Check> {
    const WHAT: &str = "DigitalOcean token";
    let known = wiring::digitalocean_token().and_then(|token| {
        let cure = "make a personal access token in DigitalOcean's control panel, API";
        let kind = credential::digitalocean(token.expose_secret()).map_err(|why| Failure::new(why, cure))?;
        Ok((kind, wiring::digitalocean(token)?))
    });
    let (kind, cloud) = match known {
        Ok(known) => known,
        Err(failure) => return vec![Check::bad(WHAT, &failure)],
    };
    let says = format!("{kind}{UNASKED}");
    let Catalogue { defaults, plans } = &project.config.catalogue;
    let mut images: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for plan in plans.values() {
        let image = plan.image.as_ref().unwrap_or(&defaults.image);
        let region = plan.region.as_ref().unwrap_or(&defaults.region);
        images.entry(image.clone()).or_default().insert(region.clone());
    }
    let asked = cloud.checkup(&images, &defaults.ssh_keys, project.config.policy.firewall.is_cloud()).await;
    vendor(Check::ok(WHAT, says), "DigitalOcean", asked).await
}

async fn stripe(project: &Project) -> Vec<Check> {
    const WHAT: &str = "Stripe key";
    let known = wiring::stripe_key().and_then(|key| {
        let kind = credential::stripe(key.expose_secret()).unwrap_or("no key of Stripe's");
        Ok((kind, wiring::stripe(&project.config, key)?))
    });
    let (kind, billing) = match known {
        Ok(known) => known,
        Err(failure) => return vec![Check::bad(WHAT, &failure)],
    };
    let is_bound = kind.starts_with("restricted");
    let says = format!("{kind}{}", if is_bound { UNASKED } else { "" });
    let asked = billing.checkup().await;
    vendor(Check::ok(WHAT, says), "Stripe", asked).await
}

/// A credential's line, those of its questions, and that of the vendor's clock.
async fn vendor(kind: Check, name: &str, asked: Vec<Asked>) -> Vec<Check> {
    let date = asked.iter().find_map(|asked| asked.date);
    let line = |Asked { what, result, .. }| {
        let what = format!("{name} {what}");
        match result {
            Ok(says) => Check::ok(what, if says.is_empty() { "may be read".to_owned() } else { says }),
            Err(fault) => Check::bad(what, &sick(fault, name)),
        }
    };
    let mut checks: Vec<Check> = [kind].into_iter().chain(asked.into_iter().map(line)).collect();
    if let (Some(theirs), Ok(clock)) = (date, wiring::clock()) {
        checks.push(skew(format!("{name} clock"), theirs, clock.now().await));
    }
    checks
}

/// With a cure for today: a command's own is to be run again later.
fn sick(fault: Fault, who: &str) -> Failure {
    match &fault {
        Fault::Refused(_) => fault.into(),
        Fault::Unavailable { .. } | Fault::Unknown(_) => {
            let cure = format!("see whether {who} is up and can be reached from here");
            Failure::new(parts(&fault).0, parts(&fault).1.unwrap_or(cure))
        }
    }
}

fn skew(what: String, theirs: Moment, ours: Moment) -> Check {
    let (off, word) =
        if ours > theirs { (ours.since(theirs), "ahead of") } else { (theirs.since(ours), "behind") };
    if off <= SKEW {
        return Check::ok(what, "is ours, within 30 seconds".to_owned());
    }
    let why = format!("this machine's clock is {off} {word} theirs");
    Check::bad(what, &Failure::new(why, "set the clock, and keep it set (`timedatectl set-ntp true`)"))
}

async fn relay(project: &Project) -> Vec<Check> {
    const WHAT: &str = "mail relay";
    let check = match wiring::mailer(&project.config) {
        Err(failure) => Check::bad(WHAT, &failure),
        Ok(mailer) => match mailer.checkup().await {
            Ok(()) => Check::ok(WHAT, mailer.kind()),
            Err(fault) => Check::bad(WHAT, &sick(fault, "the relay in `BASEMENT_SMTP_URL`")),
        },
    };
    vec![check]
}

/// What should be erased by now; nothing where nothing is kept too long. A ledger that cannot be read has its line.
async fn overdue(project: &Project) -> Option<Check> {
    let why = overdue::words(overdue::count(project).await.ok()?)?;
    Some(Check::bad("erasure", &Failure::new(why, "run `basement apply`, and let it run on a schedule")))
}

/// The seal keys, the ledger, and whether they fit.
async fn strongbox(project: &Project) -> Vec<Check> {
    let (vault, ledger) = (wiring::vault_there_is(project), wiring::ledger_there_is(project).await);
    let keys = match &vault {
        Ok(Some(vault)) => {
            let ids: Vec<String> = vault.ids().iter().map(ToString::to_string).collect();
            Check::ok("seal keys", format!("number {}; the first seals", ids.join(", ")))
        }
        Ok(None) => {
            Check::ok("seal keys", "none yet; the first `basement apply` makes a key file".to_owned())
        }
        Err(failure) => Check::bad("seal keys", failure),
    };
    let ledger = match ledger {
        Ok(Some(ledger)) => ledger,
        Ok(None) => {
            let says = "none yet; the first `basement apply` makes it".to_owned();
            return vec![keys, Check::ok("ledger", says)];
        }
        Err(failure) => return vec![keys, Check::bad("ledger", &failure)],
    };
    let is_sound = match ledger.check().await {
        Ok(()) => Check::ok("ledger", "can be read, and its rows are what its entries say".to_owned()),
        Err(fault) => Check::bad("ledger", &fault.into()),
    };
    let may_write = match wiring::open_ledger(project).await {
        // Nobody is kept waiting: the lock is let go at once.
        Ok(ledger) => match ledger.hold(&wiring::holder("doctor")).await {
            Ok(_) => Check::ok("ledger lock", "can be written, and nobody holds it".to_owned()),
            Err(fault) => Check::bad("ledger lock", &fault.into()),
        },
        Err(failure) => Check::bad("ledger lock", &failure),
    };
    let passwords = match Kept::look(&ledger, vault.ok().flatten().as_ref()).await {
        Err(fault) => Check::bad("passwords", &fault.into()),
        Ok(kept) => match kept.trouble() {
            Some(trouble) => Check::bad("passwords", &trouble),
            None if kept.all == 0 => Check::ok("passwords", "none is kept".to_owned()),
            None => Check::ok("passwords", format!("{} kept, and each opens", kept.all)),
        },
    };
    vec![keys, is_sound, may_write, passwords]
}

impl Check {
    fn ok(what: impl Into<String>, says: String) -> Self {
        Self { what: what.into(), is_ok: true, says, cure: None }
    }

    fn bad(what: impl Into<String>, failure: &Failure) -> Self {
        let says = redact_line(&failure.message, 600);
        let cure = failure.hint.as_deref().map(|hint| redact_line(hint, 600));
        Self { what: what.into(), is_ok: false, says, cure }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "check": self.what, "ok": self.is_ok, "says": self.says, "cure": self.cure })
    }
}

/// A line each; the verdict is the last.
fn page(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.what.chars().count()).max().unwrap_or(0);
    let mut page = String::new();
    for Check { what, is_ok, says, cure } in checks {
        let sign = if *is_ok { "ok" } else { "!!" };
        let cure = cure.as_ref().map(|cure| format!("; hint: {cure}")).unwrap_or_default();
        // A String takes all that is written to it.
        let _ = writeln!(page, "{sign}  {what:width$}  {says}{cure}");
    }
    let all = count(checks.len() as u64, "check");
    match checks.iter().filter(|check| !check.is_ok).count() {
        0 => page + &format!("doctor: {all}, all good\n"),
        bad => page + &format!("doctor: {all}, {bad} to be mended\n"),
    }
}
