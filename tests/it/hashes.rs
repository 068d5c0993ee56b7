//! The vault's hashes against those who will judge them: our own check always, crypt(3) and openssl in CI.
//! `BASEMENT_HASHES=1000` makes so many and asks perl, whose `crypt` is the C library's, and `openssl passwd -6`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use basement::adapters::vault::SealVault;
use basement::model::ids::ServerName;
use basement::ports::Vault as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha_crypt::{PasswordVerifier as _, ShaCrypt};

/// 32 bytes of 1.
const KEY: &str = "1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Passwords as they will be mailed, and their hashes.
async fn pairs(count: u32) -> Vec<(String, String)> {
    let vault = SealVault::from_keys(&SecretString::from(KEY)).expect("a good key");
    let ada = ServerName::parse("ada-7f3k2m9q").unwrap();
    let mut pairs = Vec::new();
    for attempt in 1..=count {
        let sealed = vault.make(&ada, attempt).await.expect("made");
        let password = vault.open(&sealed).await.expect("opened");
        pairs.push((password.expose_secret().to_owned(), sealed.hash));
    }
    pairs
}

/// What a program answers to what it is told; no password stands on a command line.
fn ask(program: &str, arguments: &[&str], told: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{program}` is needed: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    let told = told.to_owned();
    let teller = std::thread::spawn(move || stdin.write_all(told.as_bytes()));
    let done = child.wait_with_output().expect("it ends");
    teller.join().expect("told").expect("it listens");
    assert!(done.status.success(), "`{program}` ended with {}", done.status);
    String::from_utf8(done.stdout).expect("ASCII")
}

#[tokio::test]
async fn hashes_are_what_linux_makes_of_the_passwords() {
    let wanted = std::env::var("BASEMENT_HASHES").ok();
    let count = wanted.as_ref().map_or(8, |count| count.parse().expect("a number in BASEMENT_HASHES"));
    let pairs = pairs(count).await;
    let distinct: BTreeSet<&String> = pairs.iter().flat_map(|(password, hash)| [password, hash]).collect();
    assert_eq!(distinct.len(), 2 * pairs.len(), "no password and no salt comes twice");
    if wanted.is_none() {
        for (password, hash) in &pairs {
            assert!(ShaCrypt::SHA512.verify_password(password.as_bytes(), hash.as_str()).is_ok());
        }
        return;
    }
    // crypt(3) reads the salt that it wants out of the hash, and no more of it.
    let lines: Vec<String> = pairs.iter().map(|(password, hash)| format!("{password} {hash}\n")).collect();
    let answers = ask("perl", &["-lane", "print crypt($F[0], $F[1])"], &lines.concat());
    assert_eq!(answers.lines().count(), pairs.len());
    for (answer, (_, hash)) in answers.lines().zip(&pairs) {
        assert_eq!(answer, hash, "crypt(3) differs");
    }
    for (password, hash) in &pairs {
        let salt = hash.split('$').nth(2).expect("a salt");
        let answer = ask("openssl", &["passwd", "-6", "-salt", salt, "-stdin"], &format!("{password}\n"));
        assert_eq!(answer.trim_end(), hash, "openssl differs");
    }
    println!(
        "{count} passwords: crypt(3) and `openssl passwd -6` make of every one the hash that the vault made"
    );
}
