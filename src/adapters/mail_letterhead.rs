//! The letterhead: one mail made into an RFC 5322 message, signed if there is a key. What is sent and what is
//! previewed are made here alike.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::mail_dkim::Seal;
use super::mail_relay::recipient_fault;
use crate::ports::{Fault, Mail};

/// Whom letters are from.
pub struct Letterhead {
    pub(super) from: Mailbox,
    reply_to: Option<Mailbox>,
    seal: Option<Seal>,
}

impl Letterhead {
    /// `from` and `reply_to` are `Name <address>` or a bare address.
    pub fn new(from: &str, reply_to: Option<&str>) -> Result<Self, String> {
        let from = mailbox(from, "from")?;
        let reply_to = reply_to.map(|text| mailbox(text, "reply-to")).transpose()?;
        Ok(Self { from, reply_to, seal: None })
    }

    /// Signs every letter (DKIM, RFC 6376) with this private key, as `selector._domainkey.domain` says in DNS.
    pub fn signed(mut self, selector: &str, domain: &str, key: &SecretString) -> Result<Self, String> {
        self.seal = Some(Seal::new(selector, domain, key)?);
        Ok(self)
    }

    /// The message as it goes over the wire. It may hold a password.
    pub fn formatted(&self, mail: &Mail) -> Result<SecretString, Fault> {
        let bytes = self.message(mail)?.formatted();
        String::from_utf8(bytes).map(SecretString::from).map_err(|error| bad(error.to_string()))
    }

    pub(super) fn message(&self, mail: &Mail) -> Result<Message, Fault> {
        // The address is personal data: no fault repeats it.
        let to = mail
            .to
            .parse::<Address>()
            .map(with_ascii_domain)
            .map_err(|_| recipient_fault("the customer's address is not an e-mail address"))?;
        if !mail.message_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.+".contains(&b)) {
            return Err(bad(format!("`{}` cannot be a Message-ID", mail.message_id.escape_default())));
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
        let parts = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
            .singlepart(part(ContentType::TEXT_HTML, &mail.html));
        let mut message = builder.multipart(parts).map_err(|error| bad(error.to_string()))?;
        if let Some(seal) = &self.seal {
            seal.sign(&mut message);
        }
        Ok(message)
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

/// The address in `Name <address>`, or a bare one, as it is sent to.
pub fn address(text: &str) -> Option<String> {
    mailbox(text, "").ok().map(|mailbox| mailbox.email.to_string())
}

/// lettre panics at a CR or LF in a display name, so control characters are taken out first.
fn mailbox(text: &str, setting: &str) -> Result<Mailbox, String> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    let mailbox: Mailbox = clean.trim().parse().map_err(|_| {
        format!(
            "the mail setting `{setting}` is not an address: `{clean}`; hint: write `Name <name@example.com>`"
        )
    })?;
    Ok(Mailbox::new(mailbox.name, with_ascii_domain(mailbox.email)))
}

/// A domain in Punycode is taken by every relay, and fits in a Message-ID.
fn with_ascii_domain(address: Address) -> Address {
    if address.domain().is_ascii() {
        return address;
    }
    let url = Url::parse(&format!("http://{}", address.domain())).ok();
    let ascii = url.and_then(|url| Address::new(address.user(), url.host_str()?).ok());
    ascii.unwrap_or(address)
}

fn bad(why: String) -> Fault {
    Fault::refused("smtp", why)
}
