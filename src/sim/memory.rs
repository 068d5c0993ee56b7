//! A ledger in memory, for simulated worlds. Invariant: history is the fold of the entries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::model::history::{Entry, History};
use crate::model::ids::ServerName;
use crate::ports::{Detail, Fault, Hold, Ledger, Sealed};

/// A ledger in memory; clones share it.
#[derive(Clone, Default)]
pub struct MemoryLedger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    entries: Vec<Entry>,
    history: History,
    sealed: BTreeMap<(ServerName, u32), Sealed>,
    holder: Option<String>,
}

/// Frees the lock when dropped.
struct Held(MemoryLedger);

impl MemoryLedger {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// As after a crash and with another process: the same entries, nobody's lock.
    pub fn reopened(&self) -> Self {
        let book = self.book();
        Self(Arc::new(Mutex::new(Book {
            entries: book.entries.clone(),
            history: book.history.clone(),
            sealed: book.sealed.clone(),
            holder: None,
        })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn hold(&self, holder: &str) -> Result<Hold, Fault> {
        let mut book = self.book();
        if let Some(other) = &book.holder {
            let detail = Detail {
                call: "hold ledger".to_owned(),
                message: format!("the ledger is held by `{other}`"),
                ..Detail::default()
            };
            return Err(Fault::Unavailable { after: None, detail });
        }
        book.holder = Some(holder.to_owned());
        Ok(Hold::new(Held(self.clone())))
    }

    async fn history(&self) -> Result<History, Fault> {
        Ok(self.book().history.clone())
    }

    async fn append(&self, _hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault> {
        let mut book = self.book();
        for entry in entries {
            book.history.fold(entry);
            book.entries.push(entry.clone());
        }
        if let Some(sealed) = sealed {
            book.sealed.insert((sealed.server.clone(), sealed.attempt), sealed.clone());
        }
        Ok(())
    }

    async fn entries(&self, server: Option<&ServerName>) -> Result<Vec<Entry>, Fault> {
        let fits = |entry: &&Entry| server.is_none_or(|server| entry.server.as_ref() == Some(server));
        Ok(self.book().entries.iter().filter(fits).cloned().collect())
    }

    async fn sealed(&self, server: &ServerName, attempt: u32) -> Result<Option<Sealed>, Fault> {
        Ok(self.book().sealed.get(&(server.clone(), attempt)).cloned())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.book().holder = None;
    }
}
