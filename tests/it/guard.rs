//! The guard at its limits: the last plan that may be applied, and the first that may not; and the digest of
//! what a plan takes away.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::RefundOrder;
use basement::model::census::{Account, Census, DropletStatus};
use basement::model::history::{Entry, Event, History, Outcome, Phase, Record};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::{Currency, Money};
use basement::model::plan::{MoneyLine, Plan, Uses};
use basement::model::policy::Policy;
use basement::model::step::{Action, DestroyCause, Fact, Reason, Step};
use basement::plan::digest::digest;
use basement::plan::guard::{Objection, census_objections, judge, objections, uses};

use crate::scene::{after, droplet, name, order, start};

fn step(n: u64, action: Action) -> Step {
    let id = StepId::of(&[&action.word(), &n]);
    Step { id, server: Some(name()), action, reason: Reason::Up, again: false }
}

fn destroy(n: u64) -> Step {
    step(n, Action::Destroy { droplet: DropletId(n), cause: DestroyCause::Promised })
}

fn refund(n: u64, amount: Money) -> Step {
    let subscription = "sub_1".parse().expect("an id");
    let order = RefundOrder { subscription, payment: "pi_1".parse().expect("an id"), amount };
    step(n, Action::Refund { order, attempt: 1 })
}

fn letter(n: u64) -> Step {
    let (to, occasion) = (Recipient::Operator, Occasion::Ended);
    step(n, Action::Letter { letter: Letter { server: Some(name()), to, occasion } })
}

fn plan(servers: usize, steps: Vec<Step>) -> Plan {
    Plan {
        at: after(60 * 48),
        servers,
        droplets: servers,
        steps,
        notes: Vec::new(),
        questions: BTreeSet::new(),
        money: MoneyLine::default(),
        uses: Uses::default(),
    }
}

/// The plan, with what it uses up of each cap.
fn used(plan: &Plan, history: &History, policy: &Policy) -> Plan {
    Plan { uses: uses(&plan.steps, plan.servers, history, plan.at, policy), ..plan.clone() }
}

fn judged(plan: &Plan, history: &History) -> Vec<Objection> {
    objections(&used(plan, history, &Policy::default()), &Census::new(plan.at, []), history)
}

