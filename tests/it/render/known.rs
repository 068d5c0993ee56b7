//! What is known about the tale besides its steps: whose doing they are, declarations, events, what comes.

use std::sync::LazyLock;

use basement::model::insight::{Commit, Concern, Declared, Insight, Label, StripeEvent, Written};
use basement::model::plan::Plan;
use basement::plan::attribution;

use super::sample::{self, at, name};
use super::{also, tale};

static TALE: LazyLock<Insight> = LazyLock::new(|| {
    let (shop, plan) = (tale::shop(), sample::rich());
    let base = tale::before(&shop).plan();
    let mut insight = shop.insight(&plan, 4_812);
    insight.labels = attribution::labels(&plan, &base, &shop.history);
    insight.withdrawn = attribution::withdrawn(&plan, &base);
    declarations(&mut insight);
    insight
});

/// All of it, for a plan; what is not of the tale is pending.
pub fn insight(plan: &Plan) -> Insight {
    let mut insight = TALE.clone();
    let label = |id| TALE.labels.get(id).copied().unwrap_or(Label::Pending);
    insight.labels = plan.steps.iter().map(|step| (step.id.clone(), label(&step.id))).collect();
    insight
}

fn declarations(insight: &mut Insight) {
    let commit = |hash: &str, when: &str, author: &str, subject: &str| {
        let (hash, author, subject) = (hash.to_owned(), author.to_owned(), subject.to_owned());
        Written::By(Commit { hash, at: at(when), author, subject })
    };
    let mut declared = |text: &str, file: &str, line, written| {
        let place = Declared { file: format!("fleet/{file}/{text}.yaml"), line, written };
        insight.declared.insert(name(text), vec![place]);
    };
    let generated = commit("b81d02e", "2026-08-19T09:58:00Z", "basement", "generate: 19 Aug 2026");
    let kim = commit("4f2a9c1", "2026-08-19T09:05:00Z", "Kim", "ada asks to be deleted today");
    declared("ada-7f3k2m9q", "servers", Some(9), kim);
    let kim = commit("77c01be", "2026-08-19T08:31:00Z", "Kim", "cleo has left the company");
    declared("cleo", "extra", Some(4), kim);
    declared("fay-6q2t9r3w", "servers", Some(7), generated);
    declared("kai-4f8b2x6d", "servers", None, Written::NotCommitted);
    let mut event = |text: &str, id: &str, kind: &str, when: &str| {
        let event = StripeEvent { id: id.to_owned(), kind: kind.to_owned(), at: at(when) };
        insight.events.insert(name(text), event);
    };
    event("ada-7f3k2m9q", "evt_1Qa7", "customer.subscription.deleted", "2026-08-12T09:00:00Z");
    event("fay-6q2t9r3w", "evt_1Qb3", "customer.subscription.updated", "2026-08-19T09:30:00Z");
}

/// What is known of another day; few requests are left on the first of them.
pub fn of_day(day: &str, shop: &super::shop::Shop, plan: &Plan) -> Insight {
    shop.insight(plan, if day == also::days()[0].0 { 2 } else { 4_812 })
}

/// The concerns of all days.
pub fn concerns() -> Vec<Concern> {
    let days = also::days().into_iter().flat_map(|(day, shop)| {
        let plan = shop.plan();
        of_day(day, &shop, &plan).concerns
    });
    TALE.concerns.iter().cloned().chain(days).collect()
}
