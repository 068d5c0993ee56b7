//! What is refused for good, or comes back after it was told: somebody hears of it.

use basement::model::billing::{Refund, RefundOrder, RefundStatus, Status};
use basement::model::census::DropletStatus::{Active, Off};
use basement::model::history::{Event, Outcome};
use basement::model::ids::{DropletId, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::step::{Action, Fact, Undelivered};
use basement::plan::breaker;

use crate::scene::{NAME, Scene, after, name};

const ID: DropletId = DropletId(7);
const REFUND: &str = "refund/sub_1/pi_1";
const DAY: u64 = 24 * 60;

/// Refused at these minutes.
fn refused(scene: Scene, step: &str, action: &Action, at: &[u64]) -> Scene {
    at.iter().fold(scene, |scene, minute| {
        let no = Event::Failed { why: "no".to_owned() };
        let asked = Event::Intended { action: action.clone() };
        scene.event(after(*minute), step, asked).event(after(*minute), step, no)
    })
}

fn letter(occasion: Occasion) -> Action {
    Action::Letter { letter: Letter { server: Some(name()), to: Recipient::Operator, occasion } }
}

/// Given up after five minutes, its droplet gone, and paid.
fn failed() -> Scene {
    let given_up = Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } };
    Scene::running()
        .created(7)
        .event(after(5), &format!("record/{NAME}/gave-up/1"), given_up)
        .gone(7)
        .paid(3500)
}

fn refund() -> Action {
    let (subscription, payment) = ("sub_1".parse().expect("an id"), "pi_1".parse().expect("an id"));
    Action::Refund { order: RefundOrder { subscription, payment, amount: Money::usd(3500) }, attempt: 1 }
}

#[test]
fn the_operator_hears_of_what_is_refused_three_times() {
    let (cancel, on) =
        (Action::Cancel { subscription: "sub_1".parse().expect("an id") }, Action::PowerOn { droplet: ID });
    let welcome = letter(Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: ID, host_key: None });
    let welcomed = format!("letter/{NAME}/welcome/1");
    let switched = format!("power_on/{NAME}/7");
    let up = || Scene::running().created(7).droplet(7, Active).ready(7);
    let off = || Scene::running().delivered(7).droplet(7, Off);
    for (row, scene, step, action, want) in [
        (
            "refund",
            failed(),
            REFUND,
            &refund(),
            ["refund:$35.00 cancel", "refund:$35.00 cancel letter:operator-refused"],
        ),
        (
            "cancel",
            failed(),
            "cancel/sub_1",
            &cancel,
            ["refund:$35.00 cancel", "refund:$35.00 cancel letter:operator-refused"],
        ),
        (
            "welcome",
            up(),
            welcomed.as_str(),
            &welcome,
            ["letter:welcome", "letter:operator-refused letter:welcome"],
        ),
        ("power_on", off(), switched.as_str(), &on, ["power_on", "power_on letter:operator-refused"]),
    ] {
        let twice = refused(scene, step, action, &[6, 7]).at(after(99));
        let without_letters = |line: &str| line.replace(" letter:failed letter:operator-failed", "");
        assert_eq!(without_letters(&twice.line()), want[0], "{row}");
        let thrice = refused(twice, step, action, &[8]);
        assert_eq!(without_letters(&thrice.line()), want[1], "{row}");
        let alert = format!("letter/{NAME}/operator-refused/{row}-1");
        let why = Occasion::AlertRefused { what: row.to_owned(), why: "no".to_owned() };
        let told = thrice.did(after(9), &alert, letter(why), Outcome::Plain);
        assert_eq!(without_letters(&told.line()), want[0], "{row}, told");
    }
}

