//! Approvals: which plan × which file. Each cell of the table says whether the yes counts, and why not.

use std::fmt::Write as _;

use basement::fleet::approval::{parse, path, print};
use basement::fleet::yaml::SourceFile;
use basement::model::approval::Approval;
use basement::model::ids::DropletId;
use basement::model::moment::{Moment, Span};
use basement::model::plan::Plan;
use basement::model::step::{Action, DestroyCause, Reason, Step};
use basement::plan::approval::{Standing, approve, standing, waived};
use basement::plan::digest;

use crate::render::sample::{self, now};

const TEAM: &str = "team-1";

fn destroy(server: &str, droplet: u64) -> Step {
    let action = Action::Destroy { droplet: DropletId(droplet), cause: DestroyCause::Promised };
    sample::step(server, action, Reason::Absent)
}

fn of(destroys: &[(&str, u64)]) -> Plan {
    let mut steps: Vec<Step> = destroys.iter().map(|(server, droplet)| destroy(server, *droplet)).collect();
    steps.push(sample::step("new-1", Action::PowerOn { droplet: DropletId(77) }, Reason::Anew));
    sample::plan(steps, vec![])
}

/// The same on the first server, at another occasion.
fn for_another_reason(mut plan: Plan) -> Plan {
    plan.steps[0].reason = Reason::Begun;
    plan
}

/// Destroys ada, bob and cyd, for a week.
fn given(at: Moment) -> Approval {
    let plan = of(&[("ada", 1), ("bob", 2), ("cyd", 3)]);
    let waives = vec!["many-destroys".to_owned()];
    approve(
        &plan,
        (TEAM.to_owned(), "Ada \"A\" Löw".to_owned()),
        (at, at.plus(Span::days(7))),
        waives,
        |step| format!("destroy {}: it's gone", step.id),
    )
}

/// How a file is spoilt, if it is.
const FILES: [&str; 7] = ["good", "expired", "edited", "cut", "renamed", "other team", "of tomorrow"];

fn file(kind: &str) -> (SourceFile, Option<&'static str>) {
    let at = match kind {
        "expired" => now().minus(Span::days(8)),
        "of tomorrow" => now().plus(Span::days(1)),
        _ => now().minus(Span::days(1)),
    };
    let approval = given(at);
    let text = print(&approval);
    let text = match kind {
        // One step more is waved through by hand.
        "edited" => {
            text.replacen("waives: [\"many-destroys\"]", "waives: [\"many-destroys\", \"empty-fleet\"]", 1)
        }
        "cut" => text.lines().take(9).fold(String::new(), |text, line| text + line + "\n"),
        _ => text,
    };
    let path =
        if kind == "renamed" { format!("fleet/approvals/{}.yaml", "0".repeat(64)) } else { path(&approval) };
    let team = if kind == "other team" { "team-2" } else { TEAM };
    (SourceFile { path, bytes: text.into_bytes() }, Some(team))
}

