//! The seal keys at hand, and which of the passwords that are kept they open. Only `apply` makes a key.

use std::sync::Arc;

use crate::engine::Strongbox;
use crate::model::history::History;
use crate::ports::{Fault, Ledger as _, Sealed, Vault as _};
use crate::render::words::count;

use super::error::{self, Failure};
use super::project::Project;
use super::wiring::{SealVault, SqliteLedger};
use super::{apply, wiring};

/// What to do about passwords that no key here opens.
const CURE: &str =
    "give the key back that sealed them, in `BASEMENT_SEAL_KEYS` or in the file beside the ledger";

/// The passwords that are kept and do not open, each with why.
pub(super) struct Kept {
    /// How many are kept.
    pub all: usize,
    /// Those that do not open.
    shut: Vec<(Sealed, Fault)>,
    newest: Option<Sealed>,
}

impl Kept {
    /// Tries every one.
    pub async fn look(ledger: &SqliteLedger, vault: Option<&SealVault>) -> Result<Self, Fault> {
        let kept = ledger.passwords().await?;
        let mut shut = Vec::new();
        for sealed in &kept {
            let opened = match vault {
                Some(vault) => vault.open(sealed).await.map(drop),
                None => Err(Fault::refused("vault", "there is no seal key here")),
            };
            shut.extend(opened.err().map(|fault| (sealed.clone(), fault)));
        }
        Ok(Self { all: kept.len(), newest: kept.last().cloned(), shut })
    }

    /// All of those that do not open.
    pub fn trouble(&self) -> Option<Failure> {
        failure(&self.shut.iter().collect::<Vec<_>>(), CURE)
    }

    /// Those among them that a customer waits for; and the newest, for by that one a wrong key shows.
    fn needed(&self, history: &History) -> Option<Failure> {
        let is_needed = |sealed: &Sealed| {
            let record = history.records.get(&sealed.server);
            self.newest.as_ref() == Some(sealed)
                || record.is_some_and(|r| r.attempt == sealed.attempt && r.password_idle().is_none())
        };
        let needed: Vec<_> = self.shut.iter().filter(|(sealed, _)| is_needed(sealed)).collect();
        let cure = format!(
            "{CURE}; if it is lost for good, `basement apply --allow {}` replaces the servers that nobody was told of",
            apply::LOST_KEY
        );
        failure(&needed, &cure)
    }
}

/// Names the first few of them.
fn failure(shut: &[&(Sealed, Fault)], cure: &str) -> Option<Failure> {
    const MOST: usize = 5;
    let (_, fault) = shut.first()?;
    let mut names: Vec<String> =
        shut.iter().take(MOST).map(|(sealed, _)| format!("`{}`", sealed.server)).collect();
    if shut.len() > MOST {
        names.push(format!("{} more", shut.len() - MOST));
    }
    let what = format!(
        "{} cannot be opened (of {}): {}",
        count(shut.len() as u64, "password"),
        names.join(", "),
        error::parts(fault).0
    );
    Some(Failure::new(what, cure))
}

/// Wrong or missing keys are found before anything is created, or replaced for want of them.
pub(super) async fn check(project: &Project) -> Result<(), Failure> {
    let Some(ledger) = wiring::ledger_there_is(project).await? else { return Ok(()) };
    let kept = Kept::look(&ledger, wiring::vault_there_is(project)?.as_ref()).await?;
    match kept.needed(&ledger.history().await?) {
        Some(Failure { message, hint, code }) => {
            Err(Failure { message: format!("{message}; nothing was done"), hint, code })
        }
        None => Ok(()),
    }
}

/// The keys at hand; where no password is kept, none are needed.
pub(super) async fn vault(project: &Project) -> Result<SealVault, Failure> {
    let is_needless = kept(project).await?.is_empty();
    wiring::vault_there_is(project)?.or_else(|| is_needless.then(SealVault::empty)).ok_or_else(|| {
        let cure = "set `BASEMENT_SEAL_KEYS`, or put the key file back beside the ledger; only `basement apply` makes one";
        Failure::new("there is no seal key here; nothing was done", cure)
    })
}

/// The keys at hand, or a new one: under a number that no password bears, so that a key that is found again can be
/// put behind it.
pub(super) async fn vault_or_new(project: &Project) -> Result<SealVault, Failure> {
    if let Some(vault) = wiring::vault_there_is(project)? {
        return Ok(vault);
    }
    // A ledger that cannot be opened is told of before its key file.
    wiring::open_ledger(project).await?;
    let kept = kept(project).await?;
    let is_free = |number: &u8| kept.iter().all(|sealed| SealVault::number_of(sealed) != Some(*number));
    Ok(wiring::new_vault(project, (1..=u8::MAX).find(is_free).unwrap_or(1))?)
}

async fn kept(project: &Project) -> Result<Vec<Sealed>, Failure> {
    match wiring::ledger_there_is(project).await? {
        Some(ledger) => Ok(ledger.passwords().await?),
        None => Ok(Vec::new()),
    }
}

/// What a plan tries passwords with, if there is a ledger and a key that may be read. `is_lost`: a person says that
/// what does not open never will.
pub(super) async fn strongbox(project: &Project, is_lost: bool) -> Result<Option<Strongbox>, Failure> {
    let Some(ledger) = wiring::ledger_there_is(project).await? else { return Ok(None) };
    let vault = wiring::vault_there_is(project).ok().flatten();
    let vault = vault.or_else(|| is_lost.then(SealVault::empty));
    Ok(vault.map(|vault| Strongbox { ledger: Arc::new(ledger), vault: Arc::new(vault) }))
}
