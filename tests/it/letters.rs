//! Letters: what customers and the operator read, and what must not get into it.

use basement::model::census::Readiness;
use basement::model::ids::{CustomerId, DropletId, ServerName};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::policy::FirewallBy;
use basement::model::step::Undelivered;
use basement::render::letter::{BadLetter, LetterFacts, Written, clean_name, write};
use basement::render::letter_samples::{Sample, samples};

const PASSWORD: &str = "Tr9ub4dZr9xK2mQv7LpWz3NhYc8RsJd5";

fn facts() -> LetterFacts {
    LetterFacts {
        has_ssh_keys: true,
        firewall: FirewallBy::Both,
        brand: "Example Hosting".to_owned(),
        support: "help@example.com".to_owned(),
        name: Some("Ada Lovelace".to_owned()),
        instead: None,
        extras: vec!["PHP 8, and MariaDB, a database".to_owned()],
        plan: "pro".to_owned(),
        size: "s-1vcpu-2gb".to_owned(),
        region: "nyc3".to_owned(),
        image: "ubuntu-22-04-x64".to_owned(),
        portal: Some("https://billing.example.com/p/login".to_owned()),
        grace: Some(Span::days(7)),
        password_until: Some(end()),
    }
}

fn bare() -> LetterFacts {
    LetterFacts {
        has_ssh_keys: false,
        extras: Vec::new(),
        firewall: FirewallBy::Cloud,
        name: None,
        portal: None,
        grace: None,
        password_until: None,
        ..facts()
    }
}

fn end() -> Moment {
    Moment::parse("2026-11-09T09:14:00Z").unwrap()
}

fn to_customer(occasion: Occasion) -> Letter {
    let server = ServerName::parse("ada-7f3k2m9q").unwrap();
    Letter { server: Some(server), to: Recipient::Customer(CustomerId::parse("cus_QX1").unwrap()), occasion }
}

fn to_operator(occasion: Occasion) -> Letter {
    Letter { to: Recipient::Operator, ..to_customer(occasion) }
}

fn welcome() -> Letter {
    let host_key = Some(format!("SHA256:{}", "k".repeat(43)));
    to_customer(Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: DropletId(7), host_key })
}

fn written(letter: &Letter, facts: &LetterFacts) -> Written {
    match write(letter, facts, Some(PASSWORD)) {
        Ok(written) => written,
        Err(bad) => panic!("{bad}"),
    }
}

/// The whole letter as its reader has it, the password as dots.
fn shown(letter: &Letter, facts: &LetterFacts) -> String {
    let Written { subject, text, html } = written(letter, facts);
    format!("Subject: {subject}\n\n{text}\n{:-<80}\n{html}", "")
        .replace(PASSWORD, &"•".repeat(PASSWORD.len()))
}

#[test]
fn our_own_servers_are_nobodys_order() {
    let welcome =
        Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: DropletId(7), host_key: None };
    let said = |letter: &Letter| {
        let Written { text, html, .. } = write(letter, &facts(), Some("secret")).unwrap();
        ["You ordered", "If you cancel"].map(|words| (text.contains(words), html.contains(words)))
    };
    assert_eq!(said(&to_customer(welcome.clone())), [(true, true); 2]);
    assert_eq!(said(&to_operator(welcome)), [(false, false); 2]);
}

#[test]
fn every_letter_to_a_customer() {
    let suspended =
        |destroy_after| Occasion::Suspended { destroy_after, because: "subscription past due".to_owned() };
    let why = Undelivered::NeverUp;
    let failed = |refunded, cancelled, by_hand| Occasion::Failed { why, refunded, cancelled, by_hand };
    insta::assert_snapshot!("welcome", shown(&welcome(), &facts()));
    let mut keyless = welcome();
    if let Occasion::Welcome { host_key, .. } = &mut keyless.occasion {
        *host_key = None;
    }
    insta::assert_snapshot!("welcome_bare", shown(&keyless, &bare()));
    insta::assert_snapshot!("suspended", shown(&to_customer(suspended(Some(end()))), &facts()));
    insta::assert_snapshot!("suspended_bare", shown(&to_customer(suspended(None)), &bare()));
    let resumed = Occasion::Resumed { address: [203, 0, 113, 7].into() };
    insta::assert_snapshot!("resumed", shown(&to_customer(resumed), &facts()));
    let ending = |destroy_after| to_customer(Occasion::Ending { destroy_after });
    insta::assert_snapshot!("ending", shown(&ending(Some(end())), &facts()));
    insta::assert_snapshot!("ending_bare", shown(&ending(None), &bare()));
    insta::assert_snapshot!("ended", shown(&to_customer(Occasion::Ended), &facts()));
    insta::assert_snapshot!(
        "failed",
        shown(&to_customer(failed(vec![Money::usd(3500)], true, false)), &facts())
    );
    insta::assert_snapshot!("failed_trial", shown(&to_customer(failed(Vec::new(), false, false)), &bare()));
    insta::assert_snapshot!("failed_by_hand", shown(&to_customer(failed(Vec::new(), true, true)), &facts()));
}

