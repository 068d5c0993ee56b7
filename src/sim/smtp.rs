//! A small, real SMTP server: takes letters and shows them to whoever runs it. No TLS: for loopback only.
//! Invariant: a letter is answered as the owner's verdict says, after it was seen whole.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use super::mime::{Letter, parse};

/// The largest letter taken, and (far below it) the longest line.
const MAX_LETTER: usize = 1 << 20;
const MAX_LINE: u64 = 4_096;

/// Decides what becomes of a letter.
pub type Post = Arc<dyn Fn(Posted) -> Verdict + Send + Sync>;

/// A letter as it arrived.
#[derive(Clone)]
pub struct Posted {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// Headers and body, dots unstuffed, lines ended by CRLF.
    pub data: String,
}

/// What becomes of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 250.
    Accept,
    /// Another answer.
    Reject {
        /// SMTP status.
        code: u16,
        /// In words.
        text: String,
    },
    /// The letter is taken, and the connection cut before the answer.
    DropAfterData,
}

/// Whom the server lets in, before there is a letter.
#[derive(Clone, Default)]
pub struct Gate {
    /// The only user and password that are let in; everybody if none.
    pub login: Option<(String, String)>,
    /// Recipients that are refused at RCPT, with status and words.
    pub refused: BTreeMap<String, (u16, String)>,
}

/// Serves for ever, and lets everybody in.
pub async fn serve(listener: TcpListener, post: Post) {
    serve_gated(listener, Gate::default(), post).await;
}

/// Serves for ever.
pub async fn serve_gated(listener: TcpListener, gate: Gate, post: Post) {
    let gate = Arc::new(gate);
    // They end with the server: it is a real one that stops.
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (gate, post) = (Arc::clone(&gate), Arc::clone(&post));
        // A connection that breaks is its client's affair.
        sessions.spawn(async move { drop(Session::new(stream, gate, post).run().await) });
        while sessions.try_join_next().is_some() {}
    }
}

struct Session {
    stream: BufReader<TcpStream>,
    gate: Arc<Gate>,
    post: Post,
    let_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

enum Next {
    Say(u16, String),
    Hang,
}

impl Session {
    fn new(stream: TcpStream, gate: Arc<Gate>, post: Post) -> Self {
        let let_in = gate.login.is_none();
        Self { stream: BufReader::new(stream), gate, post, let_in, from: None, to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say(220, "localhost basement sim").await?;
        while let Some(line) = self.line().await? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            match self.command(&verb, rest.trim()).await? {
                Next::Say(code, text) => self.say(code, &text).await?,
                Next::Hang => return Ok(()),
            }
            if verb == "QUIT" {
                break;
            }
        }
        Ok(())
    }

    async fn command(&mut self, verb: &str, rest: &str) -> io::Result<Next> {
        let next = match verb {
            "EHLO" => {
                let lines = "250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-AUTH PLAIN LOGIN\r\n";
                self.stream.get_mut().write_all(lines.as_bytes()).await?;
                say(250, "HELP")
            }
            "HELO" => say(250, "localhost"),
            "AUTH" => self.auth(rest).await?,
            "NOOP" => say(250, "ok"),
            "QUIT" => say(221, "bye"),
            "RSET" => {
                self.reset();
                say(250, "ok")
            }
            "MAIL" if !self.let_in => say(530, "authentication required"),
            "MAIL" => match path(rest, "FROM:") {
                Some(from) => {
                    self.reset();
                    self.from = Some(from);
                    say(250, "ok")
                }
                None => say(501, "MAIL FROM:<address>, please"),
            },
            "RCPT" if self.from.is_none() => say(503, "MAIL first"),
            "RCPT" => self.recipient(rest),
            "DATA" if self.to.is_empty() => say(503, "RCPT first"),
            "DATA" => self.data().await?,
            _ => say(500, "not known here"),
        };
        Ok(next)
    }

    async fn auth(&mut self, rest: &str) -> io::Result<Next> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let code = if first.is_empty() { self.ask("").await? } else { first.to_owned() };
                let plain = decode(&code);
                let mut parts = plain.split('\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            }
            "LOGIN" => {
                let user = if first.is_empty() { self.ask("VXNlcm5hbWU6").await? } else { first.to_owned() };
                let password = self.ask("UGFzc3dvcmQ6").await?;
                Some((decode(&user), decode(&password)))
            }
            _ => return Ok(say(504, "PLAIN or LOGIN, please")),
        };
        self.let_in = given.is_some_and(|given| self.gate.login.as_ref().is_none_or(|login| *login == given));
        Ok(if self.let_in { say(235, "welcome") } else { say(535, "5.7.8 authentication failed") })
    }

    fn recipient(&mut self, rest: &str) -> Next {
        let Some(to) = path(rest, "TO:").filter(|to| !to.is_empty()) else {
            return say(501, "RCPT TO:<address>, please");
        };
        if let Some((code, text)) = self.gate.refused.get(&to) {
            return say(*code, text);
        }
        self.to.push(to);
        say(250, "ok")
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say(354, "end with a dot on a line of its own").await?;
        let mut data = String::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(Next::Hang) };
            if line == "." {
                break;
            }
            if data.len() + line.len() > MAX_LETTER {
                self.say(552, "too large").await?;
                return Ok(Next::Hang);
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        Ok(match (self.post)(Posted { from, to, data }) {
            Verdict::Accept => say(250, "ok, taken"),
            Verdict::Reject { code, text } => say(code, &text),
            Verdict::DropAfterData => Next::Hang,
        })
    }

    async fn ask(&mut self, challenge: &str) -> io::Result<String> {
        self.say(334, challenge).await?;
        Ok(self.line().await?.unwrap_or_default())
    }

    async fn say(&mut self, code: u16, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{code} {text}\r\n").as_bytes()).await
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut bytes).await?;
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            return Ok(None);
        }
        bytes.pop_if(|last| *last == b'\r');
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

fn say(code: u16, text: &str) -> Next {
    Next::Say(code, text.to_owned())
}

fn path(rest: &str, word: &str) -> Option<String> {
    let tail = rest.get(word.len()..).filter(|_| rest[..word.len()].eq_ignore_ascii_case(word))?;
    let (address, _parameters) = tail.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

fn decode(code: &str) -> String {
    String::from_utf8(STANDARD.decode(code.trim()).unwrap_or_default()).unwrap_or_default()
}
