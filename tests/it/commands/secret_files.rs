//! Secrets from files: whose may be read, and what is said of the others.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{Bench, hush};

/// A bench that has its token from a file of this mode.
fn with_file(text: impl AsRef<[u8]>, mode: u32) -> Bench {
    let mut bench = Bench::new();
    let path = bench.root().parent().expect("a home").join("token");
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
    bench.may_hold("token");
    bench.unset("DIGITALOCEAN_TOKEN");
    bench.set("DIGITALOCEAN_TOKEN_FILE", path.display().to_string());
    bench
}

#[test]
fn a_private_file_is_read() {
    for mode in [0o400, 0o600, 0o700] {
        let bench = with_file(format!("{}\n", hush::TOKEN), mode);
        bench.expect("plan", 0);
    }
}

#[test]
fn a_file_that_others_may_read_is_refused() {
    for mode in [0o640, 0o604, 0o444, 0o620, 0o777] {
        let said = with_file(hush::TOKEN, mode).expect("plan", 1);
        assert!(said.err.contains(&format!("may be read by others (mode {mode:03o})")), "{}", said.page());
    }
    insta::assert_snapshot!(
        "a_token_that_others_may_read",
        with_file(hush::TOKEN, 0o644).expect("plan", 1).page()
    );
}

#[test]
fn systemds_credentials_are_read_though_their_group_shows() {
    let mut bench = with_file(hush::TOKEN, 0o440);
    bench.expect("plan", 1);
    let folder = bench.root().parent().expect("a home").display().to_string();
    bench.set("CREDENTIALS_DIRECTORY", folder);
    bench.expect("plan", 0);
    let path = bench.root().parent().expect("a home").join("token");
    fs::set_permissions(path, Permissions::from_mode(0o444)).expect("its mode");
    bench.expect("plan", 1);
}

#[test]
fn what_is_no_secret_is_named() {
    insta::assert_snapshot!("an_empty_secret", with_file(" \n", 0o600).expect("plan", 1).page());
    insta::assert_snapshot!(
        "a_large_secret",
        with_file("x".repeat(64 * 1024 + 1), 0o600).expect("plan", 1).page()
    );
    insta::assert_snapshot!(
        "a_secret_that_is_no_text",
        with_file([0xff, 0xfe], 0o600).expect("plan", 1).page()
    );
    let mut bench = with_file(hush::TOKEN, 0o600);
    bench.set("DIGITALOCEAN_TOKEN", hush::TOKEN);
    insta::assert_snapshot!("a_secret_given_twice", bench.expect("plan", 1).page());
    bench.unset("DIGITALOCEAN_TOKEN");
    bench.set("DIGITALOCEAN_TOKEN_FILE", bench.root().display().to_string());
    insta::assert_snapshot!("a_secret_that_is_a_folder", bench.expect("plan", 1).page());
    bench.set("DIGITALOCEAN_TOKEN_FILE", "/nowhere/at/all");
    insta::assert_snapshot!("a_secret_that_is_not_there", bench.expect("plan", 1).page());
}

#[test]
fn what_gives_nothing_or_too_much_is_named_and_not_waited_for() {
    let two = with_file(format!("{}\nmore\n", hush::TOKEN), 0o600).expect("plan", 1);
    assert!(two.err.contains("`DIGITALOCEAN_TOKEN_FILE` has more than one line"), "{}", two.page());
    let mut bench = with_file("", 0o600);
    bench.set("DIGITALOCEAN_TOKEN_FILE", "/dev/null");
    let said = bench.expect("plan", 1);
    assert!(said.err.contains("is not a file") && !said.err.contains("chmod"), "{}", said.page());
    let pipe = bench.root().parent().expect("a home").join("pipe");
    let made = std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    bench.set("DIGITALOCEAN_TOKEN_FILE", pipe.display().to_string());
    let said = bench.expect("plan", 1);
    assert!(said.err.contains("is a pipe, and nothing came through it"), "{}", said.page());
    fs::remove_file(pipe).expect("it was there");
}

#[test]
fn a_pipe_is_read_once_and_that_is_enough() {
    use std::io::Write as _;
    let mut bench = with_file("", 0o600);
    bench.set("DIGITALOCEAN_TOKEN_FILE", "/dev/stdin");
    for command in ["plan", "doctor"] {
        let mut child = bench.command(command);
        let (out, err) = (std::process::Stdio::piped(), std::process::Stdio::piped());
        let mut child =
            child.stdin(std::process::Stdio::piped()).stdout(out).stderr(err).spawn().expect("it starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(hush::TOKEN.as_bytes()).expect("it is read");
        drop(pipe);
        let said = bench.said(&child.wait_with_output().expect("it ends"));
        assert_eq!(said.code, 0, "{command}\n{}", said.page());
    }
}
