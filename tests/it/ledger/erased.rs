//! What is erased is in no page of the ledger's files any more, free ones and the write-ahead log included.

use std::collections::BTreeSet;
use std::path::Path;

use basement::adapters::ledger::SqliteLedger;
use basement::model::history::{Event, Record};
use basement::model::step::{Fact, Undelivered};
use basement::ports::{Ledger as _, Sealed};
use sqlx::Connection as _;

use super::{at, create, entry, life, open, raw, sealed};

/// What every blob and hash of these tests begins with; a number of six digits follows.
const MARK: &[u8] = b"planted-secret-";

fn planted(server: &str, number: usize) -> Sealed {
    let text = format!("planted-secret-{number:06}-{}", "x".repeat(60));
    Sealed { blob: text.clone().into_bytes(), hash: format!("$6${text}"), ..sealed(server) }
}

/// The numbers of the secrets that stand anywhere in the ledger's files.
fn found(folder: &Path) -> BTreeSet<usize> {
    let mut numbers = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for (at, _) in bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK) {
            let digits = bytes[at + MARK.len()..].iter().take(6).take_while(|b| b.is_ascii_digit());
            // A torn copy counts too, as a number that nobody planted.
            let number: String = digits.map(|b| char::from(*b)).collect();
            numbers.insert(number.parse().unwrap_or(usize::MAX));
        }
    }
    numbers
}

/// So many servers with a password; every third is still being created.
async fn fill(ledger: &SqliteLedger, count: usize) {
    let hold = ledger.hold("test").await.unwrap();
    for n in 0..count {
        // Names in no order, so that pages are split in their middle.
        let server = format!("s-{:06}", n * 7_919 % 1_000_003);
        let entries = life(&server);
        let entries = if n % 3 == 0 { &entries[..1] } else { &entries[..] };
        ledger.append(&hold, entries, Some(&planted(&server, n))).await.unwrap();
    }
}

#[tokio::test]
async fn no_page_holds_what_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("ledger.sqlite")).await;
    fill(&ledger, 400).await;
    assert_eq!(found(folder.path()).len(), 400);
    let hold = ledger.hold("test").await.unwrap();
    assert_eq!(ledger.erase_passwords(&hold, at(62)).await.unwrap(), 266);
    let left: BTreeSet<usize> = (0..400).filter(|n| n % 3 == 0).collect();
    assert_eq!(found(folder.path()), left, "the others only");
}

#[tokio::test]
async fn a_reader_in_the_way_delays_the_erasure_and_does_not_prevent_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    fill(&ledger, 6).await;
    let mut reader = raw(&path).await;
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM passwords").fetch_one(&mut *reading).await.unwrap();
    let hold = ledger.hold("test").await.unwrap();
    assert_eq!(ledger.erase_passwords(&hold, at(62)).await.unwrap(), 4);
    assert_eq!(found(folder.path()).len(), 6, "the reader may still see them");
    reading.rollback().await.unwrap();
    assert_eq!(ledger.erase_passwords(&hold, at(62)).await.unwrap(), 0);
    assert_eq!(found(folder.path()), BTreeSet::from([0, 3]));
}

#[tokio::test]
async fn what_a_killed_process_left_behind_the_next_one_erases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let first = open(&path).await;
    fill(&first, 2).await;
    // Deleted and not cleaned up: as if it had been killed in between.
    let mut conn = raw(&path).await;
    sqlx::query("PRAGMA secure_delete = ON").execute(&mut conn).await.unwrap();
    sqlx::query("DELETE FROM passwords").execute(&mut conn).await.unwrap();
    assert!(!found(folder.path()).is_empty(), "there was nothing to clean up");
    let second = open(&path).await;
    let hold = second.hold("test").await.unwrap();
    assert_eq!(second.erase_passwords(&hold, at(0)).await.unwrap(), 0);
    assert_eq!(found(folder.path()), BTreeSet::new());
}

#[tokio::test]
async fn another_seal_leaves_nothing_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&folder.path().join("ledger.sqlite")).await;
    fill(&ledger, 50).await;
    let hold = ledger.hold("test").await.unwrap();
    let mut all = ledger.passwords().await.unwrap();
    assert_eq!(all.len(), 50);
    for one in &mut all {
        one.blob = vec![7; one.blob.len()];
        one.hash = "not to be written".to_owned();
    }
    assert!(ledger.replace_passwords(&hold, &all).await.unwrap());
    let blobs = ledger.passwords().await.unwrap();
    assert!(blobs.iter().all(|one| one.blob.iter().all(|b| *b == 7) && one.hash.starts_with("$6$planted")));
    // The hashes are still there, and stand behind `$6$`; no blob does.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let marks = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
        assert!(marks.into_iter().all(|(at, _)| bytes[..at].ends_with(b"$6$")), "an old blob is left");
    }
}

#[tokio::test]
async fn an_old_seal_that_a_reader_keeps_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path).await;
    fill(&ledger, 3).await;
    let hold = ledger.hold("test").await.unwrap();
    let mut reader = raw(&path).await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    sqlx::query("SELECT count(*) FROM passwords").execute(&mut reader).await.unwrap();
    let mut all = ledger.passwords().await.unwrap();
    for one in &mut all {
        one.blob = vec![7; one.blob.len()];
    }
    assert!(!ledger.replace_passwords(&hold, &all).await.unwrap());
    assert!(!found(folder.path()).is_empty(), "there was nothing to tell of");
    sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
    assert!(ledger.replace_passwords(&hold, &[]).await.unwrap());
}

/// A record after these events, one a minute.
fn record(events: &[(&str, Event)]) -> Record {
    let mut record = Record::default();
    for (n, (step, event)) in events.iter().enumerate() {
        record.fold(&entry(60 * i64::try_from(n).unwrap(), "ada", step, event.clone()));
    }
    record
}

#[test]
fn every_attempt_is_over_some_day() {
    let noticed = |fact| ("fact/ada", Event::Noticed { fact });
    let intended = |n| ("create/ada", create("ada", n));
    let failed = || ("create/ada", Event::Failed { why: "no".to_owned() });
    let late = at(1_000);
    // Nothing is known to be over while its letter may still be written.
    assert_eq!(record(&[intended(1)]).erasable(late), Some(0));
    // Refused: no droplet has it.
    assert_eq!(record(&[intended(1), failed()]).erasable(late), Some(1));
    assert_eq!(record(&[intended(1), failed()]).erasable(at(0)), None);
    // Given up; and again, with the first one's password over and the second's needed.
    assert_eq!(
        record(&[intended(1), noticed(Fact::GaveUp { why: Undelivered::NeverUp })]).erasable(late),
        Some(1)
    );
    let again = record(&[
        intended(1),
        noticed(Fact::GaveUp { why: Undelivered::NeverUp }),
        noticed(Fact::Retry),
        intended(2),
    ]);
    assert_eq!(again.erasable(late), Some(1));
    // Destroyed before it was delivered.
    assert_eq!(record(&[intended(1), noticed(Fact::Ended)]).erasable(late), Some(1));
    assert_eq!(
        record(&[intended(1), noticed(Fact::Ended)]).erasable(at(60)),
        Some(0),
        "only what went before"
    );
}
