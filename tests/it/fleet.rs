//! The fleet's files: what is read, what is refused and how that is said, what is written.

mod configured;
mod folders;
mod one;
mod reading;
mod whole;

use basement::cli::config;
use basement::fleet::complaint;
use basement::fleet::yaml::{self, SourceFile};
use basement::model::policy::Catalogue;

const ADA: &str = "fleet/servers/ada-w9rm9sh6.yaml";

pub const GOOD: &str = "\
server: ada-w9rm9sh6
user: ada
customer: cus_QX1
subscription: sub_1PqXyZ
plan: pro
price: { amount: 3500, currency: usd, every: month }
state: running
because: subscription active
since: 2026-11-02T09:14:00Z
";

const EXTRA: &str = "\
server: wiki
user: staff
plan: basic
because: our own wiki
since: 2026-11-02
";

/// The repository's own catalogue.
pub fn catalogue() -> Catalogue {
    config::parse(include_str!("../../basement.toml")).expect("our own basement.toml").catalogue
}

fn sources(files: &[(&str, String)]) -> Vec<SourceFile> {
    files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).to_owned(), bytes: text.clone().into_bytes() })
        .collect()
}

fn complaints(files: &[(&str, String)]) -> String {
    complaints_of(&sources(files))
}

fn complaints_of(files: &[SourceFile]) -> String {
    complaint::page(&yaml::parse(files, &catalogue()).expect_err("something is wrong with it"))
}
