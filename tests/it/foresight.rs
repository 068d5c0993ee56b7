//! What a plan says about tomorrow and about money: forecasts, what stands in the way, and exact sums.

mod ends;

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::Status;
use basement::model::census::{Account, Census, DropletStatus, Readiness, Secret, Size};
use basement::model::desired::{Fleet, Price};
use basement::model::firewall::{Firewall, Progress, ours};
use basement::model::history::{History, Phase, Record};
use basement::model::ids::DropletId;
use basement::model::insight::{Concern, Upcoming};
use basement::model::moment::{Moment, Span};
use basement::model::money::{Currency, Money, Totals};
use basement::model::plan::{MoneyLine, Plan, StepMoney};
use basement::model::policy::{Catalogue, Defaults, FirewallBy, PlanEntry};
use basement::plan::forecast::{Forecast, Today, forecast};
use basement::plan::plan;
use basement::plan::preflight::{Shelf, budget, concerns, shortage};
use basement::render::money::{change, lines, step};
use proptest::prelude::*;

use crate::scene::{Scene, after, name, start};

fn fleet(scene: &Scene) -> Fleet {
    Fleet { servers: BTreeMap::from([(name(), scene.server.clone())]) }
}

fn census(scene: &Scene) -> Census {
    let mut census = scene.census.clone();
    census.droplets = scene.droplets.iter().map(|d| (d.id, d.clone())).collect();
    let size =
        Size { monthly: Money::usd(1200), available: true, regions: BTreeSet::from(["nyc3".to_owned()]) };
    census.sizes = BTreeMap::from([(scene.server.spec.size.clone(), size)]);
    census
}

/// What is seen today up to a moment, everything answered.
fn seen(scene: &Scene, until: Moment) -> Forecast {
    foreseen(&fleet(scene), &census(scene), scene, until)
}

fn foreseen(fleet: &Fleet, census: &Census, scene: &Scene, until: Moment) -> Forecast {
    let Scene { history, policy, .. } = scene;
    let (plan, allow) = (&plan(fleet, census, history, policy), &BTreeSet::new());
    forecast(Today { plan, fleet, census, history, policy, allow, is_applied: false }, until)
}

fn ahead(scene: &Scene, until: Moment) -> Vec<String> {
    let seen = self::seen(scene, until);
    let line = |Upcoming { at, action, .. }: &Upcoming| format!("{at} {}", action.word());
    seen.upcoming.iter().map(line).collect()
}

#[test]
fn what_follows_is_known_today() {
    let month = start().plus(Span::days(30));
    // To be created today: the letter follows, and that is all.
    assert_eq!(ahead(&Scene::running(), month), ["2026-11-02T09:00:30Z letter"]);
    // Off, its grace running: destroyed when it ends, and told so.
    let stopped =
        Scene::stopped().delivered(7).droplet(7, DropletStatus::Off).stripe(Status::Canceled).at(after(60));
    let all = ahead(&stopped, month);
    assert_eq!(all, ["2026-11-09T09:00:00Z destroy", "2026-11-09T09:00:30Z letter"]);
    // Not so far ahead.
    assert_eq!(ahead(&stopped, start().plus(Span::days(6))), [""; 0]);
    // Nothing is to come where nothing changes.
    assert_eq!(ahead(&Scene::running().delivered(7).droplet(7, DropletStatus::Active), month), [""; 0]);
}

#[test]
fn a_new_droplet_has_a_password_that_opens_and_what_is_not_good_is_not_foretold_as_good() {
    let lost = Secret::Lost { why: "the ledger has none".to_owned() };
    let scene =
        Scene::running().created(7).droplet(7, DropletStatus::Active).ready(7).secret(lost).at(after(2));
    let words = |scene: &Scene| -> Vec<&str> {
        let seen = self::seen(scene, after(60));
        seen.upcoming.iter().map(|next| next.action.word()).collect()
    };
    assert_eq!(words(&scene), ["create", "letter"], "it is replaced once");
    let failed = Readiness::Failed { failed: vec!["package:certbot".to_owned()] };
    let scene = Scene::running().created(7).droplet(7, DropletStatus::Active).shows(7, failed).at(after(2));
    assert_eq!(words(&scene), [""; 0], "a person mends it, at a time that nobody knows");
    assert!(Moment::parse("9999-12-31").is_ok() && Moment::parse("9999-12-32").is_err());
}

