//! Whims of the simulated cloud: what may become of a droplet although every call was answered well.

use serde::{Deserialize, Serialize};

/// One way in which the cloud does not do as it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whim {
    /// The next create stays `new` for ever.
    StuckNew,
    /// The next create takes so many seconds to boot.
    SlowBoot(u64),
    /// The next one that becomes active never publishes its page.
    NeverReady,
    /// The first boot of the next one takes so many seconds.
    SlowFirstBoot(u64),
    /// The first boot of the next one ends badly.
    FirstBootFails,
    /// At the address of the next one an old server answers.
    OtherServer,
    /// At the address of the next one SSH shows another key than the page tells.
    OtherKey,
    /// The next create is answered 202 and is 404 after the listing lag, never listed.
    Vanish,
    /// The next one that becomes active has no public IPv4 for so many seconds.
    NoAddress(u64),
    /// The next create is made well, and its droplet is gone after so many seconds.
    VanishLater(u64),
    /// The next create is shown without its tags for so many seconds, so that no listing by tag holds it.
    TagLag(u64),
    /// The next shutdown completes and the droplet stays on.
    IgnoreShutdown,
    /// The next power off completes and the droplet stays on.
    IgnorePowerOff,
    /// The next power on completes and the droplet stays off.
    IgnorePowerOn,
    /// When a power action is asked for next, something else is under way for so many seconds: 422.
    Busy(u64),
    /// The next DELETE of a `new` droplet is answered 204 and forgotten.
    LoseDelete,
    /// The next DELETE of any droplet is answered 204 and forgotten.
    IgnoreDelete,
}

/// A whim and whom it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// What.
    pub whim: Whim,
    /// Only for the droplet of this name; else for the next one.
    #[serde(default)]
    pub server: Option<String>,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
}

/// When a whim strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A create is accepted.
    Create,
    /// A boot ends.
    Boot,
    /// The first boot begins.
    FirstBoot,
    /// Its tags are put on.
    Tag,
    /// A power action is asked for.
    Act,
    /// A shutdown is asked for.
    Shutdown,
    /// A power off is asked for.
    PowerOff,
    /// A power on is asked for.
    PowerOn,
    /// A DELETE of a `new` droplet is asked for.
    DeleteNew,
    /// A DELETE is asked for.
    Delete,
}

/// The whims to come, in order.
#[derive(Debug, Clone, Default)]
pub struct Whims(Vec<Told>);

impl Whims {
    /// Adds one.
    pub fn tell(&mut self, told: Told) {
        self.0.push(told);
    }

    /// Takes one back, however often it was told.
    pub fn forget(&mut self, whim: Whim) {
        self.0.retain(|told| told.whim != whim);
    }

    /// The first whim that strikes here, used up.
    pub fn take(&mut self, when: When, name: &str) -> Option<Whim> {
        let fits = |t: &Told| {
            t.whim.when() == when && t.server.as_ref().is_none_or(|s| s.eq_ignore_ascii_case(name))
        };
        let at = self.0.iter().position(|t| t.times > 0 && fits(t))?;
        let whim = self.0[at].whim;
        self.0[at].times -= 1;
        self.0.retain(|t| t.times > 0);
        Some(whim)
    }
}

impl Whim {
    fn when(self) -> When {
        match self {
            Self::StuckNew | Self::SlowBoot(_) | Self::Vanish | Self::VanishLater(_) => When::Create,
            Self::TagLag(_) => When::Tag,
            Self::NoAddress(_) => When::Boot,
            Self::NeverReady
            | Self::SlowFirstBoot(_)
            | Self::FirstBootFails
            | Self::OtherServer
            | Self::OtherKey => When::FirstBoot,
            Self::Busy(_) => When::Act,
            Self::IgnoreShutdown => When::Shutdown,
            Self::IgnorePowerOff => When::PowerOff,
            Self::IgnorePowerOn => When::PowerOn,
            Self::LoseDelete => When::DeleteNew,
            Self::IgnoreDelete => When::Delete,
        }
    }
}

fn once() -> u32 {
    1
}
