//! Floor 0: the nouns. Plain data, no IO, no clock, no traits of our own.
//! Everything above speaks in these words (design: Fleet, Census, History).

pub mod approval;
pub mod billing;
pub mod breaker;
pub mod census;
pub mod count;
pub mod desired;
pub mod firewall;
pub mod hidden;
pub mod history;
pub mod ids;
pub mod insight;
pub mod letter;
pub mod moment;
pub mod money;
pub mod plan;
pub mod policy;
pub mod record;
pub mod standing;
pub mod step;
