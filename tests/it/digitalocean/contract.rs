//! What the adapter sends, checked against DigitalOcean's own document (`BASEMENT_SPECS`).

use basement::model::ids::{DropletId, ServerName};
use basement::ports::{Cloud, PowerCall};
use serde_json::{Value, json};

use super::firewalls::{self, ID, listing, shown};
use super::{Bench, acted, created, order, page};
use crate::scripted::{Canned, Seen};

#[tokio::test]
async fn requests_obey_the_vendors_document() {
    let Some(folder) = crate::contract::folder() else { return };
    let text = std::fs::read_to_string(folder.join("digitalocean.openapi.json")).expect("the document");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    without_nullable(&mut document);
    let requests = session().await;
    assert_eq!(requests.len(), 15);
    for seen in &requests {
        let (path, query) = seen.uri.split_once('?').unwrap_or((&seen.uri, ""));
        let template = path.replace("/42", "/{droplet_id}").replace(ID, "{firewall_id}");
        let template = template.replace("/ubuntu-22-04-x64", "/{image_id}");
        let operation = &document["paths"][&template][seen.method.to_lowercase()];
        assert!(operation.is_object(), "{} {template} is not documented", seen.method);
        check_query(&document, operation, query);
        if seen.body.is_empty() {
            assert!(operation.get("requestBody").is_none(), "{template} wants a body");
        } else {
            let body = serde_json::from_str(&seen.body).expect("JSON");
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            check(&document, schema, &body);
        }
    }
    // The check itself can fail.
    let create = &document["paths"]["/v2/droplets"]["post"]["requestBody"]["content"]["application/json"];
    assert!(!validator(&document, &create["schema"]).is_valid(&json!({"name": "under_score"})));
}

/// One of every call.
async fn session() -> Vec<Seen> {
    let empty = || Canned::json(200, &page([], 0, None));
    let sizes = Canned::json(200, &json!({"sizes": [], "links": {}, "meta": {"total": 0}}));
    let account = Canned::json(200, &json!({"account": {"uuid": "u", "status": "active"}}));
    let pages = [page(1..=200, 201, Some("/x")), page([201], 201, None)].map(|body| Canned::json(200, &body));
    let gone = Canned::json(404, &json!({"id": "not_found", "message": "gone"}));
    let wall = |status| Canned::json(status, &json!({"firewall": shown()}));
    let tag = Canned::json(201, &json!({"tag": {"name": "basement"}}));
    let walls = [tag, listing(&[shown()]), wall(202), wall(200)];
    let rest = [empty(), gone, created(42), acted(), acted(), Canned::text(204, ""), account, sizes];
    let image = Canned::json(200, &json!({"image": {"slug": "ubuntu-22-04-x64", "status": "available"}}));
    let bench = Bench::new(pages.into_iter().chain(rest).chain(walls).chain([image])).await;
    let (cloud, id) = (&bench.cloud, DropletId(42));
    cloud.droplets().await.expect("a listing");
    cloud.find(&ServerName::parse("ada-7f3k2m9q").expect("a name")).await.expect("a listing");
    cloud.droplet(id).await.expect("an answer");
    cloud.create(&order(), "#cloud-config\n").await.expect("a droplet");
    cloud.power(id, PowerCall::Shutdown).await.expect("accepted");
    cloud.power(id, PowerCall::On).await.expect("accepted");
    cloud.destroy(id).await.expect("accepted");
    cloud.account().await.expect("an account");
    cloud.sizes().await.expect("sizes");
    cloud.ensure_tag("basement").await.expect("a tag");
    cloud.firewalls().await.expect("a listing");
    cloud.put_firewall(&firewalls::order(None)).await.expect("accepted");
    cloud.put_firewall(&firewalls::order(Some(ID))).await.expect("accepted");
    cloud.image(&order().spec.image).await.expect("an answer");
    bench.server.seen()
}

fn check_query(document: &Value, operation: &Value, query: &str) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').expect("a pair");
        let parameters = operation["parameters"].as_array().expect("parameters");
        let parameter = parameters
            .iter()
            .map(|parameter| match parameter["$ref"].as_str() {
                Some(pointer) => document.pointer(pointer.trim_start_matches('#')).expect("a parameter"),
                None => parameter,
            })
            .find(|parameter| parameter["name"] == key && parameter["in"] == "query")
            .unwrap_or_else(|| panic!("`{key}` is not documented"));
        let value = match parameter["schema"]["type"].as_str() {
            Some("integer") => json!(value.parse::<u64>().expect("a number")),
            _ => json!(value),
        };
        check(document, &parameter["schema"], &value);
    }
}

fn check(document: &Value, schema: &Value, value: &Value) {
    let complaints: Vec<String> =
        validator(document, schema).iter_errors(value).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{value}: {complaints:?}");
}

fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    // A `$ref` beside other keys would hide them in draft 4.
    let root = match root["$ref"].take() {
        Value::Null => {
            root.as_object_mut().expect("a schema").remove("$ref");
            root
        }
        pointer => json!({"allOf": [{"$ref": pointer}], "components": document["components"]}),
    };
    jsonschema::draft4::new(&root).expect("a schema")
}

/// OpenAPI 3.0 says `nullable: true` where JSON Schema adds `null` to the types (and to the values of an enum).
fn without_nullable(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                if let Some(Value::String(kind)) = map.get("type").cloned() {
                    map.insert("type".to_owned(), json!([kind, "null"]));
                }
                if let Some(Value::Array(values)) = map.get_mut("enum") {
                    values.push(Value::Null);
                }
            }
            map.values_mut().for_each(without_nullable);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nullable),
        _ => {}
    }
}
