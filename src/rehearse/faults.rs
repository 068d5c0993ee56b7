//! Every call of a scenario fails before, fails after, and kills the program before and after; every step
//! is executed twice. Exhaustive: for each scenario, for each call n, for each way to be spoilt.

use crate::model::moment::Span;
use crate::ports::Ledger as _;
use crate::sim::whim::{Told, Whim};
use crate::sim::world::lock;

use super::laws::{self, Broken};
use super::meddler::Spoil;
use super::stage::{Act, Stage};

/// All ways to spoil a call.
pub const SPOILS: [Spoil; 5] =
    [Spoil::FailBefore, Spoil::FailAfter, Spoil::CrashBefore, Spoil::CrashAfter, Spoil::Twice];
/// How long an apply goes on.
const PATIENCE: Span = Span::minutes(30);
/// Applies after the trouble has stopped, within which all must be settled.
const PASSES: usize = 4;

/// A story that is told again and again, each time with other trouble. `before` is told undisturbed.
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Brings the stage to where the story begins.
    before: fn(&Stage),
    /// Whether the servers of `before` are delivered first, undisturbed.
    is_delivered: bool,
    /// What happens then.
    happens: fn(&Stage),
}

/// What was tried, and what was found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many runs there were.
    pub runs: usize,
    /// `scenario, call n, spoil: broken law`.
    pub broken: Vec<String>,
}

/// The scenarios of design.md's rehearsals.
pub fn scenarios() -> Vec<Scenario> {
    let ada = |stage: &Stage| drop(stage.subscribe("ada", "pro-month", 0));
    let bea = |stage: &Stage| drop(stage.subscribe("bea", "basic-month", 3));
    vec![
        Scenario { name: "create", before: |_| {}, is_delivered: false, happens: ada },
        Scenario { name: "cancel", before: ada, is_delivered: true, happens: |s| cancel(s, Span::days(0)) },
        Scenario {
            name: "destroy after grace",
            before: ada,
            is_delivered: true,
            happens: |s| cancel(s, Span::days(8)),
        },
        Scenario { name: "stuck boot", before: ada, is_delivered: false, happens: stuck },
        Scenario { name: "vanished after 202", before: ada, is_delivered: false, happens: vanish },
        Scenario { name: "deleted by hand", before: ada, is_delivered: true, happens: by_hand },
        Scenario {
            name: "switched off by the customer",
            before: ada,
            is_delivered: true,
            happens: switch_off,
        },
        Scenario { name: "a trial that fails", before: bea, is_delivered: false, happens: stuck },
        Scenario {
            name: "cancel during boot",
            before: ada,
            is_delivered: false,
            happens: |s| cancel(s, Span::days(0)),
        },
    ]
}

/// Tells a scenario undisturbed: how many calls it makes, and what was broken even so.
pub async fn rehearse(scenario: &Scenario, make: fn() -> Stage) -> (usize, Vec<Broken>) {
    let (calls, broken, _) = play(make(), scenario, &[]).await;
    (calls, broken)
}

/// Tells a scenario once for every call and every way to spoil it, each time on a stage made anew.
pub async fn exhaust(scenario: &Scenario, make: fn() -> Stage) -> Verdict {
    let (calls, broken) = rehearse(scenario, make).await;
    let mut verdict = Verdict { runs: 1, broken: said(scenario, "undisturbed", &broken) };
    for n in 0..calls {
        for how in SPOILS {
            let (_, broken, log) = play(make(), scenario, &[(n, how)]).await;
            verdict.runs += 1;
            verdict.broken.extend(said(scenario, &log.join("; "), &broken));
        }
    }
    verdict
}

/// One run: the number of calls, the broken laws, and the calls that were spoilt.
async fn play(
    mut stage: Stage,
    scenario: &Scenario,
    spoils: &[(usize, Spoil)],
) -> (usize, Vec<Broken>, Vec<String>) {
    (scenario.before)(&stage);
    if scenario.is_delivered {
        let _ = stage.generate().await;
        stage.apply(PATIENCE).await;
    }
    (scenario.happens)(&stage);
    let first = stage.meddler.calls();
    for (n, how) in spoils {
        stage.meddler.spoil(*n, *how);
    }
    let mut broken = Vec::new();
    // A run that dies, or cannot begin, is begun again by the next timer.
    for _ in 0..PASSES {
        let is_generated = stage.generate_or_die().await;
        if is_generated {
            stage.apply(PATIENCE).await;
        }
        broken.extend(judge(&mut stage, !spoils.is_empty()).await);
    }
    let calls = stage.meddler.calls() - first;
    stage.meddler.rest();
    broken.extend(settled(&mut stage).await);
    broken.sort();
    broken.dedup();
    (calls, broken, stage.meddler.log())
}

/// The laws, now.
pub async fn judge(stage: &mut Stage, may_repeat_letters: bool) -> Vec<Broken> {
    let entries = stage.ledger.entries(None).await.unwrap_or_default();
    let history = stage.ledger.history().await.unwrap_or_default();
    let books = stage.books.clone();
    let mut books = books.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut world = lock(&stage.world);
    laws::broken(&mut world, &mut books, &stage.witness, &entries, &history, may_repeat_letters)
}

/// Law 1: when trouble has stopped, an apply settles, and a second look finds nothing to do. And law 4's
/// second half, which holds only then.
pub async fn settled(stage: &mut Stage) -> Vec<Broken> {
    let mut broken = Vec::new();
    let _ = stage.generate().await;
    stage.reset_breaker(true).await;
    let end = stage.apply(PATIENCE).await;
    if !matches!(end, Act::Ended(crate::engine::settle::End::Settled)) {
        broken.push(Broken { law: 1, what: format!("the last apply did not settle: {end:?}") });
    }
    match stage.look().await {
        Ok(look) if look.plan.is_settled() => {}
        Ok(look) => {
            let left: Vec<String> = look.plan.steps.iter().map(|step| step.id.to_string()).collect();
            broken.push(Broken { law: 1, what: format!("still to do: {left:?} {:?}", look.plan.notes) });
        }
        Err(fault) => broken.push(Broken { law: 1, what: fault.to_string() }),
    }
    broken.extend(laws::unrefunded(&lock(&stage.world), &stage.books(), &stage.witness));
    broken
}

fn said(scenario: &Scenario, trouble: &str, broken: &[Broken]) -> Vec<String> {
    broken.iter().map(|b| format!("{} [{trouble}]: law {}: {}", scenario.name, b.law, b.what)).collect()
}

fn cancel(stage: &Stage, later: Span) {
    stage.customer("ada", crate::sim::billing::Books::cancel);
    stage.advance(later);
}

fn switch_off(stage: &Stage) {
    stage.customer("ada", |books, now, id| books.switch_off(now, id, true));
}

fn stuck(stage: &Stage) {
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::StuckNew, server: None, times: 1 });
}

fn vanish(stage: &Stage) {
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::Vanish, server: None, times: 1 });
}

fn by_hand(stage: &Stage) {
    let mut world = lock(&stage.world);
    let first = world.cloud().machines().next().map(|machine| machine.id);
    first.map(|id| world.cloud().remove_by_hand(id));
}