#[test]
fn nothing_is_foreseen_of_what_waits_for_a_person() {
    let month = start().plus(Span::days(30));
    let up = || Scene::running().created(7).droplet(7, DropletStatus::Active).at(after(1));
    let booting = Readiness::NotYet { why: "status 404".to_owned(), is_absent: true };
    assert_eq!(ahead(&up().shows(7, booting), month), ["2026-11-02T09:01:30Z letter"]);
    let failed = Readiness::Failed { failed: vec!["package:nginx".to_owned()] };
    assert_eq!(ahead(&up().shows(7, failed), month), [""; 0]);
    let firewall = |status| {
        let mut scene = Scene::running();
        scene.policy.firewall = FirewallBy::Cloud;
        let (id, tags) = ("fw-1".parse().expect("an id"), BTreeSet::from(["basement".to_owned()]));
        let droplets = BTreeSet::new();
        scene.census.firewalls =
            Some(vec![Firewall { id, status, pending: 0, tags, droplets, rules: ours() }]);
        scene
    };
    assert!(!ahead(&firewall(Progress::Waiting), month).is_empty());
    assert_eq!(ahead(&firewall(Progress::Failed), month), [""; 0]);
}

#[test]
fn the_plan_of_a_later_day_is_the_plan_of_that_day() {
    let stopped =
        Scene::stopped().delivered(7).droplet(7, DropletStatus::Off).stripe(Status::Canceled).at(after(60));
    let then = start().plus(Span::days(7));
    let seen = self::seen(&stopped, then);
    let words: Vec<&str> = seen.plan.steps.iter().map(|step| step.action.word()).collect();
    assert_eq!((seen.plan.at, words), (then, vec!["destroy"]));
    // Today's create is done by tomorrow; its droplet is one that nobody is shown.
    let tomorrow = start().plus(Span::days(1));
    let seen = self::seen(&Scene::running(), tomorrow);
    assert!(seen.plan.steps.is_empty() && seen.plan.droplets == 1);
    assert!(seen.history.records[&name()].droplet.is_some_and(DropletId::is_predicted));
}

#[test]
fn what_the_guard_holds_back_is_not_foretold_as_done() {
    let mut scene =
        Scene::stopped().delivered(7).droplet(7, DropletStatus::Off).stripe(Status::Canceled).at(after(60));
    scene.policy.caps.destroy = 0;
    let then = start().plus(Span::days(8));
    let seen = self::seen(&scene, then);
    let waits: Vec<_> = seen.upcoming.iter().map(|next| (next.action.word(), next.waits.clone())).collect();
    assert_eq!(waits, [("destroy", vec!["many-destroys".to_owned()])]);
    assert_eq!((seen.plan.droplets, seen.plan.steps.len()), (1, 1), "it is still there");
    // A cap of a day lets through tomorrow what it holds back today.
    (scene.policy.caps.destroy, scene.policy.caps.letters) = (3, 0);
    assert_eq!(self::seen(&scene, then).upcoming.last().map(|next| next.waits.len()), Some(1));
    scene.policy.caps.letters = 1;
    assert_eq!(self::seen(&scene, then).upcoming.iter().filter(|next| !next.waits.is_empty()).count(), 0);
}

#[test]
fn what_waits_for_an_answer_is_foretold() {
    let scene = Scene::stopped().delivered(7).droplet(7, DropletStatus::Off).at(start().plus(Span::days(8)));
    let (fleet, mut census) = (fleet(&scene), census(&scene));
    census.billing.clear();
    let seen = foreseen(&fleet, &census, &scene, census.at.plus(Span::days(1)));
    let words: Vec<&str> = seen.upcoming.iter().map(|next| next.action.word()).collect();
    assert_eq!(words, ["destroy", "letter"], "nothing is told of what follows without what it follows from");
}

