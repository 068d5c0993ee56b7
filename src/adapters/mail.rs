//! Mail over real SMTP: the settings, and one letter made into a message.
//! Invariant: nothing travels unencrypted but to this very machine.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::mail_relay::{Relay, Tls, recipient_fault};
use crate::ports::{Fault, Mail, Mailer};

/// So long one letter may take, from name lookup to the relay's last word.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends letters through one SMTP relay.
pub struct SmtpMailer {
    relay: Relay,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

impl SmtpMailer {
    /// Takes `smtp://[user:password@]host[:port]` (STARTTLS required, port 587; plain if the host is this
    /// machine), `smtp+starttls://…` (STARTTLS always) or `smtps://…` (TLS from the first byte, port 465).
    /// `from` and `reply_to` are `Name <address>` or a bare address; `password` stands in for the URL's.
    pub fn new(
        url: &SecretString,
        from: &str,
        reply_to: Option<&str>,
        password: Option<&SecretString>,
    ) -> Result<Self, String> {
        let from = mailbox(from, "from")?;
        let reply_to = reply_to.map(|text| mailbox(text, "reply-to")).transpose()?;
        let relay = relay(url, password, from.email.domain())?;
        Ok(Self { relay, from, reply_to })
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

    fn message(&self, to: Address, mail: &Mail) -> Result<Message, String> {
        if !mail.message_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b)) {
            return Err(format!("`{}` cannot be a Message-ID", mail.message_id.escape_default()));
        }
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.replace(char::is_control, " "))
            .date_now()
            .message_id(Some(format!("<{}@{}>", mail.message_id, self.from.email.domain())))
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let part = |kind, text: &SecretString| {
            SinglePart::builder().header(kind).body(text.expose_secret().to_owned())
        };
        builder
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                    .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
            )
            .map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        // The address is personal data: no fault repeats it.
        let to: Address = mail
            .to
            .parse()
            .map_err(|_| recipient_fault("the customer's address is not an e-mail address"))?;
        let message = self.message(to, mail).map_err(|why| Fault::refused("smtp", why))?;
        self.relay.deliver(&message, &mail.to).await
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834): keeps absence notes from answering.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// lettre panics at a CR or LF in a display name, so control characters are taken out first.
fn mailbox(text: &str, setting: &str) -> Result<Mailbox, String> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    clean.trim().parse().map_err(|_| {
        format!(
            "the mail setting `{setting}` is not an address: `{clean}`; hint: write `Name <name@example.com>`"
        )
    })
}

fn relay(url: &SecretString, password: Option<&SecretString>, domain: &str) -> Result<Relay, String> {
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
    let parameters = || {
        TlsParameters::new(host.clone())
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
