//! What the guard objects to, and the command that waives it.

use std::fmt::Display;

/// An objection in a sentence, with the whole command that says it is right; some a saved plan's approval waives too.
pub fn sentence(objection: &impl Display, name: &str, is_approvable: bool) -> String {
    let or = if is_approvable { ", or `basement approve` a saved plan" } else { "" };
    format!("{objection}; if that is right: `basement apply --allow {name}`{or}")
}
