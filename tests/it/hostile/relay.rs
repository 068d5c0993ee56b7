//! A hostile mail relay: at every stage of a conversation every odd answer. Before the letter is on its way
//! nothing was delivered; after that nobody knows, unless the relay says no.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use basement::adapters::mail::SmtpMailer;
use basement::ports::{Fault, Mail, Mailer};
use futures_util::StreamExt;
use futures_util::stream;
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const STAGES: [&str; 6] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "letter"];

/// What is said instead of the good answer, and what follows.
#[derive(Clone)]
enum Odd {
    /// These bytes, and then on as if nothing had been.
    Say(Vec<u8>),
    /// These bytes, and the end.
    Hang(Vec<u8>),
    /// These bytes again and again.
    Flood(Vec<u8>),
    /// These bytes, one every now and then, for ever.
    Drip,
}

type Heard = Arc<Mutex<Vec<String>>>;

/// A relay that is odd at one stage; its address and all it heard.
async fn relay(stage: &'static str, odd: Odd) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let heard = Heard::default();
    let book = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (odd, book) = (odd.clone(), Arc::clone(&book));
            tokio::spawn(async move { drop(converse(stream, stage, odd, book).await) });
        }
    });
    (address, heard)
}

async fn converse(stream: TcpStream, stage: &str, odd: Odd, book: Heard) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut now = "greeting".to_owned();
    loop {
        let good = match now.as_str() {
            "greeting" => "220 hello\r\n",
            "EHLO" => "250-hello\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
            "DATA" => "354 go on\r\n",
            _ => "250 ok\r\n",
        };
        if now == stage {
            say(stream.get_mut(), &odd).await?;
        } else {
            stream.get_mut().write_all(good.as_bytes()).await?;
        }
        let mut line = String::new();
        let is_letter = now == "DATA";
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            book.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            if !is_letter || line == ".\r\n" {
                break;
            }
        }
        let verb = line.split([' ', '\r']).next().unwrap_or_default();
        now = if is_letter { "letter".to_owned() } else { verb.to_owned() };
    }
}

async fn say(stream: &mut TcpStream, odd: &Odd) -> std::io::Result<()> {
    match odd {
        Odd::Say(bytes) => stream.write_all(bytes).await,
        Odd::Hang(bytes) => {
            stream.write_all(bytes).await?;
            stream.shutdown().await
        }
        Odd::Flood(bytes) => loop {
            stream.write_all(bytes).await?;
        },
        Odd::Drip => {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                stream.write_all(b"2").await?;
            }
        }
    }
}

fn odds() -> Vec<(&'static str, Odd)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("the end", Odd::Hang(Vec::new())),
        ("half a reply and the end", Odd::Hang(text("250-x\r\n25"))),
        ("no number", Odd::Hang(text("hello\r\n"))),
        ("a web page", Odd::Hang(text("HTTP/1.1 400 Bad Request\r\n\r\n"))),
        ("no status of SMTP's", Odd::Hang(text("999 x\r\n"))),
        ("an informal one", Odd::Hang(text("150 wait\r\n"))),
        ("two statuses", Odd::Hang(text("250-x\r\n550 y\r\n"))),
        ("no text", Odd::Hang(vec![0xff, 0xfe, 0, 0x1b, b'\r', b'\n'])),
        ("a long line", Odd::Hang([text("250 "), vec![b'x'; 90_000], text("\r\n")].concat())),
        ("a line without end", Odd::Flood(vec![b'2'; 4096])),
        ("a reply without end", Odd::Flood(text("250-more\r\n").repeat(100))),
        ("slow", Odd::Drip),
    ]
}

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        subject: "s".to_owned(),
        text: SecretString::from("hush-hush"),
        html: SecretString::from("hush-hush"),
        message_id: "letter.a.welcome".to_owned(),
    }
}

fn mailer(url: &str, patience: Duration) -> SmtpMailer {
    let url = SecretString::from(url.to_owned());
    let mailer = SmtpMailer::new(&url, "a@example.com", None, None).unwrap_or_else(|why| panic!("{why}"));
    mailer.with_patience(patience)
}

