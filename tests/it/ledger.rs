//! The ledger: what is written is there, folds, and has one writer.

mod erased;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use basement::adapters::ledger::SqliteLedger;
use basement::model::history::{Entry, Event, History, Outcome, Phase};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::Moment;
use basement::model::step::{Action, Fact};
use basement::ports::{Fault, Ledger, Sealed};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::scene::order;

const HOLD_AT: &str = "BASEMENT_TEST_HOLD_AT";

fn name(text: &str) -> ServerName {
    ServerName::parse(text).unwrap()
}

fn at(second: i64) -> Moment {
    Moment::from_unix(1_793_610_840 + second)
}

fn entry(second: i64, server: &str, step: &str, event: Event) -> Entry {
    Entry { at: at(second), server: Some(name(server)), step: StepId::parse(step).unwrap(), event }
}

fn create(server: &str, attempt: u32) -> Event {
    Event::Intended { action: Action::Create { order: order(&name(server), attempt) } }
}

fn welcome(server: &str) -> Event {
    let occasion =
        Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: DropletId(7), host_key: None };
    let letter = Letter { server: Some(name(server)), to: Recipient::Operator, occasion };
    Event::Intended { action: Action::Letter { letter } }
}

fn life(server: &str) -> Vec<Entry> {
    let done = |outcome| Event::Done { outcome };
    vec![
        entry(0, server, &format!("create/{server}/1"), create(server, 1)),
        entry(2, server, &format!("create/{server}/1"), done(Outcome::Created { droplet: DropletId(7) })),
        entry(60, server, &format!("letter/{server}/welcome"), welcome(server)),
        entry(61, server, &format!("letter/{server}/welcome"), done(Outcome::Plain)),
    ]
}

fn census(droplets: u64) -> Entry {
    let event = Event::Noticed { fact: Fact::Census { droplets, team: "team-1".to_owned() } };
    Entry { at: at(90), server: None, step: StepId::parse("census").unwrap(), event }
}

fn sealed(server: &str) -> Sealed {
    Sealed { server: name(server), attempt: 1, blob: vec![1, 2, 3], hash: "$6$hash".to_owned() }
}

fn folded(entries: &[Entry]) -> History {
    let mut history = History::default();
    for entry in entries {
        history.fold(entry);
    }
    history
}

/// The fault's words, with the path of this run taken out.
fn words(fault: &Fault, path: &Path) -> String {
    fault.to_string().replace(&path.display().to_string(), "LEDGER")
}

async fn open(path: &Path) -> SqliteLedger {
    SqliteLedger::open(path).await.unwrap_or_else(|fault| panic!("{fault}"))
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

#[tokio::test]
async fn what_is_appended_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/ledger.sqlite");
    let mut all = life("ada");
    all.extend(life("bob").into_iter().take(1));
    all.push(census(2));
    {
        let ledger = open(&path).await;
        let hold = ledger.hold("test").await.unwrap();
        for entry in &all {
            let password = matches!(entry.event, Event::Intended { action: Action::Create { .. } })
                .then(|| sealed(entry.server.as_ref().unwrap().as_str()));
            ledger.append(&hold, std::slice::from_ref(entry), password.as_ref()).await.unwrap();
        }
    }
    let ledger = open(&path).await;
    let history = ledger.history().await.unwrap();
    assert_eq!(history, folded(&all));
    assert_eq!(history.records[&name("ada")].phase, Phase::Delivered);
    assert_eq!(history.records[&name("bob")].phase, Phase::Creating);
    assert_eq!((history.last_census, history.team.as_deref()), (Some(2), Some("team-1")));
    assert_eq!(ledger.entries(None).await.unwrap(), all);
    assert_eq!(ledger.entries(Some(&name("ada"))).await.unwrap(), life("ada"));
    assert!(ledger.sealed(&name("ada"), 1).await.unwrap() == Some(sealed("ada")));
    assert!(ledger.sealed(&name("ada"), 2).await.unwrap().is_none());
    ledger.check().await.unwrap();
}

#[tokio::test]
async fn a_whole_batch_is_written_or_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    let hold = ledger.hold("test").await.unwrap();
    ledger.append(&hold, &life("ada"), Some(&sealed("ada"))).await.unwrap();
    // The same attempt's password a second time: refused, and its entries with it.
    let fault = ledger.append(&hold, &life("ada")[..1], Some(&sealed("ada"))).await.unwrap_err();
    insta::assert_snapshot!(words(&fault, &path), @"`ledger LEDGER`: this create attempt has a password already, which may be in use; hint: run again");
    let fault = ledger.append(&hold, &[], Some(&sealed("bob"))).await.unwrap_err();
    insta::assert_snapshot!(words(&fault, &path), @"`ledger LEDGER`: a password is written only with the entry that intends its create");
    assert_eq!(ledger.entries(None).await.unwrap(), life("ada"));
    assert_eq!(ledger.history().await.unwrap(), folded(&life("ada")));
}

#[tokio::test]
async fn passwords_are_erased_some_time_after_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    let hold = ledger.hold("test").await.unwrap();
    let blob = b"a-sealed-password-found-by-grep".to_vec();
    let secret = Sealed { blob: blob.clone(), ..sealed("ada") };
    ledger.append(&hold, &life("ada"), Some(&secret)).await.unwrap();
    ledger.append(&hold, &life("bob")[..1], Some(&sealed("bob"))).await.unwrap();
    assert_eq!(ledger.erase_passwords(&hold, at(61)).await.unwrap(), 0);
    assert_eq!(ledger.erase_passwords(&hold, at(62)).await.unwrap(), 1);
    assert!(ledger.sealed(&name("ada"), 1).await.unwrap().is_none());
    assert!(ledger.sealed(&name("bob"), 1).await.unwrap().is_some());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(blob.len()).any(|window| window == blob));
    }
}

