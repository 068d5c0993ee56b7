//! Puts the real world behind the ports: the one place that names concrete adapters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use crate::adapters::checkout::{self, Checkout, Revision};
use crate::adapters::clock::{RealClock, SimClock};
use crate::adapters::digitalocean::DigitalOcean;
pub(super) use crate::adapters::ledger::SqliteLedger;
use crate::adapters::mail::{RelaySettings, SmtpMailer};
use crate::adapters::mail_letterhead::{self, Letterhead};
use crate::adapters::pace::Pace;
use crate::adapters::probe::{ProbePorts, RealProbe};
use crate::adapters::stripe::Stripe;
pub(super) use crate::adapters::vault::SealVault;
use crate::engine::{Eyes, Ports};
use crate::fleet::yaml::OVERRIDES;
use crate::model::history::History;
use crate::model::ids::ServerName;
use crate::model::insight::Declared;
use crate::model::plan::Plan;
use crate::plan::causes;
use crate::ports::{Billing, Clock, Fault, Hold, Ledger};

use super::config::{Config, Dkim, MailConfig};
use super::env;
use super::error::Failure;
use super::project::Project;

/// How we name ourselves to the vendors.
const USER_AGENT: &str = concat!("basement/", env!("CARGO_PKG_VERSION"));

/// What `basement plan` needs: eyes only.
pub(super) fn eyes(config: &Config) -> Result<Eyes, Failure> {
    let cloud = digitalocean(digitalocean_token()?)?;
    let probe = RealProbe::new(probe_ports()?, USER_AGENT).map_err(Failure::plain)?;
    Ok(Eyes { cloud: Arc::new(cloud), probe: Arc::new(probe), billing: billing(config)?, clock: clock()? })
}

/// The token: read once, since a pipe gives it no second time.
pub(super) fn digitalocean_token() -> Result<SecretString, Failure> {
    env::secret("DIGITALOCEAN_TOKEN", "a DigitalOcean token")
}

/// DigitalOcean.
pub(super) fn digitalocean(token: SecretString) -> Result<DigitalOcean, Failure> {
    let clock = clock()?;
    let pace = Arc::new(Pace::new(clock.clone()));
    DigitalOcean::new(&env::digitalocean_url(), token, pace, clock, USER_AGENT).map_err(Failure::plain)
}

/// Stripe, as everybody asks it.
pub(super) fn billing(config: &Config) -> Result<Arc<dyn Billing>, Failure> {
    Ok(Arc::new(stripe(config, stripe_key()?)?))
}

/// The key: read once.
pub(super) fn stripe_key() -> Result<SecretString, Failure> {
    env::secret("STRIPE_API_KEY", "a Stripe key (`sk_…` or `rk_…`)")
}

/// Stripe.
pub(super) fn stripe(config: &Config, key: SecretString) -> Result<Stripe, Failure> {
    Stripe::new(&env::stripe_url(), key, config.stripe.mode, clock()?, USER_AGENT)
        .map_err(|bad| Failure::plain(bad.to_string()))
}

/// Everything that acting takes.
pub(super) async fn ports(project: &Project, vault: SealVault) -> Result<Ports, Failure> {
    let eyes = eyes(&project.config)?;
    let mailer = mailer(&project.config)?;
    let ledger = open_ledger(project).await?;
    Ok(Ports { eyes, mailer: Arc::new(mailer), ledger, vault: Arc::new(vault) })
}

/// The ledger and its passwords, to be written.
pub(super) async fn sealed_ledger(project: &Project) -> Result<SqliteLedger, Failure> {
    Ok(SqliteLedger::open(&project.ledger()).await?)
}

/// The mail relay.
pub(super) fn mailer(config: &Config) -> Result<SmtpMailer, Failure> {
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
    SmtpMailer::through(&settings, letterhead(&config.mail)?)
        .map_err(|why| Failure::new(why, "see `BASEMENT_SMTP_…` and `[mail]` in `basement.toml`"))
}

/// The address in `Name <address>`, or a bare one, as it is sent to.
pub(super) fn address(text: &str) -> Option<String> {
    mail_letterhead::address(text)
}

/// Whom letters are from, and the key they are signed with.
pub(super) fn letterhead(mail: &MailConfig) -> Result<Letterhead, Failure> {
    let wrong = |why: String| Failure::new(why, "see `[mail]` in `basement.toml`");
    let head = Letterhead::new(&mail.from, Some(mail.answers())).map_err(wrong)?;
    let Some(Dkim { selector, domain }) = &mail.dkim else { return Ok(head) };
    let key = env::secret_text("BASEMENT_DKIM_KEY", "the private key of `mail.dkim`")?;
    head.signed(selector, domain, &key).map_err(wrong)
}

/// The ledger, to be written.
pub(super) async fn open_ledger(project: &Project) -> Result<Arc<dyn Ledger>, Failure> {
    Ok(Arc::new(SqliteLedger::open(&project.ledger()).await?))
}

/// The ledger, only to be read; `None` if there is none yet.
pub(super) async fn read_ledger(project: &Project) -> Result<Option<Arc<dyn Ledger>>, Failure> {
    Ok(ledger_there_is(project).await?.map(|ledger| Arc::new(ledger) as Arc<dyn Ledger>))
}

