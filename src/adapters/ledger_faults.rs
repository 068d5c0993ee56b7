//! What can go wrong with the ledger's file, each with its cure.

use std::io;
use std::path::Path;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use crate::ports::{Detail, Fault};

/// Makes faults that name one ledger.
pub(super) struct Faults {
    call: String,
}

impl Faults {
    pub(super) fn of(path: &Path) -> Self {
        Self { call: format!("ledger {}", path.display()) }
    }

    pub(super) fn refused(&self, message: impl Into<String>) -> Fault {
        Fault::refused(&self.call, message)
    }

    pub(super) fn unavailable(&self, message: impl Into<String>) -> Fault {
        Fault::Unavailable { after: None, detail: self.detail(message) }
    }

    pub(super) fn not_a_ledger(&self) -> Fault {
        self.refused("it is a database, but not a ledger of basement; hint: name another file")
    }

    pub(super) fn too_new(&self, version: i64) -> Fault {
        self.refused(format!(
            "it was written by a newer basement (schema {version}); hint: use that version, or a newer one"
        ))
    }

    pub(super) fn too_old(&self) -> Fault {
        self.refused(
            "it was written by an older basement; hint: run `basement apply` once to bring it up to date",
        )
    }

    pub(super) fn read_only(&self) -> Fault {
        self.refused("it was opened for reading only; this is a bug of basement")
    }

    pub(super) fn password_alone(&self) -> Fault {
        self.refused("a password is written only with the entry that intends its create")
    }

    pub(super) fn inconsistent(&self, wrong: &[String]) -> Fault {
        let more = wrong.len().saturating_sub(5);
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        let first = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
        self.refused(format!("{first}{tail}; hint: keep a copy of the file, and restore a backup"))
    }

    pub(super) fn io(&self, error: &io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                self.refused("permission denied; hint: make the folder and the file writable for this user")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.full(),
            io::ErrorKind::IsADirectory => self.refused("it is a folder; hint: name a file"),
            _ => self.refused(format!("it cannot be opened: {error}; hint: check the path")),
        }
    }

    pub(super) fn sql(&self, error: sqlx::Error) -> Fault {
        match error {
            sqlx::Error::Database(error) => {
                self.sqlite(code_of(&*error), error.message())
            }
            sqlx::Error::PoolTimedOut => {
                self.unavailable("it was busy for a minute; hint: run again")
            }
            sqlx::Error::ColumnDecode { index, source } => self.refused(format!(
                "`{index}` of a row cannot be read: {source}; hint: use the version of basement that wrote it, or restore a backup"
            )),
            error @ sqlx::Error::Encode(_) => self.refused(error.to_string()),
            error => Fault::Unknown(self.detail(format!("{error}; hint: run again"))),
        }
    }

    pub(super) fn migrate(&self, error: MigrateError) -> Fault {
        match error {
            MigrateError::VersionMissing(version) => self.too_new(version),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => self.sql(error),
            error => self.refused(format!(
                "its schema is not one of this basement: {error}; hint: use the version that wrote it"
            )),
        }
    }

    /// Source: SQLite, "Result and Error Codes", <https://www.sqlite.org/rescode.html>; the low byte
    /// is the primary code.
    fn sqlite(&self, code: i32, message: &str) -> Fault {
        match code & 0xff {
            5 | 6 => self.unavailable("another program writes it; hint: run again when that is done"),
            8 => self
                .refused("it may not be written; hint: make the folder and the file writable for this user"),
            10 => Fault::Unknown(
                self.detail(format!("the disk failed: {message}; hint: check the disk, then run again")),
            ),
            11 => self.refused("it is damaged; hint: restore a backup"),
            13 => self.full(),
            14 => self.refused("it cannot be opened; hint: check the path and its permissions"),
            19 if message.contains("passwords.") => self
                .refused("this create attempt has a password already, which may be in use; hint: run again"),
            26 => self.refused("it is not a database; hint: name another file, or restore a backup"),
            _ => {
                self.refused(format!("{message} (SQLite code {code}); hint: restore a backup if this lasts"))
            }
        }
    }

    fn full(&self) -> Fault {
        self.unavailable("the disk is full; hint: make room, then run again")
    }

    fn detail(&self, message: impl Into<String>) -> Detail {
        Detail { call: self.call.clone(), message: message.into(), ..Detail::default() }
    }
}

/// Whether another connection is in the way for the moment.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(code_of(error) & 0xff, 5 | 6))
}

fn code_of(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or(0)
}