#[tokio::test]
async fn check_finds_rows_and_entries_that_do_not_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    let hold = ledger.hold("test").await.unwrap();
    ledger.append(&hold, &life("ada"), None).await.unwrap();
    let mut conn = raw(&path).await;
    sqlx::query("UPDATE servers SET record = json_set(record, '$.attempt', 9)")
        .execute(&mut conn)
        .await
        .unwrap();
    insta::assert_snapshot!(words(&ledger.check().await.unwrap_err(), &path), @"`ledger LEDGER`: the row of `ada` is not what its entries say; hint: keep a copy of the file, and restore a backup");
    let orphan = entry(99, "bob", "letter/bob/ended", Event::Done { outcome: Outcome::Plain });
    ledger.append(&hold, &[orphan], None).await.unwrap();
    insta::assert_snapshot!(words(&ledger.check().await.unwrap_err(), &path), @"`ledger LEDGER`: `letter/bob/ended` is done and was not intended; the row of `ada` is not what its entries say; hint: keep a copy of the file, and restore a backup");
    sqlx::query("UPDATE servers SET record = '{}'").execute(&mut conn).await.unwrap();
    insta::assert_snapshot!(words(&ledger.history().await.unwrap_err(), &path), @"`ledger LEDGER`: `record` of a row cannot be read: missing field `phase` at line 1 column 2; hint: use the version of basement that wrote it, or restore a backup");
}

#[tokio::test]
async fn a_second_handle_is_refused_by_name_until_the_first_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (first, second) = (open(&path).await, open(&path).await);
    let hold = first.hold("apply\nby ada").await.unwrap();
    let Err(Fault::Unavailable { detail, .. }) = second.hold("other").await else { panic!("not refused") };
    let pid = std::process::id();
    assert!(
        detail.message.starts_with(&format!("it is held by `applyby ada`, pid {pid}, since 20")),
        "{detail}"
    );
    // Others may read meanwhile.
    assert_eq!(second.history().await.unwrap(), History::default());
    drop(hold);
    assert!(second.hold("other").await.is_ok());
}

/// Not a test of its own: the process that the next one starts and kills.
#[tokio::test]
async fn holds_the_lock_until_it_is_killed() {
    let Some(path) = std::env::var_os(HOLD_AT) else { return };
    let ledger = open(Path::new(&path)).await;
    let _hold = ledger.hold("doomed").await.unwrap();
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[tokio::test]
async fn the_lock_of_a_killed_process_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "ledger::holds_the_lock_until_it_is_killed"])
        .env(HOLD_AT, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"), "the child never held the lock");
    let fault = ledger.hold("heir").await.err().expect("the child holds it");
    assert!(words(&fault, &path).contains(&format!("`doomed`, pid {}", child.id())), "{fault}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ledger.hold("heir").await.is_ok());
}

#[tokio::test]
async fn reading_only_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    assert!(SqliteLedger::open_read_only(&path).await.unwrap().is_none());
    assert!(!path.exists());
    let writer = open(&path).await;
    let hold = writer.hold("test").await.unwrap();
    writer.append(&hold, &life("ada"), None).await.unwrap();
    let reader = SqliteLedger::open_read_only(&path).await.unwrap().expect("there is one");
    assert_eq!(reader.history().await.unwrap(), folded(&life("ada")));
    let fault = reader.append(&hold, &life("bob"), None).await.unwrap_err();
    insta::assert_snapshot!(words(&fault, &path), @"`ledger LEDGER`: it was opened for reading only; this is a bug of basement");
    assert!(reader.hold("test").await.is_err());
}

#[tokio::test]
async fn files_that_are_no_ledgers_are_named_with_a_cure() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = async |file: &str| {
        let path = folder.path().join(file);
        let writing = SqliteLedger::open(&path).await.err().expect("refused");
        let reading = SqliteLedger::open_read_only(&path).await.err().expect("refused");
        assert_eq!(writing, reading);
        words(&writing, &path)
    };
    std::fs::write(folder.path().join("text"), "not a database at all\n".repeat(100)).unwrap();
    insta::assert_snapshot!(refusal("text").await, @"`ledger LEDGER`: it is not a database; hint: name another file, or restore a backup");
    let mut conn = raw(&folder.path().join("other")).await;
    sqlx::query("CREATE TABLE songs (title TEXT)").execute(&mut conn).await.unwrap();
    insta::assert_snapshot!(refusal("other").await, @"`ledger LEDGER`: it is a database, but not a ledger of basement; hint: name another file");
    let newer = folder.path().join("newer");
    drop(open(&newer).await);
    let mut conn = raw(&newer).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations SELECT 9999, '', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    insta::assert_snapshot!(refusal("newer").await, @"`ledger LEDGER`: it was written by a newer basement (schema 9999); hint: use that version, or a newer one");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let fault = SqliteLedger::open(&folder.path().join("folder")).await.err().expect("refused");
    insta::assert_snapshot!(words(&fault, &folder.path().join("folder")), @"`ledger LEDGER`: it is a folder; hint: name a file");
}

#[cfg(unix)]
#[tokio::test]
async fn all_its_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    let hold = ledger.hold("test").await.unwrap();
    ledger.append(&hold, &life("ada"), None).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 4);
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn programs_that_open_a_new_ledger_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let opened = futures_util::future::join_all((0..8).map(|_| SqliteLedger::open(&path))).await;
    for ledger in opened {
        ledger.unwrap_or_else(|fault| panic!("{fault}")).check().await.unwrap();
    }
}
