//! Whether an approval counts for a plan: every destructive step of it was approved, here, and not too long ago.
//! Invariant: fewer steps than were approved are approved; one more, or another one, voids it.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::approval::{Approval, ApprovedStep};
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::model::step::Step;

use super::digest::{destructive, digest, of_step};
use super::guard::Objection;

/// How an approval stands to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// All that the plan takes away was approved.
    Counts,
    /// The plan takes something away that was not.
    OtherSteps {
        /// So many steps.
        more: usize,
    },
    /// It was for another DigitalOcean team.
    OtherTeam,
    /// Its time is over.
    Expired {
        /// Since when.
        since: Moment,
    },
    /// It is dated later than now.
    NotYet {
        /// From when on.
        from: Moment,
    },
}

/// How an approval stands to a plan about this team's droplets.
pub fn standing(approval: &Approval, plan: &Plan, team: Option<&str>) -> Standing {
    let Approval { approves: _, team: theirs, by: _, at, until, waives: _, steps } = approval;
    if plan.at >= *until {
        return Standing::Expired { since: *until };
    }
    // The clocks of two machines differ by minutes, not by more.
    if plan.at.plus(super::case::SKEW) < *at {
        return Standing::NotYet { from: *at };
    }
    if team != Some(theirs.as_str()) {
        return Standing::OtherTeam;
    }
    let approved: BTreeSet<&str> = steps.iter().map(|step| step.is.as_str()).collect();
    match destructive(plan).filter(|step| !approved.contains(of_step(step).as_str())).count() {
        0 => Standing::Counts,
        more => Standing::OtherSteps { more },
    }
}

/// The objections waived by approvals that count for this plan.
pub fn waived(approvals: &[Approval], plan: &Plan, team: Option<&str>) -> BTreeSet<String> {
    // A yes to nothing waives nothing.
    if destructive(plan).next().is_none() {
        return BTreeSet::new();
    }
    let counts = approvals.iter().filter(|approval| standing(approval, plan, team) == Standing::Counts);
    let waived = counts.flat_map(|approval| &approval.waives);
    waived.filter(|name| Objection::is_approvable(name)).cloned().collect()
}

/// An approval of all that a plan takes away. `words` says what a step does.
pub fn approve(
    plan: &Plan,
    (team, by): (String, String),
    (at, until): (Moment, Moment),
    waives: Vec<String>,
    words: impl Fn(&Step) -> String,
) -> Approval {
    let steps = destructive(plan).map(|step| ApprovedStep { is: of_step(step), what: words(step) });
    Approval { approves: digest(plan), team, by, at, until, waives, steps: steps.collect() }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counts => f.write_str("it counts"),
            Self::OtherSteps { more: 1 } => {
                f.write_str("the plan takes away one thing that it does not name")
            }
            Self::OtherSteps { more } => {
                write!(f, "the plan takes away {more} things that it does not name")
            }
            Self::OtherTeam => f.write_str("it is about another DigitalOcean team"),
            Self::Expired { since } => write!(f, "it expired on {since}"),
            Self::NotYet { from } => write!(f, "it is dated {from}, which is yet to come"),
        }
    }
}
