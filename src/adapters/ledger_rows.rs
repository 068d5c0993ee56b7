//! The ledger's tables, read and written. Knows SQL and JSON; knows no files, locks or faults.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::model::history::{Entry, History, Record};
use crate::model::ids::{ServerName, StepId};
use crate::model::moment::Moment;
use crate::ports::Sealed;

/// The newest migration in the file; `None` if it never had one.
pub(super) async fn schema_version(pool: &SqlitePool) -> sqlx::Result<Option<i64>> {
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(pool)
        .await?;
    if known == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await
}

/// Whether it is a database of something else.
pub(super) async fn is_foreign(conn: &mut SqliteConnection) -> sqlx::Result<bool> {
    let (tables, ours): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(CASE WHEN name = '_sqlx_migrations' THEN 1 END) FROM sqlite_schema",
    )
    .fetch_one(conn)
    .await?;
    Ok(tables > 0 && ours == 0)
}

/// All rows.
pub(super) async fn history(conn: &mut SqliteConnection) -> sqlx::Result<History> {
    let rows = sqlx::query("SELECT server, record FROM servers").fetch_all(&mut *conn).await?;
    let records = rows.iter().map(record).collect::<sqlx::Result<BTreeMap<_, _>>>()?;
    let mut history = History { records, ..History::default() };
    fleet(conn, &mut history).await?;
    Ok(history)
}

/// The entries, oldest first, of one server or of all.
pub(super) async fn entries(
    conn: &mut SqliteConnection,
    server: Option<&ServerName>,
) -> sqlx::Result<Vec<Entry>> {
    let query = match server {
        Some(name) => {
            sqlx::query("SELECT at, server, step, event FROM entries WHERE server = ? ORDER BY seq")
                .bind(name.as_str())
        }
        None => sqlx::query("SELECT at, server, step, event FROM entries ORDER BY seq"),
    };
    query.fetch_all(conn).await?.iter().map(entry).collect()
}

/// Writes entries, and folds them into the rows they are about.
pub(super) async fn write(conn: &mut SqliteConnection, entries: &[Entry]) -> sqlx::Result<()> {
    let mut history = History::default();
    fleet(conn, &mut history).await?;
    for name in &history.touched(entries) {
        let row = sqlx::query("SELECT server, record FROM servers WHERE server = ?")
            .bind(name.as_str())
            .fetch_optional(&mut *conn)
            .await?;
        history.records.extend(row.as_ref().map(record).transpose()?);
    }
    let before = whole(&history);
    for entry in entries {
        insert(conn, entry).await?;
        history.fold(entry);
    }
    for (name, record) in &history.records {
        upsert(conn, name, record).await?;
    }
    if whole(&history) != before {
        upsert_fleet(conn, &history).await?;
    }
    Ok(())
}

/// Stores a sealed password; one that is there already is never overwritten, for it may be in use.
pub(super) async fn insert_sealed(
    conn: &mut SqliteConnection,
    sealed: &Sealed,
    made: Moment,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO passwords (server, attempt, blob, hash, made) VALUES (?, ?, ?, ?, ?)")
        .bind(sealed.server.as_str())
        .bind(sealed.attempt)
        .bind(&sealed.blob)
        .bind(&sealed.hash)
        .bind(made.to_string())
        .execute(conn)
        .await
        .map(drop)
}

/// The sealed password of one attempt.
pub(super) async fn sealed(
    conn: &mut SqliteConnection,
    server: &ServerName,
    attempt: u32,
) -> sqlx::Result<Option<Sealed>> {
    let row = sqlx::query("SELECT blob, hash FROM passwords WHERE server = ? AND attempt = ?")
        .bind(server.as_str())
        .bind(attempt)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(Sealed { server: server.clone(), attempt, blob: row.try_get("blob")?, hash: row.try_get("hash")? })
    })
    .transpose()
}

