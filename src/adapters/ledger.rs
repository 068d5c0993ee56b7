//! The ledger in SQLite: entries, and rows that are their fold, written in one durable transaction.
//! Invariant: rows change only by `model::history`'s fold of the entries written with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::files::{make_folder_of, private};
use super::ledger_faults::{Faults, is_busy};
use super::{ledger_lock, ledger_rows as rows};
use crate::model::history::{Entry, Event, History};
use crate::model::ids::ServerName;
use crate::model::moment::Moment;
use crate::ports::{Fault, Hold, Ledger, Sealed};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// So long another program may write before we give up,
const PATIENCE: Duration = Duration::from_secs(10);
/// but nobody waits so long for one that reads: there is another time to clean up.
const BRISK: &str = "PRAGMA busy_timeout = 500";
const PATIENT: &str = "PRAGMA busy_timeout = 10000";

/// The ledger, in one SQLite file (with its `-wal`, `-shm` and `.lock` beside it).
pub struct SqliteLedger {
    path: PathBuf,
    /// One connection: one writer.
    pool: SqlitePool,
    read_only: bool,
    /// The write-ahead log, and what is free in the file, may still hold what was erased: perhaps by another
    /// process, which was killed before it had cleaned up.
    is_unclean: AtomicBool,
    faults: Faults,
}