/// What `n` destroys in a fleet are told: the cap that they break, if any.
fn cap_broken(servers: usize, destroys: u64, policy: &Policy) -> Option<usize> {
    let plan = used(&plan(servers, (1..=destroys).map(destroy).collect()), &History::default(), policy);
    let found = objections(&plan, &Census::new(plan.at, []), &History::default());
    match found.as_slice() {
        [] => None,
        [Objection::ManyDestroys { count, cap, fleet }] => {
            assert_eq!((*count as u64, *fleet), (destroys, servers));
            Some(*cap)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn destroys_are_capped_by_number_and_above_ten_servers_by_percent() {
    let policy = Policy::default();
    let cap = |servers, destroys| cap_broken(servers, destroys, &policy);
    assert_eq!([cap(1, 3), cap(10, 3), cap(10, 4)], [None, None, Some(3)]);
    assert_eq!([cap(11, 1), cap(11, 2), cap(20, 2), cap(29, 3)], [None, Some(1), None, Some(2)]);
    assert_eq!([cap(30, 3), cap(1000, 3), cap(1000, 4)], [None, None, Some(3)], "whichever is less");
    let mut strict = Policy::default();
    strict.caps.destroy_percent = 5;
    assert_eq!(cap_broken(11, 1, &strict), None, "one is always allowed");
    assert_eq!(cap_broken(11, 2, &strict), Some(1));
    let mut others: Vec<Step> = (1..=9).map(letter).collect();
    others.extend((1..=9).map(|n| step(n, Action::Create { order: order(&name(), 1) })));
    assert_eq!(judged(&plan(10, others), &History::default()), [], "these are not capped");
}

#[test]
fn droplets_without_one_file_are_an_empty_fleet() {
    let found = |servers, droplets| {
        let plan = Plan { droplets, ..plan(servers, Vec::new()) };
        judged(&plan, &History::default()).len()
    };
    assert_eq!([found(0, 0), found(1, 0), found(1, 1), found(0, 1)], [0, 0, 0, 1]);
}

/// So many delivered, and so many of them listed.
fn shrunk(was: usize, listed: usize) -> Vec<Objection> {
    let record = |n: usize| {
        let server = ServerName::parse(&format!("bea-{n}")).expect("a name");
        (server, Record { phase: Phase::Delivered, droplet: Some(DropletId(n as u64)), ..Record::default() })
    };
    let history = History { records: (1..=was).map(record).collect(), ..History::default() };
    let droplets = (1..=listed).map(|n| droplet(n as u64, DropletStatus::Active));
    census_objections(&Census::new(start(), droplets), &history)
}

#[test]
fn less_than_half_of_the_delivered_is_a_census_that_shrank() {
    for (was, listed) in [(3, 0), (4, 2), (5, 3), (6, 3), (0, 0), (4, 4)] {
        assert_eq!(shrunk(was, listed), [], "{listed} of {was}");
    }
    for (was, listed) in [(4, 1), (4, 0), (5, 2), (6, 2)] {
        assert_eq!(shrunk(was, listed), [Objection::CensusShrunk { was, is: listed }]);
    }
}

#[test]
fn another_team_is_another_account() {
    let found = |team: &str| {
        let mut census = Census::new(start(), []);
        let status = "active".to_owned();
        census.account = Some(Account { team: team.to_owned(), droplet_limit: None, status });
        let history = History { team: Some("team-a".to_owned()), ..History::default() };
        census_objections(&census, &history)
    };
    assert_eq!(found("team-a"), []);
    let (was, is) = ("team-a".to_owned(), "team-b".to_owned());
    assert_eq!(found("team-b"), [Objection::OtherAccount { was, is }]);
}

/// A history in which these refunds were asked for: all but the last are done.
fn refunded(at: Moment, amounts: &[i64]) -> History {
    let mut history = History::default();
    for (n, cents) in amounts.iter().enumerate() {
        let Step { id: step, action, .. } = refund(n as u64, Money::usd(*cents));
        let entry = |event| Entry { at, server: Some(name()), step: step.clone(), event };
        history.fold(&entry(Event::Intended { action }));
        if n + 1 < amounts.len() {
            let (refund, amount) = ("re_1".parse().expect("an id"), Money::usd(*cents));
            let outcome = Outcome::Refunded { refund, amount, status: "succeeded".to_owned() };
            history.fold(&entry(Event::Done { outcome }));
        }
    }
    history
}

#[test]
fn refunds_are_capped_by_number_and_by_sum() {
    let none = History::default();
    let of = |amounts: &[i64]| {
        let steps = amounts.iter().zip(1..).map(|(cents, n)| refund(n, Money::usd(*cents))).collect();
        plan(9, steps)
    };
    assert_eq!(judged(&of(&[1; 5]), &none), []);
    assert_eq!(judged(&of(&[1; 6]), &none).len(), 1);
    assert_eq!(judged(&of(&[25_000, 25_000]), &none), []);
    assert_eq!(judged(&of(&[25_000, 25_001]), &none).len(), 1);
    let mut two = of(&[50_000, 0]);
    let euro = Money { amount: 50_000, currency: Currency::parse("eur").expect("a currency") };
    two.steps.push(refund(3, euro));
    assert_eq!(judged(&two, &none), [], "each currency has its own sum");
}

#[test]
fn the_refunds_of_the_last_day_count_done_or_open() {
    let now = plan(9, vec![refund(9, Money::usd(1))]);
    let day_ago = now.at.minus(Span::days(1));
    let older = day_ago.minus(Span::seconds(1));
    assert_eq!(judged(&now, &refunded(day_ago, &[1; 4])), []);
    let mut sum = BTreeMap::new();
    for found in judged(&now, &refunded(day_ago, &[1; 5])) {
        let Objection::ManyRefunds { count, cap, .. } = found else { panic!("{found:?}") };
        sum.insert(count, cap);
    }
    assert_eq!(sum, BTreeMap::from([(6, 5)]));
    assert_eq!(judged(&now, &refunded(older, &[1; 5])), []);
    assert_eq!(judged(&now, &refunded(day_ago, &[25_000, 25_000])).len(), 1);
    // What is asked again was counted when it was intended, and nothing new is nothing to object to.
    let mut again = now.clone();
    again.steps[0].again = true;
    assert_eq!(judged(&again, &refunded(day_ago, &[1; 9])), []);
    again.steps.push(refund(10, Money::usd(1)));
    assert_eq!(judged(&again, &refunded(day_ago, &[1; 4])), []);
    assert_eq!(judged(&plan(9, vec![letter(1)]), &refunded(day_ago, &[1; 9])), []);
}

fn welcome(n: u64) -> Step {
    let occasion =
        Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: DropletId(n), host_key: None };
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion };
    Step { id: StepId::of(&[&"letter", &name(), &"welcome", &n]), ..step(n, Action::Letter { letter }) }
}

#[test]
fn letters_are_capped_but_those_of_welcome() {
    let none = History::default();
    let of = |letters: u64| plan(99, (1..=letters).map(letter).collect());
    assert_eq!(judged(&of(50), &none), []);
    assert_eq!(judged(&of(51), &none), [Objection::ManyLetters { count: 51, cap: 50 }]);
    let mut welcomes = of(50);
    welcomes.steps.extend((1..=9).map(welcome));
    assert_eq!(judged(&welcomes, &none), []);
    let now = of(1);
    let day_ago = now.at.minus(Span::days(1));
    let sent = |at: Moment, letters: Vec<Step>, is_done: bool| {
        let mut history = History::default();
        for Step { id: step, action, .. } in letters {
            let entry = |event| Entry { at, server: Some(name()), step: step.clone(), event };
            history.fold(&entry(Event::Intended { action }));
            if is_done {
                history.fold(&entry(Event::Done { outcome: Outcome::Plain }));
            }
        }
        history
    };
    let many = |n: u64| (1..=n).map(letter).collect::<Vec<_>>();
    for is_done in [true, false] {
        assert_eq!(judged(&now, &sent(day_ago, many(49), is_done)), []);
        let over = [Objection::ManyLetters { count: 51, cap: 50 }];
        assert_eq!(judged(&now, &sent(day_ago, many(50), is_done)), over);
        assert_eq!(judged(&now, &sent(day_ago.minus(Span::seconds(1)), many(60), is_done)), []);
        assert_eq!(judged(&now, &sent(day_ago, (1..=60).map(welcome).collect(), is_done)), []);
    }
    let only_welcome = plan(9, vec![welcome(1)]);
    assert_eq!(judged(&only_welcome, &sent(day_ago, many(60), true)), [], "a welcome is never held up");
    let mut again = now.clone();
    again.steps[0].again = true;
    assert_eq!(judged(&again, &sent(day_ago, many(60), true)), [], "counted when it was intended");
}

#[test]
fn an_objection_is_waived_by_its_own_name_only() {
    let plan = used(&plan(9, (1..=4).map(destroy).collect()), &History::default(), &Policy::default());
    let census = Census::new(plan.at, []);
    for name in Objection::NAMES {
        let allow = BTreeSet::from([name.to_owned()]);
        let judged = judge(&plan, &census, &History::default(), &allow);
        assert_eq!(judged.is_ok(), name == "many-destroys", "{name}");
    }
}

#[test]
fn the_digest_is_of_what_is_taken_away_in_any_order() {
    let of = |steps: &[Step]| digest(&plan(9, steps.to_vec()));
    let droplet = DropletId(7);
    let taking = [
        destroy(1),
        destroy(2),
        refund(1, Money::usd(3500)),
        refund(1, Money::usd(3501)),
        step(1, Action::Cancel { subscription: "sub_1".parse().expect("an id") }),
        step(1, Action::Shutdown { droplet }),
        step(1, Action::PowerOff { droplet }),
    ];
    let others = [
        letter(1),
        step(1, Action::Create { order: order(&name(), 1) }),
        step(1, Action::PowerOn { droplet }),
        step(1, Action::Record { fact: Fact::Ended }),
    ];
    let mut digests: BTreeSet<String> = taking.iter().map(|step| of(std::slice::from_ref(step))).collect();
    digests.insert(of(&taking[..2]));
    digests.insert(of(&[]));
    assert_eq!(digests.len(), taking.len() + 2, "each is another digest");
    assert!(digests.iter().all(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit())));
    assert_eq!(of(&others), of(&[]));
    let [first, second] = [taking[0].clone(), taking[1].clone()];
    assert_eq!(of(&[first.clone(), second.clone()]), of(&[second, letter(1), first]));
}

