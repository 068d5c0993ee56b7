//! basement runs servers sold by subscription the GitOps way.
//!
//! Floors, each of which may name only those below it (`tests/tidy.rs` holds this):
//!
//! | floor | modules | job |
//! |---|---|---|
//! | 0 | [`model`] | the nouns |
//! | 1 | [`fleet`], [`plan`], [`render`] | pure: files, decisions, words |
//! | 2 | [`ports`], [`wire`] | what is asked of the world, and the vendors' JSON |
//! | 3 | [`adapters`], [`sim`], [`engine`] | the world, the simulated world, one pass |
//! | 4 | [`rehearse`] | scripts |
//! | 5 | [`cli`] | commands |
//!
//! Reading order: [`model::step`], [`plan`], [`engine`], then whatever you came for.
#![forbid(unsafe_code)]

pub mod adapters;
pub mod cli;
pub mod engine;
pub mod fleet;
pub mod model;
pub mod plan;
pub mod ports;
pub mod rehearse;
pub mod render;
pub mod sim;
pub mod wire;