#[test]
fn a_refund_that_is_refused_for_a_day_is_a_persons() {
    let at = |minutes: &[u64]| {
        let scene = refused(failed(), REFUND, &refund(), minutes);
        scene.at(after(2 * DAY)).line()
    };
    let by_hand = "cancel letter:failed letter:operator-failed (refund_by_hand)";
    assert_eq!(at(&[6, 7, 6 + DAY]), by_hand);
    assert!(at(&[6, 6 + DAY]).starts_with("refund:$35.00 "), "twice is not for good");
    assert!(at(&[6, 7, 5 + DAY]).starts_with("refund:$35.00 "), "an outage is shorter than a day");
    let lost = refused(failed(), REFUND, &refund(), &[6, 7, 6 + DAY]);
    let lost = lost.event(after(7 + DAY), REFUND, Event::Intended { action: refund() }).at(after(2 * DAY));
    assert!(lost.line().starts_with("refund:$35.00 "), "it may have been made");
    let mut made = refused(failed(), REFUND, &refund(), &[6, 7, 6 + DAY]).at(after(2 * DAY));
    let part = &mut made.payment.as_mut().expect("a payment").parts[0];
    (part.refunded, part.refunds) = (3500, vec![listed(RefundStatus::Succeeded)]);
    assert!(!made.line().contains("by_hand"), "an earlier try was made after all");
}

fn listed(status: RefundStatus) -> Refund {
    let step = Some(StepId::parse(REFUND).expect("a step"));
    Refund { id: "re_1".parse().expect("an id"), amount: Money::usd(3500), status, step }
}

/// Refunded after six minutes, with this status, and told; asked now, Stripe says this.
fn told(status: &str, now: RefundStatus, at: Moment) -> Scene {
    let outcome = Outcome::Refunded {
        refund: "re_1".parse().expect("an id"),
        amount: Money::usd(3500),
        status: status.to_owned(),
    };
    let occasion = Occasion::AlertFailed {
        why: Undelivered::NeverUp,
        refunded: Vec::new(),
        cancelled: true,
        remark: None,
    };
    let step = format!("letter/{NAME}/operator-failed/1");
    let mut scene = failed().did(after(6), REFUND, refund(), outcome).stripe(Status::Canceled);
    scene = scene.did(after(7), &step, letter(occasion), Outcome::Plain).at(at);
    scene.payment.as_mut().expect("a payment").parts[0].refunds = vec![listed(now)];
    scene
}

#[test]
fn a_refund_that_comes_back_after_it_was_told_is_told_to_the_operator() {
    let line = |status, now, minutes| told(status, now, after(minutes)).line();
    assert_eq!(line("pending", RefundStatus::Pending, DAY), "(failed)");
    assert_eq!(line("pending", RefundStatus::Succeeded, DAY), "(failed)");
    assert_eq!(line("pending", RefundStatus::Failed, DAY), "letter:operator-refund (failed)");
    assert_eq!(line("requiresaction", RefundStatus::Canceled, DAY), "letter:operator-refund (failed)");
    assert_eq!(line("pending", RefundStatus::Failed, 30 * DAY), "letter:operator-refund (failed)");
    assert_eq!(line("pending", RefundStatus::Failed, 31 * DAY), "(failed)", "it is not asked for ever");
    let mut unasked = told("pending", RefundStatus::Failed, after(DAY));
    unasked.payment = None;
    assert_eq!(unasked.line(), "(failed) payment? payment?");
    unasked = told("succeeded", RefundStatus::Failed, after(DAY));
    unasked.payment = None;
    assert_eq!(unasked.line(), "(failed)", "what has arrived does not come back");
    let again = told("pending", RefundStatus::Failed, after(DAY));
    let why = Occasion::AlertRefund { why: "no".to_owned() };
    let step = format!("letter/{NAME}/operator-refund/pi_1");
    let sent = again.did(after(DAY), &step, letter(why), Outcome::Plain);
    assert_eq!(sent.at(after(DAY).plus(Span::minutes(9))).line(), "(failed)");
}

#[test]
fn a_settlement_that_has_begun_is_ended_before_another_try() {
    let is_settling = |scene: &Scene| breaker::is_settling(&scene.history.records[&name()]);
    assert!(!is_settling(&failed()), "not begun");
    let asked = failed().event(after(6), REFUND, Event::Intended { action: refund() });
    assert!(is_settling(&asked), "asked, and its end is not known");
    let outcome = Outcome::Refunded {
        refund: "re_1".parse().expect("an id"),
        amount: Money::usd(3500),
        status: "succeeded".to_owned(),
    };
    assert!(is_settling(&asked.event(after(6), REFUND, Event::Done { outcome })), "paid back, and not told");
    assert!(!is_settling(&told("succeeded", RefundStatus::Succeeded, after(9))), "told");
}
