//! Fuzz: whatever stands in a file or an answer, no parser panics, none takes a different set of ids for
//! good, and nothing that was read is printed raw. `PROPTEST_CASES` asks for more.

mod answers;
mod texts;

use proptest::prelude::ProptestConfig;

/// So many cases, or what the environment says.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}
