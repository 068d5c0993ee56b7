//! Letters before they are sent, for whoever reads a plan. Invariant: of a customer only the id is shown, and a
//! password is dots.

use serde::Serialize;

use crate::model::ids::{ServerName, StepId};

use super::words::{clean, count};

/// A letter of a plan, as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Its step.
    pub step: StepId,
    /// About which server; `None`: about the fleet.
    pub server: Option<ServerName>,
    /// To whom; of a customer the id alone, since an address is personal data.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The whole letter in plain text, a password as dots.
    pub text: String,
}

/// What stands for a password.
pub const DOTS: &str = "••••••••••••";

/// The letters one below the other; the last line says how many there are.
pub fn text(letters: &[Preview]) -> String {
    let mut out = String::new();
    for Preview { step, server: _, to, subject, text } in letters {
        let (to, subject) = (clean(to), clean(subject));
        out.extend(["@ ", step.as_str(), "\n  To: ", &to, "\n  Subject: ", &subject, "\n\n"]);
        for line in text.lines() {
            let line = format!("  {}", clean(line));
            out.extend([line.trim_end(), "\n"]);
        }
        out.push('\n');
    }
    let servers: std::collections::BTreeSet<_> = letters.iter().filter_map(|l| l.server.as_ref()).collect();
    let about = match servers.len() {
        0 => String::new(),
        n => format!(" about {}", count(n as u64, "server")),
    };
    let said = match letters.len() {
        0 => "no letters".to_owned(),
        n => format!("{}{about}, none of them sent", count(n as u64, "letter")),
    };
    out + &said + "\n"
}
