//! The ledger's lock: an OS lock on a file beside it, with the holder's name inside for others to read.
//! Invariant: the OS frees it when its process dies; what stands in the file proves nothing.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::files::private;
use super::ledger_faults::Faults;
use crate::model::moment::Moment;
use crate::ports::{Fault, Hold};

/// Takes the lock, or says who has it.
pub(super) fn take(ledger: &Path, holder: &str, faults: &Faults) -> Result<Hold, Fault> {
    let path = beside(ledger);
    let mut file = private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| faults.io(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(taken(&mut file, faults)),
        Err(TryLockError::Error(error)) => {
            return Err(faults.refused(format!(
                "`{}` cannot be locked: {error}; hint: keep the ledger on a local disk",
                path.display()
            )));
        }
    }
    sign(&mut file, holder).map_err(|error| faults.io(&error))?;
    Ok(Hold::new(Locked(file)))
}

/// Unlocks by itself: a child process between fork and exec has the file open too, so closing it here
/// would not be enough.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Where this fails, closing the file frees the lock all the same, a moment later.
        let _ = self.0.unlock();
    }
}

fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(".lock");
    PathBuf::from(name)
}

fn sign(file: &mut File, holder: &str) -> io::Result<()> {
    let name: String = holder.chars().filter(|c| !c.is_control()).take(80).collect();
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "`{name}`, pid {}, since {}", std::process::id(), now())?;
    file.flush()
}

fn taken(file: &mut File, faults: &Faults) -> Fault {
    let mut text = String::new();
    // The holder may be about to write its name this very moment.
    let read = Read::take(&mut *file, 400).read_to_string(&mut text);
    let who = if read.is_err() || text.is_empty() { "another process" } else { text.trim() };
    faults.unavailable(format!("it is held by {who}; hint: wait until that is done, or stop it"))
}

fn now() -> Moment {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Moment::from_unix(i64::try_from(seconds).unwrap_or(0))
}
