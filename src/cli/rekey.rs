//! `basement rekey`: seals every kept password with the first key, so that the others can be thrown away.

use super::error::{Failure, code};
use super::{Context, project, say, wiring};
use crate::render::words::count;

pub(super) async fn run(context: &Context) -> Result<u8, Failure> {
    let project = project::load(&context.dir)?;
    let (ledger, vault) = wiring::strongbox(&project).await?;
    let hold = wiring::hold(&ledger, &project, "rekey").await?;
    let (mut resealed, mut shut, mut fresh) = (Vec::new(), Vec::new(), 0);
    for old in ledger.passwords().await? {
        match vault.reseal(&old) {
            Ok(Some(new)) => resealed.push(new),
            Ok(None) => fresh += 1,
            Err(fault) => shut.push((old, fault)),
        }
    }
    ledger.replace_passwords(&hold, &resealed).await?;
    let key = vault.ids().first().map_or_else(String::new, ToString::to_string);
    let already = if fresh > 0 { format!("; {fresh} had it already") } else { String::new() };
    say::tell(&format!("{} sealed anew with key {key}{already}", count(resealed.len() as u64, "password")));
    if shut.is_empty() {
        return Ok(code::DONE);
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
