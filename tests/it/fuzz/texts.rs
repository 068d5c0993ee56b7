//! Files, words and scripts: what is printed reads back, what is broken is complained about, and nothing is
//! printed raw.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use basement::cli::config;
use basement::fleet::complaint;
use basement::fleet::yaml::{self, SourceFile};
use basement::model::billing::Customer;
use basement::model::ids::{CustomerId, ServerName, Slug, StepId};
use basement::model::letter::Occasion;
use basement::model::moment::{Moment, Span};
use basement::model::money::Currency;
use basement::model::plan::{Notice, Plan};
use basement::model::policy::Catalogue;
use basement::model::step::{Action, Fact, Reason};
use basement::rehearse::{script, storm};
use basement::render::letter::clean_name;
use basement::render::words::clean;
use basement::wire::redact::{redact, redact_line};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cases;
use crate::fleet::{GOOD, catalogue};
use crate::render::sample;

const CONFIG: &str = include_str!("../../../basement.toml");
const PREFIXES: [&str; 8] =
    ["dop_v1_", "doo_v1_", "sk_test_", "sk_live_", "rk_live_", "whsec_", "$6$", "pi_1_secret_"];

/// Text with everything in it that a terminal or a parser could stumble over.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        Just("\u{1b}[2J\u{7}".to_owned()),
        Just("\u{202e}\u{2066}\u{200b}\u{feff}".to_owned()),
        Just("\0\r\n\t".to_owned()),
        Just("x".repeat(3_000)),
        Just("*a &a !!t {[\"'|>".to_owned()),
        Just("9".repeat(30)),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn is_raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn file(path: &str, text: String) -> SourceFile {
    SourceFile { path: path.to_owned(), bytes: text.into_bytes() }
}

/// What is said about a fleet's files, if anything is wrong with them.
fn said(files: &[SourceFile], catalogue: &Catalogue) -> String {
    yaml::parse(files, catalogue).err().map(|wrong| complaint::page(&wrong)).unwrap_or_default()
}

/// A text with some of its lines dropped, doubled, or with a value of its own.
fn mutated(text: &str, changes: &[(proptest::sample::Index, u8, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, how, by) in changes {
        if lines.is_empty() {
            break;
        }
        let at = at.index(lines.len());
        let (key, _) = lines[at].split_once([':', '=']).unwrap_or((&lines[at], ""));
        match how % 5 {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines[at] = format!("{key}: {by}"),
            3 => lines[at] = format!("{key}= {by}"),
            _ => lines[at].clone_from(by),
        }
    }
    lines.join("\n")
}

fn changes() -> impl Strategy<Value = Vec<(proptest::sample::Index, u8, String)>> {
    proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), nasty()), 1..4)
}

fn round<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string(), text);
    }
}

