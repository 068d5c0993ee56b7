//! The breaker: when creates fail in a row, nothing more is created and no new refund begins, so that an
//! outage cannot become a storm of refunds. A person closes it; what failed meanwhile is then tried again.

use std::collections::BTreeSet;

use crate::model::breaker::{Breaker, CreateEnd, Opened};
use crate::model::census::Census;
use crate::model::history::{Entry, Event, History, Phase, Record};
use crate::model::ids::{ServerName, StepId};
use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::{Moment, Span};
use crate::model::plan::{Note, Notice};
use crate::model::policy::Policy;
use crate::model::step::{Action, Fact, Reason};

use super::case::{self, Verdict};

/// Fewer servers than this say nothing about a percentage.
const AT_LEAST: usize = 5;

/// Since when creates and refunds are stopped: as the ledger says, or from this plan on.
pub(super) fn opened(history: &History, at: Moment, policy: &Policy) -> Option<Opened> {
    history.breaker.open.clone().or_else(|| trips(&history.breaker, at, policy))
}

/// What is said and done about an open breaker: it is written down, and the operator gets one letter.
pub(super) fn announce(opened: &Opened, history: &History, census: &Census, to: &mut Verdict) {
    to.notes.push(Note { server: None, notice: Notice::BreakerOpen { opened: opened.clone() } });
    let reason = || Reason::CreatesFail { failed: opened.failed.len(), of: opened.of };
    let mut step = |id, action| case::add(to, (census.at, &history.fleet), None, id, action, reason());
    if history.breaker.open.is_none() {
        let fact = Fact::BreakerOpened { opened: opened.clone() };
        step(StepId::of(&[&"record", &"fleet", &"breaker"]), Action::Record { fact });
    }
    let occasion = Occasion::AlertBreaker { opened: opened.clone() };
    let id = StepId::of(&[&"letter", &"fleet", &occasion.word(), &opened.since.unix()]);
    if !history.fleet.has_done(&id) {
        step(id, Action::Letter { letter: Letter { server: None, to: Recipient::Operator, occasion } });
    }
}

/// What `basement reset breaker` writes down: it is closed, refused creates are tried again at once, and, with
/// `retry`, so are failed deliveries whose settlement had not begun, for they can now be served.
pub fn reset(history: &History, at: Moment, retry: bool) -> Vec<Entry> {
    let step = StepId::of(&[&"reset", &"breaker"]);
    let mut entries =
        vec![Entry { at, server: None, step, event: Event::Noticed { fact: Fact::BreakerReset } }];
    let is_refused = |record: &Record| record.failures.keys().any(|id| id.as_str().starts_with("create/"));
    let waiting = history.records.iter().filter(|(_, record)| match record.phase {
        Phase::New => is_refused(record),
        Phase::Failed => retry && !is_told(record) && !has_begun(record),
        _ => false,
    });
    entries.extend(waiting.map(|(server, record)| Entry {
        at,
        server: Some(server.clone()),
        step: StepId::of(&[&"retry", server, &record.attempt]),
        event: Event::Noticed { fact: Fact::Retry },
    }));
    entries
}

/// Whether money or the subscription's end was asked for since the delivery failed. What has begun is ended,
/// open breaker or not: half a settlement helps nobody.
pub(super) fn has_begun(record: &Record) -> bool {
    let is_of_it = |id: &StepId| {
        let word = id.as_str().split('/').next();
        matches!(word, Some("refund" | "cancel"))
    };
    let is_since = |at: Moment| record.failed.is_none_or(|failed| at >= failed);
    record.open.keys().any(is_of_it) || record.done.iter().any(|(id, done)| is_of_it(id) && is_since(done.at))
}

/// Whether a settlement has begun and is not told: then nothing is tried again, lest somebody is paid back and served.
pub fn is_settling(record: &Record) -> bool {
    record.phase == Phase::Failed && has_begun(record) && !is_told(record)
}

/// Whether somebody was told that the delivery failed: the customer, or the operator, who is told last.
fn is_told(record: &Record) -> bool {
    let is_letter = |id: &StepId| matches!(id.as_str().split('/').nth(2), Some("failed" | "operator-failed"));
    let is_since = |at: Moment| record.failed.is_none_or(|failed| at >= failed);
    record.done.iter().any(|(id, done)| is_letter(id) && is_since(done.at))
}

/// Whether too many creates have failed: the last servers in a row, or a share of those of a day.
fn trips(breaker: &Breaker, at: Moment, policy: &Policy) -> Option<Opened> {
    let names = |ends: &[&CreateEnd]| {
        let names: BTreeSet<ServerName> = ends.iter().map(|end| end.server.clone()).collect();
        names.into_iter().collect()
    };
    let row: Vec<&CreateEnd> = breaker.ends.iter().rev().take_while(|end| !end.is_good).collect();
    if policy.caps.failed_creates > 0 && row.len() >= policy.caps.failed_creates {
        return Some(Opened { since: at, of: row.len(), failed: names(&row) });
    }
    let day = breaker.ends.iter().filter(|end| end.at >= at.minus(Span::days(1)));
    let (good, failed): (Vec<&CreateEnd>, Vec<&CreateEnd>) = day.partition(|end| end.is_good);
    let of = good.len() + failed.len();
    let is_over = of >= AT_LEAST && failed.len() * 100 > of * policy.caps.failed_percent;
    is_over.then(|| Opened { since: at, failed: names(&failed), of })
}
