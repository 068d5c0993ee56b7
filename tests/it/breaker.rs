//! The breaker at its limits: which creates count as failed, how many open it, and what an open one withholds.

use basement::model::billing::Status;
use basement::model::breaker::{Breaker, CreateEnd, Opened};
use basement::model::census::DropletStatus::{Active, Off};
use basement::model::history::{Entry, Event, History, Outcome, Phase};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::plan::Notice;
use basement::model::policy::Policy;
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};
use basement::plan::breaker::reset;

use crate::scene::{NAME, Scene, after, name, order, start};

fn server(n: usize) -> ServerName {
    ServerName::parse(&format!("bea-{n}")).expect("a name")
}

fn end(n: usize, at: Moment, is_good: bool) -> CreateEnd {
    CreateEnd { at, server: server(n), is_good, is_refused: false }
}

/// A history of creates that ended so, one server each, a minute apart.
fn history(ends: &[bool]) -> History {
    let mut history = History::default();
    for (n, is_good) in ends.iter().enumerate() {
        history.breaker.note(end(n, after(n as u64), *is_good));
    }
    history
}

/// Whether a plan an hour later finds the breaker open: how many failed, and of how many.
fn opened(ends: &[bool], policy: &Policy) -> Option<(usize, usize)> {
    let mut scene = Scene::running().at(after(60));
    (scene.history, scene.policy) = (history(ends), policy.clone());
    found(&scene).map(|opened| (opened.failed.len(), opened.of))
}

fn found(scene: &Scene) -> Option<Opened> {
    scene.plan().notes.into_iter().find_map(|note| match note.notice {
        Notice::BreakerOpen { opened } => Some(opened),
        _ => None,
    })
}

const BAD: bool = false;
const GOOD: bool = true;
const NONE: [bool; 0] = [];

#[test]
fn servers_that_fail_in_a_row_open_it() {
    let policy = Policy::default();
    assert_eq!(opened(&[], &policy), None);
    assert_eq!(opened(&[BAD, BAD], &policy), None);
    assert_eq!(opened(&[BAD, BAD, BAD], &policy), Some((3, 3)));
    assert_eq!(opened(&[GOOD, BAD, BAD, BAD, BAD], &policy), Some((4, 4)));
    assert_eq!(opened(&[BAD, BAD, GOOD, BAD], &policy), None, "too few for a percentage");
    let mut never = Policy::default();
    (never.caps.failed_creates, never.caps.failed_percent) = (0, 100);
    assert_eq!(opened(&[BAD; 9], &never), None);
    let mut scene = Scene::running().at(after(60));
    scene.history = history(&[GOOD, BAD, BAD, BAD]);
    let failed = [1, 2, 3].map(server).to_vec();
    assert_eq!(found(&scene), Some(Opened { since: after(60), failed, of: 3 }), "oldest first");
}

#[test]
fn a_share_of_a_days_servers_opens_it() {
    let policy = Policy::default();
    assert_eq!(opened(&[BAD, GOOD, BAD, GOOD, GOOD], &policy), Some((2, 5)));
    assert_eq!(opened(&[BAD, GOOD, GOOD, GOOD, GOOD], &policy), None);
    let three_in_ten = [BAD, GOOD, BAD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD, GOOD];
    assert_eq!(opened(&three_in_ten, &policy), None, "exactly what is allowed");
    assert_eq!(opened(&three_in_ten[..9], &policy), Some((3, 9)));
    let mut scene = Scene::running();
    scene.history = history(&[BAD, GOOD, BAD, GOOD, GOOD]);
    let first_is_a_day_old = start().plus(Span::days(1));
    assert!(found(&scene).is_some());
    scene.census.at = first_is_a_day_old;
    assert!(found(&scene).is_some());
    scene.census.at = first_is_a_day_old.plus(Span::seconds(1));
    assert_eq!(found(&scene), None);
}

#[test]
fn one_end_a_server_is_kept_and_fifty_in_all() {
    let mut breaker = Breaker::default();
    for n in 0..50 {
        breaker.note(end(n, after(n as u64), GOOD));
    }
    assert_eq!((breaker.ends.len(), &breaker.ends[0].server), (50, &server(0)));
    breaker.note(end(0, after(60), BAD));
    assert_eq!((breaker.ends.len(), &breaker.ends[0].server), (50, &server(1)));
    assert_eq!(breaker.ends[49], end(0, after(60), BAD));
    breaker.note(end(99, after(61), GOOD));
    assert_eq!((breaker.ends.len(), &breaker.ends[0].server), (50, &server(2)));
}

