//! Both vendors' answers: samples with one node dropped, replaced or doubled, and JSON out of nowhere.

use basement::model::ids::ServerName;
use basement::wire::stripe_money::{self as money, Charge, Intent, Invoice, InvoicePayment};
use basement::wire::{digitalocean as cloud, stripe};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cases;
use crate::hostile::calls::good;

/// A reader: the ids that it accepts, or `None` where it complains.
type Ids = fn(&Value) -> Option<Vec<String>>;

/// Every reader and the request whose good answer it reads.
fn readers() -> Vec<(&'static str, Ids)> {
    fn items<T>(
        value: &Value,
        read: fn(Value) -> Result<T, String>,
        id: fn(T) -> String,
    ) -> Option<Vec<String>> {
        let page: stripe::Page = stripe::read(value.clone()).ok()?;
        let ids: Result<Vec<String>, String> = page.data.into_iter().map(|item| read(item).map(id)).collect();
        ids.ok()
    }
    #[expect(clippy::unnecessary_wraps, reason = "so that each row is an expression with `?`")]
    fn said(what: impl std::fmt::Display) -> Option<Vec<String>> {
        Some(vec![what.to_string()])
    }
    vec![
        ("GET /v2/droplets?", |v| {
            let page = cloud::droplets(&v.to_string()).ok()?;
            let is_whole = page.items.len() as u64 == page.total && !page.more;
            is_whole.then(|| page.items.iter().map(|d| d.id.to_string()).collect())
        }),
        ("GET /v2/droplets/42 ", |v| said(cloud::droplet(&v.to_string()).ok()?.id)),
        ("POST /v2/droplets ", |v| {
            said(cloud::created(&v.to_string(), &ServerName::parse("ada-7f3k2m9q").expect("a name")).ok()?)
        }),
        ("POST /v2/droplets/42/actions ", |v| cloud::action_status(&v.to_string()).ok().map(|_| Vec::new())),
        ("GET /v2/account ", |v| said(cloud::account(&v.to_string()).ok()?.team)),
        ("GET /v2/sizes?", |v| {
            let page = cloud::sizes(&v.to_string()).ok()?;
            let is_whole = page.items.len() as u64 == page.total && !page.more;
            // A size whose slug is odd can never be asked for.
            let sizes: Option<Vec<_>> = page.items.into_iter().collect();
            sizes.filter(|_| is_whole).map(|all| all.into_iter().map(|(slug, _)| slug.to_string()).collect())
        }),
        ("GET /v1/subscriptions?", |v| {
            let page: stripe::Page = stripe::read(v.clone()).ok()?;
            let reading = stripe::reading(page.data);
            let all = reading.unreadable.is_empty() && !page.has_more;
            all.then(|| reading.subscriptions.iter().map(|s| format!("{} {}", s.id, s.customer)).collect())
        }),
        ("GET /v1/subscriptions/sub_1?", |v| said(stripe::subscription(v.clone()).ok()?.id)),
        ("GET /v1/customers/cus_1 ", |v| said(stripe::customer(v.clone()).ok()?.id)),
        ("GET /v1/invoices?", |v| items(v, stripe::read::<Invoice>, |i| i.id.to_string())),
        ("GET /v1/invoice_payments?", |v| {
            let sources = items(v, stripe::read::<InvoicePayment>, |p| format!("{:?}", p.source()))?;
            // What was paid elsewhere is for a person.
            let by_hand = sources.iter().any(|source| source.starts_with("Elsewhere"));
            (!by_hand).then_some(sources)
        }),
        ("GET /v1/payment_intents/pi_1?", |v| said(stripe::read::<Intent>(v.clone()).ok()?.id)),
        ("GET /v1/charges/ch_1 ", |v| said(stripe::read::<Charge>(v.clone()).ok()?.id)),
        ("GET /v1/refunds?", |v| items(v, money::refund, |r| r.id.to_string())),
        ("POST /v1/refunds ", |v| said(money::refund(v.clone()).ok()?.id)),
    ]
}

/// The JSON pointers of all nodes below the root.
fn nodes(value: &Value, at: &str, out: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, v)| (format!("{at}/{key}"), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (format!("{at}/{n}"), v)).collect(),
        _ => Vec::new(),
    };
    for (pointer, value) in below {
        nodes(value, &pointer, out);
        out.push(pointer);
    }
}

/// What a node is replaced by; a text that no id can be.
fn strangers() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |v, _| json!([v]));
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(1.5),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!("no id \u{202e}\u{1b}[2J"),
        json!("x".repeat(1_000_000)),
        json!([]),
        json!([null]),
        json!({}),
        json!({"id": null}),
        deep,
    ]
}

/// Takes a node away; `false` for an item of a list: who leaves one out there is not caught by any reader.
fn drop_node(value: &mut Value, pointer: &str) -> bool {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(key).is_some(),
        _ => false,
    }
}

#[test]
fn no_mutant_of_a_good_answer_has_other_ids() {
    let mut ran = 0;
    for (request, ids) in readers() {
        let (_, sample) = good(request, false);
        let wanted = ids(&sample).unwrap_or_else(|| panic!("{request}: the sample is good"));
        let mut pointers = Vec::new();
        nodes(&sample, "", &mut pointers);
        for pointer in &pointers {
            let mut mutants: Vec<Value> = strangers()
                .into_iter()
                // Another number is another droplet's, and only the adapter knows which one was asked for.
                .filter(|by| !(by.is_u64() && pointer.ends_with("/id")))
                .map(|by| {
                    let mut mutant = sample.clone();
                    *mutant.pointer_mut(pointer).expect("a node") = by;
                    mutant
                })
                .collect();
            let mut without = sample.clone();
            if drop_node(&mut without, pointer) {
                mutants.push(without);
            }
            for mutant in mutants {
                ran += 1;
                let is_emptied = ["/data", "/sizes", "/regions"].iter().any(|list| pointer.ends_with(list));
                match ids(&mutant) {
                    // A list that is empty is a good one, as far as one answer can tell.
                    Some(found) if found != wanted && !(is_emptied && found.is_empty()) => {
                        // An account without a team is its user's own: the guard knows the difference.
                        let text: String = mutant.to_string().chars().take(600).collect();
                        panic!("{request} {pointer}: {found:?}, not {wanted:?}: {text}")
                    }
                    _ => {}
                }
            }
        }
    }
    println!("mutants: {ran}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("id"),
        Just("data"),
        Just("droplets"),
        Just("droplet"),
        Just("meta"),
        Just("total"),
        Just("links"),
        Just("error"),
        Just("type"),
        Just("code"),
        Just("message"),
        Just("items"),
        Just("price"),
        Just("status"),
        Just("has_more"),
        Just("metadata"),
        Just("customer"),
        Just("latest_invoice"),
        Just("action"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((words.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_json_makes_a_reader_panic(value in any_json()) {
        for (_, ids) in readers() {
            let _ = ids(&value);
        }
        let text = value.to_string();
        let _ = stripe::problem(&text);
        let _ = cloud::Problem::read(422, &text, "scopes");
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        which in 0..15usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let (request, ids) = readers()[which];
        let mut bytes = good(request, false).1.to_string().into_bytes();
        for (at, by) in changes {
            let at = at.index(bytes.len());
            bytes[at] = by;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = (cloud::droplets(&text), cloud::droplet(&text), cloud::sizes(&text), cloud::account(&text));
        let _ = (cloud::image(&text), cloud::ssh_key(&text));
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let _ = ids(&value);
        }
        let _ = stripe::problem(&text);
    }
}
