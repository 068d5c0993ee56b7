//! The part of a server's file that follows from its subscription: what `generate` writes, and what a forecast
//! expects it to write. Invariant: one rule for both, so that what is foretold is what comes.

use super::desired::{Because, DesiredState, Server};
use super::moment::Moment;
use super::policy::Grace;

/// What a file says of its server's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The state asked for.
    pub state: DesiredState,
    /// Why.
    pub because: Because,
    /// Since when.
    pub since: Moment,
    /// From when on `Stopped` means `Destroyed`.
    pub destroy_after: Option<Moment>,
}

impl Standing {
    /// Its subscription ended: off, and to be destroyed after its grace.
    pub fn cancelled(ended: Moment, grace: &Grace) -> Self {
        let destroy_after = Some(ended.plus(grace.canceled));
        Self { state: DesiredState::Stopped, because: Because::Cancelled, since: ended, destroy_after }
    }

    /// Not paid since a moment: off from when its grace is over. Whether it is destroyed is for Stripe to say later.
    pub fn not_paid(began: Moment, grace: &Grace) -> Self {
        let since = began.plus(grace.past_due);
        Self { state: DesiredState::Stopped, because: Because::PastDue, since, destroy_after: None }
    }

    /// What a running server's file will say from `since` on, if nothing but time goes by.
    pub fn next(server: &Server, grace: &Grace) -> Option<Self> {
        if server.state != DesiredState::Running || server.subscription().is_none() {
            return None;
        }
        let ended = server.ends_on.map(|end| Self::cancelled(end, grace));
        let is_late = server.because == Because::PastDue;
        let unpaid = is_late.then(|| Self::not_paid(server.since, grace));
        ended.into_iter().chain(unpaid).min_by_key(|next| next.since)
    }
}