#[test]
fn what_cannot_be_made_keeps_its_place_and_is_no_news_after_a_reset() {
    let refused = |n, minutes| CreateEnd { is_refused: true, ..end(n, after(minutes), BAD) };
    let row = |breaker: &Breaker| {
        breaker.ends.iter().map(|end| (end.server.clone(), end.is_good)).collect::<Vec<_>>()
    };
    let mut breaker = Breaker::default();
    for end in [refused(1, 1), end(2, after(2), GOOD), refused(1, 9)] {
        breaker.note(end);
    }
    assert_eq!(
        row(&breaker),
        [(server(1), BAD), (server(2), GOOD)],
        "it does not come to the end of the row"
    );
    breaker.reset();
    for end in [refused(1, 10), refused(3, 11), end(1, after(12), BAD)] {
        breaker.note(end);
    }
    assert_eq!(row(&breaker), [(server(3), BAD), (server(1), BAD)], "what was made and never came up counts");
    breaker.reset();
    for end in [end(1, after(13), GOOD), end(3, after(14), GOOD), refused(3, 15)] {
        breaker.note(end);
    }
    assert_eq!(row(&breaker), [(server(1), GOOD), (server(3), BAD)], "good once, it is news again");
}

/// How the creates of the scene's server have ended.
fn ends(scene: &Scene) -> Vec<bool> {
    scene.history.breaker.ends.iter().map(|end| end.is_good).collect()
}

fn noticed(scene: Scene, fact: Fact) -> Scene {
    scene.event(after(9), &format!("record/{NAME}/fact/1"), Event::Noticed { fact })
}

fn refused(scene: Scene, times: u32) -> Scene {
    let failed = || Event::Failed { why: "no".to_owned() };
    let step = format!("create/{NAME}/1");
    (0..times).fold(scene, |scene, _| scene.intended(start()).event(start(), &step, failed()))
}

#[test]
fn which_creates_count() {
    let lost = || {
        let unknown = Event::Unknown { why: "closed".to_owned() };
        Scene::running().intended(start()).event(start(), &format!("create/{NAME}/1"), unknown)
    };
    let given_up = |scene| ends(&noticed(scene, Fact::GaveUp { why: Undelivered::NeverUp }));
    assert_eq!(ends(&Scene::running().delivered(7)), [GOOD]);
    assert_eq!(ends(&Scene::running().created(7)), NONE);
    for (times, want) in [(0, None), (1, None), (2, None), (3, Some(BAD))] {
        assert_eq!(ends(&refused(Scene::running(), times)), want.into_iter().collect::<Vec<_>>(), "{times}");
    }
    let delivered_after = refused(Scene::running(), 3).delivered(7);
    assert_eq!(ends(&delivered_after), [GOOD], "its latest end");
    assert_eq!(ends(&refused(delivered_after, 2)), [GOOD]);
    assert_eq!(ends(&noticed(lost(), Fact::NothingMade)), [BAD]);
    let killed = noticed(Scene::running().intended(start()), Fact::NothingMade);
    assert_eq!(ends(&killed), NONE, "a kill of our own");
    assert_eq!(given_up(lost()), [BAD]);
    assert_eq!(given_up(Scene::running().created(7)), [BAD]);
    assert_eq!(given_up(refused(Scene::running(), 1)), NONE, "wanted no more, and never refused for long");
    let promised = Action::Destroy { droplet: DropletId(7), cause: DestroyCause::Promised };
    let intended = Event::Intended { action: promised };
    let cancelled = Scene::stopped().created(7).event(after(8), &format!("destroy/{NAME}/7"), intended);
    assert_eq!(given_up(cancelled), NONE, "cancelled while it was booting, and destroyed after its grace");
    let off = Action::PowerOn { droplet: DropletId(7) };
    let failed = Event::Failed { why: "no".to_owned() };
    let step = format!("power_on/{NAME}/7");
    let other = (0..3).fold(Scene::running().delivered(7), |scene, _| {
        scene.event(after(9), &step, Event::Intended { action: off.clone() }).event(
            after(9),
            &step,
            failed.clone(),
        )
    });
    assert_eq!(ends(&other), [GOOD], "a refusal of something else");
}

