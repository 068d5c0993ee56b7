//! Plays a storm on a stage, judges it after every run, and shrinks one that breaks a law.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::history::{Entry, Event, Phase, Record};
use crate::model::ids::StepId;
use crate::model::moment::Span;
use crate::model::step::Fact;
use crate::plan::breaker;
use crate::ports::Ledger as _;
use crate::sim::billing::{Books, Broken, RefundFate};
use crate::sim::memory::{Asked, Ill, MemoryLedger};
use crate::sim::trouble::{Mishap, Planned};
use crate::sim::whim::{Told, Whim};
use crate::sim::world::{Settings, lock};

use super::faults::{judge, settled};
use super::laws::{self, Excuse};
use super::served;
use super::stage::Stage;
use super::storm::{Act, word};
use super::walls;

/// How long an apply goes on.
const PATIENCE: Span = Span::minutes(15);
/// One pass, and no wait for another.
const ONE_PASS: Span = Span::seconds(0);
/// How long after each of the runs in the calm after a storm the next one comes; then all must be settled. The
/// day is that of Stripe's idempotency store: a stored 500 answers until it is over.
const CALM: [Span; 8] = {
    let hour = Span::minutes(60);
    [hour, hour, hour, hour, hour, Span::minutes(25 * 60), hour, hour]
};

/// What came of a storm.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The laws that were broken.
    pub broken: BTreeSet<laws::Broken>,
    /// How often each kind of act was played.
    pub tally: BTreeMap<String, u64>,
}

/// Plays a storm, and the calm after it.
pub async fn play(acts: &[Act]) -> Outcome {
    play_on(Stage::default(), acts).await
}

/// The same on a stage of one's own.
pub async fn play_on(mut stage: Stage, acts: &[Act]) -> Outcome {
    stage.policy.caps.destroy = 100;
    stage.policy.caps.destroy_percent = 100;
    stage.policy.caps.refunds = 100;
    stage.policy.caps.refund_sum = 1_000_000;
    stage.policy.caps.letters = 1_000;
    stage.allow = ["shrink", "census-shrunk"].map(str::to_owned).into();
    let mut outcome = Outcome::default();
    let mut kept = MemoryLedger::new();
    // After a lost reply or a lost ledger a letter may come twice, with the same Message-ID.
    let mut excuse = Excuse::default();
    let mut is_restored = false;
    for act in acts {
        *outcome.tally.entry(word(act)).or_default() += 1;
        excuse.repeats |= repeats_letters(act);
        excuse.forgets |= matches!(act, Act::LoseLedger | Act::RestoreLedger);
        excuse.doubts |= leaves_doubts(act);
        match act {
            Act::Run | Act::RunTwice => {
                run(&mut stage, matches!(act, Act::RunTwice)).await;
                outcome.broken.extend(judge(&stage, excuse));
            }
            Act::Wake(times) => {
                for _ in 0..*times {
                    if stage.generate_or_die().await {
                        stage.apply(ONE_PASS).await;
                    }
                }
                outcome.broken.extend(judge(&stage, excuse));
            }
            Act::Apply => {
                stage.apply(PATIENCE).await;
                outcome.broken.extend(judge(&stage, excuse));
            }
            Act::Outage { lasts, mishap } => {
                let broken = outage(&mut stage, *lasts, Some(*mishap), excuse).await;
                outcome.broken.extend(broken);
            }
            Act::StuckBoots(lasts) => {
                let broken = outage(&mut stage, *lasts, None, excuse).await;
                outcome.broken.extend(broken);
            }
            Act::ResetBreaker { retry } => stage.reset_breaker(*retry).await,
            // With a ledger of the past nobody knows who was told what; both at once cannot be survived.
            Act::LosePasswords if !is_restored => stage.ledger.damage_passwords(),
            Act::LosePasswords => {}
            Act::NotReady(then) => stage.policy.not_ready = *then,
            Act::Firewall(by) => walls::set_policy(&mut stage, *by),
            Act::KeepLedger => kept = stage.ledger.reopened(),
            Act::RestoreLedger => {
                is_restored = true;
                lose(&mut stage, kept.reopened());
            }
            Act::LoseLedger => lose(&mut stage, MemoryLedger::new()),
            Act::Retry => say(&stage, Phase::Failed, &Fact::Retry).await,
            Act::Recreate => say(&stage, Phase::Deleted, &Fact::Recreate).await,
            other => happen(&stage, other),
        }
    }
    calm(&mut stage, &mut outcome, excuse).await;
    outcome
}

