//! Applies an approved plan: servers side by side, one server's steps in order.
//! Invariant: a fault stops its own server for this pass; refused credentials stop the pass.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use crate::model::ids::StepId;
use crate::model::step::{Action, Step};
use crate::plan::guard::Approved;
use crate::plan::room::squeeze;
use crate::ports::Fault;

use super::execute::{Hands, execute};
use super::post::Post;
use super::{Did, Progress, Stop, Watch};

/// Servers worked on at once.
const AT_ONCE: usize = 8;
/// After so long no further server is begun: those that are up by now should have their letters.
const LONG_PASS: Duration = Duration::from_secs(60);

pub(super) async fn apply(
    hands: &Hands<'_>,
    approved: &Approved,
    post: &Post,
    stop: &Stop,
    watch: Watch<'_>,
) -> Result<Vec<Did>, Fault> {
    let Hands { ports, setup, look, .. } = hands;
    let started = ports.eyes.clock.elapsed().await;
    let is_over = AtomicBool::new(false);
    // A create that the quota has no room for yet is left for the pass that finds some.
    let later = squeeze(approved.plan(), &look.census).map(|squeeze| squeeze.later).unwrap_or_default();
    let row = Row { failed: AtomicUsize::new(0), most: setup.policy.caps.failed_creates, later };
    let mut by_server: Vec<&[Step]> = approved.plan().steps.chunk_by(|a, b| a.server == b.server).collect();
    // One letter that is refused again and again is not tried before those that never were.
    by_server.sort_by_key(|steps| steps.iter().any(|step| look.is_tried_letter(step)));
    let did: Vec<Vec<Did>> = stream::iter(by_server)
        .map(|steps| async {
            let late = ports.eyes.clock.elapsed().await.saturating_sub(started) > LONG_PASS;
            if late || is_over.load(Ordering::Relaxed) || *stop.borrow() {
                return Vec::new();
            }
            let did = one_server(hands, steps, (&row, post), stop, watch).await;
            if did.iter().any(|did| did.result.as_ref().is_err_and(Fault::is_credentials)) {
                is_over.store(true, Ordering::Relaxed);
            }
            did
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let did: Vec<Did> = did.into_iter().flatten().collect();
    match did.iter().find_map(|did| did.result.as_ref().err().filter(|fault| fault.is_credentials())) {
        Some(fault) => Err(fault.clone()),
        None => Ok(did),
    }
}

/// Creates that failed in a row in this pass: after too many the others are left for the next one, as are those
/// that there is no room for.
struct Row {
    failed: AtomicUsize,
    most: usize,
    later: BTreeSet<StepId>,
}

impl Row {
    fn leaves(&self, create: &Step) -> bool {
        let is_long = self.most > 0 && self.failed.load(Ordering::Relaxed) >= self.most;
        is_long || self.later.contains(&create.id)
    }

    fn note(&self, is_fault: bool) {
        if is_fault {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else {
            self.failed.store(0, Ordering::Relaxed);
        }
    }
}

async fn one_server(
    hands: &Hands<'_>,
    steps: &[Step],
    (row, post): (&Row, &Post),
    stop: &Stop,
    watch: Watch<'_>,
) -> Vec<Did> {
    let mut done = Vec::new();
    for step in steps {
        let is_create = matches!(step.action, Action::Create { .. });
        if *stop.borrow() || (is_create && row.leaves(step)) {
            break;
        }
        let result = match &step.action {
            Action::Letter { .. } => match post.send(hands, step).await {
                Some(result) => result,
                None => break,
            },
            _ => execute(hands, step).await,
        };
        if is_create {
            row.note(result.is_err());
        }
        let did = Did { step: step.clone(), result };
        watch(&Progress::Did(&did));
        let is_fault = did.result.is_err();
        done.push(did);
        if is_fault {
            break;
        }
    }
    done
}
