//! User-data: the golden file, and values that must not get in.

use basement::fleet::userdata::{BadUserData, built_in, render, server_id};
use basement::model::ids::ServerName;

const HASH: &str = "$6$saltSALTsalt1234$fMckW3aCeSl4KG3eQnlJoUKloUDiNreePIpfetXtjWDcwUsbRLviAaOp/owqtfKYzvB3AxIEIlL60byQfDdt./";
const ID: &str = "0123456789abcdef0123";

fn base() -> &'static str {
    built_in("base").expect("`base` is built in")
}

#[test]
fn the_built_in_template_is_filled_in() {
    let filled = render(base(), HASH, ID).unwrap();
    insta::assert_snapshot!("user_data", filled);
    assert!(serde_yaml::from_str::<serde_yaml::Value>(&filled).unwrap().is_mapping());
    assert!(!filled.contains("{{"));
    assert_eq!(built_in("other"), None);
}

#[test]
fn a_server_id_is_new_for_every_attempt_and_fits_its_alphabet() {
    let ada = ServerName::parse("ada-7f3k2m9q").unwrap();
    let first = server_id(&ada, 1);
    // printf ada-7f3k2m9q/1 | sha256sum | cut -c-20
    insta::assert_snapshot!(first, @"fa97e05369e2131387ed");
    assert_ne!(first, server_id(&ada, 2));
    assert!(render(base(), HASH, &first).is_ok());
}

#[test]
fn only_crypt_hashes_get_in() {
    let long_salt = HASH.replace("1234$", "1234567890$");
    let rounds = HASH.replace("$6$", "$6$rounds=5000$");
    assert!(render(base(), &rounds, ID).is_ok());
    let hostile = [
        "",
        "secret",
        "$y$j9T$abc$def",
        "$6$$",
        "$6$salt$short",
        "$6$salt\"$x",
        long_salt.as_str(),
        &format!("{HASH}\n"),
        &format!("{HASH}\"\nruncmd: [reboot]"),
        &HASH.replace("$6$", "$6$rounds=$"),
        &HASH.replace("$6$", "$6$rounds=a$"),
        &HASH.replace("salt", "sa t"),
    ];
    for hash in hostile {
        let error = render(base(), hash, ID).unwrap_err();
        assert_eq!(error, BadUserData::Hash, "{hash}");
        assert!(hash.is_empty() || !error.to_string().contains(hash) || hash == "$6$$");
    }
}

#[test]
fn only_server_ids_get_in() {
    for id in ["", "short", "UPPERCASE0", "abc-def-ghi", "abcdefgh\n", "';reboot;'x", &"a".repeat(41)] {
        assert!(matches!(render(base(), HASH, id), Err(BadUserData::ServerId(_))), "{id}");
    }
}

#[test]
fn templates_that_would_fail_on_the_machine_are_refused_here() {
    let with = |body: &str| render(&format!("#cloud-config\n{body}"), HASH, ID);
    insta::assert_snapshot!(with("a: {{ root_hash }}\nb: {{passwd}}").unwrap_err(), @"the cloud-init template has an unknown blank `{{passwd}}`; hint: there are `{{root_hash}}` and `{{server_id}}`");
    insta::assert_snapshot!(with("a: {{ root_hash }}\nb: {{never closed\nc: 1").unwrap_err(), @"the cloud-init template has an unknown blank `{{never closed}}`; hint: there are `{{root_hash}}` and `{{server_id}}`");
    insta::assert_snapshot!(with("a: 1").unwrap_err(), @"the cloud-init template has no `{{root_hash}}`; hint: without it the mailed password is not the server's");
    insta::assert_snapshot!(with("a: {{root_hash}}\nb: “1”").unwrap_err(), @"line 3 of the cloud-init template is not plain ASCII; hint: look for quotes and dashes of a word processor");
    insta::assert_snapshot!(render("packages: [{{root_hash}}]", HASH, ID).unwrap_err(), @"the cloud-init template begins neither with `#cloud-config` nor with `#!`; hint: cloud-init would ignore it");
    let large = format!("#!/bin/sh\n# {{{{root_hash}}}}\n{}", "#".repeat(65_536));
    assert!(matches!(render(&large, HASH, ID), Err(BadUserData::TooLarge(_))));
    assert_eq!(with("a: {{ root_hash }} {{server_id}}").unwrap(), format!("#cloud-config\na: {HASH} {ID}"));
}
