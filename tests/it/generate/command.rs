//! The command on a real folder: what it shows, writes and exits with.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use async_trait::async_trait;
use basement::cli::generate::{GenerateArgs, run};
use basement::cli::init::{self, InitArgs};
use basement::model::billing::{Customer, Payment, Reading, Refund, RefundOrder, Subscription};
use basement::model::ids::{CustomerId, InvoiceId, StepId, SubscriptionId};
use basement::model::insight::Happening;
use basement::model::moment::Moment;
use basement::model::money::Money;
use basement::ports::{Billing, Fault};

use super::{NOW, at, paid, reading, sub};

/// A Stripe that lists these; the first invoice of every `sub_paid…` is paid.
struct Stripe(Result<Reading, Fault>);

#[async_trait]
impl Billing for Stripe {
    async fn subscriptions(&self) -> Result<Reading, Fault> {
        self.0.clone()
    }
    async fn subscription(&self, _: &SubscriptionId) -> Result<Option<Subscription>, Fault> {
        Err(Fault::refused("subscription", "not asked here"))
    }
    async fn customer(&self, _: &CustomerId) -> Result<Option<Customer>, Fault> {
        Err(Fault::refused("customer", "not asked here"))
    }
    async fn payment(&self, id: &SubscriptionId, at: Moment) -> Result<Option<Payment>, Fault> {
        if id.as_str().starts_with("sub_broken") {
            return Err(Fault::refused("GET /v1/invoices", "no such thing"));
        }
        Ok(id.as_str().starts_with("sub_paid").then(|| Payment {
            invoice: InvoiceId::parse("in_0").unwrap(),
            created: at,
            amount_paid: Money::usd(3500),
            parts: Vec::new(),
            by_hand: None,
        }))
    }
    async fn refund(&self, _: &RefundOrder, _: &StepId, _: u32) -> Result<Refund, Fault> {
        Err(Fault::refused("refund", "not asked here"))
    }
    async fn events(&self, _: &BTreeSet<&'static str>, _: Moment) -> Result<Vec<Happening>, Fault> {
        Err(Fault::refused("events", "not asked here"))
    }
    async fn cancel(&self, _: &SubscriptionId) -> Result<(), Fault> {
        Err(Fault::refused("cancel", "not asked here"))
    }
}

fn repository() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    init::run(&InitArgs {}, root.path(), &[], &mut Vec::new()).unwrap();
    root
}

async fn generate(root: &Path, subs: &[Subscription], change: impl Fn(&mut GenerateArgs)) -> (u8, String) {
    ran(root, Stripe(Ok(reading(subs))), change).await
}

async fn ran(root: &Path, stripe: Stripe, change: impl Fn(&mut GenerateArgs)) -> (u8, String) {
    let mut args = GenerateArgs { allow: Vec::new(), check: false };
    change(&mut args);
    let (mut out, mut talk) = (Vec::new(), Vec::new());
    let code = run(&args, &stripe, at(NOW), root, false, &mut out, &mut talk).await.unwrap();
    talk.extend(out);
    (code, String::from_utf8(talk).unwrap())
}

fn servers(root: &Path) -> usize {
    let entries = fs::read_dir(root.join("fleet/servers")).unwrap();
    entries.filter(|e| e.as_ref().unwrap().path().extension().is_some()).count()
}

