//! What is seen while a run goes on: a progress line on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{Did, Look, Progress, Setup};
use crate::ports::Fault;
use crate::render;

use super::{Context, Format, plan, print};

/// The screen of one run.
pub(super) struct Screen<'a> {
    bar: Option<ProgressBar>,
    first_plan: Option<(&'a Context, &'a Setup)>,
    is_shown: AtomicBool,
}

impl<'a> Screen<'a> {
    /// A screen that shows the first plan too, if its context is given.
    pub fn new(first_plan: Option<(&'a Context, &'a Setup)>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, first_plan, is_shown: AtomicBool::new(false) }
    }

    /// Shows one thing.
    pub fn show(&self, progress: &Progress) {
        match progress {
            Progress::Planned(look) => self.planned(look),
            Progress::Did(did) => self.line(&line(did)),
            Progress::Sleeping { span, look, fault } => self.sleeping(*span, *look, *fault),
        }
    }

    /// Takes the progress line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn planned(&self, look: &Look) {
        if let Some((context, setup)) = self.first_plan
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            let shown = || plan::show(context, look, setup, Format::Text);
            // A plan that cannot be printed (a closed pipe) is no reason not to do it.
            let _ = match &self.bar {
                Some(bar) => bar.suspend(shown),
                None => shown(),
            };
        }
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} steps", look.plan.steps.len()));
        }
    }

    fn sleeping(&self, span: Duration, look: Option<&Look>, fault: Option<&Fault>) {
        let what = match (fault, look) {
            (Some(fault), _) => format!("no answer, asking again in {} s: {fault}", span.as_secs()),
            (None, Some(look)) => waits(look),
            (None, None) => "waiting".to_owned(),
        };
        match &self.bar {
            Some(bar) => bar.set_message(what),
            None if fault.is_some() => anstream::eprintln!("{what}"),
            None => {}
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print::line(text)),
            None => print::line(text),
        }
    }
}

/// How wide the terminal is; 100 where there is none.
pub(super) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0)).clamp(40, 160)
}

/// What was done, in one phrase: `3 created, 1 destroyed`.
pub(super) fn summary(did: &[Did]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for did in did.iter().filter(|did| did.result.is_ok()) {
        *counts.entry(render::progress::past(&did.step.action)).or_default() += 1;
    }
    if counts.is_empty() {
        return "nothing was done".to_owned();
    }
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    words.join(", ")
}

/// Sends the program's own log to stderr: warnings, or more if asked.
pub(super) fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "basement=info,warn",
        _ => "basement=debug,info",
    };
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
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

fn waits(look: &Look) -> String {
    let waiting = look.plan.notes.iter().filter(|note| note.notice.waits()).count();
    match waiting {
        0 => "looking again".to_owned(),
        1 => "waiting for 1 server".to_owned(),
        n => format!("waiting for {n} servers"),
    }
}
