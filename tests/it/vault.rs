//! The vault: hashes Linux accepts, seals that hold, keys that rotate.

use basement::adapters::vault::{SealVault, crypt};
use basement::model::ids::ServerName;
use basement::ports::{Fault, Sealed, Vault};
use secrecy::{ExposeSecret, SecretString};
use sha_crypt::{PasswordVerifier, ShaCrypt};

/// 32 bytes of 1, of 2.
const ONE: &str = "1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn vault(keys: &str) -> SealVault {
    SealVault::from_keys(&SecretString::from(keys)).expect("good keys")
}

fn ada() -> ServerName {
    ServerName::parse("ada-7f3k2m9q").unwrap()
}

fn refusal<T>(result: Result<T, Fault>) -> String {
    match result {
        Err(Fault::Refused(detail)) => detail.message,
        Err(other) => panic!("not a refusal: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

/// The 12 bytes which crypt's base64 writes as this salt.
fn salt(text: &str) -> [u8; 12] {
    let value = |c: u8| {
        let alphabet = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        u32::try_from(alphabet.iter().position(|known| *known == c).unwrap()).unwrap()
    };
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let word = four.iter().rev().fold(0, |sum, c| sum << 6 | value(*c));
        bytes.extend_from_slice(&word.to_le_bytes()[..3]);
    }
    bytes.try_into().unwrap()
}

#[test]
fn the_hash_is_what_crypt_makes() {
    // openssl passwd -6 -salt saltSALTsalt1234 Tr0ub4dor9xK2mQv7LpWz3NhYc8RsJd5
    let hash = crypt("Tr0ub4dor9xK2mQv7LpWz3NhYc8RsJd5", &salt("saltSALTsalt1234")).unwrap();
    assert_eq!(
        hash,
        "$6$saltSALTsalt1234$fMckW3aCeSl4KG3eQnlJoUKloUDiNreePIpfetXtjWDcwUsbRLviAaOp/owqtfKYzvB3AxIEIlL60byQfDdt./"
    );
}

#[tokio::test]
async fn a_password_is_made_hashed_sealed_and_opened() {
    let vault = vault(ONE);
    let sealed = vault.make(&ada(), 1).await.unwrap();
    assert_eq!(sealed.blob.len(), 74);
    assert_eq!(sealed.blob[..2], [1, 1]);
    let parts: Vec<&str> = sealed.hash.split('$').collect();
    assert_eq!((parts[1], parts[2].len(), parts[3].len()), ("6", 16, 86));
    let password = vault.open(&sealed).await.unwrap();
    let password = password.expose_secret();
    assert_eq!(password.len(), 32);
    assert!(password.bytes().all(|b| b.is_ascii_alphanumeric() && !b"0O1lI".contains(&b)));
    assert!(ShaCrypt::SHA512.verify_password(password.as_bytes(), sealed.hash.as_str()).is_ok());
    assert!(!sealed.blob.windows(8).any(|window| window == &password.as_bytes()[..8]));
    let again = vault.make(&ada(), 1).await.unwrap();
    assert!(again.hash != sealed.hash && again.blob != sealed.blob);
}

#[tokio::test]
async fn a_seal_opens_only_where_it_belongs() {
    let vault = vault(ONE);
    let sealed = vault.make(&ada(), 1).await.unwrap();
    let other = Sealed { server: ServerName::parse("bob").unwrap(), ..sealed.clone() };
    insta::assert_snapshot!(refusal(vault.open(&other).await), @"there is a wrong key with the number 1, or the sealed password is damaged or another server's; hint: give back the key 1 that sealed it");
    assert!(vault.open(&Sealed { attempt: 2, ..sealed.clone() }).await.is_err());
    for at in 0..sealed.blob.len() {
        let mut tampered = sealed.clone();
        tampered.blob[at] ^= 1;
        assert!(vault.open(&tampered).await.is_err(), "byte {at}");
    }
    for length in [0, 1, 2, 25, 26, 73] {
        let cut = Sealed { blob: sealed.blob[..length].to_vec(), ..sealed.clone() };
        assert!(vault.open(&cut).await.is_err(), "{length} bytes");
    }
}

#[tokio::test]
async fn keys_rotate() {
    let old = vault(ONE).make(&ada(), 1).await.unwrap();
    let both = vault(&format!("{TWO},{ONE}"));
    assert!(both.open(&old).await.is_ok());
    let new = both.make(&ada(), 2).await.unwrap();
    assert_eq!(new.blob[1], 2);
    assert!(vault(TWO).open(&new).await.is_ok());
    insta::assert_snapshot!(refusal(vault(TWO).open(&old).await), @"the password was sealed with key 1, which is not among the seal keys; hint: add that key behind the others");
}

#[test]
fn bad_keys_are_refused_without_being_shown() {
    for keys in
        ["", "x", "1:", "1:AQEB", "0:AQEB", &format!("300{}", &ONE[1..]), &format!("{ONE},"), "1:!!!!secret"]
    {
        let message = refusal(SealVault::from_keys(&SecretString::from(keys)));
        assert!(message.contains("hint:") && !message.contains("!!!!secret"), "{message}");
    }
    insta::assert_snapshot!(refusal(SealVault::from_keys(&SecretString::from(format!("{ONE},{ONE}")))), @"seal key 1 stands there twice; hint: number keys 1 to 255");
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_is_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/seal.key");
    let first = SealVault::from_file_or_new(&path, 1).expect("made");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = first.make(&ada(), 1).await.unwrap();
    let second = SealVault::from_file_or_new(&path, 1).expect("read");
    assert!(second.open(&sealed).await.is_ok());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let message = refusal(SealVault::from_file_or_new(&path, 1));
    assert!(message.contains("may be read by others (mode 640)"), "{message}");
}

#[tokio::test]
async fn programs_that_begin_at_once_find_one_whole_key() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let vaults: Vec<SealVault> = std::thread::scope(|scope| {
            let make = || SealVault::from_file_or_new(&path, 1);
            let all: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            all.into_iter().map(|one| one.join().unwrap().expect("a key")).collect()
        });
        let sealed = vaults[0].make(&ada(), 1).await.unwrap();
        for vault in &vaults {
            assert!(vault.open(&sealed).await.is_ok());
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }
}
