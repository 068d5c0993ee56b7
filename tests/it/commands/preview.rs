//! `basement letters --preview`: every letter into a folder; nothing is sent, and nothing replaced in silence.

use std::fs;

use super::Bench;

#[test]
fn every_letter_is_written_and_a_second_time_is_told() {
    let mut bench = Bench::of(0);
    bench.unset("BASEMENT_SMTP_URL");
    let first = bench.expect("letters --preview out", 0).out;
    let read = |name: &str| fs::read_to_string(bench.root().join("out").join(name)).expect(name);
    let written = first.lines().filter(|line| line.starts_with("+ ")).count();
    assert_eq!(written, 63, "{first}");
    let (eml, html, text) = (read("welcome.eml"), read("welcome.html"), read("welcome.txt"));
    for head in [
        "From: ",
        "To: ada@example.com\r\n",
        "Subject: Your server is ready: ada-7f3k2m9q (203.0.113.7)\r\n",
        "Date: ",
        "Message-ID: <preview.welcome@example.com>\r\n",
        "Reply-To: help@example.com\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/alternative;",
    ] {
        assert!(eml.contains(head), "{head} is not in\n{eml}");
    }
    assert!(text.lines().any(|line| line.trim() == "SAMPLEnotaPasswordSAMPLE23456789"), "{text}");
    // As it will be sent: the day of erasure and all.
    assert!(text.contains("We erase our copy of this password on 9 Nov 2026"), "{text}");
    assert!(read("welcome-handed-over.eml").contains("To: operator@example.com\r\n"));
    assert!(read("welcome-handed-over.txt").starts_with("To the operator: this letter is for cus_SAMPLE"));
    for what in ["power-on", "welcome", "refund", "cancel"] {
        assert!(read(&format!("operator-refused-{what}.txt")).contains("ada-7f3k2m9q"));
    }
    assert!(read("operator-not-ready-other-key.txt").contains("Something else may answer"));
    assert!(html.contains("SAMPLEnotaPasswordSAMPLE23456789"));
    fs::write(bench.root().join("out/welcome.txt"), "mine").expect("written");
    let second = bench.expect("letters --preview out", 0).out;
    assert!(second.contains("~ welcome.txt was there and is replaced"), "{second}");
    assert!(second.contains("  ended.html is the same"), "{second}");
    assert_eq!(read("welcome.txt"), text);
    assert!(bench.letters().is_empty());
    bench.expect("letters", 64);
}

#[test]
fn a_key_that_is_none_is_said_and_not_shown() {
    let mut bench = Bench::of(0);
    let dkim = "[mail]\ndkim = { selector = \"s1\", domain = \"example.com\" }";
    bench.replace("basement.toml", "[mail]", dkim);
    let said = bench.expect("letters --preview out", 1).all();
    assert!(said.contains("`BASEMENT_DKIM_KEY` is not set"), "{said}");
    bench.set("BASEMENT_DKIM_KEY", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----");
    let said = bench.expect("letters --preview out", 1).all();
    assert!(said.contains("the DKIM key is neither") && !said.contains("hunter2"), "{said}");
    bench.replace("basement.toml", "\"s1\"", "\"s 1\"");
    let said = bench.expect("letters --preview out", 1).all();
    assert!(said.contains("`dkim.selector`"), "{said}");
}