impl SqliteLedger {
    /// Opens the ledger, and makes folder and file (0600) where there are none. Older files are brought
    /// up to date; newer ones are refused.
    pub async fn open(path: &Path) -> Result<Self, Fault> {
        let faults = Faults::of(path);
        make_file(path).map_err(|error| faults.io(&error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON");
        let pool = connect(options).await.map_err(|error| faults.sql(error))?;
        migrate(&pool, &faults).await?;
        Ok(Self { path: path.to_owned(), pool, read_only: false, is_unclean: AtomicBool::new(true), faults })
    }

    /// Opens the ledger for reading; `None` if there is none yet.
    pub async fn open_read_only(path: &Path) -> Result<Option<Self>, Fault> {
        let faults = Faults::of(path);
        // A file without a byte is one that is being made this moment.
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > 0 => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(faults.io(&error)),
        }
        roll_back(path).await;
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let pool = connect(options).await.map_err(|error| faults.sql(error))?;
        let newest = rows::schema_version(&pool).await.map_err(|error| faults.sql(error))?;
        match newest {
            // Whoever made it may have been killed before its first table.
            None => {
                let mut conn = pool.acquire().await.map_err(|error| faults.sql(error))?;
                let is_foreign = rows::is_foreign(&mut conn).await.map_err(|error| faults.sql(error))?;
                return if is_foreign { Err(faults.not_a_ledger()) } else { Ok(None) };
            }
            Some(version) if !MIGRATIONS.version_exists(version) => return Err(faults.too_new(version)),
            Some(version) if MIGRATIONS.iter().any(|known| known.version > version) => {
                return Err(faults.too_old());
            }
            Some(_) => {}
        }
        Ok(Some(Self {
            path: path.to_owned(),
            pool,
            read_only: true,
            is_unclean: AtomicBool::new(false),
            faults,
        }))
    }

    /// Folds all entries anew and compares the result with the rows; also, every `Done` must follow an
    /// `Intended` of the same step. The fault names what is wrong.
    pub async fn check(&self) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await.map_err(|error| self.faults.sql(error))?;
        let entries = rows::entries(&mut tx, None).await.map_err(|error| self.faults.sql(error))?;
        let stored = rows::history(&mut tx).await.map_err(|error| self.faults.sql(error))?;
        let mut folded = History::default();
        for entry in &entries {
            folded.fold(entry);
        }
        let mut wrong = undone(&entries);
        let names: BTreeSet<_> = folded.records.keys().chain(stored.records.keys()).collect();
        wrong.extend(
            names
                .into_iter()
                .filter(|name| folded.records.get(*name) != stored.records.get(*name))
                .map(|name| format!("the row of `{name}` is not what its entries say")),
        );
        if (folded.last_census, &folded.team) != (stored.last_census, &stored.team) {
            wrong.push("the fleet's row is not what its entries say".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(self.faults.inconsistent(&wrong)) }
    }

    /// Every sealed password, oldest first.
    pub async fn passwords(&self) -> Result<Vec<Sealed>, Fault> {
        let read = async { rows::all_sealed(&mut *self.pool.acquire().await?).await };
        read.await.map_err(|error| self.faults.sql(error))
    }

    /// Puts these in the place of the sealed passwords of the same attempts, all or none; the old ones are
    /// beyond recovery, unless `false` is returned: then whoever reads the ledger this moment is in the way.
    pub async fn replace_passwords(&self, _hold: &Hold, sealed: &[Sealed]) -> Result<bool, Fault> {
        let replace = async {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            for one in sealed {
                rows::replace_sealed(&mut tx, one).await?;
            }
            tx.commit().await
        };
        self.is_unclean.store(true, Ordering::Relaxed);
        replace.await.map_err(|error| self.faults.sql(error))?;
        self.clean_up().await?;
        Ok(!self.is_unclean.load(Ordering::Relaxed))
    }

    /// Takes what was erased out of the write-ahead log too. Whoever reads the ledger this moment may be in
    /// the way; then the next call tries again.
    async fn clean_up(&self) -> Result<(), Fault> {
        if !self.is_unclean.load(Ordering::Relaxed) {
            return Ok(());
        }
        let truncate = async {
            let mut conn = self.pool.acquire().await?;
            sqlx::query(BRISK).execute(&mut *conn).await?;
            let (is_busy, _, _): (i64, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *conn).await?;
            sqlx::query(PATIENT).execute(&mut *conn).await?;
            Ok(is_busy != 0)
        };
        let is_busy = truncate.await.map_err(|error| self.faults.sql(error))?;
        self.is_unclean.store(is_busy, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn hold(&self, holder: &str) -> Result<Hold, Fault> {
        if self.read_only {
            return Err(self.faults.read_only());
        }
        ledger_lock::take(&self.path, holder, &self.faults)
    }

    async fn history(&self) -> Result<History, Fault> {
        let read = async {
            let mut tx = self.pool.begin().await?;
            rows::history(&mut tx).await
        };
        read.await.map_err(|error| self.faults.sql(error))
    }

    async fn append(&self, _hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault> {
        if self.read_only {
            return Err(self.faults.read_only());
        }
        let Some(last) = entries.last() else {
            return sealed.map_or(Ok(()), |_| Err(self.faults.password_alone()));
        };
        let write = async {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            rows::write(&mut tx, entries).await?;
            if let Some(sealed) = sealed {
                rows::insert_sealed(&mut tx, sealed, last.at).await?;
            }
            tx.commit().await
        };
        write.await.map_err(|error| self.faults.sql(error))
    }

    async fn entries(&self, server: Option<&ServerName>) -> Result<Vec<Entry>, Fault> {
        let read = async { rows::entries(&mut *self.pool.acquire().await?, server).await };
        read.await.map_err(|error| self.faults.sql(error))
    }

    async fn sealed(&self, server: &ServerName, attempt: u32) -> Result<Option<Sealed>, Fault> {
        let read = async { rows::sealed(&mut *self.pool.acquire().await?, server, attempt).await };
        read.await.map_err(|error| self.faults.sql(error))
    }

    async fn erase_passwords(&self, _hold: &Hold, before: Moment) -> Result<u64, Fault> {
        let erase = async {
            let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut erased = 0;
            for (name, record) in rows::with_passwords(&mut tx).await? {
                if let Some(attempt) = record.erasable(before) {
                    erased += rows::erase_sealed(&mut tx, &name, attempt).await?;
                }
            }
            tx.commit().await?;
            Ok(erased)
        };
        let erased = erase.await.map_err(|error| self.faults.sql(error))?;
        if erased > 0 {
            self.is_unclean.store(true, Ordering::Relaxed);
        }
        self.clean_up().await?;
        Ok(erased)
    }
}

/// Whoever made it may have been killed before it wrote ahead: what a journal beside it holds only a writer can roll
/// back, and until then nobody can read it. Where that is not allowed, reading says so.
async fn roll_back(path: &Path) {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    if Path::new(&journal).exists()
        && let Ok(pool) = connect(SqliteConnectOptions::new().filename(path)).await
    {
        let _ = rows::schema_version(&pool).await;
        pool.close().await;
    }
}

async fn connect(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let options = options.busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(60));
    // SQLite does not wait for its turn to switch a new file to WAL: it says busy at once.
    for _ in 0..100 {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
            other => return other,
        }
    }
    pool.connect_with(options).await
}

async fn migrate(pool: &SqlitePool, faults: &Faults) -> Result<(), Fault> {
    // Two programs may open a new ledger at once: the second waits, and finds it done.
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| faults.sql(error))?;
    if rows::is_foreign(&mut tx).await.map_err(|error| faults.sql(error))? {
        return Err(faults.not_a_ledger());
    }
    let conn: &mut SqliteConnection = &mut tx;
    MIGRATIONS.run(conn).await.map_err(|error| faults.migrate(error))?;
    tx.commit().await.map_err(|error| faults.sql(error))
}

fn make_file(path: &Path) -> std::io::Result<()> {
    make_folder_of(path)?;
    // SQLite gives `-wal` and `-shm` the mode of the file itself.
    private().write(true).create(true).truncate(false).open(path).map(drop)
}

fn undone(entries: &[Entry]) -> Vec<String> {
    let mut open = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in entries {
        let key = (&entry.server, &entry.step);
        match &entry.event {
            Event::Intended { .. } => {
                open.insert(key);
            }
            Event::Failed { .. } => {
                open.remove(&key);
            }
            Event::Done { .. } if !open.remove(&key) => {
                wrong.push(format!("`{}` is done and was not intended", entry.step));
            }
            Event::Done { .. } | Event::Unknown { .. } | Event::Noticed { .. } => {}
        }
    }
    wrong
}