#[tokio::test]
async fn every_stage_against_every_odd_answer() {
    let all = STAGES.into_iter().flat_map(|stage| odds().into_iter().map(move |odd| (stage, odd)));
    let runs = all.map(|(stage, (name, odd))| async move {
        let patience = Duration::from_secs(if name == "slow" { 1 } else { 30 });
        let (address, heard) = relay(stage, odd).await;
        let sent = mailer(&format!("smtp://{address}"), patience).send(&mail("zoe@example.org")).await;
        let fault = sent.expect_err(name);
        let text = format!("{fault} {fault:?}");
        assert!(!text.contains("zoe@") && text.len() < 2_000, "{stage}, {name}: {text}");
        assert!(!fault.to_string().contains(char::is_control), "{stage}, {name}: {fault:?}");
        assert_eq!(matches!(fault, Fault::Unknown(_)), stage == "letter", "{stage}, {name}: {fault:?}");
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let has_letter = heard.iter().any(|line| line.contains("hush"));
        assert_eq!(has_letter, stage == "letter", "{stage}, {name}: {fault:?} {heard:?}");
        1
    });
    let ran: i32 = stream::iter(runs).buffered(12).collect::<Vec<_>>().await.iter().sum();
    println!("hostile relays: {ran} combinations");
    assert_eq!(ran, 72);
}

/// A relay that is one answer ahead: the answer to DATA is one to RCPT, and the answer to the letter that
/// to DATA. Nothing may be taken for accepted by it.
#[tokio::test]
async fn a_relay_out_of_step_accepts_nothing() {
    let cases: [(&str, &str, bool); 5] = [
        ("MAIL", "354 go on\r\n", false),
        ("RCPT", "250 ok\r\n250 ok\r\n", false),
        ("RCPT", "354 go on\r\n", false),
        ("DATA", "250 ok\r\n", false),
        ("letter", "354 go on\r\n", true),
    ];
    for (stage, said, is_unknown) in cases {
        let (address, heard) = relay(stage, Odd::Say(said.as_bytes().to_vec())).await;
        let mailer = mailer(&format!("smtp://{address}"), Duration::from_secs(30));
        let fault = mailer.send(&mail("zoe@example.org")).await.expect_err(said);
        assert_eq!(matches!(fault, Fault::Unknown(_)), is_unknown, "{stage} {said}: {fault:?}");
        assert!(fault.to_string().contains("out of step"), "{fault}");
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(heard.iter().any(|line| line.contains("hush")), is_unknown, "{stage} {said}");
    }
}

/// What stands behind the answer to STARTTLS came in the clear, from whoever sits on the line.
#[tokio::test]
async fn answers_slipped_in_before_tls_are_not_believed() {
    let forged =
        "220 go\r\n250-hello\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n";
    let (address, heard) = relay("STARTTLS", Odd::Say(forged.as_bytes().to_vec())).await;
    let mailer = mailer(&format!("smtp+starttls://user:hunter2@{address}"), Duration::from_secs(30));
    let fault = mailer.send(&mail("zoe@example.org")).await.expect_err("no TLS");
    assert!(!matches!(fault, Fault::Unknown(_)) && !format!("{fault:?}").contains("hunter2"), "{fault:?}");
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!heard.iter().any(|line| line.contains("AUTH") || line.contains("MAIL")), "{heard:?}");
}

#[tokio::test]
async fn addresses_of_every_kind_inject_nothing() {
    let long = "x".repeat(10_000);
    let odd = [
        format!("{long}@example.org"),
        format!("a@{long}.org"),
        "a@example.org, b@example.org".to_owned(),
        "a@example.org>\r\nRCPT TO:<b@example.org".to_owned(),
        "a@example.org\nDATA".to_owned(),
        "\"a\r\nb\"@example.org".to_owned(),
        "a@example.org\u{0}".to_owned(),
        "\u{202e}a@example.org\r".to_owned(),
        "zoë\u{301}@exämple.org".to_owned(),
        "Ada <a@example.org>".to_owned(),
    ];
    for to in odd {
        let (address, heard) = relay("none", Odd::Hang(Vec::new())).await;
        let mailer = mailer(&format!("smtp://{address}"), Duration::from_secs(30));
        let fault = mailer.send(&mail(&to)).await.expect_err(&to);
        assert!(matches!(&fault, Fault::Refused(detail) if detail.code.as_deref() == Some("recipient")));
        assert!(!fault.to_string().contains(&to) && fault.to_string().len() < 500, "{fault}");
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let recipients = heard.iter().filter(|line| line.starts_with("RCPT")).count();
        assert_eq!(recipients, 0, "{heard:?}");
    }
}

/// The letter is accepted by then; whether the relay can say goodbye does not matter.
#[tokio::test]
async fn a_relay_that_does_not_answer_quit_has_the_letter() {
    let (address, _heard) = relay("QUIT", Odd::Drip).await;
    let sent = mailer(&format!("smtp://{address}"), Duration::from_secs(30));
    assert_eq!(sent.send(&mail("zoe@example.org")).await, Ok(()));
}