/// The smallest part of a storm that still breaks the law that the whole breaks first.
pub async fn shrink(acts: &[Act]) -> Vec<Act> {
    let first = |outcome: &Outcome| outcome.broken.first().map(|broken| broken.law);
    let Some(law) = first(&play(acts).await) else { return acts.to_vec() };
    let mut small = acts.to_vec();
    let mut chunk = small.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < small.len() {
            let mut less = small.clone();
            less.drain(at..(at + chunk).min(small.len()));
            if play(&less).await.broken.iter().any(|broken| broken.law == law) {
                small = less;
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    small
}

/// Somebody puts another ledger in place, which takes longer than a listing lags: what nobody remembers and no
/// listing shows yet cannot be known.
fn lose(stage: &mut Stage, other: MemoryLedger) {
    stage.ledger = other;
    stage.advance(stage.policy.horizon);
}

/// Creates go wrong for so long, or all boots hang, and a timer runs as if nothing were the matter. Law 11 by the
/// books: nobody being served, fewer servers made meanwhile are refunded than open the breaker.
async fn outage(stage: &mut Stage, lasts: Span, mishap: Option<Mishap>, excuse: Excuse) -> Vec<laws::Broken> {
    const TIMER: Span = Span::minutes(360);
    {
        let mut world = lock(&stage.world);
        if let Some(mishap) = mishap {
            let call = "POST /v2/droplets$".to_owned();
            world.trouble.planned.push(Planned { call, mishap, skip: 0, count: u32::MAX });
        } else {
            world.cloud().whims.tell(Told { whim: Whim::StuckNew, server: None, times: u32::MAX });
        }
    }
    let began = stage.now();
    let (end, mut broken) = (began.plus(lasts), Vec::new());
    while stage.now() < end {
        run(stage, false).await;
        broken.extend(judge(stage, excuse));
        stage.advance(TIMER.min(end.since(stage.now())));
    }
    {
        let most = stage.policy.caps.failed_creates;
        let mut world = lock(&stage.world);
        world.trouble.planned.retain(|planned| planned.count < u32::MAX / 2);
        world.cloud().whims.forget(Whim::StuckNew);
        let fleet = stage.witness.fleet();
        broken.extend(served::refunded_in_outage(&mut world, &stage.books(), &fleet, began, most));
    }
    broken
}

/// Sets our own clock. One that is set by more than two minutes is set by a person, or wrong when its machine
/// starts: that takes longer than a listing lags too, for the horizon of a lost create is told by that clock.
fn set_clock(stage: &Stage, skew: i64) {
    let former = std::mem::replace(&mut lock(&stage.world).skew, skew);
    stage.witness.set_clock(skew);
    if skew.abs_diff(former) > 120 {
        stage.advance(stage.policy.horizon);
    }
}

async fn run(stage: &mut Stage, is_twice: bool) {
    if !stage.generate_or_die().await {
        return;
    }
    if is_twice {
        stage.apply_twice(PATIENCE).await;
    } else {
        stage.apply(PATIENCE).await;
    }
}

/// Trouble stops; some runs later nothing may be left to do.
async fn calm(stage: &mut Stage, outcome: &mut Outcome, excuse: Excuse) {
    stage.meddler.rest();
    {
        let mut world = lock(&stage.world);
        world.trouble.planned.clear();
        world.cloud().whims = crate::sim::whim::Whims::default();
        world.cloud().settings = Settings::default();
    }
    set_clock(stage, 0);
    for asked in [Asked::Hold, Asked::History, Asked::Append] {
        stage.ledger.ail(asked, Ill::Busy, 0);
    }
    let now = stage.now();
    // The books are locked as long as a borrow of them lives: not while the loop asks for them again.
    let subscriptions = stage.books().subscription_ids();
    for id in subscriptions {
        let _ = stage.books().spoil(now, &id, false);
    }
    stage.books().mend_next_write();
    stage.books().rules().refunds = RefundFate::AtOnce;
    for wait in CALM {
        stage.reset_breaker(true).await;
        run(stage, false).await;
        outcome.broken.extend(judge(stage, excuse));
        stage.advance(wait);
    }
    outcome.broken.extend(settled(stage, excuse).await);
    outcome.broken.extend(judge(stage, excuse));
}

/// Whether it may no longer be told from something older what was made for whom: the passwords are gone, or the clock
/// that dates the ledger is hours off.
fn leaves_doubts(act: &Act) -> bool {
    match act {
        Act::LosePasswords => true,
        Act::Clock(seconds) => seconds.abs() > 3_600,
        _ => false,
    }
}

fn repeats_letters(act: &Act) -> bool {
    matches!(
        act,
        Act::Spoil { .. }
            | Act::Ledger { .. }
            | Act::LoseLedger
            | Act::RestoreLedger
            | Act::Mishap { mishap: Mishap::Drop | Mishap::FailAfter(_), .. }
    )
}

fn happen(stage: &Stage, act: &Act) {
    let _ = match act {
        Act::Subscribe { user, price, trial } => stage.subscribe(user, price, *trial).ok().map(|_| Ok(())),
        Act::StopPaying(user) => stage.customer(user, Books::stop_paying),
        Act::Pay(user) => stage.customer(user, Books::pay),
        Act::ChangePlan { user, price } => stage.customer(user, |b, now, id| b.change_price(now, id, price)),
        Act::Cancel(user) => stage.customer(user, Books::cancel),
        Act::CancelAtEnd(user) => stage.customer(user, |b, now, id| b.cancel_at_period_end(now, id, true)),
        Act::Pause(user) => stage.customer(user, Books::pause),
        Act::Resume(user) => stage.customer(user, Books::resume),
        Act::SwitchOff(user) => stage.customer(user, |b, now, id| b.switch_off(now, id, true)),
        Act::SwitchOn(user) => stage.customer(user, |b, now, id| b.switch_off(now, id, false)),
        Act::Unreadable(user) => stage.customer(user, |b, now, id| b.spoil(now, id, true)),
        Act::Readable(user) => stage.customer(user, |b, now, id| b.spoil(now, id, false)),
        Act::Dispute(user) => stage.customer(user, |b, now, id| match b.payments_of(id).last() {
            Some(payment) => b.dispute(now, &payment.clone()),
            None => Ok(()),
        }),
        Act::DeleteCustomer(user) => stage.customer(user, |b, now, id| match b.customer_of(id) {
            Some(customer) => b.delete_customer(now, &customer),
            None => Ok(()),
        }),
        other => {
            vendor(stage, other);
            None
        }
    };
}

fn vendor(stage: &Stage, act: &Act) {
    let mut world = lock(&stage.world);
    match act {
        Act::DeleteDroplet(user) => {
            if let Some(id) = droplet_of(&mut world, user) {
                world.cloud().remove_by_hand(id);
            }
        }
        Act::Mend(user) => {
            if let Some(id) = droplet_of(&mut world, user) {
                world.cloud().mend(id);
            }
        }
        Act::Untag(user) => {
            if let Some(id) = droplet_of(&mut world, user) {
                world.cloud().untag(id);
            }
        }
        Act::EditFirewall(edit) => walls::edit(world.cloud(), *edit),
        Act::Mishap { call, mishap, skip, count } => world.trouble.planned.push(Planned {
            call: call.clone(),
            mishap: *mishap,
            skip: *skip,
            count: *count,
        }),
        Act::Whim(whim) => world.cloud().whims.tell(Told { whim: *whim, server: None, times: 1 }),
        Act::Lag(seconds) => world.cloud().settings.listing_lag_seconds = *seconds,
        Act::Spoil { n, how } => stage.meddler.spoil(*n, *how),
        Act::Ledger { call, ill, count } => stage.ledger.ail(*call, *ill, *count),
        Act::Clock(seconds) => {
            drop(world);
            set_clock(stage, *seconds);
        }
        Act::StoredFailure { is_done } => {
            stage.books().break_next_write(if *is_done { Broken::After } else { Broken::Before });
        }
        Act::RefundsWait => {
            stage.books().rules().refunds = RefundFate::Later { after: Span::days(2), succeeds: true };
        }
        Act::RefundsFail => {
            stage.books().rules().refunds = RefundFate::Later { after: Span::days(2), succeeds: false };
        }
        Act::Advance(span) => {
            drop(world);
            stage.advance(*span);
        }
        _ => {}
    }
}

fn droplet_of(world: &mut crate::sim::world::World, user: &str) -> Option<u64> {
    let tag = format!("user-{user}");
    world.cloud().machines().find(|machine| machine.tags.contains(&tag)).map(|machine| machine.id)
}

/// What `retry` and `recreate` write, for every server they are meant for.
async fn say(stage: &Stage, phase: Phase, fact: &Fact) {
    let Ok(history) = stage.ledger.history().await else { return };
    let Ok(hold) = stage.ledger.hold("operator").await else { return };
    let may = |record: &Record| record.phase == phase && !breaker::is_settling(record);
    for (server, record) in history.records.iter().filter(|(_, record)| may(record)) {
        let step = StepId::of(&[&"operator", server, &record.attempt]);
        let event = Event::Noticed { fact: fact.clone() };
        let entry = Entry { at: stage.our_now(), server: Some(server.clone()), step, event };
        let _ = stage.ledger.append(&hold, &[entry], None).await;
    }
}
