//! What a run has learned of the mail relay: whether letters get through, or none can.
//! Invariant: what is one letter's own matter holds no other letter back.

use tokio::sync::Mutex;

use crate::model::history::Outcome;
use crate::model::letter::Recipient;
use crate::model::step::{Action, Step};
use crate::ports::Fault;

use super::execute::{Hands, execute};

/// Until a letter got through they go one by one, so that a relay that refuses us costs one letter's wait and not
/// all of theirs.
#[derive(Debug, Default)]
pub(super) struct Post(Mutex<Mood>);

#[derive(Debug, Default)]
struct Mood {
    works: bool,
    /// The first letter that was refused in a way that may be about all: to whom, and how.
    doubted: Option<(Recipient, String)>,
    /// No letter can be sent, and why.
    unsent: Option<Fault>,
}

impl Post {
    /// Why no letter can be sent, if none can.
    pub(super) fn unsent(&mut self) -> Option<&Fault> {
        self.0.get_mut().unsent.as_ref()
    }

    /// Sends a letter, unless none can be sent.
    pub(super) async fn send(&self, hands: &Hands<'_>, step: &Step) -> Option<Result<Outcome, Fault>> {
        let mut mood = self.0.lock().await;
        if mood.unsent.is_some() {
            return None;
        }
        if mood.works {
            drop(mood);
            let result = execute(hands, step).await;
            self.0.lock().await.note(step, &result);
            return Some(result);
        }
        let result = execute(hands, step).await;
        mood.note(step, &result);
        Some(result)
    }
}

impl Mood {
    fn note(&mut self, step: &Step, result: &Result<Outcome, Fault>) {
        let Err(fault) = result else { return self.works = true };
        if fault.is_relay() || (!self.works && self.is_second(step, fault)) {
            self.unsent.get_or_insert_with(|| fault.clone());
        }
    }

    /// Whether another recipient's letter was refused alike before.
    fn is_second(&mut self, step: &Step, fault: &Fault) -> bool {
        let (Action::Letter { letter }, Some(how)) = (&step.action, fault.may_be_relay()) else {
            return false;
        };
        let (to, before) = self.doubted.get_or_insert_with(|| (letter.to.clone(), how.to_owned()));
        *to != letter.to && before == how
    }
}
