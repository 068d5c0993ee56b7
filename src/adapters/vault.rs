//! Root passwords: made from the operating system's randomness, hashed for crypt(3), sealed for the ledger.
//! Invariant: a sealed password opens only for the server and attempt it was made for.

use std::io::{self, Write};
use std::path::Path;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha_crypt::{Algorithm, CustomizedPasswordHasher, Params, ShaCrypt};
use zeroize::{Zeroize, Zeroizing};

use super::files::{Group, make_folder_of, private, read_secret};
use crate::model::ids::ServerName;
use crate::ports::{Fault, Sealed, Vault};

/// No 0 O 1 l I: they are read aloud and typed by people.
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const LENGTH: usize = 32;
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals with its first key, opens with any.
pub struct SealVault {
    keys: Vec<Key>,
}

struct Key {
    id: u8,
    bytes: Zeroizing<[u8; 32]>,
}

impl SealVault {
    /// Takes keys written `2:<base64>,1:<base64>`: the first seals, all open. To rotate, put a new one in front.
    pub fn from_keys(text: &SecretString) -> Result<Self, Fault> {
        let keys = text.expose_secret().trim().split(',').map(parse_key).collect::<Result<Vec<_>, _>>()?;
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.id == key.id) {
                return Err(refused(format!(
                    "seal key {} stands there twice; hint: number keys 1 to 255",
                    key.id
                )));
            }
        }
        Ok(Self { keys })
    }

    /// Reads the keys from a file. One that others may read is refused.
    pub fn from_file(path: &Path) -> Result<Self, Fault> {
        let text = read_secret(path, "key", Group::Refused)
            .map_err(|bad| refused(format!("seal key file `{}` {bad}", path.display())))?;
        Self::from_keys(&text)
    }

    /// The same; if there is no file, one is made (0600) with one new key of this number.
    pub fn from_file_or_new(path: &Path, number: u8) -> Result<Self, Fault> {
        match make_file(path, number) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(refused(format!(
                    "seal key file `{}`: {error}; hint: check the path and its permissions",
                    path.display()
                )));
            }
        }
        Self::from_file(path)
    }

    /// The number of the key that a password was sealed with.
    pub fn number_of(sealed: &Sealed) -> Option<u8> {
        sealed.blob.get(1).copied()
    }

    /// Without a key: it opens nothing.
    pub fn empty() -> Self {
        Self { keys: Vec::new() }
    }

    /// The numbers of its keys; the first seals.
    pub fn ids(&self) -> Vec<u8> {
        self.keys.iter().map(|key| key.id).collect()
    }

    /// The same password under the first key; `None` if it is that already.
    pub fn reseal(&self, sealed: &Sealed) -> Result<Option<Sealed>, Fault> {
        let password = self.unseal(sealed)?;
        if self.keys.first().map(|key| key.id) == Self::number_of(sealed) {
            return Ok(None);
        }
        let blob = self.seal(&sealed.server, sealed.attempt, password.expose_secret())?;
        Ok(Some(Sealed { blob, ..sealed.clone() }))
    }

    fn seal(&self, server: &ServerName, attempt: u32, password: &str) -> Result<Vec<u8>, Fault> {
        let Some(key) = self.keys.first() else { return Err(refused("there is no seal key")) };
        let nonce: [u8; NONCE] = random()?;
        let sealed = key
            .cipher()
            .encrypt(
                &XNonce::from(nonce),
                Payload { msg: password.as_bytes(), aad: aad(key.id, server, attempt).as_bytes() },
            )
            .map_err(|_| refused("the password cannot be sealed"))?;
        Ok([&[VERSION, key.id], nonce.as_slice(), &sealed].concat())
    }

    fn unseal(&self, sealed: &Sealed) -> Result<SecretString, Fault> {
        let Some(([VERSION, id], rest)) = sealed.blob.split_first_chunk::<2>() else {
            return Err(refused(
                "the sealed password is not of a kind this basement knows; hint: use the version that wrote it",
            ));
        };
        let Some(key) = self.keys.iter().find(|key| key.id == *id) else {
            return Err(refused(format!(
                "the password was sealed with key {id}, which is not among the seal keys; hint: add that key behind the others"
            )));
        };
        let broken = || {
            refused(format!(
                "there is a wrong key with the number {id}, or the sealed password is damaged or another server's; \
                 hint: give back the key {id} that sealed it"
            ))
        };
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or_else(broken)?;
        let aad = aad(*id, &sealed.server, sealed.attempt);
        let plain = key
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: aad.as_bytes() })
            .map_err(|_| broken())?;
        let text = String::from_utf8(plain).map_err(|error| {
            error.into_bytes().zeroize();
            broken()
        })?;
        Ok(SecretString::from(text))
    }
}