/// The same, by itself.
pub(super) async fn ledger_there_is(project: &Project) -> Result<Option<SqliteLedger>, Failure> {
    Ok(SqliteLedger::open_read_only(&project.ledger()).await?)
}

/// What opens passwords, if there is something; no key is made.
pub(super) fn vault_there_is(project: &Project) -> Result<Option<SealVault>, Failure> {
    match env::optional_secret("BASEMENT_SEAL_KEYS")? {
        Some(keys) => Ok(Some(SealVault::from_keys(&keys)?)),
        None if key_file(project).exists() => Ok(Some(SealVault::from_file(&key_file(project))?)),
        None => Ok(None),
    }
}

/// A key file with a new key of this number.
pub(super) fn new_vault(project: &Project, number: u8) -> Result<SealVault, Fault> {
    SealVault::from_file_or_new(&key_file(project), number)
}

/// What the ledger knows; nothing if there is none yet.
pub(super) async fn history(project: &Project) -> Result<History, Failure> {
    match read_ledger(project).await? {
        Some(ledger) => Ok(ledger.history().await?),
        None => Ok(History::default()),
    }
}

/// Where the steps of a plan are declared, and by whom, as far as git knows.
pub(super) fn declared(project: &Project, plan: &Plan) -> BTreeMap<ServerName, Vec<Declared>> {
    let made = causes::made(plan);
    let (mut names, mut places) = (Vec::new(), Vec::new());
    for (name, key) in causes::keys(plan, &project.fleet) {
        let Some(server) = project.fleet.servers.get(&name) else { continue };
        let over = format!("{OVERRIDES}{name}.yaml");
        // A droplet is made as the override says.
        let keys: &[&'static str] = if made.contains(&name) { &["size", "region"] } else { &[] };
        let own = [(server.file.clone(), key)].into_iter();
        for place in own.chain(keys.iter().map(|key| (over.clone(), *key))) {
            names.push(name.clone());
            places.push(place);
        }
    }
    let checkout = Checkout::open(&project.root).ok();
    let found = checkout::declared(checkout.as_ref(), &project.root, &places);
    let mut declared: BTreeMap<ServerName, Vec<Declared>> = BTreeMap::new();
    for (name, place) in names.into_iter().zip(found) {
        declared.entry(name).or_default().extend(place);
    }
    declared
}

/// The files as of another revision.
pub(super) fn revision(root: &Path, revision: &str) -> Result<Revision, Failure> {
    let found = Checkout::open(root).and_then(|checkout| checkout.at(revision));
    found.map_err(|error| Failure::plain(error.to_string()))
}

/// The machine's clock, or a simulator's.
pub(super) fn clock() -> Result<Arc<dyn Clock>, Failure> {
    match env::var("BASEMENT_CLOCK_URL") {
        None => Ok(Arc::new(RealClock::new())),
        Some(url) => {
            if env::is_real() {
                return Err(Failure::new(
                    "`BASEMENT_CLOCK_URL` sets a simulator's clock, but the vendors are the real ones",
                    "unset it, or set `DIGITALOCEAN_API_URL` and `STRIPE_API_BASE` to the simulator too",
                ));
            }
            Ok(Arc::new(SimClock::new(&url).map_err(Failure::plain)?))
        }
    }
}

/// Where droplets answer: as everywhere, or at a simulator's.
fn probe_ports() -> Result<ProbePorts, Failure> {
    let Some(text) = env::var("BASEMENT_PROBE_PORTS") else { return Ok(ProbePorts::default()) };
    if env::is_real() {
        return Err(Failure::new(
            "`BASEMENT_PROBE_PORTS` sets where a simulator's droplets answer, but the vendors are the real ones",
            "unset it, or set `DIGITALOCEAN_API_URL` and `STRIPE_API_BASE` to the simulator too",
        ));
    }
    let ports = text
        .split_once(':')
        .and_then(|(http, ssh)| Some(ProbePorts { http: http.parse().ok()?, ssh: ssh.parse().ok()? }));
    ports.ok_or_else(|| {
        let what =
            format!("`BASEMENT_PROBE_PORTS`: `{}` is not two ports", crate::render::words::clean(&text));
        Failure::new(what, "write the port of HTTP, a colon and that of SSH, as `basement sim` prints them")
    })
}

/// The ledger's lock. Whoever takes it erases first what is kept too long.
pub(super) async fn hold(ledger: &dyn Ledger, project: &Project, command: &str) -> Result<Hold, Failure> {
    let hold = ledger.hold(&holder(command)).await?;
    let before = clock()?.now().await.minus(project.config.mail.keep_password);
    ledger.erase_passwords(&hold, before).await?;
    Ok(hold)
}

/// What others read when the ledger is taken.
pub(super) fn holder(command: &str) -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let user = env::var("USER").or_else(|| env::var("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    format!("{user} at {}, basement {command}", host.trim())
}

/// Beside the ledger.
fn key_file(project: &Project) -> PathBuf {
    project.ledger().with_extension("key")
}
