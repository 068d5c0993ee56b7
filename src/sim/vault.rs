//! A vault for simulated worlds: the same server and attempt always get the same password.
//! It hides nothing from an attacker; its seal only keeps passwords out of plain sight in tests.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256, Sha512};

use crate::model::ids::ServerName;
use crate::ports::{Fault, Sealed, Vault};
use crate::sim::ports::Door;

/// How long a password is.
const LENGTH: usize = 32;

#[async_trait]
impl Vault for Door {
    async fn make(&self, server: &ServerName, attempt: u32) -> Result<Sealed, Fault> {
        let password = password(server, attempt);
        let digest = URL_SAFE_NO_PAD.encode(Sha512::digest(format!("crypt {password}")));
        let hash = format!("$6$simulated${digest}").replace(['-', '_'], ".");
        let blob = mask(password.as_bytes(), server, attempt);
        Ok(Sealed { server: server.clone(), attempt, blob, hash })
    }

    async fn open(&self, sealed: &Sealed) -> Result<SecretString, Fault> {
        let plain = mask(&sealed.blob, &sealed.server, sealed.attempt);
        let is_right = plain == password(&sealed.server, sealed.attempt).as_bytes();
        match String::from_utf8(plain) {
            Ok(text) if is_right => Ok(text.into()),
            _ => Err(Fault::refused("open password", "this seal is not of this world")),
        }
    }
}

fn password(server: &ServerName, attempt: u32) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("password {server} {attempt}")));
    text.truncate(LENGTH);
    text.replace(['-', '_'], "x")
}

fn mask(bytes: &[u8], server: &ServerName, attempt: u32) -> Vec<u8> {
    let stream = Sha256::digest(format!("seal {server} {attempt}"));
    bytes.iter().zip(stream.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}
