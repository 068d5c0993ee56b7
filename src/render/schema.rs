//! JSON Schemas of what programs read, made from the very types that are written.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::Value;

use super::events::EventLine;
use super::json::PlanDocument;

/// The names of all schemas.
pub const NAMES: [&str; 2] = ["event", "plan"];

/// A schema by its name: a document (`plan`), or each line of a stream (`event`).
pub fn schema(name: &str) -> Option<Value> {
    match name {
        "event" => Some(of::<EventLine>()),
        "plan" => Some(of::<PlanDocument>()),
        _ => None,
    }
}

fn of<T: JsonSchema>() -> Value {
    // What is written, not what is read: a field with a default is still always there.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value()
}
