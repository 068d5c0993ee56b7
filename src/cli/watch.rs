//! What is seen while a run goes on: a progress line on a terminal, plain lines elsewhere.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{Did, Look, Progress, Setup};
use crate::model::ids::ServerName;
use crate::model::insight::Insight;
use crate::plan::digest::digest;
use crate::ports::Fault;
use crate::render;
use crate::render::events::ApplyEvent;
use crate::wire::redact::redact;

use super::{Context, plan, say};

/// The screen of one run.
pub(super) struct Screen<'a> {
    bar: Option<ProgressBar>,
    context: &'a Context,
    /// For the first plan, if it is to be shown.
    setup: Option<&'a Setup>,
    /// Programs get events on stdout.
    events: bool,
    is_shown: AtomicBool,
}

impl<'a> Screen<'a> {
    /// A screen that shows the first plan too, if its set-up is given.
    pub fn new(context: &'a Context, setup: Option<&'a Setup>, events: bool) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, context, setup, events, is_shown: AtomicBool::new(false) }
    }

    /// Shows one thing.
    pub fn show(&self, progress: &Progress) {
        if self.events {
            say::tell(&event(progress).to_line());
        }
        match progress {
            Progress::Planned(look) => self.planned(look),
            Progress::Did(did) => self.line(&line(did)),
            Progress::Sleeping { span, look, fault } => self.sleeping(*span, *look, *fault),
        }
    }

    /// Says something on stderr, beside the progress line.
    pub fn remark(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say::remark(text)),
            None => say::remark(text),
        }
    }

    /// Takes the progress line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn planned(&self, look: &Look) {
        if let Some(setup) = self.setup
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            // Nobody is asked, so nobody else is: the steps and their reasons alone.
            let shown = || plan::show(self.context, look, setup, &Insight::default());
            // A plan that cannot be printed (a closed pipe) is no reason not to do it.
            let _ = match &self.bar {
                Some(bar) => bar.suspend(shown),
                None => shown(),
            };
        }
        if let Some(bar) = &self.bar {
            bar.set_message(render::words::count(look.plan.steps.len() as u64, "step"));
        }
    }

    fn sleeping(&self, span: Duration, look: Option<&Look>, fault: Option<&Fault>) {
        let what = match (fault, look) {
            (Some(fault), _) => format!("no answer, asking again in {} s: {fault}", span.as_secs()),
            (None, Some(look)) => format!("{}; the next look is in {} s", waits(look), span.as_secs()),
            (None, None) => "waiting".to_owned(),
        };
        match &self.bar {
            Some(bar) => bar.set_message(what),
            None if fault.is_some() => say::remark(&what),
            None => {}
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.context.voice.tell(text)),
            None => self.context.voice.tell(text),
        }
    }
}

/// How wide the terminal is; a pipe or a file has no width, and lines that stay whole can be searched.
pub(super) fn width() -> usize {
    match terminal_size::terminal_size_of(std::io::stdout()) {
        Some((width, _)) => usize::from(width.0).clamp(40, 160),
        None => usize::MAX,
    }
}

/// What was done, in one phrase: `3 created, 1 destroyed`.
pub(super) fn summary(did: &[Did]) -> String {
    let done = did.iter().filter_map(|did| Some((&did.step.action, did.result.as_ref().ok()?)));
    render::progress::summary(done)
}

/// Stderr for the log, which the libraries write to as well: no secret passes. An event comes in one piece.
struct Redacted;

impl io::Write for Redacted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = redact(&String::from_utf8_lossy(bytes), usize::MAX);
        io::stderr().write_all(text.as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sends the program's own log to stderr: warnings, or more if asked.
pub(super) fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "basement=info,warn",
        _ => "basement=debug,info",
    };
    let _ = tracing_subscriber::fmt()
        .with_writer(|| Redacted)
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .without_time()
        .with_target(false)
        .try_init();
}

fn line(did: &Did) -> String {
    match &did.result {
        Ok(outcome) => render::progress::progress_line(&did.step, outcome),
        Err(fault @ Fault::Unknown(_)) => render::progress::unknown_line(&did.step, &fault.to_string()),
        Err(fault) => render::progress::failed_line(&did.step, &fault.to_string()),
    }
}

fn event(progress: &Progress) -> ApplyEvent {
    match progress {
        Progress::Planned(look) => ApplyEvent::planned(&look.plan, digest(&look.plan), look.objections.len()),
        Progress::Did(Did { step, result: Ok(outcome) }) => ApplyEvent::did(step, outcome),
        Progress::Did(Did { step, result: Err(fault @ Fault::Unknown(_)) }) => {
            ApplyEvent::unknown(step, &fault.to_string())
        }
        Progress::Did(Did { step, result: Err(fault) }) => ApplyEvent::failed(step, &fault.to_string()),
        Progress::Sleeping { span, look, fault } => ApplyEvent::Sleeping {
            seconds: span.as_secs(),
            servers: look.map(|look| waited_for(look).len()).unwrap_or_default(),
            why: fault.map(|fault| render::words::clean(&fault.to_string())),
        },
    }
}

/// Which servers the next look is about: those under way, and those just acted upon.
fn waited_for(look: &Look) -> BTreeSet<&ServerName> {
    let waiting = look.plan.notes.iter().filter(|note| note.notice.waits());
    let waiting = waiting.filter_map(|note| note.server.as_ref());
    let acted = look.plan.steps.iter().filter_map(|step| step.server.as_ref());
    acted.chain(waiting).collect()
}

fn waits(look: &Look) -> String {
    format!("waiting for {}", render::words::count(waited_for(look).len() as u64, "server"))
}