#[test]
fn a_lost_reply_about_something_else_is_no_lost_create() {
    let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion: Occasion::Ended };
    let step = format!("letter/{NAME}/ended/1");
    let scene = Scene::running()
        .intended(start())
        .event(start(), &step, Event::Intended { action: Action::Letter { letter } })
        .event(start(), &step, Event::Unknown { why: "closed".to_owned() });
    assert_eq!(ends(&noticed(scene, Fact::NothingMade)), NONE);
}

fn broken(scene: Scene) -> Scene {
    let mut scene = scene;
    scene.history.breaker = history(&[BAD; 3]).breaker;
    scene
}

/// Opened and told a while ago.
fn open(scene: Scene) -> Scene {
    let mut scene = broken(scene);
    let opened = Opened { since: after(3), failed: [0, 1, 2].map(server).to_vec(), of: 3 };
    let step = StepId::of(&[&"letter", &"fleet", &"operator-breaker", &after(3).unix()]);
    let occasion = Occasion::AlertBreaker { opened: opened.clone() };
    let letter = Letter { server: None, to: Recipient::Operator, occasion };
    let events = [
        Event::Noticed { fact: Fact::BreakerOpened { opened } },
        Event::Intended { action: Action::Letter { letter } },
        Event::Done { outcome: Outcome::Plain },
    ];
    for event in events {
        scene.history.fold(&Entry { at: after(3), server: None, step: step.clone(), event });
    }
    scene
}

#[test]
fn it_is_written_down_and_told_once() {
    let up = || Scene::running().delivered(7).droplet(7, Active).at(after(9));
    assert_eq!(broken(up()).line(), "record:breaker_opened letter:operator-breaker (breaker_open)");
    assert_eq!(open(up()).line(), "(breaker_open)");
    let mut untold = open(up());
    untold.history.fleet.done.clear();
    assert_eq!(untold.line(), "letter:operator-breaker (breaker_open)");
    assert!(open(up()).plan().is_broken() && !up().plan().is_broken());
}

/// Given up after nine minutes, its droplet gone, and paid for.
fn failed() -> Scene {
    noticed(Scene::running().created(7), Fact::GaveUp { why: Undelivered::NeverUp })
        .gone(7)
        .paid(3500)
        .at(after(10))
}

fn begun(scene: Scene, at: Moment) -> Scene {
    let action = Action::Cancel { subscription: "sub_1".parse().expect("an id") };
    scene.did(at, "cancel/sub_1", action, Outcome::Plain)
}

#[test]
fn an_open_one_withholds_creates_and_refunds_and_nothing_else() {
    assert_eq!(open(Scene::running()).line(), "(breaker_open) (withheld)");
    assert_eq!(open(failed()).line(), "(breaker_open) (withheld)");
    let on = |scene: Scene| open(scene.at(after(30))).line();
    assert_eq!(on(Scene::running().delivered(7).droplet(7, Off)), "power_on (breaker_open)");
    assert_eq!(on(Scene::running().created(7).droplet(7, Active).ready(7)), "letter:welcome (breaker_open)");
    let tombstone = Scene::destroyed().delivered(7).droplet(7, Active).stripe(Status::Canceled);
    assert_eq!(on(tombstone), "destroy (breaker_open)");
    // Half a settlement helps nobody.
    let rest = "refund:$35.00 letter:failed letter:operator-failed (breaker_open)";
    assert_eq!(open(begun(failed(), after(9))).line(), rest);
    assert_eq!(
        open(begun(failed(), after(8))).line(),
        "(breaker_open) (withheld)",
        "that was an earlier failure"
    );
    let action = Action::Cancel { subscription: "sub_1".parse().expect("an id") };
    let lost = failed().event(after(9), "cancel/sub_1", Event::Intended { action });
    assert_eq!(open(lost).line(), "refund:$35.00 cancel letter:failed letter:operator-failed (breaker_open)");
}

