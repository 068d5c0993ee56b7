//! Stand-in for the simulated Stripe's books, until they are merged.

/// Stripe's state.
#[derive(Default)]
pub struct Books {}

impl Books {
    /// An empty account.
    pub fn new() -> Self {
        Self::default()
    }
}