fn catalogue(month: i64) -> Catalogue {
    let spec = crate::scene::spec();
    let entry = PlanEntry {
        size: spec.size.clone(),
        stripe: vec![],
        month: Some(month),
        year: None,
        currency: Currency::USD,
        region: None,
        image: None,
        template: None,
    };
    let defaults = Defaults {
        region: spec.region,
        image: spec.image,
        monitoring: true,
        backups: false,
        ipv6: false,
        ssh_keys: vec![],
        allow_no_ssh_keys: true,
        template: "base".to_owned(),
    };
    Catalogue { defaults, plans: BTreeMap::from([("pro".parse().expect("a plan"), entry)]) }
}

#[test]
fn what_stands_in_the_way_is_said_before() {
    let scene = Scene::running();
    let (fleet, mut census) = (fleet(&scene), census(&scene));
    let said = |census: &Census, month| {
        let plan = plan(&fleet, census, &scene.history, &scene.policy);
        concerns(&plan, &fleet, &catalogue(month), census, &Shelf::default())
    };
    assert_eq!(said(&census, 3500), []);
    let (revenue, cost) = (Money::usd(1100), Money::usd(1200));
    assert_eq!(said(&census, 1100), [Concern::Loss { plan: scene.server.plan.clone(), revenue, cost }]);
    let account = Account { team: "t".to_owned(), droplet_limit: Some(0), status: "active".to_owned() };
    census.account = Some(account);
    assert_eq!(said(&census, 3500), [Concern::Quota { limit: 0, has: 0, creates: 1, waits: 0, destroys: 0 }]);
    census.account = None;
    census.sizes.values_mut().for_each(|size| size.regions = BTreeSet::from(["ams3".to_owned()]));
    assert!(
        matches!(said(&census, 3500).as_slice(), [Concern::SoldOut { servers, .. }] if servers.len() == 1)
    );
    // Without a price list nothing is known, and nothing is said.
    census.sizes.clear();
    assert_eq!(said(&census, 1), []);
}

#[test]
fn a_plan_knows_what_it_takes() {
    let scene = Scene::running();
    let plan = scene.plan();
    let some = budget(&plan, Some(5), Some(5_000)).expect("a create takes requests");
    assert_eq!((some.requests, some.seconds), (9, 3));
    assert_eq!(shortage(&some), Some(Concern::Requests { needed: 9, left: 5 }));
    assert_eq!(shortage(&budget(&plan, Some(4_812), Some(5_000)).expect("some")), None);
    assert_eq!(budget(&Plan { steps: vec![], ..plan }, None, None), None);
}

#[test]
fn backups_cost_a_fifth_more() {
    let mut scene = Scene::running();
    scene.server.spec.backups = true;
    let plan = plan(&fleet(&scene), &census(&scene), &scene.history, &scene.policy);
    assert_eq!(plan.money.cost_after, totals(&[Money::usd(1_440)]));
    let said = concerns(&plan, &fleet(&scene), &catalogue(1_300), &census(&scene), &Shelf::default());
    assert!(
        matches!(said.as_slice(), [Concern::Loss { cost, .. }] if *cost == Money::usd(1_440)),
        "{said:?}"
    );
}

#[test]
fn what_was_given_back_brings_nothing() {
    let scene = Scene::running();
    let money = |phase| {
        let record = Record { phase, attempt: 1, ..Record::default() };
        let history = History { records: BTreeMap::from([(name(), record)]), ..History::default() };
        plan(&fleet(&scene), &census(&scene), &history, &scene.policy).money
    };
    let failed = money(Phase::Failed);
    assert_eq!(failed.revenue, Totals::default());
    let now = failed.revenue_now.amounts().next();
    assert_eq!(
        now,
        Some(Money::usd(3_500)).filter(|_| failed.steps.len() == 1),
        "paid for until it is cancelled"
    );
    assert_eq!(money(Phase::New).revenue, totals(&[Money::usd(3_500)]));
}

fn totals(amounts: &[Money]) -> Totals {
    let mut sum = Totals::default();
    for amount in amounts {
        sum.add(*amount);
    }
    sum
}