/// Every sealed password, oldest first.
pub(super) async fn all_sealed(conn: &mut SqliteConnection) -> sqlx::Result<Vec<Sealed>> {
    let rows =
        sqlx::query("SELECT server, attempt, blob, hash FROM passwords ORDER BY made, server, attempt")
            .fetch_all(conn)
            .await?;
    let read = |row: &SqliteRow| {
        Ok(Sealed {
            server: ServerName::parse(row.try_get("server")?).map_err(|e| decode("server", e))?,
            attempt: row.try_get("attempt")?,
            blob: row.try_get("blob")?,
            hash: row.try_get("hash")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Puts another seal around the password of an attempt.
pub(super) async fn replace_sealed(conn: &mut SqliteConnection, sealed: &Sealed) -> sqlx::Result<()> {
    sqlx::query("UPDATE passwords SET blob = ? WHERE server = ? AND attempt = ?")
        .bind(&sealed.blob)
        .bind(sealed.server.as_str())
        .bind(sealed.attempt)
        .execute(conn)
        .await
        .map(drop)
}

/// The rows of those servers that have a sealed password.
pub(super) async fn with_passwords(conn: &mut SqliteConnection) -> sqlx::Result<Vec<(ServerName, Record)>> {
    let rows = sqlx::query(
        "SELECT server, record FROM servers WHERE server IN (SELECT server FROM passwords) ORDER BY server",
    )
    .fetch_all(conn)
    .await?;
    rows.iter().map(record).collect()
}

/// Erases the passwords of an attempt and of those before it; says how many.
pub(super) async fn erase_sealed(
    conn: &mut SqliteConnection,
    server: &ServerName,
    attempt: u32,
) -> sqlx::Result<u64> {
    sqlx::query("DELETE FROM passwords WHERE server = ? AND attempt <= ?")
        .bind(server.as_str())
        .bind(attempt)
        .execute(conn)
        .await
        .map(|done| done.rows_affected())
}

async fn fleet(conn: &mut SqliteConnection, history: &mut History) -> sqlx::Result<()> {
    let Some(row) =
        sqlx::query("SELECT droplets, team, breaker, record FROM fleet").fetch_optional(conn).await?
    else {
        return Ok(());
    };
    let droplets: Option<i64> = row.try_get("droplets")?;
    history.last_census = droplets.map(u64::try_from).transpose().map_err(|e| decode("droplets", e))?;
    history.team = row.try_get("team")?;
    if let Some(breaker) = row.try_get("breaker")? {
        history.breaker = serde_json::from_str(breaker).map_err(|e| decode("breaker", e))?;
    }
    if let Some(record) = row.try_get("record")? {
        history.fleet = serde_json::from_str(record).map_err(|e| decode("record", e))?;
    }
    Ok(())
}

/// What is about no single server.
fn whole(history: &History) -> History {
    History { records: BTreeMap::new(), ..history.clone() }
}

async fn upsert_fleet(conn: &mut SqliteConnection, history: &History) -> sqlx::Result<()> {
    let droplets = history.last_census.map(i64::try_from).transpose().map_err(encode)?;
    sqlx::query(
        "INSERT INTO fleet (one, droplets, team, breaker, record) VALUES (1, ?, ?, ?, ?)
         ON CONFLICT (one) DO UPDATE SET droplets = excluded.droplets, team = excluded.team,
         breaker = excluded.breaker, record = excluded.record",
    )
    .bind(droplets)
    .bind(&history.team)
    .bind(serde_json::to_string(&history.breaker).map_err(encode)?)
    .bind(serde_json::to_string(&history.fleet).map_err(encode)?)
    .execute(conn)
    .await
    .map(drop)
}

async fn insert(conn: &mut SqliteConnection, entry: &Entry) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO entries (at, server, step, event) VALUES (?, ?, ?, ?)")
        .bind(entry.at.to_string())
        .bind(entry.server.as_ref().map(ServerName::as_str))
        .bind(entry.step.as_str())
        .bind(serde_json::to_string(&entry.event).map_err(encode)?)
        .execute(conn)
        .await
        .map(drop)
}

async fn upsert(conn: &mut SqliteConnection, name: &ServerName, record: &Record) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO servers (server, record, phase, changed) VALUES (?, ?, ?, ?)
         ON CONFLICT (server) DO UPDATE
         SET record = excluded.record, phase = excluded.phase, changed = excluded.changed",
    )
    .bind(name.as_str())
    .bind(serde_json::to_string(record).map_err(encode)?)
    .bind(record.phase.to_string())
    .bind(record.changed.map(|at| at.to_string()))
    .execute(conn)
    .await
    .map(drop)
}

fn record(row: &SqliteRow) -> sqlx::Result<(ServerName, Record)> {
    let name = ServerName::parse(row.try_get("server")?).map_err(|e| decode("server", e))?;
    let record = serde_json::from_str(row.try_get("record")?).map_err(|e| decode("record", e))?;
    Ok((name, record))
}

fn entry(row: &SqliteRow) -> sqlx::Result<Entry> {
    let server: Option<&str> = row.try_get("server")?;
    Ok(Entry {
        at: Moment::parse(row.try_get("at")?).map_err(|e| decode("at", e))?,
        server: server.map(ServerName::parse).transpose().map_err(|e| decode("server", e))?,
        step: StepId::parse(row.try_get("step")?).map_err(|e| decode("step", e))?,
        event: serde_json::from_str(row.try_get("event")?).map_err(|e| decode("event", e))?,
    })
}

fn decode(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) }
}

fn encode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}
