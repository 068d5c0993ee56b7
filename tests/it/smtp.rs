//! SMTP, end to end: the real mailer against the simulator's server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use basement::adapters::mail::SmtpMailer;
use basement::ports::{Detail, Fault, Mail, Mailer};
use basement::sim::smtp::{Gate, Letter, Post, Posted, Verdict, parse, serve_gated};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const FROM: &str = "Example Hosting <servers@example.com>";

/// A running server, and what it was sent.
struct Office {
    address: String,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Office {
    async fn open(gate: Gate, verdict: Verdict) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let posted = Arc::new(Mutex::new(Vec::new()));
        let shelf = Arc::clone(&posted);
        let post: Post = Arc::new(move |letter| {
            shelf.lock().unwrap().push(letter);
            verdict.clone()
        });
        tokio::spawn(serve_gated(listener, gate, post));
        Self { address, posted }
    }

    fn mailer(&self, login: &str) -> SmtpMailer {
        mailer(&format!("smtp://{login}{}", self.address)).expect("a good URL")
    }

    fn only(&self) -> (Posted, Letter) {
        let posted = self.posted.lock().unwrap();
        let [one] = posted.as_slice() else { panic!("{} letters", posted.len()) };
        (one.clone(), parse(&one.data))
    }
}

fn mailer(url: &str) -> Result<SmtpMailer, String> {
    SmtpMailer::new(&SecretString::from(url), FROM, Some("help@example.com"), None)
}

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: "Your server is ready: ada-7f3k2m9q (203.0.113.7)".to_owned(),
        text: SecretString::from(
            "Hello Zoë,\n\n.a line that begins with a dot\n..two\n.\n\nüber = 100 % ✓\n",
        ),
        html: SecretString::from(format!("<p>Hello Zoë &amp; {}</p>\n", "long ".repeat(300))),
        message_id: "letter.ada-7f3k2m9q.welcome".to_owned(),
    }
}

fn reject(code: u16, text: &str) -> Verdict {
    Verdict::Reject { code, text: text.to_owned() }
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let office = Office::open(Gate::default(), Verdict::Accept).await;
    let sent = mail("zoe@example.org");
    office.mailer("").send(&sent).await.unwrap();
    let (posted, letter) = office.only();
    assert_eq!(
        (posted.from.as_str(), posted.to),
        ("servers@example.com", vec!["zoe@example.org".to_owned()])
    );
    assert_eq!(letter.subject, sent.subject);
    assert_eq!(letter.message_id, "<letter.ada-7f3k2m9q.welcome@example.com>");
    assert_eq!(letter.to, "zoe@example.org");
    assert_eq!(
        letter.text.trim_end(),
        "Hello Zoë,\n\n.a line that begins with a dot\n..two\n.\n\nüber = 100 % ✓"
    );
    assert_eq!(letter.html.trim_end(), format!("<p>Hello Zoë &amp; {}</p>", "long ".repeat(300)));
    for header in [
        "From: \"Example Hosting\" <servers@example.com>\r\n",
        "Reply-To: help@example.com\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "\r\nDate: ",
        "Content-Type: multipart/alternative;",
    ] {
        assert!(posted.data.contains(header), "{header} is not in\n{}", posted.data);
    }
    assert!(posted.data.is_ascii());
}

#[tokio::test]
async fn subjects_are_unicode_and_inject_nothing() {
    let office = Office::open(Gate::default(), Verdict::Accept).await;
    let subject = format!("Zoës Server ✓ {} Ende", "äöü ".repeat(40));
    let sent = Mail { subject: format!("{subject}\r\nBcc: eve@example.org"), ..mail("zoe@example.org") };
    office.mailer("").send(&sent).await.unwrap();
    let (posted, letter) = office.only();
    assert_eq!(letter.subject, format!("{subject}  Bcc: eve@example.org"));
    assert!(!posted.data.contains("\r\nBcc:"));
}