#[test]
fn a_reset_closes_it_and_tries_again_what_was_not_begun() {
    let entries = |scene: Scene, retry| {
        let mut scene = open(scene);
        let entries = reset(&scene.history, after(60), retry);
        for entry in &entries {
            scene.history.fold(entry);
        }
        assert_eq!(scene.history.breaker, Breaker::default());
        assert!(entries.iter().all(|entry| entry.at == after(60)));
        let phase = scene.history.records.get(&name()).map(|record| record.phase);
        (entries.len(), phase)
    };
    assert_eq!(entries(failed(), true), (2, Some(Phase::New)));
    assert_eq!(entries(failed(), false), (1, Some(Phase::Failed)));
    assert_eq!(entries(begun(failed(), after(9)), true), (1, Some(Phase::Failed)));
    assert_eq!(entries(begun(failed(), after(8)), true), (2, Some(Phase::New)));
    assert_eq!(entries(Scene::running().delivered(7), true), (1, Some(Phase::Delivered)));
    let told = |at| {
        let occasion = Occasion::AlertFailed {
            why: Undelivered::NeverUp,
            refunded: Vec::new(),
            cancelled: false,
            remark: None,
        };
        let letter = Letter { server: Some(name()), to: Recipient::Operator, occasion };
        failed().did(
            at,
            &format!("letter/{NAME}/operator-failed/1"),
            Action::Letter { letter },
            Outcome::Plain,
        )
    };
    assert_eq!(entries(told(after(9)), true), (1, Some(Phase::Failed)));
    assert_eq!(entries(told(after(8)), true), (2, Some(Phase::New)), "of an earlier failure");
}

#[test]
fn the_operator_hears_of_a_create_that_is_refused_again_and_again() {
    let line = |times| refused(Scene::running().stripe(Status::Active), times).at(after(60)).line();
    assert_eq!(
        [line(2), line(3), line(4)],
        ["create", "create letter:operator-refused", "create letter:operator-refused"]
    );
    let scene = refused(Scene::running().stripe(Status::Active), 3).at(after(60));
    let plan = scene.plan();
    let told = scene.did(after(60), plan.steps[1].id.as_str(), plan.steps[1].action.clone(), Outcome::Plain);
    assert_eq!(told.line(), "create", "once");
    let again = noticed(told, Fact::Retry);
    assert_eq!(again.history.records[&name()].failures, [].into());
    let Action::Create { order: next } = &again.plan().steps[0].action else { panic!("no create") };
    assert_eq!(*next, order(&name(), 2));
}

#[test]
fn a_fleets_own_steps_wait_after_a_refusal_too() {
    let mut scene = broken(Scene::running().delivered(7).droplet(7, Active)).at(after(9));
    let plan = scene.plan();
    let letter = plan.steps.iter().find(|step| matches!(step.action, Action::Letter { .. })).expect("one");
    assert_eq!(letter.server, None);
    let opened = found(&scene).expect("it is open");
    let entry = |step: &StepId, event| Entry { at: after(9), server: None, step: step.clone(), event };
    scene.history.fold(&entry(&letter.id, Event::Noticed { fact: Fact::BreakerOpened { opened } }));
    scene.history.fold(&entry(&letter.id, Event::Intended { action: letter.action.clone() }));
    scene.history.fold(&entry(&letter.id, Event::Failed { why: "no".to_owned() }));
    assert_eq!(scene.line(), "(waiting) (breaker_open)");
    assert_eq!(scene.at(after(10)).line(), "letter:operator-breaker (breaker_open)");
}

#[test]
fn money_that_went_back_before_is_of_an_earlier_failure() {
    let refund = Outcome::Refunded {
        refund: "re_1".parse().expect("an id"),
        amount: Money::usd(3500),
        status: "succeeded".to_owned(),
    };
    let action = Action::Refund {
        order: basement::model::billing::RefundOrder {
            subscription: "sub_1".parse().expect("an id"),
            payment: "pi_0".parse().expect("an id"),
            amount: Money::usd(3500),
        },
        attempt: 1,
    };
    let before = failed().did(after(8), "refund/sub_1/pi_0", action.clone(), refund.clone());
    assert_eq!(open(before).line(), "(breaker_open) (withheld)");
    let since = failed().did(after(9), "refund/sub_1/pi_0", action, refund);
    assert!(open(since).line().starts_with("refund:$35.00 cancel"));
}
