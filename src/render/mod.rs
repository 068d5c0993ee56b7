//! Floor 1: words for people and machines. Pure.
pub mod diff;
