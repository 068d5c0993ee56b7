//! Every call of a scenario fails before, fails after, and kills the program before and after; every step
//! is executed twice. Exhaustive: for each scenario, for each call n (and each pair), for each way to be spoilt.

use crate::model::moment::Span;
use crate::model::policy::{FirewallBy, ReadyBy};
use crate::ports::Ledger as _;
use crate::sim::whim::{Told, Whim};
use crate::sim::world::lock;

use super::laws::{self, Broken, Excuse};
use super::meddler::Spoil;
use super::served;
use super::stage::{Act, Stage};
use super::walls::{self, Edit};

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
    /// What happens then, one after another, with some runs after each.
    happens: Vec<fn(&Stage)>,
    /// Who keeps everybody out.
    firewall: FirewallBy,
    /// Whether every pair of calls is spoilt too, and not only every call.
    pub has_pairs: bool,
}

/// Calls to be spoilt: which, counted from where the story begins, and how.
pub type Spoils = [(usize, Spoil)];

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
    let nobody: fn(&Stage) = |_| {};
    let ada: fn(&Stage) = |stage| drop(stage.subscribe("ada", "pro-month", 0));
    let bea: fn(&Stage) = |stage| drop(stage.subscribe("bea", "basic-month", 3));
    let off: fn(&Stage) = |stage| switch(stage, true);
    let on: fn(&Stage) = |stage| switch(stage, false);
    let grace: fn(&Stage) = |stage| stage.advance(Span::days(8));
    let undelivered = |name, before, happens| {
        let has_pairs = matches!(name, "create" | "stuck boot");
        Scenario { name, before, is_delivered: false, happens, firewall: FirewallBy::Ufw, has_pairs }
    };
    let delivered = |name, happens| {
        let (before, has_pairs) = (ada, false);
        Scenario { name, before, is_delivered: true, happens, firewall: FirewallBy::Ufw, has_pairs }
    };
    vec![
        undelivered("create", nobody, vec![ada]),
        delivered("cancel", vec![cancel]),
        delivered("destroy after grace", vec![cancel, grace]),
        undelivered("stuck boot", ada, vec![stuck]),
        undelivered("vanished after 202", ada, vec![vanish]),
        delivered("deleted by hand", vec![by_hand]),
        delivered("power off and on again", vec![off, on]),
        delivered("resubscribe during grace", vec![cancel, ada]),
        undelivered("a trial that fails", bea, vec![stuck]),
        undelivered("a first boot that fails and is mended", ada, vec![bad_boot, mend]),
        undelivered("passwords lost during boot", ada, vec![slow_boot, lose_passwords]),
        undelivered("cancel during boot", ada, vec![cancel]),
        Scenario { firewall: FirewallBy::Cloud, ..undelivered("a firewall first", nobody, vec![ada]) },
        Scenario { firewall: FirewallBy::Both, ..delivered("a firewall changed by hand", vec![open, torn]) },
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
            verdict.runs += 1;
            verdict.broken.extend(spoilt(scenario, make, &[(n, how)]).await);
        }
    }
    verdict
}

/// Every way to spoil one of so many calls and, where money moves, two of them.
pub fn cases(scenario: &Scenario, calls: usize) -> Vec<Vec<(usize, Spoil)>> {
    let one = |n: usize| SPOILS.iter().map(move |how| vec![(n, *how)]);
    let mut cases: Vec<Vec<(usize, Spoil)>> = (0..calls).flat_map(one).collect();
    if scenario.has_pairs {
        cases.extend(pairs(calls));
    }
    cases
}

/// Every way to spoil two of so many calls.
pub fn pairs(calls: usize) -> Vec<Vec<(usize, Spoil)>> {
    let pairs = (0..calls).flat_map(|n| (n + 1..calls).map(move |m| (n, m)));
    let ways = |(n, m)| SPOILS.iter().flat_map(move |a| SPOILS.iter().map(move |b| vec![(n, *a), (m, *b)]));
    pairs.flat_map(ways).collect()
}

/// Tells a scenario with these calls spoilt, and says which laws were broken.
pub async fn spoilt(scenario: &Scenario, make: fn() -> Stage, spoils: &Spoils) -> Vec<String> {
    let (_, broken, log) = play(make(), scenario, spoils).await;
    said(scenario, &log.join("; "), &broken)
}

