//! A ledger in memory, for simulated worlds. Invariant: history is the fold of the entries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::model::history::{Entry, History};
use crate::model::ids::ServerName;
use crate::model::moment::Moment;
use crate::ports::{Detail, Fault, Hold, Ledger, Sealed};

/// A call to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// `hold`
    Hold,
    /// `history`
    History,
    /// `append`
    Append,
    /// `erase_passwords`
    Erase,
}

/// What ails the ledger's file, as the SQLite adapter says it; nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ill {
    /// Another program writes it.
    Busy,
    /// The disk is full.
    Full,
    /// The disk fails: whether something was written is not known.
    Failing,
}

/// A ledger in memory; clones share it.
#[derive(Clone, Default)]
pub struct MemoryLedger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    entries: Vec<Entry>,
    history: History,
    sealed: BTreeMap<(ServerName, u32), Sealed>,
    holder: Option<String>,
    ills: BTreeMap<Asked, (Ill, u32)>,
}

/// Frees the lock when dropped.
struct Held(MemoryLedger);

impl MemoryLedger {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sealed passwords are damaged, or what opens them is lost.
    pub fn damage_passwords(&self) {
        let mut book = self.book();
        book.sealed.values_mut().for_each(|sealed| sealed.blob.iter_mut().for_each(|byte| *byte ^= 1));
    }

    /// As after a crash and with another process: the same entries, nobody's lock.
    pub fn reopened(&self) -> Self {
        let book = self.book();
        Self(Arc::new(Mutex::new(Book {
            entries: book.entries.clone(),
            history: book.history.clone(),
            sealed: book.sealed.clone(),
            holder: None,
            ills: book.ills.clone(),
        })))
    }

    /// What is in it, whatever ails it.
    pub fn read<T>(&self, look: impl FnOnce(&[Entry], &History) -> T) -> T {
        let book = self.book();
        look(&book.entries, &book.history)
    }

    /// So many calls of this kind fail from now on; 0 ends it.
    pub fn ail(&self, asked: Asked, ill: Ill, times: u32) {
        self.book().ills.insert(asked, (ill, times));
    }

    /// The ledger, or what ails this call.
    fn ask(&self, asked: Asked) -> Result<MutexGuard<'_, Book>, Fault> {
        let mut book = self.book();
        let Some((ill, times)) = book.ills.get_mut(&asked).filter(|(_, times)| *times > 0) else {
            return Ok(book);
        };
        *times -= 1;
        let detail = |message: &str| Detail {
            call: "ledger".to_owned(),
            message: message.to_owned(),
            ..Detail::default()
        };
        Err(match ill {
            Ill::Busy => Fault::Unavailable { after: None, detail: detail("another program writes it") },
            Ill::Full => Fault::Unavailable { after: None, detail: detail("the disk is full") },
            Ill::Failing => Fault::Unknown(detail("the disk failed")),
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn hold(&self, holder: &str) -> Result<Hold, Fault> {
        let mut book = self.ask(Asked::Hold)?;
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
        Ok(self.ask(Asked::History)?.history.clone())
    }

    async fn append(&self, _hold: &Hold, entries: &[Entry], sealed: Option<&Sealed>) -> Result<(), Fault> {
        let mut book = self.ask(Asked::Append)?;
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

    async fn erase_passwords(&self, _hold: &Hold, before: Moment) -> Result<u64, Fault> {
        let Book { sealed, history, .. } = &mut *self.ask(Asked::Erase)?;
        let count = sealed.len();
        sealed.retain(|(server, attempt), _| {
            let last = history.records.get(server).and_then(|record| record.erasable(before));
            last.is_none_or(|last| *attempt > last)
        });
        Ok((count - sealed.len()) as u64)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.book().holder = None;
    }
}
