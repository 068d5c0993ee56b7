//! Exhaustive faults: every call of every scenario fails before and after, kills the program before and
//! after, and happens twice; and pairs of them. The laws hold all the same.

use basement::rehearse::faults::{exhaust, pairs, rehearse, scenarios, spoilt};
use basement::rehearse::stage::Stage;
use basement::sim::dice::Dice;

/// Pairs of each scenario that are tried here, unoptimised; `basement rehearse --faults` tries them all, and so
/// does this with `BASEMENT_PAIRS=all`.
const PAIRS: usize = 600;

#[test]
fn no_single_fault_breaks_a_law() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut broken = Vec::new();
    for scenario in scenarios() {
        let verdict = runtime.block_on(exhaust(&scenario, Stage::default));
        println!("{}: {} runs, {} broken laws", scenario.name, verdict.runs, verdict.broken.len());
        broken.extend(verdict.broken);
    }
    assert!(broken.is_empty(), "{} broken laws:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn no_pair_of_faults_breaks_a_law() {
    let wanted = match std::env::var("BASEMENT_PAIRS") {
        Ok(text) if text == "all" => usize::MAX,
        Ok(text) => text.parse().expect("`all` or a number"),
        Err(_) => PAIRS,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut broken = Vec::new();
    for scenario in scenarios().into_iter().filter(|scenario| scenario.has_pairs) {
        let (calls, _) = runtime.block_on(rehearse(&scenario, Stage::default));
        let mut pairs = pairs(calls);
        let (all, mut dice) = (pairs.len(), Dice::new(1));
        while pairs.len() > wanted {
            pairs.swap_remove(usize::try_from(dice.below(pairs.len() as u64)).expect("an index"));
        }
        println!("{}: {} of {all} pairs of its {calls} calls", scenario.name, pairs.len());
        for pair in pairs {
            broken.extend(runtime.block_on(spoilt(&scenario, Stage::default, &pair)));
        }
    }
    assert!(broken.is_empty(), "{} broken laws:\n{}", broken.len(), broken.join("\n"));
}