/// One run: the number of calls, the broken laws, and the calls that were spoilt.
async fn play(mut stage: Stage, scenario: &Scenario, spoils: &Spoils) -> (usize, Vec<Broken>, Vec<String>) {
    (scenario.before)(&stage);
    walls::set_policy(&mut stage, scenario.firewall);
    if scenario.is_delivered {
        let _ = stage.generate().await;
        stage.apply(PATIENCE).await;
    }
    let first = stage.meddler.calls();
    for (n, how) in spoils {
        stage.meddler.spoil(*n, *how);
    }
    let mut broken = Vec::new();
    for happens in &scenario.happens {
        happens(&stage);
        // A run that dies, or cannot begin, is begun again by the next timer.
        for _ in 0..PASSES {
            let is_generated = stage.generate_or_die().await;
            if is_generated {
                stage.apply(PATIENCE).await;
            }
            broken.extend(judge(&stage, Excuse { repeats: !spoils.is_empty(), ..Excuse::default() }));
        }
    }
    let calls = stage.meddler.calls() - first;
    stage.meddler.rest();
    broken.extend(settled(&mut stage, Excuse::default()).await);
    broken.sort();
    broken.dedup();
    (calls, broken, stage.meddler.log())
}

/// The laws, now.
pub fn judge(stage: &Stage, excuse: Excuse) -> Vec<Broken> {
    // In this order: the world's watcher asks the books.
    let mut world = lock(&stage.world);
    let books = stage.books();
    let mut broken = stage
        .ledger
        .read(|entries, history| laws::broken(&mut world, &books, &stage.witness, entries, history, excuse));
    if stage.policy.ready == ReadyBy::Http {
        broken.extend(served::early_welcomes(&mut world));
    }
    broken.extend(walls::broken(world.cloud(), stage.policy.firewall));
    broken
}

/// Law 1: when trouble has stopped, an apply settles, and a second look finds nothing to do. And law 4's second half and
/// law 12, which hold only then.
pub async fn settled(stage: &mut Stage, excuse: Excuse) -> Vec<Broken> {
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
    // The ledger in memory always answers.
    let entries = stage.ledger.entries(None).await.unwrap_or_default();
    let (now, ours, fleet) = (stage.now(), stage.our_now(), stage.witness.fleet());
    let mut world = lock(&stage.world);
    let books = stage.books();
    broken.extend(served::unrefunded(&world, &books, &fleet, now, excuse.forgets || excuse.doubts));
    broken.extend(served::unserved(&mut world, &books, &fleet, ours, excuse, &entries));
    broken.extend(walls::unsettled(world.cloud(), stage.policy.firewall));
    drop((world, books));
    broken
}

fn said(scenario: &Scenario, trouble: &str, broken: &[Broken]) -> Vec<String> {
    broken.iter().map(|b| format!("{} [{trouble}]: law {}: {}", scenario.name, b.law, b.what)).collect()
}

fn cancel(stage: &Stage) {
    stage.customer("ada", crate::sim::billing::Books::cancel);
}

fn switch(stage: &Stage, off: bool) {
    stage.customer("ada", |books, now, id| books.switch_off(now, id, off));
}

fn stuck(stage: &Stage) {
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::StuckNew, server: None, times: 1 });
}

fn bad_boot(stage: &Stage) {
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::FirstBootFails, server: None, times: 1 });
}

/// Not ready within an apply.
fn slow_boot(stage: &Stage) {
    let told = Told { whim: Whim::SlowFirstBoot(2_000), server: None, times: 1 };
    lock(&stage.world).cloud().whims.tell(told);
}

fn lose_passwords(stage: &Stage) {
    stage.ledger.damage_passwords();
}

fn mend(stage: &Stage) {
    let mut world = lock(&stage.world);
    let first = world.cloud().machines().next().map(|machine| machine.id);
    if let Some(id) = first {
        world.cloud().mend(id);
    }
}

fn vanish(stage: &Stage) {
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::Vanish, server: None, times: 1 });
}

fn open(stage: &Stage) {
    walls::edit(lock(&stage.world).cloud(), Edit::Open);
}

fn torn(stage: &Stage) {
    walls::edit(lock(&stage.world).cloud(), Edit::Delete);
    stage.subscribe("bea", "basic-month", 0).ok();
}

fn by_hand(stage: &Stage) {
    let mut world = lock(&stage.world);
    let first = world.cloud().machines().next().map(|machine| machine.id);
    first.map(|id| world.cloud().remove_by_hand(id));
}
