//! `basement.toml`: what is sold, when what is done, and where mail and ledger are. No secret is in it.
//! Invariant: strict; every table that is wrong is complained about at once, with its line and a cure.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::fleet::complaint::{Complaint, nearest, sorted};
use crate::model::ids::PlanName;
use crate::model::moment::Span;
use crate::model::policy::{Catalogue, Mode, PlanEntry, Policy};
use crate::wire::redact::redact;

use super::wiring::address;

/// Its name, at the root of a fleet's repository.
pub const FILE: &str = "basement.toml";

/// So long a root password may be kept.
const LONGEST_KEPT: Span = Span::days(90);

/// The tables it may have.
const TABLES: [&str; 6] = ["stripe", "defaults", "plans", "policy", "mail", "ledger"];

/// All of `basement.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[stripe]`
    pub stripe: StripeConfig,
    /// `[defaults]` and `[plans.…]`
    pub catalogue: Catalogue,
    /// `[policy]`
    pub policy: Policy,
    /// `[mail]`
    pub mail: MailConfig,
    /// `[ledger]`
    pub ledger: LedgerConfig,
}

/// Which of Stripe's worlds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeConfig {
    /// `live` or `test`; keys and subscriptions of the other are refused.
    pub mode: Mode,
}

/// Whom letters are from, and what they call us.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The sender, `Name <address>` or a bare address.
    pub from: String,
    /// Who is told when a person is needed: a bare address, whatever form the file has.
    pub operator: String,
    /// Where answers go; if it is not given, to `support` if that is an address, else to the sender.
    pub reply_to: Option<String>,
    /// What customers know us as.
    pub brand: String,
    /// Where customers find help: an address or a link.
    pub support: String,
    /// Where customers pay and cancel: a link.
    pub portal: Option<String>,
    /// Letters are signed, where the relay does not do it.
    pub dkim: Option<Dkim>,
    /// So long after its welcome letter was accepted a root password is kept, sealed.
    #[serde(default = "a_week")]
    pub keep_password: Span,
}

/// Where the public key of `BASEMENT_DKIM_KEY` is published: `selector._domainkey.domain`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The key's name.
    pub selector: String,
    /// The sender's domain.
    pub domain: String,
}

/// Where the ledger is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerConfig {
    /// The SQLite file, relative to `basement.toml`.
    pub path: PathBuf,
}

impl MailConfig {
    /// Where answers go: never into a box that nobody reads.
    pub fn answers(&self) -> &str {
        let support = Some(self.support.as_str()).filter(|text| address(text).is_some());
        self.reply_to.as_deref().or(support).unwrap_or(&self.from)
    }
}

fn a_week() -> Span {
    Span::days(7)
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self { path: PathBuf::from(".basement/ledger.sqlite") }
    }
}

/// Reads `basement.toml` in `root`.
pub fn load(root: &Path) -> Result<Config, Vec<Complaint>> {
    match std::fs::read(root.join(FILE)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(&text),
            Err(_) => Err(vec![Complaint::new(FILE, "the file is not UTF-8", "save it as UTF-8 text")]),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let cure = "run `basement init` to begin here, or go to the folder that has it";
            Err(vec![Complaint::new(FILE, "there is no such file", cure)])
        }
        Err(error) => {
            Err(vec![Complaint::new(FILE, format!("cannot be read: {error}"), "look at its permissions")])
        }
    }
}

/// Reads the text of a `basement.toml`.
pub fn parse(text: &str) -> Result<Config, Vec<Complaint>> {
    let mut tables = match DeTable::parse(text) {
        Ok(table) => Tables { text, root: table.into_inner(), complaints: Vec::new() },
        Err(error) => {
            let complaint = Complaint::new(
                FILE,
                format!("not TOML: {}", error.message()),
                "write `key = \"value\"` lines under `[table]` heads",
            );
            return Err(vec![placed(complaint, text, error.span())]);
        }
    };
    tables.unknown();
    let stripe = tables.required("stripe", "mode = \"test\"");
    let defaults = tables.required("defaults", "region = \"nyc3\"");
    let plans = tables.plans();
    let policy = tables.optional("policy");
    let mail = tables.required("mail", "from = \"Example <servers@example.com>\"");
    let ledger = tables.optional("ledger");
    let config = (|| {
        let catalogue = Catalogue { defaults: defaults?, plans: plans? };
        let policy = Policy { allow_no_ssh_keys: catalogue.defaults.allow_no_ssh_keys, ..policy? };
        Some(Config { stripe: stripe?, catalogue, policy, mail: mail?, ledger: ledger? })
    })();
    if let Some(config) = &config {
        tables.sense(config);
    }
    match config {
        Some(mut config) if tables.complaints.is_empty() => {
            if let Some(bare) = address(&config.mail.operator) {
                config.mail.operator = bare;
            }
            Ok(config)
        }
        _ => Err(sorted(tables.complaints)),
    }
}