#[async_trait]
impl Vault for SealVault {
    async fn make(&self, server: &ServerName, attempt: u32) -> Result<Sealed, Fault> {
        let password = password()?;
        let hash = crypt(&password, &random()?)?;
        let blob = self.seal(server, attempt, &password)?;
        Ok(Sealed { server: server.clone(), attempt, blob, hash })
    }

    async fn open(&self, sealed: &Sealed) -> Result<SecretString, Fault> {
        self.unseal(sealed)
    }
}

impl Key {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.bytes).into())
    }
}

/// The sha512-crypt hash of a password, as crypt(3) writes it.
///
/// The salt is 12 bytes, which are 16 characters: all that crypt(3) reads. The library's own default
/// makes 22, and such a hash refuses every login. 5,000 rounds are crypt(3)'s default, and left unsaid.
pub fn crypt(password: &str, salt: &[u8; 12]) -> Result<String, Fault> {
    let params = Params::new(5_000).map_err(|error| refused(error.to_string()))?;
    let hash = ShaCrypt::new(Algorithm::Sha512Crypt, params)
        .hash_password_customized(password.as_bytes(), salt, None, None, params)
        .map_err(|error| refused(error.to_string()))?;
    Ok(hash.as_str().replacen("rounds=5000$", "", 1))
}

fn password() -> Result<Zeroizing<String>, Fault> {
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    // A byte from the last, incomplete run of the alphabet would favour its first letters.
    let fair = 256 - 256 % ALPHABET.len();
    while password.len() < LENGTH {
        let bytes = Zeroizing::new(random::<64>()?);
        let letters = bytes.iter().map(|b| usize::from(*b)).filter(|b| *b < fair);
        let wanted = LENGTH - password.len();
        password.extend(letters.take(wanted).map(|b| char::from(ALPHABET[b % ALPHABET.len()])));
    }
    Ok(password)
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| refused(format!("the operating system gives no randomness: {error}")))?;
    Ok(bytes)
}

fn aad(key: u8, server: &ServerName, attempt: u32) -> String {
    format!("basement/root-password/v1/{key}/{server}/{attempt}")
}

fn parse_key(text: &str) -> Result<Key, Fault> {
    let bad = || {
        refused(
            "the seal keys are not written `2:<base64 of 32 bytes>,1:<base64 of 32 bytes>`; hint: `head -c 32 /dev/urandom | base64` makes one",
        )
    };
    let (id, code) = text.trim().split_once(':').ok_or_else(bad)?;
    let id = id.parse().ok().filter(|id| *id > 0).ok_or_else(bad)?;
    let plain = Zeroizing::new(STANDARD.decode(code).map_err(|_| bad())?);
    let bytes = Zeroizing::new(<[u8; 32]>::try_from(plain.as_slice()).map_err(|_| bad())?);
    Ok(Key { id, bytes })
}

fn make_file(path: &Path, number: u8) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    make_folder_of(path)?;
    let key = Zeroizing::new(random::<32>().map_err(io::Error::other)?);
    let line = Zeroizing::new(format!("{number}:{}\n", *Zeroizing::new(STANDARD.encode(*key))));
    // Whoever dies here, or begins at the same moment, must never see half a key: it appears whole, once.
    let aside =
        path.with_extension(format!("{:016x}.new", u64::from_ne_bytes(random().map_err(io::Error::other)?)));
    let mut file = private().write(true).create_new(true).open(&aside)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside)?;
    linked
}

fn refused(message: impl Into<String>) -> Fault {
    Fault::refused("vault", message)
}
