//! Mail over real SMTP: how a relay is reached.
//! Invariant: nothing travels unencrypted but to this very machine.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters, TlsParametersBuilder};
use lettre::transport::smtp::extension::ClientId;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::mail_letterhead::Letterhead;
use super::mail_relay::{Relay, Tls};
use crate::ports::{Fault, Mail, Mailer};

/// So long one letter may take, from name lookup to the relay's last word.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends letters through one SMTP relay.
pub struct SmtpMailer {
    relay: Relay,
    head: Letterhead,
}

/// How a relay is reached.
pub struct RelaySettings<'a> {
    /// `smtp://[user:password@]host[:port]` (STARTTLS required, port 587; plain if the host is this machine),
    /// `smtp+starttls://…` (STARTTLS always) or `smtps://…` (TLS from the first byte, port 465).
    pub url: &'a SecretString,
    /// Stands in for the URL's.
    pub password: Option<&'a SecretString>,
    /// Certificates of authorities (PEM) that are believed beside the public ones.
    pub authorities: Option<&'a str>,
}

impl SmtpMailer {
    /// A mailer; connects to nothing yet.
    pub fn through(settings: &RelaySettings<'_>, head: Letterhead) -> Result<Self, String> {
        let relay = relay(settings, head.from.email.domain())?;
        Ok(Self { relay, head })
    }

    /// One with a plain letterhead, which believes the public authorities only.
    pub fn new(
        url: &SecretString,
        from: &str,
        reply_to: Option<&str>,
        password: Option<&SecretString>,
    ) -> Result<Self, String> {
        Self::through(&RelaySettings { url, password, authorities: None }, Letterhead::new(from, reply_to)?)
    }

    /// The same, waiting so long for the whole of a conversation.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.relay.patience = patience;
        self
    }

    /// How the relay is reached, for a person; nothing of the login is told, not even its user.
    pub fn kind(&self) -> String {
        let tls = match self.relay.tls {
            Tls::None => "in the clear, on this machine",
            Tls::Starttls(_) => "STARTTLS",
            Tls::Implicit(_) => "TLS",
        };
        let login = if self.relay.login.is_some() { "with a login" } else { "without a login" };
        format!("{}:{}, {tls}, {login}", self.relay.host, self.relay.port)
    }

    /// Connects, encrypts, logs in and leaves; no letter is spoken of.
    pub async fn checkup(&self) -> Result<(), Fault> {
        self.relay.knock().await
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        self.relay.deliver(&self.head.message(mail)?, &mail.to).await
    }
}

fn relay(settings: &RelaySettings<'_>, domain: &str) -> Result<Relay, String> {
    let RelaySettings { url, password, authorities } = settings;
    let bad = |why: &str| {
        format!(
            "the SMTP URL {why}; hint: write `smtp://user:password@host:587` or `smtps://user:password@host:465`"
        )
    };
    let url =
        Url::parse(url.expose_secret().trim()).map_err(|error| bad(&format!("cannot be read ({error})")))?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let (starttls, port) = match url.scheme() {
        "smtps" => (false, 465),
        "smtp" | "smtp+starttls" => (true, 587),
        _ => return Err(bad("begins neither with `smtp://` nor with `smtps://`")),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("has something behind the host; only a port may stand there"));
    }
    let authorities = authorities.map(certificates).transpose()?.unwrap_or_default();
    let parameters = || {
        let builder = TlsParameters::builder(host.clone());
        authorities
            .iter()
            .cloned()
            .fold(builder, TlsParametersBuilder::add_root_certificate)
            .build()
            .map_err(|error| bad(&format!("names a host TLS cannot use ({error})")))
    };
    let tls = match url.scheme() {
        "smtp" if is_loopback(&host) => Tls::None,
        _ if starttls => Tls::Starttls(parameters()?),
        _ => Tls::Implicit(parameters()?),
    };
    let decode = |text: &str| unescape(text).ok_or_else(|| bad("has a broken `%` in user or password"));
    let user = decode(url.username())?;
    let login = match (user.is_empty(), password, url.password()) {
        (true, None, None) => None,
        (true, ..) => return Err(bad("has a password but no user")),
        (false, Some(password), _) => Some(Credentials::new(user, password.expose_secret().to_owned())),
        (false, None, Some(password)) => Some(Credentials::new(user, decode(password)?)),
        (false, None, None) => return Err(bad("has a user but no password")),
    };
    let hello = ClientId::Domain(domain.to_owned());
    Ok(Relay { port: url.port().unwrap_or(port), host, tls, login, hello, patience: PATIENCE })
}

/// All certificates of a PEM text.
fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split_inclusive(END).filter(|part| part.contains("-----BEGIN CERTIFICATE-----"));
    let found: Result<Vec<Certificate>, _> =
        parts.map(|part| Certificate::from_pem(part.as_bytes())).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("it holds no certificate".to_owned()),
        Err(error) => Err(format!("it holds a certificate that cannot be read ({error})")),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let (high, low) =
                    (char::from(bytes.next()?).to_digit(16)?, char::from(bytes.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(out).ok()
}