/// What of a plan may be done: the words of its steps, or the objections' names.
fn left(steps: Vec<Step>, history: &History) -> Result<Vec<&'static str>, Vec<&'static str>> {
    let plan = used(&plan(10, steps), history, &Policy::default());
    let judged = judge(&plan, &Census::new(plan.at, []), history, &BTreeSet::new());
    judged
        .map(|approved| approved.plan().steps.iter().map(|step| step.action.word()).collect())
        .map_err(|objections| objections.iter().map(Objection::name).collect())
}

#[test]
fn a_daily_cap_holds_back_what_is_over_it_and_nothing_else() {
    let of = |server: &str, step: Step| Step { server: ServerName::parse(server).ok(), ..step };
    let refunds = || (1..=6).map(|n| refund(n, Money::usd(100))).collect::<Vec<_>>();
    let letters = || (1..=51).map(letter).collect::<Vec<_>>();
    let create = || of("bea-2", step(99, Action::Create { order: order(&name(), 1) }));
    let opened = || {
        let occasion = Occasion::AlertDeleted { droplet: DropletId(1) };
        step(98, Action::Letter { letter: Letter { server: None, to: Recipient::Operator, occasion } })
    };
    let none = History::default();
    // First come, first served; what was done in the day before counts.
    let day_ago = plan(1, vec![]).at.minus(Span::days(1));
    assert_eq!(left(refunds(), &none), Ok(vec!["refund"; 5]));
    assert_eq!(left(refunds(), &refunded(day_ago, &[1, 1, 1])), Ok(vec!["refund"; 2]));
    assert_eq!(left(refunds(), &refunded(day_ago, &[1; 5])), Err(vec!["many-refunds"]));
    assert_eq!(left(letters(), &none), Ok(vec!["letter"; 50]));
    let dear = |n, cents| refund(n, Money::usd(cents));
    let sums = vec![dear(1, 30_000), dear(2, 20_001), dear(3, 20_000)];
    assert_eq!(left(sums.clone(), &none), Ok(vec!["refund"; 2]), "what fits into the sum");
    assert_eq!(left(sums, &refunded(day_ago, &[50_000])), Err(vec!["many-refunds"]));
    assert_eq!(
        left([refunds(), vec![create()]].concat(), &none),
        Ok([["refund"; 5].as_slice(), &["create"]].concat())
    );
    assert_eq!(
        left([letters(), vec![create()]].concat(), &none),
        Ok([["letter"; 50].as_slice(), &["create"]].concat())
    );
    assert_eq!(left([refunds(), vec![letter(7)]].concat(), &none), Ok(vec!["refund"; 5]), "not told before");
    let five = ["refund"; 5].as_slice();
    let to_another = vec![of("bea-2", letter(7))];
    assert_eq!(left([refunds(), to_another].concat(), &none), Ok([five, &["letter"]].concat()));
    let alert = vec![of("bea-2", opened())];
    assert_eq!(left([letters(), alert].concat(), &none), Ok(vec!["letter"; 51]), "an alert");
    let many = (1..=51).map(|_| opened()).collect();
    assert_eq!(left(many, &none).map(|steps| steps.len()), Ok(51), "the operator's are not counted");
    let destroys = [refunds(), (1..=4).map(destroy).collect(), vec![create()]].concat();
    assert_eq!(left(destroys, &none), Err(vec!["many-destroys", "many-refunds"]), "that is no cap of a day");
}
