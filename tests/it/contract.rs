//! The vendors' own OpenAPI documents as judges of what we send and of what the simulator answers.
//! They are in the folder named by `BASEMENT_SPECS`; without it there is nothing to judge by.

mod simulator;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Both vendors' documents: `/v2/…` is DigitalOcean's, `/v1/…` Stripe's.
pub struct Spec {
    digitalocean: Value,
    stripe: Value,
    compiled: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// The folder of the documents. None if `BASEMENT_SPECS` does not name one, which is said on stderr.
///
/// # Panics
/// In CI (`CI=true`), if there is none.
pub fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("BASEMENT_SPECS") {
        return Some(PathBuf::from(folder));
    }
    let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(
        !required,
        "contracts are required here: set BASEMENT_SPECS to the folder of the vendors' documents"
    );
    eprintln!("contracts are not checked: set BASEMENT_SPECS to the folder of the vendors' documents");
    None
}

/// A form's fields (`metadata[a]=1&amount=100`) as the object that a request's schema describes: whole
/// numbers and booleans as such, except in metadata.
pub fn form(text: &str) -> Value {
    let url = reqwest::Url::parse(&format!("http://localhost/?{text}")).expect("a form is a query");
    let mut body = json!({});
    for (key, value) in url.query_pairs() {
        let plain = key.starts_with("metadata[");
        let value = match (value.parse::<i64>(), value.parse::<bool>()) {
            (Ok(number), _) if !plain => json!(number),
            (_, Ok(truth)) if !plain => json!(truth),
            _ => json!(value),
        };
        let mut place = &mut body;
        for word in key.split('[').map(|word| word.trim_end_matches(']')) {
            let list = word.is_empty() || word.bytes().all(|b| b.is_ascii_digit());
            if list && place.is_null() {
                *place = json!([]);
            }
            place = match place {
                Value::Array(items) => {
                    items.push(Value::Null);
                    items.last_mut().expect("was pushed")
                }
                other => &mut other[word],
            };
        }
        *place = value;
    }
    body
}

impl Spec {
    /// Loads the documents, if there are any; see [`folder`].
    pub fn load() -> Option<Self> {
        let folder = folder()?;
        Some(Self {
            digitalocean: document(&folder.join("digitalocean.openapi.json")),
            stripe: document(&folder.join("stripe.openapi.json")),
            compiled: Mutex::default(),
        })
    }

    /// Checks an answer's JSON (`Null` for an empty body); the complaints, each with its place.
    pub fn check_answer(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
        let (document, template, operation) = self.operation(method, path)?;
        let responses = &operation["responses"];
        let (key, found) = [status.to_string(), "default".to_owned()]
            .into_iter()
            .find_map(|key| Some((key.clone(), responses.get(&key)?)))
            .ok_or_else(|| format!("{method} {template} may not answer {status}"))?;
        let response = resolve(document, found);
        let name = format!("{method} {template} -> {key}");
        match schema_of(response) {
            Some(schema) => self.check(&name, document, schema, body),
            None if body.is_null() => Ok(()),
            None => Err(format!("{name}: the document knows of no body")),
        }
    }

    /// Checks a request's body; a form goes through [`form`] first.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let (document, template, operation) = self.operation(method, path)?;
        let name = format!("{method} {template} <-");
        match operation.get("requestBody").and_then(|found| schema_of(resolve(document, found))) {
            Some(schema) => self.check(&name, document, schema, body),
            None if body.is_null() => Ok(()),
            None => Err(format!("{name}: the document knows of no body")),
        }
    }

    /// Checks that the document knows every parameter of a query (`page=2&per_page=200`).
    pub fn check_query(&self, method: &str, path: &str, query: &str) -> Result<(), String> {
        let (document, template, operation) = self.operation(method, path)?;
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let known: Vec<&str> = parameters
            .iter()
            .map(|found| resolve(document, found))
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let key = pair.split('=').next().unwrap_or_default().replace("%5B", "[").replace("%5D", "]");
            let base = key.split('[').next().unwrap_or_default();
            if !known.contains(&base) {
                return Err(format!("{method} {template}: the document knows no `{key}`"));
            }
        }
        Ok(())
    }

    fn operation(&self, method: &str, path: &str) -> Result<(&Value, &str, &Value), String> {
        let document = if path.starts_with("/v1/") { &self.stripe } else { &self.digitalocean };
        let paths = document["paths"].as_object().expect("a document has paths");
        let template = paths
            .keys()
            .filter(|template| fits(template, path))
            .min_by_key(|template| template.matches('{').count())
            .ok_or_else(|| format!("the document knows no path {path}"))?;
        let operation = paths[template.as_str()].get(method.to_ascii_lowercase());
        let operation = operation.ok_or_else(|| format!("the document knows no {method} {template}"))?;
        Ok((document, template, operation))
    }

    fn check(&self, name: &str, document: &Value, schema: &Value, body: &Value) -> Result<(), String> {
        let validator = {
            let mut compiled = self.compiled.lock().expect("no test panics while compiling");
            let known = compiled.entry(name.to_owned()).or_insert_with(|| {
                let whole = json!({ "components": document["components"], "allOf": [schema] });
                Arc::new(jsonschema::draft4::new(&whole).expect("the document is a good schema"))
            });
            known.clone()
        };
        let wrong: Vec<String> = validator
            .iter_errors(body)
            .take(5)
            .map(|error| format!("{name}: at `{}`: {error}", error.instance_path()))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

fn document(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut document: Value = serde_json::from_str(&text).expect("the document is JSON");
    translate(&mut document);
    document
}

/// From OpenAPI 3.0's dialect to plain JSON Schema: `nullable` becomes a type, examples are dropped.
fn translate(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(translate),
        Value::Object(map) => {
            map.remove("discriminator");
            if !map.get("example").is_some_and(|e| e.get("type").is_some() || e.get("$ref").is_some()) {
                map.remove("example");
            }
            map.values_mut().for_each(translate);
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                *value = nullable(std::mem::take(map));
            }
        }
        _ => {}
    }
}

fn nullable(mut map: Map<String, Value>) -> Value {
    let plain = !["allOf", "anyOf", "oneOf", "$ref"].iter().any(|key| map.contains_key(*key));
    match map.get("type").cloned() {
        Some(kind) if plain => {
            map.insert("type".to_owned(), json!([kind, "null"]));
            if let Some(Value::Array(values)) = map.get_mut("enum") {
                values.push(Value::Null);
            }
            Value::Object(map)
        }
        _ => json!({ "anyOf": [Value::Object(map), { "type": "null" }] }),
    }
}

fn resolve<'a>(document: &'a Value, found: &'a Value) -> &'a Value {
    match found.get("$ref").and_then(Value::as_str) {
        Some(pointer) => {
            document.pointer(pointer.trim_start_matches('#')).expect("references lead somewhere")
        }
        None => found,
    }
}

fn schema_of(holder: &Value) -> Option<&Value> {
    holder.get("content")?.as_object()?.values().next()?.get("schema")
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(word, given)| word.starts_with('{') || word == given)
}
