//! How hard a concern is: what fails by it, what it delays, what is only to know; and which steps are certain to be
//! refused. Every concern is matched by name, so that a new one must be judged before it compiles.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ids::{ServerName, StepId};
use crate::model::insight::{Concern, Insight};
use crate::model::step::{Action, Step};

use super::insight;
use super::sections::{Part, Section};
use super::view::Row;
use super::words::{Sign, count};

/// How hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grip {
    /// Steps are certain to be refused.
    Fails,
    /// It takes longer.
    Delays,
    /// Nothing fails by it.
    Known,
}

/// How hard a concern is.
pub fn grip(concern: &Concern) -> Grip {
    match concern {
        _ if concern.may_fail() => Grip::Fails,
        Concern::SoldOut { .. } | Concern::NoImage { .. } | Concern::NoKey { .. } => Grip::Fails,
        Concern::Quota { .. } | Concern::Requests { .. } => Grip::Delays,
        Concern::Loss { .. } | Concern::Scope { .. } => Grip::Known,
    }
}

/// The steps that a concern is certain to stop.
pub fn refused<'a>(concern: &Concern, steps: &'a [Step]) -> Vec<&'a Step> {
    let creates = || steps.iter().filter(|step| matches!(step.action, Action::Create { .. }));
    let of = |names: &[ServerName]| {
        creates().filter(|step| step.server.as_ref().is_some_and(|name| names.contains(name))).collect()
    };
    match concern {
        Concern::Quota { limit, has, creates: wanted, waits: _, destroys } => {
            let room = (limit + destroys).saturating_sub(*has).min(*wanted);
            creates().skip(usize::try_from(room).unwrap_or(usize::MAX)).collect()
        }
        Concern::SoldOut { servers, .. }
        | Concern::NoImage { servers, .. }
        | Concern::NoKey { servers, .. } => of(servers),
        Concern::Loss { .. } | Concern::Scope { .. } | Concern::Requests { .. } => Vec::new(),
    }
}

/// Each step that is certain to be refused, and by what, in a word.
pub(super) fn doomed<'a>(insight: &Insight, steps: &'a [Step]) -> BTreeMap<&'a StepId, Vec<&'static str>> {
    let mut found: BTreeMap<&StepId, Vec<&'static str>> = BTreeMap::new();
    for concern in &insight.concerns {
        for step in refused(concern, steps) {
            found.entry(&step.id).or_default().push(insight::concern(concern).word);
        }
    }
    found
}

/// The creates that wait until a droplet is gone, as `plan::room` says.
pub(super) fn waiting<'a>(insight: &Insight, steps: &'a [Step]) -> BTreeSet<&'a StepId> {
    let room = insight.concerns.iter().find_map(|concern| match concern {
        Concern::Quota { limit, has, waits, .. } if *waits > 0 => Some(limit.saturating_sub(*has)),
        _ => None,
    });
    let creates = steps.iter().filter(|step| matches!(step.action, Action::Create { .. }));
    let Some(room) = room else { return BTreeSet::new() };
    creates.skip(usize::try_from(room).unwrap_or(usize::MAX)).map(|step| &step.id).collect()
}

/// The concerns in sections, the hardest first.
pub(super) fn sections(concerns: &[Concern], steps: &[Step]) -> Vec<Section> {
    const TITLES: [(Grip, &str); 3] = [
        (Grip::Fails, "Will fail as it is"),
        (Grip::Delays, "Will take longer"),
        (Grip::Known, "Only to know: nothing fails by it"),
    ];
    let rows = |wanted| -> Vec<Row> {
        concerns.iter().filter(|c| grip(c) == wanted).map(|concern| row(concern, steps)).collect()
    };
    TITLES.into_iter().map(|(grip, title)| Section::new(Part::Concerns, title, rows(grip))).collect()
}

fn row(concern: &Concern, steps: &[Step]) -> Row {
    let insight::Worry { word, text, cure } = insight::concern(concern);
    let why = match refused(concern, steps).len() {
        0 => String::new(),
        n => format!("{} will be refused", count(n as u64, "create")),
    };
    Row::new(Sign::Note, word, "", format!("{text}; {cure}"), why)
}
