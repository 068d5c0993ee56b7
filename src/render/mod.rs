//! Floor 1: words for people and machines. Pure.
//! `words` and `why` choose them, `view` arranges them, `text` and `json` write them down.

pub mod diff;
mod firewall;
pub mod history;
pub mod insight;
pub mod json;
pub mod letter;
pub mod letter_samples;
pub mod money;
pub mod preview;
pub mod progress;
pub mod sections;
pub mod status;
pub mod tables;
pub mod text;
pub mod view;
pub mod why;
pub mod words;
