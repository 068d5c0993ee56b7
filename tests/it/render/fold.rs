//! A plan of 200 changes over 2,000 servers: read in a glance, and nothing dangerous is folded away.

use basement::model::desired::{Because, DesiredState};
use basement::model::ids::DropletId;
use basement::model::insight::Insight;
use basement::model::plan::{Note, Notice, Plan};
use basement::model::step::{Action, DestroyCause, Reason, Step};
use basement::render::fold::fold;
use basement::render::text::{Style, text};
use basement::render::words::Sign;

use super::formats::view_of;
use super::sample::{self, at, name};

/// 200 changes: 12 destroys, 60 shutdowns, 8 power-ons, 120 creates; and 70 notes of one kind.
fn large() -> Plan {
    let declared = |state, because| Reason::Declared { state, because, since: at("2026-08-12T09:00:00Z") };
    let ended = Reason::GraceEnded {
        because: Because::Cancelled,
        since: at("2026-08-12T09:00:00Z"),
        ended: at("2026-08-19T09:00:00Z"),
    };
    let create = sample::actions().into_iter().find(|action| matches!(action, Action::Create { .. }));
    let create = create.expect("a create");
    let step = |n: u64| -> Step {
        let (server, droplet) = (format!("user-{n:04}"), DropletId(1_000 + n));
        match n {
            0..12 => sample::step(
                &server,
                Action::Destroy { droplet, cause: DestroyCause::Promised },
                ended.clone(),
            ),
            12..72 => {
                let why = declared(DesiredState::Stopped, Because::Unpaid);
                sample::step(&server, Action::Shutdown { droplet }, why)
            }
            72..80 => {
                let why = declared(DesiredState::Running, Because::Active);
                sample::step(&server, Action::PowerOn { droplet }, why)
            }
            _ => sample::step(&server, create.clone(), declared(DesiredState::Running, Because::Active)),
        }
    };
    let note = |n: u64| Note {
        server: Some(name(&format!("user-{n:04}"))),
        notice: Notice::Booting { droplet: DropletId(n), until: at("2026-08-19T10:05:00Z") },
    };
    let plan = sample::plan((0..200).map(step).collect(), (200..270).map(note).collect());
    Plan { servers: 2_000, droplets: 1_900, ..plan }
}

#[test]
fn two_hundred_changes_are_read_in_a_glance() {
    let view = view_of(&large(), &Insight::default(), &[]);
    let out = text(&fold(view), Style { colour: false, width: 120 });
    assert!(out.lines().count() <= 60, "{out}");
    insta::assert_snapshot!("large_plan", out);
}

#[test]
fn what_is_dangerous_is_never_folded_and_every_server_is_counted() {
    let view = view_of(&large(), &Insight::default(), &[]);
    let short = fold(view.clone());
    let is_destroy = |row: &&basement::render::view::Row| row.sign == Sign::Destroy;
    assert_eq!(short.rows().filter(is_destroy).count(), 12);
    assert_eq!(short.summary, view.summary);
    let folded = short.rows().filter_map(|row| {
        row.subject.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" more")).map(str::parse::<usize>)
    });
    let folded: usize = folded.map(|n| n.expect("a number") - 1).sum();
    assert_eq!(short.rows().count() + folded, view.rows().count());
}

#[test]
fn few_of_a_kind_are_all_shown() {
    let mut plan = large();
    plan.steps.retain(|step| !matches!(step.action, Action::Create { .. }));
    plan.steps.truncate(12 + basement::render::fold::MANY);
    plan.notes.truncate(basement::render::fold::MANY);
    let view = view_of(&plan, &Insight::default(), &[]);
    assert_eq!(fold(view.clone()), view);
}
