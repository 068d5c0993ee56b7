//! One SMTP conversation, and what its end means at each stage.
//! Invariant: `Unknown` only once the letter itself was on its way; before that nothing was delivered.

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::mail_line::{Encrypted, Line};
use super::mail_words::anonymous;
use crate::ports::{Detail, Fault};
use crate::wire::redact::redact_line;

/// Where letters are handed over, and how.
pub(super) struct Relay {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<Credentials>,
    pub(super) hello: ClientId,
    pub(super) patience: Duration,
}

/// How the connection is encrypted. Never "if the relay can": that is "if nobody objects".
pub(super) enum Tls {
    None,
    Starttls(TlsParameters),
    Implicit(TlsParameters),
}

/// Why a letter was not handed over.
enum Trouble {
    Smtp(Error),
    /// There is no connection.
    Connect(std::io::Error),
    /// A good answer, but not to this command: the relay is out of step.
    OutOfStep(u16),
    /// An address is not ASCII, and the relay knows only ASCII; whether it is our own.
    NoUtf8 {
        is_ours: bool,
    },
}

/// How far a conversation came.
#[derive(Default)]
struct Stage(AtomicU8);

/// So long the answer to QUIT is waited for.
const GOODBYE: Duration = Duration::from_millis(500);

const CONNECT: u8 = 0;
const STARTTLS: u8 = 1;
const AUTH: u8 = 2;
const MAIL: u8 = 3;
const RCPT: u8 = 4;
const DATA: u8 = 5;
const LETTER: u8 = 6;

impl Relay {
    /// Hands over one message on a connection of its own. Nothing of `to` is left in the relay's words.
    pub(super) async fn deliver(&self, message: &Message, to: &str) -> Result<(), Fault> {
        let (stage, mut line) = (Stage::default(), None);
        let sent = timeout(self.patience, async {
            let smtp = line.insert(self.connect(&stage).await?);
            self.converse(smtp, message, &stage).await
        })
        .await;
        // QUIT is said where there is a line that can carry it. Whether it is answered is of no interest: the
        // letter is accepted or refused by now.
        if let (Some(mut smtp), Ok(_)) = (line, &sent)
            && stage.get() != STARTTLS
        {
            let _ = timeout(GOODBYE, smtp.abort()).await;
        }
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(trouble)) => Err(stage.fault(&trouble, to)),
            Err(_) => Err(stage.timed_out(self.patience)),
        }
    }

    async fn connect(&self, stage: &Stage) -> Result<AsyncSmtpConnection, Trouble> {
        stage.at(CONNECT);
        let address = (self.host.as_str(), self.port);
        let line = Line::new(TcpStream::connect(address).await.map_err(Trouble::Connect)?);
        let smtp = if let Tls::Implicit(parameters) = &self.tls {
            let line = Encrypted::new(line, parameters.clone()).await.map_err(Trouble::Connect)??;
            AsyncSmtpConnection::connect_with_transport(Box::new(line), &self.hello).await?
        } else {
            AsyncSmtpConnection::connect_with_transport(Box::new(line), &self.hello).await?
        };
        Ok(smtp)
    }

    /// Comes as far as a letter could be offered, and leaves. Nothing is said of any letter.
    pub(super) async fn knock(&self) -> Result<(), Fault> {
        let (stage, mut line) = (Stage::default(), None);
        let entered = timeout(self.patience, async {
            let smtp = line.insert(self.connect(&stage).await?);
            self.enter(smtp, &stage).await
        })
        .await;
        if let (Some(mut smtp), Ok(_)) = (line, &entered)
            && stage.get() != STARTTLS
        {
            let _ = timeout(GOODBYE, smtp.abort()).await;
        }
        match entered {
            Ok(Ok(())) => Ok(()),
            Ok(Err(trouble)) => Err(stage.fault(&trouble, "")),
            Err(_) => Err(stage.timed_out(self.patience)),
        }
    }

    async fn enter(&self, smtp: &mut AsyncSmtpConnection, stage: &Stage) -> Result<(), Trouble> {
        if let Tls::Starttls(parameters) = &self.tls {
            stage.at(STARTTLS);
            smtp.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(login) = &self.login {
            stage.at(AUTH);
            smtp.auth(&[Mechanism::Plain, Mechanism::Login], login).await?;
        }
        Ok(())
    }

    async fn converse(
        &self,
        smtp: &mut AsyncSmtpConnection,
        message: &Message,
        stage: &Stage,
    ) -> Result<(), Trouble> {
        self.enter(smtp, stage).await?;
        stage.at(MAIL);
        let envelope = message.envelope();
        let is_ascii = |address: &lettre::Address| <_ as AsRef<str>>::as_ref(address).is_ascii();
        let is_ours = !envelope.from().is_none_or(is_ascii);
        let plain = !is_ours && envelope.to().iter().all(is_ascii);
        if !plain && !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Trouble::NoUtf8 { is_ours });
        }
        let parameters = if plain { Vec::new() } else { vec![MailParameter::SmtpUtfEight] };
        in_step(&smtp.command(Mail::new(envelope.from().cloned(), parameters)).await?, 200..300)?;
        stage.at(RCPT);
        for to in envelope.to() {
            in_step(&smtp.command(Rcpt::new(to.clone(), Vec::new())).await?, 200..300)?;
        }
        stage.at(DATA);
        in_step(&smtp.command(Data).await?, 354..355)?;
        stage.at(LETTER);
        let letter = Zeroizing::new(message.formatted());
        in_step(&smtp.message(&letter).await?, 200..300)
    }
}