#[test]
fn every_letter_to_the_operator() {
    let why = Undelivered::NeverUp;
    let alert = |refunded, cancelled, remark: Option<&str>| {
        to_operator(Occasion::AlertFailed { why, refunded, cancelled, remark: remark.map(str::to_owned) })
    };
    let by_hand = Some("refund $35.00 by hand: the invoice was paid outside Stripe");
    insta::assert_snapshot!("alert_failed", shown(&alert(vec![Money::usd(3500)], true, None), &facts()));
    insta::assert_snapshot!("alert_failed_by_hand", shown(&alert(Vec::new(), false, by_hand), &facts()));
    let deleted = to_operator(Occasion::AlertDeleted { droplet: DropletId(7) });
    insta::assert_snapshot!("alert_deleted", shown(&deleted, &facts()));
    let not_ready = |state, until| {
        to_operator(Occasion::AlertNotReady { address: [203, 0, 113, 7].into(), state, until })
    };
    let failed = Readiness::Failed { failed: vec!["package:certbot".to_owned(), "firewall:443".to_owned()] };
    insta::assert_snapshot!("alert_not_ready", shown(&not_ready(failed, None), &facts()));
    let unsure = Occasion::AlertUnsure { droplet: DropletId(7), address: Some([203, 0, 113, 7].into()) };
    insta::assert_snapshot!("alert_unsure", shown(&to_operator(unsure), &facts()));
    let firewall = |why: &str, waiting| to_operator(Occasion::AlertFirewall { why: why.to_owned(), waiting });
    let failed_firewall = firewall("DigitalOcean could not put it in force", 1);
    insta::assert_snapshot!("alert_firewall", shown(&failed_firewall, &facts()));
    let twins = firewall("there are 2 of that name", 0);
    insta::assert_snapshot!("alert_firewall_twins", shown(&twins, &facts()));
    let key = |c: &str| format!("SHA256:{}", c.repeat(43));
    let mismatch = Readiness::Mismatch { told: key("a"), shown: key("b") };
    insta::assert_snapshot!("alert_other_key", shown(&not_ready(mismatch, Some(end())), &facts()));
}

#[test]
fn the_password_is_in_the_welcome_letter_only_and_never_in_a_subject() {
    let letter = written(&welcome(), &facts());
    assert!(letter.text.lines().any(|line| line.trim() == PASSWORD));
    assert!(letter.html.contains(PASSWORD) && !letter.subject.contains(PASSWORD));
    let other = written(&to_customer(Occasion::Ended), &facts());
    assert!(![other.subject, other.text, other.html].concat().contains(PASSWORD));
    assert!(matches!(write(&welcome(), &facts(), None), Err(BadLetter::NoPassword(_))));
}

#[test]
fn hostile_words_stay_words() {
    let hostile = LetterFacts {
        name: Some("<b>Zoe</b>{{ password }}\r\nBcc: x".to_owned()),
        brand: "A & B\r\nX: <script>".to_owned(),
        plan: "pro{% raw %}<i>".to_owned(),
        ..facts()
    };
    let because = "<img src=x>\r\n\r\n{{ 7 * 7 }}".to_owned();
    let suspended = to_customer(Occasion::Suspended { destroy_after: None, because });
    let Written { subject, text, html } = written(&suspended, &hostile);
    assert!(html.contains("&lt;img src=x&gt;") && html.contains("A &amp; B"));
    assert!(!html.contains("<img") && !html.contains("<script"));
    assert!(text.contains("<img src=x>    {{ 7 * 7 }}") && !text.contains('\r'));
    assert!(!subject.contains(char::is_control));
    let html =
        written(&welcome(), &LetterFacts { name: Some("<b>Zoe</b> & Söhne".to_owned()), ..hostile }).html;
    assert!(html.contains("pro{% raw %}&lt;i&gt;") && !html.contains("Zoe"));
}

#[test]
fn names_are_cleaned() {
    let clean = |name: &str| clean_name(name).unwrap_or_default();
    assert_eq!(clean("  Zoë O'Hara <3  "), "Zoë O'Hara <3");
    assert_eq!(clean("J.R.R. Tolkien"), "J.R.R. Tolkien");
    assert_eq!(clean("Ada\r\n\0Lovelace"), "AdaLovelace");
    assert_eq!(clean("a\u{202e}b\u{2066}c"), "abc");
    assert_eq!(clean(&"ö".repeat(100)).chars().count(), 64);
    for unfit in [
        "",
        " \t\r\n",
        "win at https://evil.example",
        "WWW.evil.example",
        "ada@example.com",
        "evil.example",
        "a evil。com",
        "<script>",
    ] {
        assert_eq!(clean(unfit), "", "{unfit}");
    }
}

