//! Exhaustive faults: every call of every scenario fails before and after, kills the program before and
//! after, and happens twice; the laws hold all the same.

use basement::rehearse::faults::{Scenario, exhaust, scenarios};
use basement::rehearse::stage::Stage;

#[test]
fn no_single_fault_breaks_a_law() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut broken = Vec::new();
    for scenario in scenarios() {
        let verdict = runtime.block_on(exhaust(&scenario, Stage::default));
        println!("{}: {} runs, {} broken laws", name(&scenario), verdict.runs, verdict.broken.len());
        broken.extend(verdict.broken);
    }
    assert!(broken.is_empty(), "{} broken laws:\n{}", broken.len(), broken.join("\n"));
}

fn name(scenario: &Scenario) -> &str {
    scenario.name
}
