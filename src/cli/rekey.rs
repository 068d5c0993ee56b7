//! `basement rekey`: seals every kept password with the first key, so that the others can be thrown away.

use super::error::{Failure, code};
use super::{Context, keys, project, say, wiring};
use crate::render::words::count;

pub(super) async fn run(context: &Context) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let (vault, ledger) = (keys::vault(&project).await?, wiring::sealed_ledger(&project).await?);
    let hold = wiring::hold(&ledger, &project, "rekey").await?;
    let (mut resealed, mut shut, mut fresh) = (Vec::new(), Vec::new(), 0);
    for old in ledger.passwords().await? {
        match vault.reseal(&old) {
            Ok(Some(new)) => resealed.push(new),
            Ok(None) => fresh += 1,
            Err(fault) => shut.push((old, fault)),
        }
    }
    let is_clean = ledger.replace_passwords(&hold, &resealed).await?;
    let key = vault.ids().first().map_or_else(String::new, ToString::to_string);
    let already = if fresh > 0 { format!("; {fresh} had it already") } else { String::new() };
    say::tell(&format!("{} sealed anew with key {key}{already}", count(resealed.len() as u64, "password")));
    match (shut.is_empty(), is_clean) {
        (true, true) => return Ok(code::DONE),
        (true, false) => {
            return Err(Failure::new(
                "sealed anew, but another program reads the ledger this moment: the old seals are still in its files",
                "keep the old key secret, and run `basement rekey` again when nobody reads the ledger",
            )
            .with_code(code::UNCLEAN));
        }
        (false, _) => {}
    }
    for (old, fault) in &shut {
        say::remark(&format!("`{}`, attempt {}: {}", old.server, old.attempt, fault.detail().message));
    }
    Err(Failure::new(
        format!("{} cannot be opened and stay as they are", count(shut.len() as u64, "password")),
        "put the keys that sealed them behind the others in `BASEMENT_SEAL_KEYS`, then run it again",
    )
    .with_code(code::PARTIAL))
}
