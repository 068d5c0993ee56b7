//! `basement resend`: whether a server's welcome letter may be sent once more, and as which step.
//! Invariant: the letter is the one that was sent, about a droplet that is up at the address it names.

use crate::model::census::Census;
use crate::model::desired::{DesiredState, Fleet};
use crate::model::history::{Entry, Event, History, Phase};
use crate::model::ids::{ServerName, StepId};
use crate::model::letter::{Letter, Occasion};
use crate::model::moment::Span;
use crate::model::step::{Action, Reason, Step};

/// What is known about the passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Whether the ledger still has the server's.
    pub has_password: bool,
    /// How long they are kept.
    pub keep: Span,
}

/// Why no letter may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoResend {
    /// Nothing is known of it.
    #[error("`{0}` is unknown to the ledger; hint: `basement status` lists the servers")]
    Unknown(ServerName),
    /// It is not the customer's yet.
    #[error(
        "`{0}` is {1}: its letter was not sent yet; hint: `basement apply` sends it once the server is ready"
    )]
    NotYet(ServerName, Phase),
    /// It is not the customer's any more, or never was.
    #[error("`{0}` is {1}: there is no server to log in to; hint: `basement history {0}` tells why")]
    Over(ServerName, Phase),
    /// It is switched off, or about to be.
    #[error(
        "`{0}` is to be {1}, and the letter would say that it is ready; hint: send it again when the server is on"
    )]
    Unwanted(ServerName, DesiredState),
    /// No file declares it, so nobody knows what the letter should say.
    #[error("no file declares `{0}`; hint: `basement plan` shows what is to become of it")]
    Undeclared(ServerName),
    /// The droplet is not as the letter says.
    #[error(
        "the droplet of `{0}` is not up at the address that the letter names; hint: run `basement apply`, and look at `basement plan`"
    )]
    NotSo(ServerName),
    /// It was taken up from another ledger.
    #[error(
        "the ledger has no welcome letter of `{0}`, since it took the server up from another one; hint: restore a \
         backup of the old ledger, or reset the root password in DigitalOcean's control panel (Access)"
    )]
    NoLetter(ServerName),
    /// The password is gone.
    #[error(
        "the password of `{0}` is erased since {1}, {2} after its letter was sent: nobody here can read it any more; \
         hint: a customer who is still logged in runs `passwd`; else reset the root password in DigitalOcean's control \
         panel (Access), or delete the droplet there with all its data and run `basement recreate {0}`"
    )]
    Erased(ServerName, String, Span),
    /// The password was never there.
    #[error(
        "the ledger has no password of `{0}`, though it should be kept until {1}; hint: restore a backup of the \
         ledger, or reset the root password in DigitalOcean's control panel (Access)"
    )]
    NoPassword(ServerName, String),
}

/// The step that sends the welcome letter once more. One that was begun and whose end is not known is the same
/// step again, so that receivers can drop the second copy.
pub fn again(
    server: &ServerName,
    fleet: &Fleet,
    census: &Census,
    history: &History,
    entries: &[Entry],
    keeping: Keeping,
) -> Result<Step, NoResend> {
    let name = || server.clone();
    let record = history.records.get(server).ok_or_else(|| NoResend::Unknown(name()))?;
    match record.phase {
        Phase::Delivered => {}
        phase @ (Phase::New | Phase::Creating | Phase::Booting) => {
            return Err(NoResend::NotYet(name(), phase));
        }
        phase @ (Phase::Failed | Phase::Deleted | Phase::Ended) => return Err(NoResend::Over(name(), phase)),
    }
    let declared = fleet.servers.get(server).ok_or_else(|| NoResend::Undeclared(name()))?;
    let state = declared.state_at(census.at);
    if state != DesiredState::Running {
        return Err(NoResend::Unwanted(name(), state));
    }
    let first = StepId::of(&[&"letter", server, &"welcome", &record.attempt]);
    let letter = sent(entries, &first).ok_or_else(|| NoResend::NoLetter(name()))?;
    if !is_so(letter, census) {
        return Err(NoResend::NotSo(name()));
    }
    // What is still there after its day is as good as erased: its customer was told so.
    let until = record.delivered.unwrap_or(census.at).plus(keeping.keep);
    if until <= census.at {
        return Err(NoResend::Erased(name(), until.date(), keeping.keep));
    }
    if !keeping.has_password {
        return Err(NoResend::NoPassword(name(), until.date()));
    }
    let before = record.done.keys().filter(|id| id.as_str().starts_with(&format!("{first}/"))).count();
    let id = StepId::of(&[&first, &"again", &(before + 1)]);
    let again = record.open.contains_key(&id);
    let action = Action::Letter { letter: letter.clone() };
    Ok(Step { id, server: Some(name()), action, reason: Reason::Up, again })
}

/// The letter of a step, as it was last intended.
fn sent<'a>(entries: &'a [Entry], step: &StepId) -> Option<&'a Letter> {
    entries.iter().rev().filter(|entry| entry.step == *step).find_map(|entry| match &entry.event {
        Event::Intended { action: Action::Letter { letter } } => Some(letter),
        _ => None,
    })
}

fn is_so(letter: &Letter, census: &Census) -> bool {
    let Occasion::Welcome { address, droplet, .. } = &letter.occasion else { return false };
    let is_it = |known: &crate::model::census::Droplet| {
        known.is_ours() && known.is_up() && known.public_ipv4 == Some(*address)
    };
    census.droplets.get(droplet).is_some_and(is_it)
}
