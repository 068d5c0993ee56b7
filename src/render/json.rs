//! A plan as JSON, version 1. Invariant: fields are only ever added; times are RFC 3339 in UTC.

use serde_json::{Value, json};

use crate::model::plan::{Note, Plan};
use crate::model::step::Step;

use super::view::PlanView;
use super::why;
use super::words::Sign;

/// The version of every JSON document written here.
pub const VERSION: u64 = 1;

/// A plan with its words. `digest` is the plan's, if it has one.
pub fn json(plan: &Plan, view: &PlanView, objections: &[impl AsRef<str>], digest: Option<&str>) -> Value {
    let Plan { at, servers, droplets, steps, notes, questions, money, uses } = plan;
    let objections: Vec<&str> = objections.iter().map(AsRef::as_ref).collect();
    json!({
        "version": VERSION,
        "at": at,
        "digest": digest,
        "settled": plan.is_settled(),
        "servers": servers,
        "droplets": droplets,
        "steps": steps.iter().map(|s| step(s, plan)).collect::<Vec<_>>(),
        "notes": notes.iter().map(|n| note(n, plan)).collect::<Vec<_>>(),
        "questions": questions,
        "objections": objections,
        "money": money,
        "uses": uses,
        "summary": { "text": view.summary, "counts": view.counts },
    })
}

fn step(step: &Step, plan: &Plan) -> Value {
    let Step { id, server, action, reason, again } = step;
    json!({
        "id": id,
        "server": server,
        "kind": action.word(),
        "sign": Sign::of(action).mark(),
        "action": action,
        "reason": { "text": why::reason(reason, plan.at), "data": reason },
        "again": again,
    })
}

fn note(note: &Note, plan: &Plan) -> Value {
    let Note { server, notice } = note;
    json!({
        "server": server,
        "waits": notice.waits(),
        "text": why::notice(notice, server.as_ref(), plan.at),
        "data": notice,
    })
}
