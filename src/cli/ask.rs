//! Asks a person at the terminal; ctrl-C is a no.

use std::io::Write as _;

use crate::engine::Stop;

/// Whether the answer is exactly `yes`.
pub(super) async fn yes(question: &str, stop: &Stop) -> bool {
    anstream::print!("\n{question}");
    let _ = std::io::stdout().flush();
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    let mut stop = stop.clone();
    tokio::select! {
        answer = line => matches!(answer, Ok(Ok(line)) if line.trim() == "yes"),
        Ok(_) = stop.wait_for(|stopped| *stopped) => false,
    }
}
