//! Holds requests and readers against Stripe's own document, in the folder that `BASEMENT_SPECS` names.
//! Without it, nothing is checked here, and in CI that is a failure.

use basement::wire::stripe as wire;
use basement::wire::stripe_money::{Charge, Intent, Invoice, InvoicePayment, refund};
use serde_json::{Value, json};

use crate::contract::folder;
use crate::stripe_script::Asked;

/// Panics if a request has a path, a parameter, a field or a value that Stripe does not have.
pub fn check_request(asked: &Asked) {
    let Some(spec) = load("stripe.openapi.json") else { return };
    let call = format!("{} {}", asked.method, asked.path);
    let paths = spec["paths"].as_object().unwrap();
    let (_, path) =
        paths.iter().find(|(name, _)| fits(name, &asked.path)).unwrap_or_else(|| panic!("no {call}"));
    let operation = &path[asked.method.to_lowercase()];
    assert!(operation.is_object(), "no {call}");
    for (name, value) in &asked.query {
        let head = name.split('[').next().unwrap();
        let parameters = operation["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|p| p["in"] == "query" && p["name"] == head);
        let parameter = parameter.unwrap_or_else(|| panic!("{call} has no parameter `{name}`"));
        check_value(&call, name, value, &parameter["schema"]);
    }
    let schema = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    for (name, value) in &asked.form {
        check_value(&call, name, value, &json!({"type": "object", "properties": schema["properties"]}));
    }
    let keyed = operation["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "Idempotency-Key");
    assert!(keyed || asked.header("idempotency-key").is_none(), "{call} takes no key");
}

/// `name` is like `expand[0]` or `metadata[basement_step]`; descends as it says.
fn check_value(call: &str, name: &str, value: &str, schema: &Value) {
    let mut steps = name.split(['[', ']']).filter(|step| !step.is_empty()).peekable();
    if schema["properties"].is_null() {
        steps.next();
    }
    let fits = descend(schema, &mut steps.collect::<Vec<_>>().as_slice(), value);
    assert!(fits, "{call}: `{name}` may not be `{value}`");
}

fn descend(schema: &Value, steps: &mut &[&str], value: &str) -> bool {
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().any(|choice| descend(choice, &mut &**steps, value));
    }
    if let Some((step, rest)) = steps.split_first() {
        let next = match schema["type"].as_str() {
            Some("array") if step.parse::<usize>().is_ok() => &schema["items"],
            Some("object") if schema["properties"][step].is_object() => &schema["properties"][step],
            Some("object") => &schema["additionalProperties"],
            _ => &Value::Null,
        };
        return next.is_object() && descend(next, &mut &*rest, value);
    }
    let listed = schema["enum"].as_array().is_none_or(|values| values.iter().any(|v| v == value));
    let short = schema["maxLength"].as_u64().is_none_or(|max| value.len() as u64 <= max);
    let typed = match schema["type"].as_str() {
        Some("integer") => value.parse::<i64>().is_ok(),
        Some("boolean") => matches!(value, "true" | "false"),
        kind => kind == Some("string"),
    };
    listed && short && typed
}

fn fits(template: &str, path: &str) -> bool {
    let (left, right): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.starts_with('{') || *l == r)
}

fn load(file: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(folder()?.join(file)).unwrap()).unwrap())
}

#[test]
fn every_example_of_stripe_can_be_read() {
    let Some(examples) = load("stripe.examples.json") else { return };
    let take = |name: &str| examples[name].clone();
    let subscription = wire::subscription(take("subscription")).unwrap();
    assert_eq!(subscription.items.len(), 1);
    assert!(subscription.items[0].price.is_ok());
    assert!(!wire::customer(take("customer")).unwrap().deleted);
    assert!(wire::customer(take("deleted_customer")).unwrap().deleted);
    let invoice: Invoice = wire::read(take("invoice")).unwrap();
    assert_eq!(invoice.by_hand(), None);
    wire::read::<InvoicePayment>(take("invoice_payment")).unwrap().source();
    wire::read::<Charge>(take("charge")).unwrap();
    let mut intent = take("payment_intent");
    intent["latest_charge"] = take("charge");
    assert!(wire::read::<Intent>(intent).unwrap().latest_charge.is_some());
    assert!(refund(take("refund")).unwrap().stands());
    let problem = wire::problem(&take("error").to_string()).unwrap();
    assert_eq!(problem.code.as_deref(), Some("charge_already_refunded"));
}

#[test]
fn a_request_that_stripe_does_not_know_is_found_out() {
    let schema = json!({"type": "object", "properties": {
        "reason": {"type": "string", "enum": ["duplicate"]},
        "metadata": {"anyOf": [{"type": "string", "enum": [""]},
            {"type": "object", "additionalProperties": {"type": "string", "maxLength": 5}}]},
        "expand": {"type": "array", "items": {"type": "string"}},
    }});
    let check = |steps: &[&str], value| descend(&schema, &mut &*steps, value);
    assert!(check(&["reason"], "duplicate"));
    assert!(!check(&["reason"], "other"));
    assert!(check(&["metadata", "a"], "short"));
    assert!(!check(&["metadata", "a"], "too long"));
    assert!(check(&["expand", "0"], "x"));
    assert!(!check(&["expand", "x"], "x"));
    assert!(!check(&["unknown"], "x"));
}
