//! The files of `fleet/approvals`: written by `basement approve`, read strictly or not counted at all.
//! Invariant: a file that was edited or cut does not bear out its last line, and counts for nothing.

use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::complaint::Complaint;
use super::print::quoted;
use super::yaml::{MAX_BYTES, SourceFile};
use crate::model::approval::{Approval, ApprovedStep};
use crate::model::moment::Moment;

/// Where approvals stand.
pub const FOLDER: &str = "fleet/approvals/";

const HEAD: &str = "# Written by `basement approve`: what is listed here may be done. Any edit voids it; commit it as it is.\n";
const LAST: &str = "check: ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    approves: String,
    team: String,
    by: String,
    at: Moment,
    until: Moment,
    waives: Vec<String>,
    steps: Vec<ApprovedStep>,
    #[serde(rename = "check")]
    _check: String,
}

/// The path of an approval's file.
pub fn path(approval: &Approval) -> String {
    format!("{FOLDER}{}.yaml", approval.approves)
}

/// The file's whole text.
pub fn print(approval: &Approval) -> String {
    let Approval { approves, team, by, at, until, waives, steps } = approval;
    let waives: Vec<String> = waives.iter().map(|name| quoted(name)).collect();
    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "approves: {}", quoted(approves));
    let _ = writeln!(out, "team: {}\nby: {}\nat: {at}\nuntil: {until}", quoted(team), quoted(by));
    let _ = writeln!(out, "waives: [{}]\nsteps:", waives.join(", "));
    for ApprovedStep { is, what } in steps {
        let _ = writeln!(out, "  - what: {}\n    is: {}", quoted(what), quoted(is));
    }
    let check = check(&out);
    let _ = writeln!(out, "{LAST}{}", quoted(&check));
    out
}

/// Reads one; the complaint says why it counts for nothing.
pub fn parse(file: &SourceFile) -> Result<Approval, Complaint> {
    let wrong = |why: &str| {
        let cure = "it counts for nothing: delete it, and `basement approve` a plan anew";
        Complaint::new(&file.path, why, cure)
    };
    let text = std::str::from_utf8(&file.bytes).map_err(|_| wrong("this approval is not UTF-8"))?;
    if text.len() > MAX_BYTES {
        return Err(wrong("this approval is larger than any that basement writes"));
    }
    let at = text.rfind(LAST).ok_or_else(|| wrong("this approval was cut: it has no last line"))?;
    let (above, last) = text.split_at(at);
    if last != format!("{LAST}{}\n", quoted(&check(above))) {
        return Err(wrong("this approval was edited or cut: its last line does not bear it out"));
    }
    let page: Page = serde_yaml::from_str(text)
        .map_err(|error| wrong(&format!("this approval cannot be read: {error}")))?;
    let Page { approves, team, by, at, until, waives, steps, _check } = page;
    let approval = Approval { approves, team, by, at, until, waives, steps };
    if file.path != path(&approval) {
        return Err(wrong("this approval stands under another name than it was written to"));
    }
    Ok(approval)
}

fn check(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}
