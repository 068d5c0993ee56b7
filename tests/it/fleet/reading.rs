//! Good files: what fleet they make, that what is printed reads back as it was, and our own samples.

use std::collections::BTreeMap;
use std::path::Path;

use basement::adapters::folder;
use basement::cli::validate;
use basement::fleet::print::print;
use basement::fleet::yaml::{self, Declared};
use basement::model::desired::{Because, DesiredState, Every, Hold, Origin, Price};
use basement::model::ids::{CustomerId, PlanName, ServerName, SubscriptionId, UserSlug};
use basement::model::moment::Moment;
use basement::model::money::Currency;
use proptest::prelude::*;

use super::{ADA, EXTRA, GOOD, catalogue, complaints, sources};

#[test]
fn an_override_is_laid_over_its_server() {
    let text = "region: fra1\nhold: { until: 2027-01-15, reason: \"wait & see: it's *hers*\" }\n";
    let files = sources(&[
        (ADA, GOOD.to_owned()),
        ("fleet/overrides/ada-w9rm9sh6.yaml", text.to_owned()),
        ("fleet/overrides/wiki.yaml", "size: s-4vcpu-8gb\n".to_owned()),
        ("fleet/extra/wiki.yaml", EXTRA.to_owned()),
    ]);
    let fleet = yaml::parse(&files, &catalogue()).unwrap();
    let ada = &fleet.servers[&ServerName::parse("ada-w9rm9sh6").unwrap()];
    assert_eq!((ada.spec.region.as_str(), ada.spec.size.as_str()), ("fra1", "s-1vcpu-2gb"));
    assert_eq!(ada.hold.as_ref().unwrap().reason, "wait & see: it's *hers*");
    assert_eq!(ada.file, ADA);
    let wiki = &fleet.servers[&ServerName::parse("wiki").unwrap()];
    assert_eq!((&wiki.origin, wiki.state), (&Origin::Extra, DesiredState::Running));
    assert_eq!((wiki.spec.region.as_str(), wiki.spec.size.as_str()), ("nyc3", "s-4vcpu-8gb"));
}

#[test]
fn a_hold_without_an_end_outlasts_a_hold_by_hand() {
    let text = "hold: { until: 2027-01-15, reason: by hand }\n";
    let frozen = format!("{GOOD}hold: {{ reason: unknown status }}\n");
    for files in [
        vec![(ADA, frozen.clone()), ("fleet/overrides/ada-w9rm9sh6.yaml", text.to_owned())],
        vec![(ADA, frozen)],
    ] {
        let fleet = yaml::parse(&sources(&files), &catalogue()).unwrap();
        assert_eq!(fleet.servers.values().next().unwrap().hold.as_ref().unwrap().reason, "unknown status");
    }
}

#[test]
fn a_quoted_key_flow_style_and_windows_lines_are_yaml_too() {
    let flow = GOOD.replace(
        "price: { amount: 3500, currency: usd, every: month }",
        "\"price\": {\"amount\":3500,\"currency\":'usd',\"every\":month}",
    );
    let files = sources(&[(ADA, format!("---\n{}", flow.replace('\n', "\r\n")))]);
    assert!(yaml::parse(&files, &catalogue()).is_ok());
}

#[test]
fn anchors_aliases_and_tags_are_found_wherever_they_hide() {
    for text in [
        "a: &a x\n",
        "a: *b\n",
        "- - *b\n",
        "{\"a\":*b}\n",
        "a: [x, *b]\n",
        "a: 'x'\nb: *a\n",
        "a: it's\nb: *a\n",
        "a: {b: it:'s, c: *d}\n",
        "a: |\n  \"open\nb: *a\n",
        "a: |\n  \"open \\\nb: *a\n",
        "# it's\nb: *a\n",
        "<<: *base\n",
        "a: !!str x\n",
        "!x\na: 1\n",
        "? *a\n: 1\n",
    ] {
        let said = complaints(&[(ADA, text.to_owned())]);
        assert!(said.contains("anchors, aliases and tags"), "{text}{said}");
    }
    for reason in ["wait & see", "a*b", "really!", "'*x &y !z'", "\"it's *x\"", "x # *y", "\"a \\\" *b\""] {
        let text = format!("{GOOD}hold: {{ reason: {reason} }}\n");
        let read = yaml::parse(&sources(&[(ADA, text)]), &catalogue());
        assert!(read.is_ok() || reason.contains('#'), "{reason} {read:?}");
    }
}

