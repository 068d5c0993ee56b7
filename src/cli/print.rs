//! Standard output of commands that act: who stops reading, or a full disk, never stops the work.
//! Invariant: output that was lost for another reason than a closed pipe is told at the end.

use std::io::{self, Write};
use std::sync::OnceLock;

static LOST: OnceLock<String> = OnceLock::new();

/// Standard output, coloured or not; writing to it never fails.
pub(super) struct Out(anstream::AutoStream<io::Stdout>);

/// Standard output.
pub(super) fn out() -> Out {
    Out(anstream::stdout())
}

/// Prints a text as it is.
pub(super) fn text(text: &str) {
    // `Out` keeps its own account of what was lost.
    let _ = out().write_all(text.as_bytes());
}

/// Prints a line.
pub(super) fn line(text: &str) {
    self::text(&format!("{text}\n"));
}

/// Why output was lost, if it was, and not because nobody read it.
pub(super) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

fn note(result: io::Result<()>) {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            LOST.get_or_init(|| error.to_string());
        }
        _ => {}
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        note(self.0.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        note(self.0.flush());
        Ok(())
    }
}
