//! DKIM (RFC 6376, 8463): the private key as OpenSSL writes it, and what a signature covers.
//! Invariant: the key is in no error and has no `Debug`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::Message;
use lettre::message::dkim::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey,
};
use lettre::message::header::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// What is signed of the head. A header that lettre does not sign must not be named, or nobody can verify the
/// rest: it writes `Content-Type` with the body, after the signature.
const HEADERS: [&str; 7] = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"];

/// The algorithms' object identifiers (RFC 8017, appendix A.1; RFC 8410, section 3).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// A key and whose it is.
pub(super) struct Seal(DkimConfig);

impl Seal {
    pub(super) fn new(selector: &str, domain: &str, key: &SecretString) -> Result<Self, String> {
        let is_name = |text: &str| {
            let is_label = |label: &str| {
                !label.is_empty()
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            text.len() <= 253 && text.split('.').all(is_label)
        };
        for (setting, text) in [("selector", selector), ("domain", domain)] {
            if !is_name(text) {
                let text = text.escape_default();
                return Err(format!("the mail setting `dkim.{setting}` is not a name in DNS: `{text}`"));
            }
        }
        let key = signing_key(key.expose_secret()).ok_or(
            "the DKIM key is neither an RSA nor an Ed25519 private key in PEM; hint: `openssl genrsa 2048` makes one",
        )?;
        let headers = HEADERS.into_iter().map(HeaderName::new_from_ascii_str).collect();
        let relaxed = DkimCanonicalizationType::Relaxed;
        let canonical = DkimCanonicalization { header: relaxed, body: relaxed };
        Ok(Self(DkimConfig::new(selector.to_owned(), domain.to_owned(), key, headers, canonical)))
    }

    pub(super) fn sign(&self, message: &mut Message) {
        message.sign(&self.0);
    }
}

/// lettre takes an RSA key as PKCS #1 and an Ed25519 key bare; OpenSSL writes both as PKCS #8.
fn signing_key(pem: &str) -> Option<DkimSigningKey> {
    let (kind, der) = read_pem(pem)?;
    match kind {
        "RSA PRIVATE KEY" => rsa(&der),
        "PRIVATE KEY" => {
            let (mut all, _) = take(&der, SEQUENCE)?;
            all = take(all, INTEGER)?.1;
            let (algorithm, rest) = take(all, SEQUENCE)?;
            let (key, _) = take(rest, OCTETS)?;
            match take(algorithm, OBJECT)?.0 {
                RSA => rsa(key),
                ED25519 => {
                    let seed = Zeroizing::new(STANDARD.encode(take(key, OCTETS)?.0));
                    DkimSigningKey::new(&seed, DkimSigningAlgorithm::Ed25519).ok()
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn rsa(der: &[u8]) -> Option<DkimSigningKey> {
    let code = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new("-----BEGIN RSA PRIVATE KEY-----\n".to_owned());
    for line in code.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).ok()?);
        pem.push('\n');
    }
    pem.push_str("-----END RSA PRIVATE KEY-----\n");
    DkimSigningKey::new(&pem, DkimSigningAlgorithm::Rsa).ok()
}

/// The label and the bytes of the first PEM block.
fn read_pem(pem: &str) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let (kind, rest) = pem.split_once("-----BEGIN ")?.1.split_once("-----")?;
    let code: Zeroizing<String> =
        Zeroizing::new(rest.split_once("-----END ")?.0.split_ascii_whitespace().collect());
    Some((kind, Zeroizing::new(STANDARD.decode(code.as_bytes()).ok()?)))
}

/// The contents of the DER value in front, which is of this kind, and what stands behind it.
fn take(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (&[is, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (is == kind).then(|| rest.split_at_checked(length))?
}
