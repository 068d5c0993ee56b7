//! A hostile text in every place of a plan that takes any text. The places are not listed but found: whatever
//! string of the rich sample can be another one and still be read is one that the outside may fill.

use std::sync::LazyLock;

use basement::model::insight::Insight;
use basement::model::plan::Plan;
use serde_json::{Value, json};

use super::{known, sample};

/// A text that is no id, no slug, no moment, and no word of ours.
const PROBE: &str = "A text, of anybody.";

static SAMPLE: LazyLock<Value> = LazyLock::new(|| {
    let plan = sample::rich();
    let insight = known::insight(&plan);
    json!({ "plan": plan, "insight": insight })
});

/// The places, as JSON pointers.
pub static PLACES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut all = Vec::new();
    strings(&SAMPLE, &mut String::new(), &mut all);
    let takes_any = |place: &String| {
        let mut value = SAMPLE.clone();
        *value.pointer_mut(place).expect("its place") = PROBE.into();
        let part = if place.starts_with("/plan") { "plan" } else { "insight" };
        match part {
            "plan" => serde_json::from_value::<Plan>(value["plan"].take()).is_ok(),
            _ => serde_json::from_value::<Insight>(value["insight"].take()).is_ok(),
        }
    };
    all.into_iter().filter(takes_any).collect()
});

/// The rich sample with this text in all of them.
pub fn poisoned(text: &str) -> (Plan, Insight) {
    let mut value = SAMPLE.clone();
    for place in PLACES.iter() {
        *value.pointer_mut(place).expect("its place") = text.into();
    }
    let plan = serde_json::from_value(value["plan"].take()).expect("a plan");
    (plan, serde_json::from_value(value["insight"].take()).expect("an insight"))
}

fn strings(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    let mut step = |key: &str, value: &Value, found: &mut Vec<String>| {
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        strings(value, path, found);
        path.truncate(length);
    };
    match value {
        Value::String(_) => found.push(path.clone()),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, v)| step(&n.to_string(), v, found)),
        Value::Object(map) => map.iter().for_each(|(key, v)| step(key, v, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_kind_of_place_is_found() {
    // Numbers of the list taken out: each is a kind.
    let kinds: std::collections::BTreeSet<String> = PLACES
        .iter()
        .map(|place| {
            place.split('/').filter(|part| part.parse::<u64>().is_err()).collect::<Vec<_>>().join("/")
        })
        .collect();
    insta::assert_snapshot!("poisoned_places", kinds.into_iter().collect::<Vec<_>>().join("\n"));
}
