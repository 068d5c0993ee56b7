//! Asks a person at the terminal; ctrl-C is a no.

use crate::engine::Stop;

use super::say::Voice;

/// Whether the answer is exactly the expected one.
pub(super) async fn answer(voice: Voice, question: &str, expected: &str, stop: &Stop) -> bool {
    let _ = voice.print(&format!("\n{question}"));
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    let mut stop = stop.clone();
    tokio::select! {
        answer = line => matches!(answer, Ok(Ok(line)) if line.trim() == expected),
        Ok(_) = stop.wait_for(|stopped| *stopped) => {
            voice.tell("");
            false
        }
    }
}