#[test]
fn there_is_a_sample_of_every_template_and_it_is_complete() {
    let at = Moment::parse("2026-11-02T09:14:00Z").unwrap();
    let samples = samples(at).unwrap();
    let mut words: Vec<&str> = samples.iter().map(|sample| sample.letter.occasion.word()).collect();
    words.sort_unstable();
    words.dedup();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("letters");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut templates: Vec<String> =
        names.filter_map(|name| Some(name.to_str()?.strip_suffix(".txt.j2")?.to_owned())).collect();
    templates.retain(|name| name != "frame");
    templates.sort();
    assert_eq!(words, templates);
    for Sample { letter, .. } in &samples {
        let Written { subject, text, html } = written(letter, &facts());
        assert!(!subject.is_empty() && !subject.contains(PASSWORD), "{subject}");
        // Both ways of reading it say the same, but for what HTML puts behind a link.
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let body = html.split_once("<body").unwrap().1.split_once('>').unwrap().1;
        let read: String =
            body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        if let Some(name) = &letter.server {
            assert!(plain(&read).contains(name.as_str()) && plain(&text).contains(name.as_str()));
        }
        for remote in ["<img", "<script", "<link", "<iframe", "url(", "src="] {
            assert!(!html.contains(remote), "{remote} in {}", letter.occasion.word());
        }
        assert!(text.lines().all(|line| line.len() < 200), "{text}");
    }
}

#[test]
fn the_many_are_listed() {
    let at = Moment::parse("2026-11-02T09:14:00Z").unwrap();
    let samples = samples(at).unwrap();
    let many = samples.iter().find(|sample| sample.name == "operator-many").unwrap();
    insta::assert_snapshot!("alert_many", shown(&many.letter, &facts()));
}

#[test]
fn what_the_operator_gets_instead_says_so() {
    let why = "the customer has no mail address at Stripe".to_owned();
    let facts = LetterFacts { instead: Some(why), ..facts() };
    insta::assert_snapshot!("welcome_instead", shown(&welcome(), &facts));
}

#[test]
fn the_operator_reads_what_is_refused_and_what_came_back() {
    let why = || "POST /v1/refunds: 400 charge_disputed".to_owned();
    let refused = |what: &str| Occasion::AlertRefused { what: what.to_owned(), why: why() };
    let mut letters =
        vec![Occasion::AlertRefund { why: "the refund of `pi_1` failed at the bank".to_owned() }];
    letters.extend(["create", "power_on", "welcome", "refund", "cancel"].map(refused));
    let texts = letters.into_iter().map(|occasion| {
        let Written { subject, text, .. } = written(&to_operator(occasion), &facts());
        format!("Subject: {subject}\n\n{text}")
    });
    insta::assert_snapshot!("operator_refused", texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_failed_delivery_says_why() {
    use Undelivered::{NeverReady, NeverTold, NeverUp, Unwanted};
    let said = |why| {
        let theirs = Occasion::Failed { why, refunded: Vec::new(), cancelled: true, by_hand: false };
        let ours = Occasion::AlertFailed { why, refunded: Vec::new(), cancelled: true, remark: None };
        let texts = [written(&to_customer(theirs), &facts()), written(&to_operator(ours), &facts())];
        texts.map(|Written { text, .. }| text.lines().take(4).collect::<Vec<_>>().join("\n"))
    };
    let all = [NeverUp, NeverReady, NeverTold, Unwanted].map(|why| said(why).join("\n"));
    insta::assert_snapshot!("failed_why", all.join("\n----\n"));
}

#[test]
fn spans_and_images_are_words() {
    let text = |facts: &LetterFacts| written(&welcome(), facts).text;
    for (span, words) in [
        ("0s", "It is deleted at once, with all its data.\n  Copy what you need before you cancel."),
        ("1d", "It is kept for one day; then"),
        ("36h", "It is kept for 36 hours; then"),
        ("90m", "It is kept for 90 minutes; then"),
        ("1m", "It is kept for one minute; then"),
        ("61s", "It is kept for 61 seconds; then"),
    ] {
        let facts = LetterFacts { grace: Some(Span::parse(span).unwrap()), ..facts() };
        assert!(text(&facts).contains(words), "{span}: {}", text(&facts));
    }
    for (slug, words) in [
        ("ubuntu-24-04-x64", "Ubuntu 24.04, size"),
        ("debian-12-x64", "Debian 12, size"),
        ("centos-stream-9-x64", "CentOS Stream 9, size"),
        ("rockylinux-9-x64", "Rocky Linux 9, size"),
        ("155133621", "- a system image of ours, size"),
    ] {
        let facts = LetterFacts { image: slug.to_owned(), ..facts() };
        assert!(text(&facts).contains(words), "{slug}: {}", text(&facts));
    }
}
