//! Floor 1: words for people and machines. Pure.
//! `words`, `why` and `insight` choose them, `view` arranges them; `text`, `markdown`, `html` and `json` write
//! them down, `fold` makes a long plan short.

pub mod against;
pub mod caps;
pub mod counts;
pub mod diff;
pub mod events;
mod firewall;
pub mod fold;
pub mod grip;
pub mod history;
pub mod html;
pub mod insight;
pub mod json;
pub mod letter;
pub mod letter_samples;
pub mod markdown;
pub mod money;
pub mod objection;
pub mod preview;
pub mod progress;
pub mod schema;
pub mod sections;
pub mod status;
pub mod tables;
pub mod text;
mod upcoming;
pub mod verdict;
pub mod view;
pub mod why;
pub mod words;
