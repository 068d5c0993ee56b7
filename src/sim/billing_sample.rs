//! A sample account: every status, every shape, as a small shop would have collected them.

use crate::model::ids::SubscriptionId;
use crate::model::moment::{Moment, Span};

use super::billing::{Books, Refusal};
use super::billing_life::Subscribe;

/// What became of a subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pays,
    PaysNothing,
    Trial(u32),
    StopsPaying,
    Cancels,
    CancelsAtPeriodEnd,
    Pauses,
    PausesCollection,
    SwitchesOff,
    SecondItem,
    Two,
    IsDeleted,
}

/// Days before now, price, fate. Renewals are every 28 to 31 days, retries last 14.
const STORIES: [(u64, &str, Fate); 25] = [
    (400, "premium-year", Fate::Pays),
    (200, "pro-year", Fate::Pays),
    (120, "basic-month", Fate::Pays),
    (100, "pro-month", Fate::Cancels),
    (95, "premium-month", Fate::Pays),
    (90, "basic-month", Fate::IsDeleted),
    (80, "basic-year", Fate::Pays),
    (70, "pro-month", Fate::PausesCollection),
    (60, "basic-month", Fate::StopsPaying),
    (55, "pro-month", Fate::StopsPaying),
    (50, "basic-month", Fate::Pauses),
    (45, "premium-month", Fate::CancelsAtPeriodEnd),
    (40, "basic-month", Fate::SwitchesOff),
    (35, "pro-month", Fate::StopsPaying),
    (34, "basic-month", Fate::StopsPaying),
    (20, "basic-month", Fate::Pays),
    (15, "basic-month", Fate::SecondItem),
    (14, "pro-month", Fate::Two),
    (10, "premium-month", Fate::PaysNothing),
    (5, "basic-month", Fate::Trial(14)),
    (4, "pro-year", Fate::Trial(30)),
    (3, "premium-year", Fate::CancelsAtPeriodEnd),
    (2, "basic-year", Fate::Cancels),
    (1, "pro-month", Fate::Pays),
    (0, "premium-month", Fate::PaysNothing),
];

impl Books {
    /// An account of `count` subscriptions with their past; 25 or more show every status and every shape.
    pub fn sample(now: Moment, count: usize) -> Self {
        let mut books = Self::new();
        for n in 0..count {
            let crowd = ["basic-month", "pro-month", "premium-month", "basic-year"][n % 4];
            let (days, lookup_key, fate) = STORIES.get(n).copied().unwrap_or((0, crowd, Fate::Pays));
            let told = books.tell(now.minus(Span::days(days)), Subscribe::nth(n + 1, lookup_key), fate);
            // The catalogue is seeded, the ids are the books' own: nothing can be missing.
            debug_assert!(told.is_ok(), "story {n}: {told:?}");
        }
        books.tick(now);
        books
    }

    fn tell(&mut self, began: Moment, order: Subscribe, fate: Fate) -> Result<SubscriptionId, Refusal> {
        let trial_days = if let Fate::Trial(days) = fate { days } else { 0 };
        let order = Subscribe { trial_days, pay: fate != Fate::PaysNothing, ..order };
        let id = self.subscribe(began, order)?;
        match fate {
            Fate::Pays | Fate::PaysNothing | Fate::Trial(_) => Ok(()),
            Fate::StopsPaying => self.stop_paying(began, &id),
            Fate::Cancels => self.cancel(began, &id),
            Fate::CancelsAtPeriodEnd => self.cancel_at_period_end(began, &id, true),
            Fate::Pauses => self.pause(began, &id),
            Fate::PausesCollection => self.pause_collection(began, &id),
            Fate::SwitchesOff => self.switch_off(began, &id, true),
            Fate::SecondItem => self.second_item(began, &id),
            Fate::Two => self.quantity(began, &id, 2),
            Fate::IsDeleted => match self.customer_of(&id) {
                Some(customer) => self.delete_customer(began, &customer),
                None => Err(Refusal::missing("subscription", id.as_str(), "id")),
            },
        }?;
        Ok(id)
    }
}
