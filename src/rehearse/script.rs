//! A scenario in YAML: what customers, vendors and operators do, and which commands are run in between.

use serde::Deserialize;
use serde_yaml::with::singleton_map_recursive;

use crate::model::moment::Span;

/// One line of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Tell the spectator something.
    Say(String),
    /// Run a command of basement, its words separated by spaces.
    Run(String),
    /// Run one that must end with this exit code.
    RunFor {
        /// The command.
        command: String,
        /// Its exit code.
        code: u8,
    },
    /// Show the letters that came since the last time.
    Letters,
    /// A customer subscribes and pays.
    Subscribe {
        /// The shop's user id.
        user: String,
        /// The customer's name.
        name: String,
        /// Which price, by lookup key.
        price: String,
    },
    /// A user cancels, at once.
    Cancel(String),
    /// A user's renewal fails.
    StopPaying(String),
    /// A user pays what is owed.
    Pay(String),
    /// Somebody deletes a user's droplet in DigitalOcean's panel.
    DeleteDroplet(String),
    /// The next droplet that is made will never finish its boot.
    NextBootSticks,
    /// Time goes by.
    Advance(Span),
    /// Show the money.
    Money,
}

/// Reads a scenario; the error names the line.
pub fn parse(text: &str) -> Result<Vec<Act>, serde_yaml::Error> {
    singleton_map_recursive::deserialize(serde_yaml::Deserializer::from_str(text))
}
