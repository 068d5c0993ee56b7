//! Repeats passes until the live fleet is what the files say, or the deadline is over.

use std::time::Duration;

use crate::model::ids::StepId;
use crate::model::moment::{Moment, Span};
use crate::model::plan::Notice;
use crate::model::step::Action;
use crate::plan::agreed::Agreed;
use crate::ports::{Fault, Hold};

use super::{Did, Ports, Prices, Progress, Report, Setup, Stop, Watch, pass};

/// Between passes while something was just done; afterwards, while only waiting.
const TICK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));
/// The first wait after a pass that could not be made; it doubles up to the second.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// Nothing is left to do.
    Settled,
    /// Nothing is left to do but what an open breaker withholds.
    Broken,
    /// The guard objected; what the last pass wanted was not done.
    Objected,
    /// What the first pass would have destroyed, stopped or refunded is not what was agreed to.
    Moved,
    /// Nothing is left to do but what takes something away and was not agreed to.
    Beyond,
    /// The deadline came first, or all that is left waits beyond it.
    Deadline,
    /// Nothing is left to do but letters, and the mail relay refuses us.
    Unsent,
    /// A person stopped it.
    Stopped,
}

/// A run of passes.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub end: End,
    /// All that was done, in order.
    pub did: Vec<Did>,
    /// The last pass that could be made.
    pub last: Option<Report>,
    /// Why the last pass could not be made, or why no letter was sent, if so.
    pub fault: Option<Fault>,
    /// How many passes were made.
    pub passes: u32,
}

/// Repeats passes. Refused credentials end it with a fault; an outage is waited for.
/// `agreed` is what a person said yes to.
pub async fn settle(
    ports: &Ports,
    setup: &Setup,
    hold: &Hold,
    deadline: Span,
    mut agreed: Option<Agreed>,
    mut stop: Stop,
    watch: Watch<'_>,
) -> Result<Run, Fault> {
    let end = ports.eyes.clock.now().await.plus(deadline);
    let mut prices = Prices::default();
    let mut run = Run { end: End::Settled, did: Vec::new(), last: None, fault: None, passes: 0 };
    let mut outage = OUTAGE.0;
    loop {
        let result = pass(ports, setup, &mut prices, hold, agreed.as_ref(), &stop, watch).await;
        run.passes += 1;
        let wait = match result {
            Ok(report) => {
                outage = OUTAGE.0;
                run.fault = None;
                if let Some(agreed) = &mut agreed {
                    agreed.begin();
                }
                let wait = match rest(&report, end) {
                    Ok(_) if prices.post.unsent().is_some() && only_letters(&report) => Err(End::Unsent),
                    wait => wait,
                };
                run.did.extend(report.did.iter().cloned());
                run.last = Some(report);
                wait
            }
            Err(fault) if is_final(&fault) => return Err(fault),
            Err(fault) => {
                let asked = if let Fault::Unavailable { after, .. } = &fault { *after } else { None };
                let wait = asked.unwrap_or(outage);
                outage = (outage * 2).min(OUTAGE.1);
                run.fault = Some(fault);
                Ok(wait)
            }
        };
        let over = match wait {
            Err(over) => Some(over),
            Ok(_) if *stop.borrow() => Some(End::Stopped),
            Ok(wait) if late(ports.eyes.clock.now().await, wait, end) => Some(End::Deadline),
            Ok(wait) => sleep(ports, wait, &run, &mut stop, watch).await,
        };
        if let Some(over) = over {
            run.fault = run.fault.or(prices.post.unsent().cloned());
            return Ok(Run { end: over, ..run });
        }
    }
}

/// How long to rest after a pass, or why it was the last one.
fn rest(report: &Report, end: Moment) -> Result<Duration, End> {
    if report.is_moved {
        return Err(End::Moved);
    }
    if !report.refused.is_empty() {
        return Err(End::Objected);
    }
    let plan = &report.look.plan;
    if plan.is_settled() {
        return Err(match (report.beyond.is_empty(), plan.is_broken()) {
            (false, _) => End::Beyond,
            (true, true) => End::Broken,
            (true, false) => End::Settled,
        });
    }
    if !report.did.is_empty() {
        let only_records = report.did.iter().all(|did| matches!(did.step.action, Action::Record { .. }));
        let is_well = report.did.iter().all(|did| did.result.is_ok());
        return Ok(if only_records && is_well { Duration::ZERO } else { TICK.0 });
    }
    let mut waits = plan.notes.iter().filter(|note| note.notice.waits()).peekable();
    let is_beyond = |notice: &Notice| matches!(notice, Notice::Waiting { until, .. } if *until > end);
    // What could not be asked in this pass may be answered in the next.
    let is_idle = plan.steps.is_empty() && plan.questions.is_empty();
    if is_idle && waits.peek().is_some() && waits.all(|note| is_beyond(&note.notice)) {
        return Err(End::Deadline);
    }
    Ok(TICK.1)
}

/// Whether nothing but letters is left.
fn only_letters(report: &Report) -> bool {
    let plan = &report.look.plan;
    let is_letter = |id: &StepId| id.as_str().starts_with("letter/");
    let waits = plan.notes.iter().filter(|note| note.notice.waits());
    plan.questions.is_empty()
        && plan.steps.iter().all(|step| is_letter(&step.id))
        && waits
            .map(|note| &note.notice)
            .all(|notice| matches!(notice, Notice::Waiting { step, .. } if is_letter(step)))
}

fn late(now: Moment, wait: Duration, end: Moment) -> bool {
    now.plus(Span::seconds(wait.as_secs())) > end
}

async fn sleep(ports: &Ports, span: Duration, run: &Run, stop: &mut Stop, watch: Watch<'_>) -> Option<End> {
    if !span.is_zero() {
        let look = run.last.as_ref().map(|report| &report.look);
        watch(&Progress::Sleeping { span, look, fault: run.fault.as_ref() });
        tokio::select! {
            () = ports.eyes.clock.sleep(span) => {}
            // The sender lives as long as the run; should it be gone, the clock alone decides.
            Ok(_) = stop.wait_for(|stopped| *stopped) => {}
        }
    }
    stop.borrow().then_some(End::Stopped)
}

/// Asking again would not help: credentials, or our own set-up.
fn is_final(fault: &Fault) -> bool {
    matches!(fault, Fault::Refused(_))
}