#[test]
fn a_printed_file_is_this() {
    let file = sources(&[(ADA, GOOD.to_owned())]);
    let mut declared = yaml::servers(&file).unwrap().remove(0).declared;
    assert_eq!(
        print(&declared),
        format!(
            "# Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.\n{GOOD}"
        )
    );
    declared.ends_on = Some(Moment::parse("2026-12-02T09:14:00Z").unwrap());
    let ending = format!("{GOOD}ends_on: 2026-12-02T09:14:00Z\n");
    assert_eq!(print(&declared).split_once('\n').map(|(_, rest)| rest), Some(ending.as_str()));
    declared.ends_on = None;
    declared.state = DesiredState::Stopped;
    declared.user = UserSlug::parse("42").unwrap();
    declared.destroy_after = Some(Moment::parse("2026-12-01").unwrap());
    declared.hold = Some(Hold { until: None, reason: "say \"when\"".to_owned() });
    insta::assert_snapshot!(print(&declared), @r#"
    # Written by `basement generate` from Stripe. Hand edits belong in fleet/overrides/.
    server: ada-w9rm9sh6
    user: "42"
    customer: cus_QX1
    subscription: sub_1PqXyZ
    plan: pro
    price: { amount: 3500, currency: usd, every: month }
    state: stopped
    because: subscription active
    since: 2026-11-02T09:14:00Z
    destroy_after: 2026-12-01T00:00:00Z
    hold: { reason: "say \"when\"" }
    "#);
}

#[test]
fn our_own_samples_are_good_and_printed_as_we_print() {
    for (root, count) in [(".", [5, 1, 1]), ("examples/fleet-repo", [3, 1, 1])] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        validate::load(&root).unwrap();
        let files = folder::read(&root).unwrap();
        assert_eq!(yaml::count(&files), count);
        let texts: BTreeMap<_, _> = yaml::servers(&files)
            .unwrap()
            .into_iter()
            .map(|file| (file.path, (file.text, file.declared)))
            .collect();
        for (path, (text, declared)) in texts {
            assert_eq!(print(&declared), text, "{path}");
        }
    }
}

prop_compose! {
    fn declared()(
        server in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        user in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        customer in "[A-Za-z0-9_-]{1,12}",
        subscription in "[A-Za-z0-9_-]{1,12}",
        amount in any::<i64>(),
        currency in "[a-z]{3}",
        year in any::<bool>(),
        state in 0..3usize,
        because in any::<String>(),
        since in any::<i64>(),
        ends_on in proptest::option::of(any::<i64>()),
        end in proptest::option::of(any::<i64>()),
        hold in proptest::option::of((proptest::option::of(any::<i64>()), any::<String>())),
    ) -> Declared {
        let every = if year { Every::Year } else { Every::Month };
        Declared {
            server: ServerName::parse(&server).unwrap(),
            user: UserSlug::parse(&user).unwrap(),
            customer: CustomerId::parse(&customer).unwrap(),
            subscription: SubscriptionId::parse(&subscription).unwrap(),
            plan: PlanName::parse("pro").unwrap(),
            price: Price { amount, currency: Currency::parse(&currency).unwrap(), every },
            state: [DesiredState::Running, DesiredState::Stopped, DesiredState::Destroyed][state],
            because: Because::from(because),
            since: Moment::from_unix(since),
            ends_on: ends_on.map(Moment::from_unix),
            destroy_after: end.map(Moment::from_unix),
            hold: hold.map(|(until, reason)| Hold { until: until.map(Moment::from_unix), reason }),
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(declared in declared()) {
        let text = print(&declared);
        let path = format!("fleet/servers/{}.yaml", declared.server);
        let read = yaml::servers(&sources(&[(path.as_str(), text.clone())]));
        let read = read.map_err(|wrong| basement::fleet::complaint::page(&wrong)).unwrap().remove(0);
        prop_assert_eq!(print(&read.declared), text);
        prop_assert_eq!(read.declared, declared);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z]{1,6}|[&*!:,{}\\[\\]\"'#|>~ \n\\\\-]){0,40}") {
        let _ = yaml::parse(&sources(&[(ADA, text.clone())]), &catalogue());
        let _ = yaml::parse(&sources(&[(ADA, format!("{GOOD}{text}"))]), &catalogue());
    }
}
