//! The rules of the house, checked on the sources as text: floors, banned words, lengths, strays.
//! Each complaint names file, line and cure. The tables to edit are in `tidy/tables.rs`.

#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/reach.rs"]
mod reach;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/selfcheck.rs"]
mod selfcheck;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tables.rs"]
mod tables;

use source::Source;

#[test]
fn floors_are_kept() {
    check(floors::floors);
}

#[test]
fn folders_know_only_whom_they_may() {
    check(floors::adapters);
}

#[test]
fn banned_words_are_not_used() {
    check(rules::banned);
}

#[test]
fn files_and_functions_are_short() {
    check(rules::lengths);
}

#[test]
fn files_say_their_one_job_first() {
    check(rules::first_line);
}

#[test]
fn every_file_is_included() {
    let sources = source::all();
    report(&reach::strays(&sources));
}

fn check(rule: fn(&Source) -> Vec<String>) {
    let sources = source::all();
    assert!(sources.len() > 20, "the sources were not found: only {} files", sources.len());
    report(&sources.iter().flat_map(rule).collect::<Vec<_>>());
}

fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