impl Stage {
    /// What an error at this stage means. Once the relay knows of `to`, its words tell nothing of it.
    fn fault(&self, trouble: &Trouble, to: &str) -> Fault {
        let stage = self.get();
        let plain = |message: String| Detail { call: self.call(), message, ..Detail::default() };
        let error = match trouble {
            Trouble::Smtp(error) => error,
            Trouble::NoUtf8 { is_ours } => {
                let stage = if *is_ours { MAIL } else { RCPT };
                return address_fault(stage, "the relay takes no address with other letters than ASCII");
            }
            Trouble::Connect(error) => {
                return Fault::Unavailable { after: None, detail: plain(error.to_string()) };
            }
            Trouble::OutOfStep(code) => {
                let detail = plain(format!("the relay answers {code} here, which is out of step"));
                let detail = Detail { status: Some(*code), ..detail };
                return match stage {
                    LETTER => Fault::Unknown(detail),
                    _ => Fault::Unavailable { after: None, detail },
                };
            }
        };
        let status = error.status().map(u16::from);
        let said = if stage < RCPT { words(error) } else { anonymous(&words(error), to) };
        let said = redact_line(&said, 300);
        let mut detail = Detail { call: self.call(), status, message: said, ..Detail::default() };
        match status {
            Some(530 | 534 | 535 | 538) if stage < RCPT => {
                detail.code = Some("login".to_owned());
                detail.message = format!(
                    "the relay refuses our login: {}; hint: check user and password in `BASEMENT_SMTP_URL`",
                    detail.message
                );
                Fault::Refused(detail)
            }
            Some(400..=499) => Fault::Unavailable { after: None, detail },
            Some(500..=599) => Fault::Refused(explain(stage, detail)),
            // Neither would another letter fare better, nor the same one later.
            _ if is_tls(error) => {
                detail.code = Some("tls".to_owned());
                detail.message = format!(
                    "no encrypted connection: {}; hint: check host and port in `BASEMENT_SMTP_URL`; a relay with a private authority needs `BASEMENT_SMTP_CA_FILE`",
                    detail.message
                );
                Fault::Refused(detail)
            }
            _ if stage == LETTER => Fault::Unknown(detail),
            _ if error.is_client() && matches!(stage, STARTTLS | AUTH) => {
                detail.code = Some(if stage == AUTH { "login" } else { "tls" }.to_owned());
                detail.message = format!("{}; hint: check `BASEMENT_SMTP_URL`", detail.message);
                Fault::Refused(detail)
            }
            _ => Fault::Unavailable { after: None, detail },
        }
    }

    /// What running out of time at this stage means.
    fn timed_out(&self, patience: Duration) -> Fault {
        let message = format!("no answer for {} seconds", patience.as_secs());
        let detail = Detail { call: self.call(), message, ..Detail::default() };
        match self.get() {
            LETTER => Fault::Unknown(detail),
            _ => Fault::Unavailable { after: None, detail },
        }
    }

    fn at(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    fn call(&self) -> String {
        let word = match self.get() {
            CONNECT => "connect",
            STARTTLS => "STARTTLS",
            AUTH => "AUTH",
            MAIL => "MAIL",
            RCPT => "RCPT",
            DATA => "DATA",
            _ => "letter",
        };
        format!("smtp {word}")
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// A relay that answers once too often says yes to what it has not heard yet.
fn in_step(response: &Response, good: Range<u16>) -> Result<(), Trouble> {
    let code = u16::from(response.code());
    if good.contains(&code) { Ok(()) } else { Err(Trouble::OutOfStep(code)) }
}

/// The recipient's address will not do.
pub(super) fn recipient_fault(why: &str) -> Fault {
    address_fault(RCPT, why)
}

fn address_fault(stage: u8, why: &str) -> Fault {
    let call = if stage == MAIL { "smtp MAIL" } else { "smtp RCPT" };
    let detail = Detail { call: call.to_owned(), message: why.to_owned(), ..Detail::default() };
    Fault::Refused(explain(stage, detail))
}

fn explain(stage: u8, mut detail: Detail) -> Detail {
    // RFC 3463: what begins with 5.7 is about who may send, not about who is written to.
    let is_policy =
        detail.message.starts_with("5.7.") || matches!(detail.status, Some(530 | 534 | 535 | 538));
    let (code, what, hint) = match stage {
        // But one customer's mail server, or one letter's text, may be all it is about.
        RCPT | DATA | LETTER if is_policy => (
            "policy",
            "the relay does not let this letter pass",
            "if no letter passes, check `from` with its SPF and DKIM; else tell this customer in another way",
        ),
        MAIL if is_policy => (
            "relay",
            "the relay does not let us send",
            "ask the relay's operator; check `from` and its SPF and DKIM",
        ),
        CONNECT => ("relay", "the relay does not serve us", "check `BASEMENT_SMTP_URL`"),
        STARTTLS | AUTH => ("login", "the relay refuses our login", "check `BASEMENT_SMTP_URL`"),
        MAIL => ("sender", "the relay refuses our sender", "check the mail setting `from`"),
        RCPT => ("recipient", "the relay refuses the recipient", "correct the address at Stripe"),
        _ => ("letter", "the relay refuses the letter", "ask the relay's operator"),
    };
    detail.code = Some(code.to_owned());
    detail.message = format!("{what}: {}; hint: {hint}", detail.message);
    detail
}

/// Whether the encryption failed. A line that is cut before is no such thing.
fn is_tls(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>()
            || inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        source = cause.source();
    }
    false
}

fn words(error: &Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    if text.is_empty() { error.to_string() } else { text.replace(['\r', '\n'], " ") }
}
