//! Asks a new droplet for the page of its first boot, then for its SSH key. Sends no password and no secret.
//! Invariant: whoever answers costs at most five seconds and four kilobytes, and leads nowhere else.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use russh::client::{self, AuthResult, Config, Handle};
use russh::keys::{Algorithm, HashAlg, PublicKeyOrCertificate};
use russh::{Disconnect, MethodKind, Preferred};
use tokio::net::TcpStream;

use super::http::{self, Limits, Lost};
use crate::model::census::Readiness;
use crate::ports::Probe;
use crate::wire::first_boot::{self, Handshake, MOST_BYTES, PATH, no_page, not_yet};

/// From the first packet to the last word of SSH.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where droplets answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePorts {
    /// Their web server.
    pub http: u16,
    /// Their SSH server.
    pub ssh: u16,
}

/// The real probe.
pub struct RealProbe {
    client: reqwest::Client,
    ports: ProbePorts,
    ssh: Arc<Config>,
}

/// Takes the key from the handshake, and nothing else.
#[derive(Clone, Default)]
struct Taker(Arc<Mutex<Option<String>>>);

impl Default for ProbePorts {
    fn default() -> Self {
        Self { http: 80, ssh: 22 }
    }
}

impl RealProbe {
    /// One that asks at these ports.
    pub fn new(ports: ProbePorts, user_agent: &str) -> Result<Self, String> {
        let ed25519 = vec![Algorithm::Ed25519];
        let preferred = Preferred { key: ed25519.into(), ..Preferred::default() };
        let ssh = Config { preferred, inactivity_timeout: Some(PATIENCE), ..Config::default() };
        Ok(Self { client: http::client(user_agent, "http://")?, ports, ssh: Arc::new(ssh) })
    }

    /// The page, read; or why it is not there.
    async fn page(&self, address: Ipv4Addr, id: &str) -> Result<Option<String>, Readiness> {
        let url = format!("http://{}{PATH}", SocketAddr::from((address, self.ports.http)));
        // The clock of the whole probe is the shorter one, and names what happened.
        let limits = Limits { patience: PATIENCE * 2, bytes: MOST_BYTES };
        match http::exchange_within(limits, self.client.get(url)).await {
            Ok(answer) if answer.status == 200 => first_boot::page(&answer.body, id),
            Ok(answer) if answer.status == 404 => Err(no_page("its page is not there: status 404")),
            Ok(answer) => Err(not_yet(format!("its page is not there: status {}", answer.status))),
            Err(Lost::NotSent(_)) if self.is_refused(address).await => {
                Err(no_page("its web server does not answer"))
            }
            Err(Lost::NotSent(_)) => Err(not_yet("its web server does not answer")),
            Err(Lost::Ambiguous(_)) => Err(not_yet("its web server breaks off")),
            Err(Lost::Cut(..)) => Err(not_yet("its page breaks off, or is too long to be ours")),
        }
    }

    /// Whether the droplet itself says that it has no web server: nobody on the way does.
    async fn is_refused(&self, address: Ipv4Addr) -> bool {
        let connected = TcpStream::connect((address, self.ports.http)).await;
        connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    }

    /// What SSH shows to somebody who offers nothing.
    async fn handshake(&self, address: Ipv4Addr) -> Option<Handshake> {
        let stream = TcpStream::connect((IpAddr::V4(address), self.ports.ssh)).await.ok()?;
        let taker = Taker::default();
        let mut handle = client::connect_stream(self.ssh.clone(), stream, taker.clone()).await.ok()?;
        let asks_password = asks_password(&mut handle).await?;
        // It is told goodbye as a courtesy.
        let _ = handle.disconnect(Disconnect::ByApplication, "", "en").await;
        let key = taker.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Handshake { key, asks_password })
    }
}

#[async_trait]
impl Probe for RealProbe {
    async fn ready(&self, address: Ipv4Addr, id: &str) -> Readiness {
        let asked = async {
            let told = match self.page(address, id).await {
                Ok(told) => told,
                Err(state) => return state,
            };
            match self.handshake(address).await {
                Some(handshake) => first_boot::compared(told, handshake),
                None => not_yet("its page says ready, and SSH does not answer"),
            }
        };
        let late = |_| not_yet(format!("no answer within {} seconds", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late)
    }
}

/// Method `none` is refused with the list of what may be tried; one that lets everybody in asks for nothing.
async fn asks_password(handle: &mut Handle<Taker>) -> Option<bool> {
    match handle.authenticate_none("root").await.ok()? {
        AuthResult::Success => Some(false),
        AuthResult::Failure { remaining_methods, .. } => {
            Some(remaining_methods.contains(&MethodKind::Password))
        }
    }
}

impl client::Handler for Taker {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        Ok(true)
    }
}