fn through_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("JSON");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("our own JSON"), value);
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn no_fleet_file_makes_the_reader_panic_or_print_raw(changes in changes(), folder in 0..4usize) {
        let folder = ["servers", "overrides", "extra", "approvals"][folder];
        let text = mutated(GOOD, &changes);
        let page = said(&[file(&format!("fleet/{folder}/ada-w9rm9sh6.yaml"), text)], &catalogue());
        prop_assert!(!page.contains(is_raw), "{page:?}");
        prop_assert!(page.lines().all(|line| line.chars().count() < 2_000), "{}", page.len());
    }

    #[test]
    fn no_config_makes_the_reader_panic_or_print_raw(changes in changes()) {
        if let Err(wrong) = config::parse(&mutated(CONFIG, &changes)) {
            let page = complaint::page(&wrong);
            prop_assert!(!page.contains(is_raw), "{page:?}");
            prop_assert!(page.lines().all(|line| line.chars().count() < 2_000), "{}", page.len());
        }
    }

    #[test]
    fn words_read_back_as_they_were_printed(text in "[a-zA-Z0-9_./:-]{0,70}", any in any::<String>()) {
        for text in [&text, &any] {
            round::<ServerName>(text);
            round::<Slug>(text);
            round::<CustomerId>(text);
            round::<StepId>(text);
            let _ = Currency::parse(text);
            if let Ok(moment) = Moment::parse(text) {
                prop_assert_eq!(Moment::parse(&moment.to_string()), Ok(moment));
            }
            if let Ok(span) = Span::parse(text) {
                prop_assert_eq!(Span::parse(&span.to_string()), Ok(span));
            }
        }
    }

    #[test]
    fn times_read_back(at in any::<i64>(), span in 0..999_999_999u64, unit in 0..4usize, more in any::<u64>()) {
        let moment = Moment::from_unix(at);
        prop_assert_eq!(Moment::parse(&moment.to_string()), Ok(moment));
        let _ = (moment.plus(Span::seconds(more)), moment.minus(Span::seconds(more)), moment.date(), moment.clock());
        let text = format!("{span}{}", ["s", "m", "h", "d"][unit]);
        let read = Span::parse(&text).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(Span::parse(&read.to_string()), Ok(read));
    }

    #[test]
    fn storms_read_back(seed in any::<u64>(), text in nasty()) {
        let acts = storm::throw(seed);
        let text_of = storm::print(&acts).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(storm::parse(&text_of).map_err(|e| TestCaseError::fail(e.to_string()))?, acts);
        let _ = (storm::parse(&text), script::parse(&text));
    }

    #[test]
    fn no_secret_survives(
        before in nasty(), after in nasty(), tail in "[A-Za-z0-9_]{12,40}", which in 0..8usize, limit in 0..400usize
    ) {
        let text = format!("{before}{}{tail} {after}", PREFIXES[which]);
        for shown in [redact(&text, limit), redact(&text, usize::MAX), redact_line(&text, limit)] {
            prop_assert!(!shown.contains(&tail), "{shown:?}");
        }
        prop_assert!(redact(&text, limit).chars().count() <= limit + 1);
        let line = redact_line(&text, limit);
        prop_assert!(!line.contains(is_raw) && !line.contains('\n'));
    }

    #[test]
    fn nothing_of_a_customer_is_printed_raw(text in nasty()) {
        prop_assert!(!clean(&text).contains(is_raw) && !clean(&text).contains('\n'));
        if let Some(name) = clean_name(&text) {
let is_tame = !name.contains(is_raw) && !name.contains('\n') && name.chars().count() <= 64;
            prop_assert!(is_tame, "greeted as {:?}", name);
        }
        let id = CustomerId::parse("cus_1").expect("an id");
        let customer = Customer { id, email: Some(text.clone()), name: Some(text), deleted: false };
        prop_assert_eq!(format!("{customer:?}"), "Customer(cus_1, address and name not shown)");
    }
}

/// Everything that a plan can hold comes back from its JSON as it was.
#[test]
fn a_plan_reads_back_from_its_json() {
    through_json::<Plan>(&sample::rich());
    sample::actions().iter().for_each(through_json::<Action>);
    sample::facts().iter().for_each(through_json::<Fact>);
    sample::occasions().iter().for_each(through_json::<Occasion>);
    sample::reasons().iter().for_each(through_json::<Reason>);
    sample::notices().iter().for_each(through_json::<Notice>);
}

/// A line of a megabyte, in a file and in the settings: said short.
#[test]
fn a_megabyte_in_one_line_is_not_repeated() {
    for value in
        ["x".repeat(1_000_000), "[".repeat(1_000_000), "\u{202e}".repeat(300_000), "\"\0\"".to_owned()]
    {
        for key in ["user", "since", "price", "because", "odd"] {
            let text = format!("{GOOD}{key}: {value}\n");
            let page = said(&[file("fleet/servers/ada-w9rm9sh6.yaml", text)], &catalogue());
            assert!(page.len() < 20_000 && !page.contains(is_raw), "{key}: {} bytes", page.len());
        }
        let text = format!("{GOOD}{value}: 1\n");
        let page = said(&[file("fleet/servers/ada-w9rm9sh6.yaml", text)], &catalogue());
        assert!(page.len() < 20_000 && !page.contains(is_raw), "as a key: {} bytes", page.len());
        let wrong = config::parse(&format!("{CONFIG}\nodd = {value}\n")).expect_err("not TOML");
        let page = complaint::page(&wrong);
        assert!(page.len() < 20_000 && !page.contains(is_raw), "{} bytes", page.len());
    }
}

/// Megabytes of prefixes cost no more than the page that is shown of them.
#[test]
fn a_body_of_prefixes_is_redacted_at_once() {
    let text = "$6$ ".repeat(4_000_000);
    assert!(redact(&text, 2_000).chars().count() <= 2_001);
}