#[tokio::test]
async fn logins_are_given_and_refused() {
    let gate = || Gate { login: Some(("us er".to_owned(), "p@ss:/ß".to_owned())), ..Gate::default() };
    let office = Office::open(gate(), Verdict::Accept).await;
    let good = "us%20er:p%40ss%3A%2F%C3%9F@";
    office.mailer(good).send(&mail("zoe@example.org")).await.unwrap();
    let apart = SmtpMailer::new(
        &SecretString::from(format!("smtp://us%20er@{}", office.address)),
        FROM,
        None,
        Some(&SecretString::from("p@ss:/ß")),
    );
    apart.unwrap_or_else(|why| panic!("{why}")).send(&mail("zoe@example.org")).await.unwrap();
    for (login, status) in [("us%20er:wrong@", 535), ("", 530)] {
        let fault = office.mailer(login).send(&mail("zoe@example.org")).await.unwrap_err();
        let Fault::Refused(Detail { status: Some(said), code, message, .. }) = fault else {
            panic!("{fault}")
        };
        assert_eq!((said, code.as_deref()), (status, Some("login")));
        assert!(message.contains("`BASEMENT_SMTP_URL`") && !message.contains("wrong"), "{message}");
    }
    assert_eq!(office.posted.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let full = |code: u16, text: &str| (code, text.to_owned());
    let refused = BTreeMap::from([
        ("gone@example.org".to_owned(), full(550, "5.1.1 <gone@example.org>: no such user")),
        ("full@example.org".to_owned(), full(452, "4.2.2 mailbox full")),
    ]);
    let office = Office::open(Gate { refused, ..Gate::default() }, reject(554, "5.6.0 looks odd")).await;
    let fault = async |to: &str| office.mailer("").send(&mail(to)).await.unwrap_err();
    insta::assert_snapshot!(fault("gone@example.org").await, @"`smtp RCPT`: the relay refuses the recipient: 5.1.1 <…>: no such user; hint: correct the address at Stripe (status 550, recipient)");
    insta::assert_snapshot!(fault("full@example.org").await, @"`smtp RCPT`: 4.2.2 mailbox … (status 452)");
    insta::assert_snapshot!(fault("zoe@example.org").await, @"`smtp letter`: the relay refuses the letter: 5.6.0 looks odd; hint: ask the relay's operator (status 554, letter)");
    assert!(
        matches!(fault("gone@example.org").await, Fault::Refused(detail) if detail.code.as_deref() == Some("recipient"))
    );
    assert!(matches!(fault("full@example.org").await, Fault::Unavailable { .. }));
    assert!(
        matches!(fault("zoe@example.org").await, Fault::Refused(detail) if detail.code.as_deref() == Some("letter"))
    );
    for hostile in ["", "nobody", "zoe@example.org\r\nRCPT TO:<eve@example.org>", "a@b,c@d", "<a@b>", "a\0@b"]
    {
        let fault = fault(hostile).await;
        assert!(
            matches!(&fault, Fault::Refused(detail) if detail.code.as_deref() == Some("recipient")),
            "{fault}"
        );
        assert!(hostile.is_empty() || !fault.to_string().contains(hostile));
    }
}

#[tokio::test]
async fn no_word_of_the_relays_tells_who_was_written_to() {
    let to = "Ada.Lovelace+shop@Example.org";
    let echoes = [
        "5.2.2 <ada.lovelace+shop@example.org> mailbox of ada.lovelace is over quota",
        "User unknown: ada.lovelace",
        "5.1.1 \"ADA.LOVELACE\": not here, try eve@elsewhere.example",
        "no such user ada.lovelace=2Bshop%40example.org (example.org said)",
        "mailbox-ada.lovelace_full",
    ];
    for (code, stage) in [(550, "RCPT"), (452, "RCPT"), (554, "letter"), (451, "letter")] {
        for echo in echoes {
            let refused = BTreeMap::from([(to.to_owned(), (code, echo.to_owned()))]);
            let refused = if stage == "RCPT" { refused } else { BTreeMap::new() };
            let office = Office::open(Gate { refused, ..Gate::default() }, reject(code, echo)).await;
            let said = office.mailer("").send(&mail(to)).await.unwrap_err().to_string();
            assert!(said.contains(stage) && said.contains(&code.to_string()), "{said}");
            let low = said.to_lowercase();
            for part in ["lovelace", "example.org", "elsewhere", "@"] {
                assert!(!low.contains(part), "{part} in {said}");
            }
        }
    }
    let refused = BTreeMap::from([(to.to_owned(), (550, echoes[0].to_owned()))]);
    let office = Office::open(Gate { refused, ..Gate::default() }, Verdict::Accept).await;
    let said = office.mailer("").send(&mail(to)).await.unwrap_err();
    insta::assert_snapshot!(said, @"`smtp RCPT`: the relay refuses the recipient: 5.2.2 <…> mailbox of … is over quota; hint: correct the address at Stripe (status 550, recipient)");
}

#[tokio::test]
async fn a_policy_is_ours_before_the_recipient_is_named_and_the_letters_after() {
    let denied = || (550, "5.7.1 relaying denied".to_owned());
    let refused = BTreeMap::from([("zoe@example.org".to_owned(), denied())]);
    let office = Office::open(Gate { refused, ..Gate::default() }, reject(554, "5.7.1 spam")).await;
    for to in ["zoe@example.org", "ada@example.org"] {
        let fault = office.mailer("").send(&mail(to)).await.unwrap_err();
        assert!(fault.may_be_relay() == Some("policy") && !fault.is_relay(), "{fault}");
    }
}

#[tokio::test]
async fn an_international_domain_is_spoken_in_ascii() {
    let office = Office::open(Gate::default(), Verdict::Accept).await;
    let url = SecretString::from(format!("smtp://{}", office.address));
    let from = |from: &str| SmtpMailer::new(&url, from, None, None).unwrap_or_else(|why| panic!("{why}"));
    from("Bäcker <servers@bäcker.example>").send(&mail("zoe@zoë.example")).await.unwrap();
    let (posted, letter) = office.only();
    assert_eq!(posted.from, "servers@xn--bcker-gra.example");
    assert_eq!(posted.to, ["zoe@xn--zo-ija.example"]);
    assert_eq!(letter.message_id, "<letter.ada-7f3k2m9q.welcome@xn--bcker-gra.example>");
}

/// A relay that knows ASCII only, for one greeting.
async fn plain() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        line.write_all(b"220 hello\r\n").await.unwrap();
        let mut greeting = [0; 512];
        let _ = line.read(&mut greeting).await.unwrap();
        line.write_all(b"250 hello\r\n").await.unwrap();
        let _ = line.read(&mut greeting).await;
    });
    address
}