#[test]
fn money_reads_as_people_know_it() {
    let (usd, yen) = (Money::usd, |amount| Money { amount, currency: Currency::parse("jpy").expect("yen") });
    let said = change(&totals(&[usd(5197)]), &totals(&[usd(7737)]));
    assert_eq!(said.as_deref(), Some("+$25.40 ($51.97 → $77.37)"));
    assert_eq!(change(&totals(&[usd(1)]), &totals(&[usd(1)])), None);
    let two = change(&totals(&[usd(100), yen(7)]), &totals(&[yen(9)]));
    assert_eq!(two.as_deref(), Some("+2 JPY (7 JPY → 9 JPY), -$1.00 ($1.00 → $0.00)"));
    let money = MoneyLine {
        revenue_now: totals(&[usd(40_000)]),
        revenue: totals(&[usd(45_000)]),
        cost: totals(&[usd(3_000)]),
        cost_after: totals(&[usd(3_600)]),
        exposure: totals(&[usd(5_000)]),
        stopped: totals(&[usd(600)]),
        orphans: totals(&[usd(1_200)]),
        ..MoneyLine::default()
    };
    insta::assert_snapshot!(lines(&money, &totals(&[usd(1_500)])).join("\n"), @r"
    revenue +$50.00 ($400.00 → $450.00) a month
    cost +$6.00 ($30.00 → $36.00) a month
    margin will rise by $44.00 a month (+12%), to $414.00
    refunds $15.00, once
    if no create succeeds, $50.00 go back
    droplets that are off cost $6.00 a month, orphans cost $12.00 a month
    ");
    assert_eq!(lines(&MoneyLine::default(), &Totals::default()), [""; 0]);
    let of =
        |code, amount| Money { amount, currency: Currency::parse(code).expect("a currency") }.to_string();
    // Stripe counts Kuwait's dinars in thousandths, and Uganda's shillings in hundredths though there are none.
    assert_eq!([of("kwd", 5_120), of("ugx", 500), of("jpy", 500)], ["5.120 KWD", "5.00 UGX", "500 JPY"]);
    let create = StepMoney { revenue: Some(usd(1500)), cost: Some(usd(600)), off: None };
    assert_eq!(step(&create, None).as_deref(), Some("brings $15.00, costs $6.00 a month"));
    let destroy = StepMoney { revenue: None, cost: Some(usd(-600)), off: None };
    assert_eq!(step(&destroy, None).as_deref(), Some("saves $6.00 a month"));
    let shutdown = StepMoney { revenue: Some(usd(-1500)), cost: None, off: Some(usd(600)) };
    let said =
        "no longer brings $15.00 a month; still costs $6.00 a month, off, until it is destroyed on 26 Aug";
    assert_eq!(step(&shutdown, Some("26 Aug")).as_deref(), Some(said));
}

proptest! {
    /// Before and after differ by what the steps change, currency by currency, to the cent.
    #[test]
    fn totals_are_the_sums_of_steps(
        prices in proptest::collection::vec((0..100_000_i64, any::<bool>(), 0..4_u8), 1..12),
    ) {
        let mut scene = Scene::running();
        let mut fleet = Fleet::default();
        for (n, (amount, is_euro, kind)) in prices.into_iter().enumerate() {
            let mut server = scene.server.clone();
            server.name = format!("ada-{n:08}").parse().expect("a name");
            let currency = Currency::parse(if is_euro { "eur" } else { "usd" }).expect("a currency");
            if let basement::model::desired::Origin::Subscription { price, .. } = &mut server.origin {
                *price = Price { amount, currency, ..*price };
            }
            server.state = match kind {
                0 => basement::model::desired::DesiredState::Stopped,
                1 => basement::model::desired::DesiredState::Destroyed,
                _ => basement::model::desired::DesiredState::Running,
            };
            fleet.servers.insert(server.name.clone(), server);
        }
        scene = scene.droplet(7, DropletStatus::Active);
        let money = plan(&fleet, &census(&scene), &scene.history, &scene.policy).money;
        let (mut revenue, mut cost) = (money.revenue_now.clone(), money.cost.clone());
        for step in money.steps.values() {
            step.revenue.iter().for_each(|money| revenue.add(*money));
            step.cost.iter().for_each(|money| cost.add(*money));
        }
        let some = |totals: &Totals| totals.amounts().collect::<Vec<_>>();
        prop_assert_eq!(some(&revenue), some(&money.revenue));
        prop_assert_eq!(some(&cost), some(&money.cost_after));
    }
}