#[tokio::test]
async fn first_a_server_then_nothing_then_a_change() {
    let root = repository();
    let (code, said) = generate(root.path(), &[paid("sub_1", "active")], |_| {}).await;
    insta::assert_snapshot!(said, @r#"
    --- /dev/null
    +++ b/fleet/servers/ada-l-2eg7dz77.yaml
    @@ -0,0 +1,10 @@
    +# Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.
    +server: ada-l-2eg7dz77
    +user: ada-l
    +customer: cus_QX1
    +subscription: sub_1
    +plan: pro
    +price: { amount: 3500, currency: usd, every: month }
    +state: running
    +because: subscription active
    +since: 2026-11-02T09:14:00Z
    generate: 1 new, 0 changed, 0 as before
    "#);
    assert_eq!((code, servers(root.path())), (0, 1));
    let (code, said) = generate(root.path(), &[paid("sub_1", "active")], |_| {}).await;
    insta::assert_snapshot!(said, @"generate: 0 new, 0 changed, 1 as before");
    assert_eq!(code, 0);
    let (code, said) = generate(root.path(), &[sub("sub_1", "unpaid")], |_| {}).await;
    insta::assert_snapshot!(said, @r#"
    --- a/fleet/servers/ada-l-2eg7dz77.yaml
    +++ b/fleet/servers/ada-l-2eg7dz77.yaml
    @@ -5,6 +5,7 @@
     subscription: sub_1
     plan: pro
     price: { amount: 3500, currency: usd, every: month }
    -state: running
    -because: subscription active
    -since: 2026-11-02T09:14:00Z
    +state: stopped
    +because: subscription unpaid
    +since: 2026-11-20T12:00:00Z
    +destroy_after: 2026-12-04T12:00:00Z
    generate: 0 new, 1 changed, 0 as before
    "#);
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_check_writes_nothing() {
    let root = repository();
    let (code, said) = generate(root.path(), &[paid("sub_1", "active")], |args| args.check = true).await;
    assert!(said.contains("+state: running"), "{said}");
    assert_eq!((code, servers(root.path())), (2, 0));
    let (code, _) = generate(root.path(), &[], |args| args.check = true).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn whether_it_is_paid_is_asked_where_the_listing_does_not_say() {
    let root = repository();
    let subs = ["sub_paid_1", "sub_open", "sub_broken"].map(|name| sub(name, "active"));
    let (code, said) = generate(root.path(), &subs, |_| {}).await;
    insta::assert_snapshot!(said, @r#"
    ! sub_broken: active, but its first invoice is not paid yet: no server until it is
    ! sub_open: active, but its first invoice is not paid yet: no server until it is
    stripe:sub_broken: whether its first invoice is paid could not be asked: `GET /v1/invoices`: no such thing
      hint: is STRIPE_API_KEY the right key?
    --- /dev/null
    +++ b/fleet/servers/ada-l-w15zf78r.yaml
    @@ -0,0 +1,10 @@
    +# Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.
    +server: ada-l-w15zf78r
    +user: ada-l
    +customer: cus_QX1
    +subscription: sub_paid_1
    +plan: pro
    +price: { amount: 3500, currency: usd, every: month }
    +state: running
    +because: subscription active
    +since: 2026-11-02T09:14:00Z
    generate: 1 new, 0 changed, 0 as before; 1 complaint, and what it is about is left as it was
    "#);
    assert_eq!((code, servers(root.path())), (5, 1));
}

#[tokio::test]
async fn a_refusal_writes_nothing_until_it_is_permitted_by_name() {
    let root = repository();
    generate(root.path(), &[paid("sub_1", "active")], |_| {}).await;
    let other = [paid("sub_2", "active")];
    let (code, said) = generate(root.path(), &other, |args| args.allow = vec!["shrink".to_owned()]).await;
    assert!(said.contains("refused: ") && said.contains("--allow other-account"), "{said}");
    assert_eq!((code, servers(root.path())), (3, 1));
    let (code, _) = generate(root.path(), &other, |args| args.allow = vec!["other-account".to_owned()]).await;
    assert_eq!((code, servers(root.path())), (5, 2));
}

#[tokio::test]
async fn no_stripe_and_no_good_files_are_errors() {
    let root = repository();
    let (code, said) =
        ran(root.path(), Stripe(Err(Fault::refused("GET /v1/subscriptions", "no"))), |_| {}).await;
    insta::assert_snapshot!(said, @r#"
    error: `GET /v1/subscriptions`: no
    hint: is STRIPE_API_KEY the right key?
    "#);
    assert_eq!(code, 1);
    fs::write(root.path().join("fleet/servers/x.yaml"), "stat: x\n").unwrap();
    fs::write(root.path().join("fleet/extra/y.yaml"), "this is another command's business\n").unwrap();
    let (code, said) = generate(root.path(), &[paid("sub_1", "active")], |_| {}).await;
    assert!(said.contains("unknown key `stat`") && !said.contains("y.yaml"), "{said}");
    assert_eq!((code, servers(root.path())), (1, 1));
}
