//! What `basement.toml` settles: the catalogue of plans, and the policy (deadlines, graces, caps).
//! Unknown keys are errors; every default is the cautious one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{PlanName, Slug};
use super::moment::Span;
use super::money::Currency;

/// Which of Stripe's two worlds the fleet is sold in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real money.
    Live,
    /// Play money.
    Test,
}

/// Who keeps everybody out but for SSH and the web.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirewallBy {
    /// Each droplet for itself, from its first boot on.
    #[default]
    Ufw,
    /// DigitalOcean, for all droplets of our tag.
    Cloud,
    /// Both.
    Both,
}

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// What every droplet gets unless its plan or override says otherwise.
    pub defaults: Defaults,
    /// The plans, by name.
    pub plans: BTreeMap<PlanName, PlanEntry>,
}

/// What every droplet gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Region slug.
    pub region: Slug,
    /// Image slug.
    pub image: Slug,
    /// Install the metrics agent.
    #[serde(default = "yes")]
    pub monitoring: bool,
    /// Weekly backups, billed.
    #[serde(default)]
    pub backups: bool,
    /// A public IPv6 address.
    #[serde(default)]
    pub ipv6: bool,
    /// MD5 fingerprints of SSH keys in the team. With none, DigitalOcean mails a (dead) root password
    /// to the account's owner for every droplet.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// Droplets may be made without a key, whatever DigitalOcean mails then.
    #[serde(default)]
    pub allow_no_ssh_keys: bool,
    /// Name of the cloud-init template.
    #[serde(default = "base")]
    pub template: String,
}

/// One plan of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// Size slug.
    pub size: Slug,
    /// Stripe price ids, price lookup keys or product ids that mean this plan.
    pub stripe: Vec<String>,
    /// What a month should cost, in minor units; a subscription that differs is pointed out.
    pub month: Option<i64>,
    /// What a year should cost, in minor units.
    pub year: Option<i64>,
    /// The currency of `month` and `year`.
    #[serde(default = "usd")]
    pub currency: Currency,
    /// Another region than the default.
    pub region: Option<Slug>,
    /// Another image than the default.
    pub image: Option<Slug>,
    /// Another cloud-init template than the default.
    pub template: Option<String>,
}

/// When what is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A droplet not up so long after its create was intended has failed.
    pub boot_deadline: Span,
    /// What makes a server ready for its customer.
    pub ready: ReadyBy,
    /// A server not ready so long after its create was intended is late.
    pub ready_deadline: Span,
    /// What follows then.
    pub not_ready: NotReady,
    /// So long a droplet is looked for after a lost reply, before another create.
    pub horizon: Span,
    /// So long after a shutdown the power is cut.
    pub power_off_after: Span,
    /// What follows a failed delivery.
    pub on_failure: OnFailure,
    /// Make servers anew that were deleted outside basement.
    pub recreate_deleted: bool,
    /// Who keeps everybody out.
    pub firewall: FirewallBy,
    /// Droplets may be made without a key: `allow_no_ssh_keys` of `[defaults]`, where it stands beside the keys.
    #[serde(skip)]
    pub allow_no_ssh_keys: bool,
    /// How long a server stays when it is no longer paid.
    pub grace: Grace,
    /// How much may be done at once.
    pub caps: Caps,
}

/// What makes a server ready for its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyBy {
    /// It says so itself over HTTP when its first boot is over, and SSH answers.
    Http,
    /// It is on and has a public address.
    Address,
}

/// What follows when a server is up and not ready in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotReady {
    /// The operator is told; it is still waited for.
    Alert,
    /// The delivery has failed.
    Fail,
}

/// What follows a failed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Refund the period's payment, and end the subscription.
    RefundAndCancel,
    /// Refund only: it will be charged again next period.
    Refund,
    /// Tell the operator only.
    Alert,
}

/// How long a server stays when it is no longer paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grace {
    /// Past due: running so long, then stopped.
    pub past_due: Span,
    /// Cancelled: stopped so long, then destroyed.
    pub canceled: Span,
    /// Unpaid: stopped so long, then destroyed.
    pub unpaid: Span,
    /// Paused: stopped so long, then destroyed.
    pub paused: Span,
}

/// How much may be done at once before a person must say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Caps {
    /// Destroys in one plan, of droplets that were up.
    pub destroy: usize,
    /// Destroys in one plan, in percent of the fleet; counts above 10 servers.
    pub destroy_percent: usize,
    /// Refunds in a day.
    pub refunds: usize,
    /// Refunds in a day, in minor units, per currency.
    pub refund_sum: i64,
    /// Letters in a day; those of welcome are paid for and not counted.
    pub letters: usize,
    /// So many servers in a row whose creates fail open the breaker; 0: never.
    pub failed_creates: usize,
    /// So does this percentage of the servers created in a day, if they are at least 5; 100: never.
    pub failed_percent: usize,
    /// Servers that `generate` may take from running at once, in percent of the running ones (3 are always allowed).
    pub shrink: usize,
}

impl FirewallBy {
    /// DigitalOcean has a part in it.
    pub fn is_cloud(self) -> bool {
        matches!(self, Self::Cloud | Self::Both)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            boot_deadline: Span::minutes(5),
            ready: ReadyBy::Http,
            ready_deadline: Span::minutes(15),
            not_ready: NotReady::Alert,
            horizon: Span::minutes(5),
            power_off_after: Span::minutes(2),
            on_failure: OnFailure::RefundAndCancel,
            recreate_deleted: false,
            firewall: FirewallBy::default(),
            allow_no_ssh_keys: false,
            grace: Grace::default(),
            caps: Caps::default(),
        }
    }
}

impl Default for Grace {
    fn default() -> Self {
        Self {
            past_due: Span::days(7),
            canceled: Span::days(7),
            unpaid: Span::days(14),
            paused: Span::days(30),
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            destroy: 3,
            destroy_percent: 10,
            refunds: 5,
            refund_sum: 50_000,
            letters: 50,
            failed_creates: 3,
            failed_percent: 30,
            shrink: 20,
        }
    }
}

fn yes() -> bool {
    true
}

fn base() -> String {
    "base".to_owned()
}

fn usd() -> Currency {
    Currency::USD
}
