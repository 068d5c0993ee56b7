//! Files that only this user may read: how they are made, and how a secret is read from one.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

/// No secret is longer, in bytes: whoever names a larger file means another one.
pub const LONGEST_SECRET: u64 = 64 * 1024;

/// So long a pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why no secret can be read from a file. What is in it is not repeated.
#[derive(Debug, thiserror::Error)]
pub enum BadSecretFile {
    /// The system says no.
    #[error("cannot be read: {0}; hint: check the path and its permissions")]
    Unreadable(io::Error),
    /// Its mode lets others in.
    #[error("may be read by others (mode {0:03o}); hint: `chmod 600 {1}`, and put a new {2} in it")]
    Open(u32, String, &'static str),
    /// It is a folder or the like.
    #[error("is not a file; hint: name the file that holds the {0}")]
    NoFile(&'static str),
    /// It is a pipe, and nobody writes to it.
    #[error("is a pipe, and nothing came through it in 5 seconds; hint: see that the {0} is written to it")]
    Silent(&'static str),
    /// It is no secret's file.
    #[error("is larger than 64 kB; hint: name the file that holds the {0} and nothing else")]
    Large(&'static str),
    /// There is nothing in it.
    #[error("is empty; hint: write the {0} into it")]
    Empty(&'static str),
    /// It is not text.
    #[error("is not UTF-8 text; hint: write the {0} into it as one line")]
    NoText(&'static str),
}

/// Whether a file may be readable by its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// It may not.
    Refused,
    /// Its folder is private: systemd grants a credential by an access list, which shows up as the group's bits.
    /// Source: systemd, `LoadCredential=` in systemd.exec(5).
    Ignored,
}

/// Reads a secret, without the blanks around it. `what` is its name for people, e.g. `key`.
pub fn read_secret(path: &Path, what: &'static str, group: Group) -> Result<SecretString, BadSecretFile> {
    let kind = std::fs::metadata(path).map_err(BadSecretFile::Unreadable)?.file_type();
    if kind.is_file() {
        return read_now(path, what, group);
    }
    if !is_pipe(kind) {
        return Err(BadSecretFile::NoFile(what));
    }
    // A pipe that nobody writes to would be waited for without end; whoever waits there ends with this program.
    let (say, hear) = mpsc::channel();
    let owned = path.to_owned();
    std::thread::spawn(move || say.send(read_now(&owned, what, group)));
    hear.recv_timeout(PATIENCE).unwrap_or(Err(BadSecretFile::Silent(what)))
}

fn read_now(path: &Path, what: &'static str, group: Group) -> Result<SecretString, BadSecretFile> {
    let file = File::open(path).map_err(BadSecretFile::Unreadable)?;
    let meta = file.metadata().map_err(BadSecretFile::Unreadable)?;
    check_mode(&meta, group).map_err(|mode| BadSecretFile::Open(mode, path.display().to_string(), what))?;
    // One that grows while it is read is too large as well; room for all of it, so that no copy is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(LONGEST_SECRET).unwrap_or(0) + 1));
    file.take(LONGEST_SECRET + 1).read_to_end(&mut bytes).map_err(BadSecretFile::Unreadable)?;
    if bytes.len() as u64 > LONGEST_SECRET {
        return Err(BadSecretFile::Large(what));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| BadSecretFile::NoText(what))?.trim();
    if text.is_empty() { Err(BadSecretFile::Empty(what)) } else { Ok(SecretString::from(text)) }
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_kind: FileType) -> bool {
    false
}

/// Options for a file of mode 0600.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the folder of a file, if there is none.
pub(super) fn make_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    }
}

/// The mode, if somebody else may read it.
#[cfg(unix)]
fn check_mode(meta: &std::fs::Metadata, group: Group) -> Result<(), u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode() & 0o777;
    let others = match group {
        Group::Refused => 0o077,
        Group::Ignored => 0o007,
    };
    if mode & others == 0 { Ok(()) } else { Err(mode) }
}

#[cfg(not(unix))]
fn check_mode(_meta: &std::fs::Metadata, _group: Group) -> Result<(), u32> {
    Ok(())
}
