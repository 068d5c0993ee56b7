//! What the guard objects to, and the command that waives it.

use crate::plan::guard::Objection;

/// An objection in a sentence, with the whole command that says it is right.
pub fn sentence(objection: &Objection) -> String {
    let name = objection.name();
    let or = if Objection::is_approvable(name) { ", or `basement approve` a saved plan" } else { "" };
    format!("{objection}; if that is right: `basement apply --allow {name}`{or}")
}