struct Tables<'a> {
    text: &'a str,
    root: DeTable<'a>,
    complaints: Vec<Complaint>,
}

impl Tables<'_> {
    fn unknown(&mut self) {
        let keys: Vec<(String, Range<usize>)> =
            self.root.keys().map(|key| (key.get_ref().to_string(), key.span())).collect();
        for (key, span) in keys.into_iter().filter(|(key, _)| !TABLES.contains(&key.as_str())) {
            let cure = match nearest(&key, TABLES) {
                Some(meant) => format!("did you mean `[{meant}]`?"),
                None => format!("the tables here are {}", quoted(TABLES)),
            };
            self.complain(format!("unknown table `{key}`"), cure, Some(span));
        }
    }

    fn required<T: DeserializeOwned>(&mut self, table: &str, example: &str) -> Option<T> {
        if let Some(value) = self.root.remove(table) {
            return self.take(value, table);
        }
        self.complain(
            format!("missing table `[{table}]`"),
            format!("add `[{table}]` with `{example}`"),
            None,
        );
        None
    }

    fn optional<T: DeserializeOwned + Default>(&mut self, table: &str) -> Option<T> {
        match self.root.remove(table) {
            Some(value) => self.take(value, table),
            None => Some(T::default()),
        }
    }

    fn plans(&mut self) -> Option<BTreeMap<PlanName, PlanEntry>> {
        let cure = "add `[plans.basic]` with `size` and `stripe`";
        let Some(value) = self.root.remove("plans") else {
            self.complain("missing table `[plans]`".to_owned(), cure.to_owned(), None);
            return None;
        };
        let (span, value) = (value.span(), value.into_inner());
        let DeValue::Table(table) = value else {
            self.complain("`plans` is not a table".to_owned(), cure.to_owned(), Some(span));
            return None;
        };
        if table.is_empty() {
            self.complain("there is no plan".to_owned(), cure.to_owned(), Some(span));
        }
        let mut plans = Some(BTreeMap::new());
        for (key, value) in table {
            let name = PlanName::parse(key.get_ref());
            if let Err(bad) = &name {
                self.complain(bad.to_string(), "for example `[plans.basic]`".to_owned(), Some(key.span()));
            }
            let entry = self.take(value, &format!("plans.{}", key.get_ref()));
            match (&mut plans, name, entry) {
                (Some(plans), Ok(name), Some(entry)) => {
                    plans.insert(name, entry);
                }
                _ => plans = None,
            }
        }
        plans
    }

    fn take<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>, table: &str) -> Option<T> {
        let whole = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(taken) => Some(taken),
            Err(error) => {
                let (message, cure) = explain(error.message(), table);
                self.complain(message, cure, Some(error.span().unwrap_or(whole)));
                None
            }
        }
    }

    /// What the types alone do not hold.
    fn sense(&mut self, config: &Config) {
        let mut seen: BTreeMap<&str, &PlanName> = BTreeMap::new();
        for (name, entry) in &config.catalogue.plans {
            for id in &entry.stripe {
                if let Some(first) = seen.insert(id, name) {
                    let message = format!("`{id}` means two plans, `{first}` and `{name}`");
                    let place = self.last(id);
                    self.complain(
                        message,
                        "a price belongs to one plan: take it out of the other".to_owned(),
                        place,
                    );
                }
            }
        }
        let entries = config.catalogue.plans.values().filter_map(|entry| entry.template.as_ref());
        for template in entries.chain([&config.catalogue.defaults.template]) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if template.is_empty() || !template.chars().all(plain) {
                let place = self.last(template);
                let cure = "it is the name of a file in `cloud-init/` without `.yaml`: a-z, 0-9 and -";
                self.complain(format!("`{template}` is not a template's name"), cure.to_owned(), place);
            }
        }
        for key in config.catalogue.defaults.ssh_keys.iter().filter(|key| !is_ssh_key(key)) {
            let cure = "write its MD5 fingerprint (`aa:bb:…`, 16 pairs) or its number; DigitalOcean shows both \
                        under Settings, Security";
            let place = self.last(key);
            self.complain(format!("`{key}` is not an SSH key of your team"), cure.to_owned(), place);
        }
        self.sense_mail(&config.mail);
    }

    fn sense_mail(&mut self, mail: &MailConfig) {
        for (key, text) in [("from", &mail.from), ("operator", &mail.operator)]
            .into_iter()
            .chain(mail.reply_to.as_ref().map(|to| ("reply_to", to)))
        {
            let one_line = !text.chars().any(char::is_control);
            if !one_line || address(text).is_none() {
                let place = self.at(key, text);
                let cure = format!("for example `{key} = \"Example <servers@example.com>\"`");
                self.complain(format!("`mail.{key}` is not a mail address"), cure, place);
            }
        }
        if let Some(portal) = mail.portal.as_ref().filter(|portal| !is_web(portal)) {
            let place = self.at("portal", portal);
            let cure =
                "write the whole link, for example `portal = \"https://billing.stripe.com/p/login/…\"`";
            self.complain("`mail.portal` is not a link to a web page".to_owned(), cure.to_owned(), place);
        }
        if mail.keep_password > LONGEST_KEPT {
            let place = self.at("keep_password", &mail.keep_password.to_string());
            let message = format!("`mail.keep_password` is longer than {LONGEST_KEPT}");
            let cure = "a password that is kept can be stolen; `7d` is the default";
            self.complain(message, cure.to_owned(), place);
        }
    }

    /// Where a key's text stands in the file.
    fn at(&self, key: &str, text: &str) -> Option<Range<usize>> {
        let quoted = format!("\"{text}\"");
        let is_its = |at: &usize| {
            let line = self.text[..*at].rsplit('\n').next().unwrap_or_default();
            line.trim_start().starts_with(key)
        };
        let at = self.text.match_indices(&quoted).map(|(at, _)| at).find(is_its)?;
        Some(at..at + text.len())
    }

    /// Where a text stands last in the file.
    fn last(&self, text: &str) -> Option<Range<usize>> {
        let at = self.text.rfind(&format!("\"{text}\""))?;
        Some(at..at + text.len())
    }

    fn complain(&mut self, message: String, cure: String, span: Option<Range<usize>>) {
        self.complaints.push(placed(Complaint::new(FILE, message, cure), self.text, span));
    }
}

