//! What a failed delivery is settled with: which money goes back, and what its customer and the operator read.

use basement::model::billing::{PaymentPart, Refund, RefundOrder, RefundStatus};
use basement::model::census::DropletStatus::Active;
use basement::model::census::Sighting;
use basement::model::desired::Origin;
use basement::model::history::{Event, Outcome};
use basement::model::ids::{DropletId, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::money::Money;
use basement::model::policy::OnFailure;
use basement::model::step::{Action, Fact, Undelivered};

use crate::scene::{NAME, Scene, after, droplet, name, start};

const ID: DropletId = DropletId(7);
const STEP: &str = "refund/sub_1/pi_1";

/// Given up after five minutes, its droplet gone, and so much paid.
fn failed(cents: i64) -> Scene {
    given_up(Scene::running().created(7)).gone(7).paid(cents).at(after(6))
}

fn given_up(scene: Scene) -> Scene {
    scene.event(
        after(5),
        &format!("record/{NAME}/gave-up/1"),
        Event::Noticed { fact: Fact::GaveUp { why: Undelivered::NeverUp } },
    )
}

fn parts(scene: &mut Scene) -> &mut Vec<PaymentPart> {
    &mut scene.payment.as_mut().expect("a payment").parts
}

/// A refund as Stripe lists it; ours bears our step.
fn listed(cents: i64, status: RefundStatus, is_ours: bool) -> Refund {
    let step = is_ours.then(|| StepId::parse(STEP).expect("a step"));
    Refund { id: "re_1".parse().expect("an id"), amount: Money::usd(cents), status, step }
}

fn order(cents: i64) -> Action {
    let order = RefundOrder {
        subscription: "sub_1".parse().expect("an id"),
        payment: "pi_1".parse().expect("an id"),
        amount: Money::usd(cents),
    };
    Action::Refund { order, attempt: 1 }
}

fn refunded(scene: Scene, cents: i64, status: &str) -> Scene {
    let (refund, amount) = ("re_1".parse().expect("an id"), Money::usd(cents));
    scene.did(after(6), STEP, order(cents), Outcome::Refunded { refund, amount, status: status.to_owned() })
}

/// The plan in one line, and what the letter to the operator says.
fn settled(scene: &Scene) -> (String, Vec<Money>, bool, Option<String>) {
    let alerts = scene.plan().steps.into_iter().filter_map(|step| match step.action {
        Action::Letter { letter: Letter { occasion, .. } } => Some(occasion),
        _ => None,
    });
    let alert = alerts.into_iter().find_map(|occasion| match occasion {
        Occasion::AlertFailed { refunded, cancelled, remark, .. } => Some((refunded, cancelled, remark)),
        _ => None,
    });
    let (refunded, cancelled, remark) = alert.expect("the operator is told");
    (scene.line(), refunded, cancelled, remark)
}

const TOLD: &str = "cancel letter:failed letter:operator-failed";

#[test]
fn what_was_paid_and_not_yet_given_back_goes_back() {
    let usd = |cents| vec![Money::usd(cents)];
    let all = |scene: &Scene, line: &str, refunded: Vec<Money>| {
        assert_eq!(settled(scene), (line.to_owned(), refunded, true, None));
    };
    all(&failed(3500), &format!("refund:$35.00 {TOLD}"), usd(3500));
    all(&failed(0), TOLD, Vec::new());
    let mut by_person = failed(3500);
    parts(&mut by_person)[0].refunded = 1000;
    parts(&mut by_person)[0].refunds = vec![listed(1000, RefundStatus::Succeeded, false)];
    all(&by_person, &format!("refund:$25.00 {TOLD}"), usd(3500));
    parts(&mut by_person)[0].refunded = 3500;
    parts(&mut by_person)[0].refunds = vec![listed(3500, RefundStatus::Pending, false)];
    all(&by_person, TOLD, usd(3500));
    let mut two = failed(3500);
    let second = PaymentPart { id: "pi_2".parse().expect("an id"), ..parts(&mut two)[0].clone() };
    parts(&mut two).push(second);
    all(&two, &format!("refund:$35.00 refund:$35.00 {TOLD}"), usd(7000));
    let mut unpaid = failed(0);
    unpaid.payment = None;
    for fresh in [after(5), after(6 + 24 * 60)] {
        let billing = unpaid.census.billing.entry("sub_1".parse().expect("an id")).or_default();
        billing.payments.insert(fresh, None);
    }
    all(&unpaid, TOLD, Vec::new());
}

#[test]
fn a_refund_that_is_made_is_not_made_again() {
    let usd = |cents| vec![Money::usd(cents)];
    let mut done = refunded(failed(3500), 3500, "succeeded");
    let told = |refunded| (TOLD.to_owned(), refunded, true, None);
    assert_eq!(settled(&done), told(usd(3500)), "not listed yet");
    parts(&mut done)[0].refunds = vec![listed(3500, RefundStatus::Succeeded, true)];
    assert_eq!(settled(&done), told(usd(3500)), "listed, and not counted twice");
    parts(&mut done)[0].refunds.push(listed(500, RefundStatus::Succeeded, false));
    assert_eq!(settled(&done), told(usd(4000)), "with one that a person made");
    parts(&mut done)[0].refunds = vec![listed(3500, RefundStatus::Succeeded, false)];
    assert_eq!(settled(&done), told(usd(7000)), "a person's, and ours that is not listed yet");
    // Its reply was lost: it is asked again as it was, whatever is left to refund.
    let mut lost = failed(3500).event(after(6), STEP, Event::Intended { action: order(3500) });
    parts(&mut lost)[0].refunded = 3500;
    parts(&mut lost)[0].refunds = vec![listed(3500, RefundStatus::Pending, true)];
    assert_eq!(settled(&lost), (format!("refund:$35.00 {TOLD}"), usd(3500), true, None));
    assert!(lost.plan().steps[0].again);
    parts(&mut lost)[0].refunds = vec![listed(1000, RefundStatus::Succeeded, false)];
    assert_eq!(settled(&lost).1, usd(4500), "another one than ours stands besides");
}

#[test]
fn a_refused_refund_is_tried_again_as_another() {
    let refused = |scene: Scene| {
        let why = "no".to_owned();
        scene.event(after(6), STEP, Event::Intended { action: order(3500) }).event(
            after(6),
            STEP,
            Event::Failed { why },
        )
    };
    let twice = refused(refused(failed(3500))).at(after(7));
    let Action::Refund { attempt, .. } = twice.plan().steps[0].action else { panic!("no refund") };
    assert_eq!(attempt, 3);
    let mut two = refused(failed(3500));
    let second = PaymentPart { id: "pi_2".parse().expect("an id"), ..parts(&mut two)[0].clone() };
    parts(&mut two).push(second);
    assert_eq!(two.line(), "refund:$35.00 cancel (waiting)", "no letter before both are made");
    parts(&mut two).reverse();
    assert_eq!(two.line(), "refund:$35.00 cancel (waiting)");
}

#[test]
fn what_a_person_must_give_back_is_said() {
    let by_hand = |scene: &Scene, why: &str| {
        let (line, refunded, cancelled, remark) = settled(scene);
        assert_eq!((line, refunded), (format!("{TOLD} (refund_by_hand)"), Vec::new()), "{why}");
        assert_eq!((cancelled, remark), (true, Some(why.to_owned())));
    };
    let mut disputed = failed(3500);
    parts(&mut disputed)[0].disputed = true;
    by_hand(&disputed, "payment `pi_1` is disputed");
    let mut outside = failed(3500);
    outside.payment.as_mut().expect("a payment").by_hand = Some("paid in cash".to_owned());
    by_hand(&outside, "paid in cash");
    for status in ["failed", "canceled"] {
        by_hand(&refunded(failed(3500), 3500, status), "the refund of `pi_1` failed at the bank");
    }
    for status in [RefundStatus::Failed, RefundStatus::Canceled] {
        let mut back = refunded(failed(3500), 3500, "succeeded");
        parts(&mut back)[0].refunds = vec![listed(3500, status, true)];
        by_hand(&back, "the refund of `pi_1` failed at the bank");
    }
}

#[test]
fn policy_says_what_follows_a_failure() {
    let with = |on_failure| {
        let mut scene = failed(3500);
        scene.policy.on_failure = on_failure;
        settled(&scene)
    };
    let usd = vec![Money::usd(3500)];
    let all = format!("refund:$35.00 {TOLD}");
    assert_eq!(with(OnFailure::RefundAndCancel), (all, usd.clone(), true, None));
    let refund = "refund:$35.00 letter:failed letter:operator-failed".to_owned();
    assert_eq!(with(OnFailure::Refund), (refund, usd, false, None));
    let remark = "policy `on_failure = \"alert\"`: nothing was refunded".to_owned();
    assert_eq!(
        with(OnFailure::Alert),
        ("letter:operator-failed".to_owned(), Vec::new(), false, Some(remark))
    );
    let mut extra = failed(3500);
    extra.server.origin = Origin::Extra;
    assert_eq!(settled(&extra), ("letter:operator-failed".to_owned(), Vec::new(), false, None));
}

#[test]
fn a_cancellation_is_made_once() {
    let action = Action::Cancel { subscription: "sub_1".parse().expect("an id") };
    let ended = failed(0).did(after(6), "cancel/sub_1", action, Outcome::Plain);
    let told = "letter:failed letter:operator-failed".to_owned();
    assert_eq!(settled(&ended), (told, Vec::new(), true, None));
}

#[test]
fn nothing_goes_back_before_the_droplet_is_confirmed_absent() {
    let line = |scene: Scene| scene.at(after(6)).line();
    let there = |is_marked: bool| {
        let (mut scene, mut seen) = (given_up(Scene::running().created(7)).paid(3500), droplet(7, Active));
        if !is_marked {
            seen.tags.remove("basement");
        }
        scene.census.sightings.insert(ID, Sighting::There(Box::new(seen)));
        scene
    };
    assert_eq!([line(there(true)), line(there(false))], ["destroy", "(mark_lost)"]);
    // A lost reply: no number was ever learned, so the name is asked for.
    let lost = || given_up(Scene::running().intended(start())).paid(3500);
    let named = |is_marked: bool| {
        let mut seen = droplet(9, Active);
        if !is_marked {
            seen.tags.remove("basement");
        }
        let mut scene = lost();
        scene.census.named.insert(name(), vec![seen]);
        scene
    };
    assert_eq!(line(lost()), "named?");
    assert_eq!([line(named(true)), line(named(false))], ["destroy", "(mark_lost)"]);
    assert_eq!(line(lost().unfound()), format!("refund:$35.00 {TOLD}"));
}

#[test]
fn a_failure_is_told_when_the_operators_letter_is_out_and_the_customers_not_due() {
    let letter =
        |occasion: Occasion, to| Action::Letter { letter: Letter { server: Some(name()), to, occasion } };
    let alert = letter(
        Occasion::AlertFailed { why: Undelivered::NeverUp, refunded: vec![], cancelled: true, remark: None },
        Recipient::Operator,
    );
    let told = failed(0).did(after(7), &format!("letter/{NAME}/operator-failed/1"), alert, Outcome::Plain);
    let customer = Recipient::Customer("cus_1".parse().expect("an id"));
    let failure = letter(
        Occasion::Failed { why: Undelivered::NeverUp, refunded: vec![], cancelled: true, by_hand: false },
        customer,
    );
    let step = format!("letter/{NAME}/failed/1");
    let lost = told.event(after(7), &step, Event::Intended { action: failure });
    assert_eq!(lost.line(), "cancel letter:failed");
    let refused = lost.event(after(7), &step, Event::Failed { why: "no".to_owned() }).at(after(8));
    assert_eq!(refused.line(), "cancel letter:failed");
    let stopped = |mut scene: Scene| {
        scene.server.state = Scene::stopped().server.state;
        scene.line()
    };
    let alert = letter(
        Occasion::AlertFailed { why: Undelivered::NeverUp, refunded: vec![], cancelled: true, remark: None },
        Recipient::Operator,
    );
    let told = failed(0).did(after(7), &format!("letter/{NAME}/operator-failed/1"), alert, Outcome::Plain);
    assert_eq!(told.line(), "(failed)");
    assert_eq!(stopped(told), "nothing", "wanted no more, it is not said for ever");
}

#[test]
fn letters_go_to_whom_they_concern() {
    let recipients = |scene: &Scene| -> Vec<Recipient> {
        let letters = scene.plan().steps.into_iter().filter_map(|step| match step.action {
            Action::Letter { letter } => Some(letter.to),
            _ => None,
        });
        letters.collect()
    };
    let customer = Recipient::Customer("cus_1".parse().expect("an id"));
    assert_eq!(recipients(&failed(0)), [customer.clone(), Recipient::Operator]);
    let mut up = Scene::running().created(7).droplet(7, Active).ready(7).at(after(1));
    assert_eq!(recipients(&up), [customer]);
    up.server.origin = Origin::Extra;
    assert_eq!(recipients(&up), [Recipient::Operator]);
    let deleted = Scene::running().delivered(7).gone(7).at(after(9));
    assert_eq!(recipients(&deleted), [Recipient::Operator]);
}

#[test]
fn a_refund_of_ours_that_is_not_listed_yet_counts_beside_a_persons_of_the_same_amount() {
    let mut scene = refunded(failed(3_000), 1_500, "pending");
    parts(&mut scene)[0].refunds = vec![listed(1_500, RefundStatus::Succeeded, false)];
    let (_, money, _, remark) = settled(&scene);
    assert_eq!((money, remark), (vec![Money::usd(3_000)], None));
}