#[test]
fn the_matrix() {
    let plans = [
        ("same", of(&[("ada", 1), ("bob", 2), ("cyd", 3)])),
        ("fewer", of(&[("ada", 1), ("cyd", 3)])),
        ("more", of(&[("ada", 1), ("bob", 2), ("cyd", 3), ("dee", 4)])),
        // The same server, but another droplet.
        ("other", of(&[("ada", 1), ("bob", 2), ("cyd", 9)])),
        ("reason", for_another_reason(of(&[("ada", 1), ("bob", 2), ("cyd", 3)]))),
    ];
    let mut table = String::new();
    for kind in FILES {
        let (file, team) = file(kind);
        let approval = parse(&file);
        for (name, plan) in &plans {
            let (said, waives) = match &approval {
                Err(why) => (why.message.clone(), Vec::new()),
                Ok(approval) => {
                    let waives = waived(std::slice::from_ref(approval), plan, team);
                    (standing(approval, plan, team).to_string(), waives.into_iter().collect())
                }
            };
            let _ = writeln!(table, "{kind:<12} {name:<6} {:<15} {said}", waives.join(","));
        }
    }
    insta::assert_snapshot!(table, @r#"
    good         same   many-destroys   it counts
    good         fewer  many-destroys   it counts
    good         more                   the plan takes away one thing that it does not name
    good         other                  the plan takes away one thing that it does not name
    good         reason                 the plan takes away one thing that it does not name
    expired      same                   it expired on 2026-08-18T10:00:00Z
    expired      fewer                  it expired on 2026-08-18T10:00:00Z
    expired      more                   it expired on 2026-08-18T10:00:00Z
    expired      other                  it expired on 2026-08-18T10:00:00Z
    expired      reason                 it expired on 2026-08-18T10:00:00Z
    edited       same                   this approval was edited or cut: its last line does not bear it out
    edited       fewer                  this approval was edited or cut: its last line does not bear it out
    edited       more                   this approval was edited or cut: its last line does not bear it out
    edited       other                  this approval was edited or cut: its last line does not bear it out
    edited       reason                 this approval was edited or cut: its last line does not bear it out
    cut          same                   this approval was cut: it has no last line
    cut          fewer                  this approval was cut: it has no last line
    cut          more                   this approval was cut: it has no last line
    cut          other                  this approval was cut: it has no last line
    cut          reason                 this approval was cut: it has no last line
    renamed      same                   this approval stands under another name than it was written to
    renamed      fewer                  this approval stands under another name than it was written to
    renamed      more                   this approval stands under another name than it was written to
    renamed      other                  this approval stands under another name than it was written to
    renamed      reason                 this approval stands under another name than it was written to
    other team   same                   it is about another DigitalOcean team
    other team   fewer                  it is about another DigitalOcean team
    other team   more                   it is about another DigitalOcean team
    other team   other                  it is about another DigitalOcean team
    other team   reason                 it is about another DigitalOcean team
    of tomorrow  same                   it is dated 2026-08-20T10:00:00Z, which is yet to come
    of tomorrow  fewer                  it is dated 2026-08-20T10:00:00Z, which is yet to come
    of tomorrow  more                   it is dated 2026-08-20T10:00:00Z, which is yet to come
    of tomorrow  other                  it is dated 2026-08-20T10:00:00Z, which is yet to come
    of tomorrow  reason                 it is dated 2026-08-20T10:00:00Z, which is yet to come
    "#);
}

#[test]
fn what_takes_nothing_away_does_not_void_it() {
    let mut plan = of(&[("ada", 1), ("bob", 2), ("cyd", 3)]);
    plan.steps.push(sample::step("eve", Action::PowerOn { droplet: DropletId(5) }, Reason::Anew));
    assert_eq!(standing(&given(now()), &plan, Some(TEAM)), Standing::Counts);
    let saved = of(&[("ada", 1), ("bob", 2), ("cyd", 3)]);
    assert_eq!(digest::digest(&plan), digest::digest(&saved));
    assert_ne!(digest::whole(&plan), digest::whole(&saved));
}

#[test]
fn every_single_edit_voids_it() {
    let (file, _) = file("good");
    assert_eq!(parse(&file).expect("a good file"), given(now().minus(Span::days(1))));
    for at in 0..file.bytes.len() {
        let mut bytes = file.bytes.clone();
        bytes[at] ^= 1;
        assert!(parse(&SourceFile { bytes, ..file.clone() }).is_err(), "byte {at} was changed unnoticed");
        let cut = file.bytes[..at].to_vec();
        assert!(parse(&SourceFile { bytes: cut, ..file.clone() }).is_err(), "cut at {at} unnoticed");
    }
    // As git writes it on some machines: to be safe it counts for nothing.
    let crlf = String::from_utf8(file.bytes.clone()).expect("UTF-8").replace('\n', "\r\n");
    assert!(parse(&SourceFile { bytes: crlf.into_bytes(), ..file }).is_err());
}