#[tokio::test]
async fn an_address_that_is_not_ascii_is_whose_it_is() {
    for (us, to, class) in [
        ("bäcker@example.com", "zoe@example.org", "sender"),
        ("bäcker@example.com", "zoë@example.org", "sender"),
        ("servers@example.com", "zoë@example.org", "recipient"),
    ] {
        let url = SecretString::from(format!("smtp://{}", plain().await));
        let mailer = SmtpMailer::new(&url, us, None, None).unwrap_or_else(|why| panic!("{why}"));
        let fault = mailer.send(&mail(to)).await.unwrap_err();
        assert_eq!(fault.detail().code.as_deref(), Some(class), "{fault}");
        assert!(fault.to_string().contains("no address with other letters than ASCII"), "{fault}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_an_absent_relay_is_not() {
    let busy = Office::open(Gate::default(), reject(451, "4.3.0 try later")).await;
    let fault = busy.mailer("").send(&mail("zoe@example.org")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");

    let rude = Office::open(Gate::default(), Verdict::DropAfterData).await;
    let fault = rude.mailer("").send(&mail("zoe@example.org")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unknown(_)), "{fault}");
    assert_eq!(rude.only().1.message_id, "<letter.ada-7f3k2m9q.welcome@example.com>");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fault = mailer(&format!("smtp://{address}")).unwrap_or_else(|why| panic!("{why}"));
    let fault = fault.send(&mail("zoe@example.org")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");
}

#[tokio::test]
async fn a_relay_that_cannot_encrypt_is_given_nothing() {
    let office = Office::open(Gate::default(), Verdict::Accept).await;
    let url = format!("smtp+starttls://user:secret@{}", office.address);
    let mailer = mailer(&url).unwrap_or_else(|why| panic!("{why}"));
    let fault = mailer.send(&mail("zoe@example.org")).await.unwrap_err();
    insta::assert_snapshot!(fault, @"`smtp STARTTLS`: STARTTLS is not supported on this server; hint: check `BASEMENT_SMTP_URL`");
    assert!(office.posted.lock().unwrap().is_empty());
}

#[test]
fn settings_are_checked_and_secrets_not_repeated() {
    for url in [
        "",
        "relay.example.com:25",
        "http://user:hunter2@relay.example.com",
        "smtp://",
        "smtp://user@relay.example.com",
        "smtp://:hunter2@relay.example.com",
        "smtp://user:hunter2%zz@relay.example.com",
        "smtp://user:hunter2@relay.example.com/path",
        "smtp://user:hunter2@relay.example.com?tls=none",
        "smtp://user:hunter2@relay.example.com:port",
    ] {
        let why = mailer(url).err().unwrap_or_else(|| panic!("{url} was taken"));
        assert!(why.contains("hint:") && !why.contains("hunter2"), "{why}");
    }
    for url in ["smtps://u:p@relay.example.com", "smtp://u:p@relay.example.com:2525", "smtp://[::1]:25"] {
        assert!(mailer(url).is_ok(), "{url}");
    }
    let with = |from: &str| SmtpMailer::new(&SecretString::from("smtp://localhost"), from, None, None).err();
    insta::assert_snapshot!(with("Nobody").unwrap(), @"the mail setting `from` is not an address: `Nobody`; hint: write `Name <name@example.com>`");
    assert_eq!(with("Zoë\r\nBcc\0 <zoe@example.com>"), None);
    assert_eq!(with("servers@example.com"), None);
}
