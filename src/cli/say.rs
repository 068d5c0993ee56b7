//! Speaking: data to stdout, talk to stderr. Invariant: a reader who has gone (`| head`) is no error and
//! never stops a run halfway; a disk that is full is an error, and never a panic.

use std::io::{self, Write};

use super::error::Failure;

/// Where a command talks: to stdout, unless its data goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// Stdout.
    Out,
    /// Stderr.
    Err,
}

impl Voice {
    /// Writes a text, all of it.
    pub fn print(self, text: &str) -> Result<(), Failure> {
        match self {
            Self::Out => print(text),
            Self::Err => {
                remark(text.trim_end_matches('\n'));
                Ok(())
            }
        }
    }

    /// Writes a line that nothing depends on.
    pub fn tell(self, line: &str) {
        match self {
            Self::Out => tell(line),
            Self::Err => remark(line),
        }
    }
}

/// A writer whose reader may go at any time.
pub(super) struct Gone<W>(W);

impl<W: Write> Write for Gone<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Stdout, for data.
pub(super) fn out() -> Gone<anstream::AutoStream<io::Stdout>> {
    Gone(anstream::stdout())
}

/// Stderr, for everything else.
pub(super) fn talk() -> Gone<anstream::AutoStream<io::Stderr>> {
    Gone(anstream::stderr())
}

/// Writes a text to stdout, all of it.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = out();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
        Failure::new(format!("stdout cannot be written: {error}"), "look at where the output goes")
    })
}

/// Writes a line to stdout that nothing depends on: what it tells of is done, whether it is read or not.
pub(super) fn tell(line: &str) {
    let _ = print(&format!("{line}\n"));
}

/// Writes a line to stderr.
pub(super) fn remark(line: &str) {
    let _ = writeln!(talk(), "{line}");
}