/// What a mail program may open when its reader clicks.
fn is_web(link: &str) -> bool {
    let is_whole = ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme));
    let is_plain = !link.contains(|c: char| c.is_whitespace() || c.is_control());
    is_whole && is_plain && Url::parse(link).is_ok_and(|url| url.has_host())
}

/// A number, or an MD5 fingerprint. Source: DigitalOcean API v2, `droplet_create.ssh_keys`.
fn is_ssh_key(text: &str) -> bool {
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    let is_fingerprint = text.split(':').count() == 16 && text.split(':').all(is_pair);
    is_fingerprint || text.parse::<u64>().is_ok_and(|number| number > 0)
}

/// With its place. A key pasted into the wrong file must not be shown.
fn placed(complaint: Complaint, text: &str, span: Option<Range<usize>>) -> Complaint {
    let mut complaint = match span {
        Some(span) => complaint.at_byte(text, span.start),
        None => complaint,
    };
    complaint.message = redact(&complaint.message, 500);
    complaint.text_of_line = complaint.text_of_line.map(|line: String| redact(&line, 2_000));
    complaint
}

/// A deserializer's message in plainer words, and a cure.
fn explain(message: &str, table: &str) -> (String, String) {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (given, known) = words.split_first().map_or(("", &[][..]), |(given, known)| (*given, known));
    let choice = |head: &str| match nearest(given, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("`[{table}]` has no keys"),
        None => format!("{head} {}", quoted(known.iter().copied())),
    };
    if message.starts_with("unknown field") {
        return (format!("unknown key `{given}` in `[{table}]`"), choice("the keys here are"));
    }
    if message.starts_with("unknown variant") {
        return (
            format!("`{given}` is not one of {}", quoted(known.iter().copied())),
            choice("write one of"),
        );
    }
    if message.starts_with("missing field") {
        let message = format!("missing key `{given}` in `[{table}]`");
        return (
            message,
            format!("add `{given} = …` to `[{table}]`; `basement init` elsewhere shows an example"),
        );
    }
    let message = message.replace("expected usize", "expected a whole number, 0 or more");
    (
        format!("in `[{table}]`: {message}"),
        "`basement init` in an empty folder writes a sample with every key".to_owned(),
    )
}

fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
