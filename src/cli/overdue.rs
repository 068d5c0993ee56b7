//! Passwords that should be erased by now: nobody has held the ledger since their day.

use crate::ports::Ledger as _;
use crate::render::words;

use super::error::Failure;
use super::project::Project;
use super::wiring;

/// How many are kept longer than customers were promised.
pub(super) async fn count(project: &Project) -> Result<usize, Failure> {
    let Some(ledger) = wiring::ledger_there_is(project).await? else { return Ok(0) };
    let (kept, history) = (ledger.passwords().await?, ledger.history().await?);
    let before = wiring::clock()?.now().await.minus(project.config.mail.keep_password);
    let is_overdue = |sealed: &&crate::ports::Sealed| {
        let record = history.records.get(&sealed.server);
        record.and_then(|record| record.erasable(before)).is_some_and(|attempt| sealed.attempt <= attempt)
    };
    Ok(kept.iter().filter(is_overdue).count())
}

/// What to say of them, if there are any.
pub(super) fn words(count: usize) -> Option<String> {
    let is = if count == 1 { "is" } else { "are" };
    let many = words::count(count as u64, "password");
    (count > 0).then(|| format!("{many} {is} kept longer than `mail.keep_password` promises"))
}
