//! What a failed answer of DigitalOcean says, in words for a person, with a cure.
//! Takes both of its error shapes, and a proxy's HTML. Decisions rest on status and id; texts only hint.

use serde_json::Value;

/// What a failed answer says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// DigitalOcean's `id` (`unprocessable_entity`).
    pub code: Option<String>,
    /// Its message, or what stands in for one, with a hint.
    pub message: String,
    /// Its `request_id`.
    pub request_id: Option<String>,
    /// It has one of DigitalOcean's two shapes, so it is no proxy's.
    pub is_theirs: bool,
}

impl Problem {
    /// Reads a failed answer. `scopes` names what a token needs for this call.
    pub fn read(status: u16, body: &str, scopes: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let said = text("message").filter(|_| value.get("id").is_some()).or_else(|| joined(&value));
        let is_theirs = said.is_some();
        let said = said.or_else(|| text("message")).unwrap_or_else(|| unsaid(status, body));
        let hint = hint(status, &said, scopes);
        let message = if hint.is_empty() { said } else { format!("{said}; hint: {hint}") };
        Self { code: text("id"), message, request_id: text("request_id"), is_theirs }
    }
}

/// A 422 because another event runs on the droplet.
/// Source: observed "Droplet already has a pending event." and "there are currently blocking events …".
pub fn says_busy(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("pending event") || message.contains("blocking event")
}

/// A 422 because the power already is `on` or `off`.
/// Source: observed "Droplet is already powered off."
pub fn says_already(message: &str, wanted: &str) -> bool {
    message.to_ascii_lowercase().contains(&format!("already powered {wanted}"))
}

/// The second error shape: `{"error": …, "messages": […], "root_causes": […]}`.
fn joined(value: &Value) -> Option<String> {
    let error = value.get("error")?.as_str()?.to_owned();
    let more = value.get("messages").and_then(Value::as_array).into_iter().flatten();
    Some(more.filter_map(Value::as_str).fold(error, |all, one| format!("{all}: {one}")))
}

fn unsaid(status: u16, body: &str) -> String {
    let title = body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    match title {
        Some((title, _)) => format!("a web page instead of an answer, `{}`", title.trim()),
        None if body.trim().is_empty() => format!("status {status} without a word"),
        None => format!("status {status} with an answer that says no reason"),
    }
}

fn hint(status: u16, said: &str, scopes: &str) -> String {
    let said = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match status {
        401 => "check that `DIGITALOCEAN_TOKEN` is whole, not expired and not revoked".to_owned(),
        403 => format!("the token may not do this; give it the scopes {scopes}"),
        429 => "the token's request budget is spent, perhaps by another program that uses it".to_owned(),
        300..=399 => "redirects are never followed; check `DIGITALOCEAN_API_URL`".to_owned(),
        409 if has(&["duplicate name"]) => {
            "somebody made a firewall of this name just now; the next pass finds it".to_owned()
        }
        422 if has(&["droplet limit"]) => {
            "ask DigitalOcean for a higher droplet limit, or destroy droplets that are not needed".to_owned()
        }
        422 if has(&["not available", "unavailable", "sold out"]) => {
            "name another region or size in the plan or in an override".to_owned()
        }
        422 if has(&["invalid size"]) => {
            "check `size` of the plan in basement.toml, or of an override in fleet/overrides".to_owned()
        }
        422 if has(&["image"]) => "check `image` in basement.toml; old images are withdrawn".to_owned(),
        422 if has(&["ssh", "key"]) => "check `ssh_keys` in basement.toml against the team's keys".to_owned(),
        500..=599 => "the trouble is at DigitalOcean; look at its status page".to_owned(),
        _ => String::new(),
    }
}
