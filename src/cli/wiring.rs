//! Puts the real world behind the ports: the one place that names concrete adapters.

use std::sync::Arc;

use crate::adapters::clock::{RealClock, SimClock};
use crate::adapters::digitalocean::DigitalOcean;
use crate::adapters::ledger::SqliteLedger;
use crate::adapters::mail::{RelaySettings, SmtpMailer};
use crate::adapters::mail_letterhead::Letterhead;
use crate::adapters::pace::Pace;
use crate::adapters::stripe::Stripe;
use crate::adapters::vault::SealVault;
use crate::engine::{Eyes, Ports};
use crate::model::history::History;
use crate::ports::{Billing, Clock, Ledger, Vault};

use super::config::{Config, Dkim, MailConfig};
use super::env;
use super::error::Failure;
use super::project::Project;

/// How we name ourselves to the vendors.
const USER_AGENT: &str = concat!("basement/", env!("CARGO_PKG_VERSION"));

/// What `basement plan` needs: eyes only.
pub(super) fn eyes(config: &Config) -> Result<Eyes, Failure> {
    let clock = clock()?;
    let token = env::secret("DIGITALOCEAN_TOKEN", "a DigitalOcean token")?;
    let pace = Arc::new(Pace::new(clock.clone()));
    let cloud = DigitalOcean::new(&env::digitalocean_url(), token, pace, clock.clone(), USER_AGENT)
        .map_err(Failure::plain)?;
    Ok(Eyes { cloud: Arc::new(cloud), billing: billing(config)?, clock })
}

/// Stripe.
pub(super) fn billing(config: &Config) -> Result<Arc<dyn Billing>, Failure> {
    let key = env::secret("STRIPE_API_KEY", "a Stripe key (`sk_…` or `rk_…`)")?;
    let stripe = Stripe::new(&env::stripe_url(), key, config.stripe.mode, clock()?, USER_AGENT)
        .map_err(|bad| Failure::plain(bad.to_string()))?;
    Ok(Arc::new(stripe))
}

/// Everything that acting takes.
pub(super) async fn ports(project: &Project) -> Result<Ports, Failure> {
    let eyes = eyes(&project.config)?;
    let mailer = mailer(&project.config.mail)?;
    let ledger = open_ledger(project).await?;
    Ok(Ports { eyes, mailer: Arc::new(mailer), ledger, vault: vault(project)? })
}

/// The mail relay.
fn mailer(mail: &MailConfig) -> Result<SmtpMailer, Failure> {
    let url = env::secret("BASEMENT_SMTP_URL", "the mail relay, `smtp://user:password@host:587`,")?;
    let password = env::optional_secret("BASEMENT_SMTP_PASSWORD")?;
    let authorities = env::var("BASEMENT_SMTP_CA_FILE").map(|path| {
        std::fs::read_to_string(&path).map_err(|error| {
            Failure::new(
                format!("`BASEMENT_SMTP_CA_FILE`: `{path}` cannot be read: {error}"),
                "name a file of certificates in PEM, those of the authority behind the relay",
            )
        })
    });
    let authorities = authorities.transpose()?;
    let settings =
        RelaySettings { url: &url, password: password.as_ref(), authorities: authorities.as_deref() };
    SmtpMailer::through(&settings, letterhead(mail)?)
        .map_err(|why| Failure::new(why, "see `BASEMENT_SMTP_…` and `[mail]` in `basement.toml`"))
}

/// Whom letters are from, and the key they are signed with.
pub(super) fn letterhead(mail: &MailConfig) -> Result<Letterhead, Failure> {
    let wrong = |why: String| Failure::new(why, "see `[mail]` in `basement.toml`");
    let head = Letterhead::new(&mail.from, Some(mail.answers())).map_err(wrong)?;
    let Some(Dkim { selector, domain }) = &mail.dkim else { return Ok(head) };
    let key = env::secret("BASEMENT_DKIM_KEY", "the private key of `mail.dkim`")?;
    head.signed(selector, domain, &key).map_err(wrong)
}

/// The ledger, to be written.
pub(super) async fn open_ledger(project: &Project) -> Result<Arc<dyn Ledger>, Failure> {
    Ok(Arc::new(SqliteLedger::open(&project.ledger()).await?))
}

/// The ledger, only to be read; `None` if there is none yet.
pub(super) async fn read_ledger(project: &Project) -> Result<Option<Arc<dyn Ledger>>, Failure> {
    let ledger = SqliteLedger::open_read_only(&project.ledger()).await?;
    Ok(ledger.map(|ledger| Arc::new(ledger) as Arc<dyn Ledger>))
}

/// What the ledger knows; nothing if there is none yet.
pub(super) async fn history(project: &Project) -> Result<History, Failure> {
    match read_ledger(project).await? {
        Some(ledger) => Ok(ledger.history().await?),
        None => Ok(History::default()),
    }
}

/// The machine's clock, or a simulator's.
pub(super) fn clock() -> Result<Arc<dyn Clock>, Failure> {
    match env::var("BASEMENT_CLOCK_URL") {
        None => Ok(Arc::new(RealClock::new())),
        Some(url) => {
            if env::digitalocean_url() == env::DIGITALOCEAN || env::stripe_url() == env::STRIPE {
                return Err(Failure::new(
                    "`BASEMENT_CLOCK_URL` sets a simulator's clock, but the vendors are the real ones",
                    "unset it, or set `DIGITALOCEAN_API_URL` and `STRIPE_API_BASE` to the simulator too",
                ));
            }
            Ok(Arc::new(SimClock::new(&url).map_err(Failure::plain)?))
        }
    }
}

/// What others read when the ledger is taken.
pub(super) fn holder(command: &str) -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let user = env::var("USER").or_else(|| env::var("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    format!("{user} at {}, basement {command}", host.trim())
}

/// Root passwords are sealed with `BASEMENT_SEAL_KEYS`, else with a key file made beside the ledger.
fn vault(project: &Project) -> Result<Arc<dyn Vault>, Failure> {
    let vault = match env::optional_secret("BASEMENT_SEAL_KEYS")? {
        Some(keys) => SealVault::from_keys(&keys)?,
        None => SealVault::from_file_or_new(&project.ledger().with_extension("key"))?,
    };
    Ok(Arc::new(vault))
}
