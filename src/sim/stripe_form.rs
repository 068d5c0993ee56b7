//! Stripe's form-encoded parameters: `expand[]=a&metadata[x]=y`, kept flat under their bracketed names.
//! Invariant: the same parameters in any order make the same form.

use std::collections::BTreeMap;

use crate::model::moment::Moment;

use super::billing::Refusal;

/// Parameters by their full name; `[]` becomes `[0]`, `[1]`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a query or a body.
    pub fn parse(text: &str) -> Self {
        let mut form = Self::default();
        // A URL's query has the same encoding as a form, and its parser forgives everything.
        let url = reqwest::Url::parse(&format!("http://form.invalid/?{}", text.replace('#', "%23")));
        for (name, value) in url.iter().flat_map(reqwest::Url::query_pairs) {
            form.put(&name, &value);
        }
        form
    }

    /// Adds one parameter.
    pub fn put(&mut self, name: &str, value: &str) {
        let name = match name.strip_suffix("[]") {
            Some(list) => format!("{list}[{}]", self.0.keys().filter(|key| top(key) == list).count()),
            None => name.to_owned(),
        };
        self.0.insert(name, value.to_owned());
    }

    /// Both, as a DELETE may have them.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Refuses what Stripe does not know, and what this simulator does not serve.
    pub fn only(&self, served: &[&str]) -> Result<(), Refusal> {
        for name in self.0.keys().map(|name| top(name)) {
            if !served.contains(&name) {
                let text = format!("Received unknown parameter: {name}");
                return Err(Refusal::invalid(Some("parameter_unknown"), text, name));
            }
        }
        Ok(())
    }

    /// A plain value.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A list, or one plain value.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| top(key) == name).map(|(_, value)| value.as_str()).collect()
    }

    /// `name[key]=value`; `name=` alone gives none.
    pub fn map(&self, name: &str) -> BTreeMap<String, String> {
        let inner =
            |key: &str| Some(key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        self.0.iter().filter_map(|(key, value)| Some((inner(key)?, value.clone()))).collect()
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let bad = |text: &str| {
            let text = format!("Invalid integer: {text}");
            Refusal::invalid(Some("parameter_invalid_integer"), text, name)
        };
        self.text(name).map(|text| text.parse().map_err(|_| bad(text))).transpose()
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(Refusal::invalid(None, format!("Invalid boolean: {text}"), name)),
        }
    }

    /// Whether a time passes `created` or `created[gt|gte|lt|lte]`.
    pub fn admits(&self, created: Moment) -> Result<bool, Refusal> {
        let created = created.unix();
        let passes = |name: &str, test: fn(i64, i64) -> bool| {
            self.integer(name).map(|bound| bound.is_none_or(|bound| test(created, bound)))
        };
        Ok(passes("created", |a, b| a == b)?
            && passes("created[gt]", |a, b| a > b)?
            && passes("created[gte]", |a, b| a >= b)?
            && passes("created[lt]", |a, b| a < b)?
            && passes("created[lte]", |a, b| a <= b)?)
    }
}

fn top(name: &str) -> &str {
    name.split_once('[').map_or(name, |(top, _)| top)
}
