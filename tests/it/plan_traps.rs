//! Traps laid for the plan: crashes between two steps, lost replies, refusals, a stale file, an old ledger.

use basement::model::billing::{PaymentPart, Refund};
use basement::model::billing::{RefundOrder, RefundStatus, Status};
use basement::model::census::{DropletStatus, Question, Sighting};
use basement::model::desired::{Because, DesiredState};
use basement::model::history::{Event, Outcome, Phase, Record};
use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::{Moment, Span};
use basement::model::money::Money;
use basement::model::policy::OnFailure;
use basement::model::step::{Action, DestroyCause, Fact, Undelivered};
use basement::plan::guard;

use crate::scene::{NAME, Scene, after, droplet, name, start};

const ID: DropletId = DropletId(7);

fn noticed(fact: Fact) -> Event {
    Event::Noticed { fact }
}

fn failed() -> Event {
    Event::Failed { why: "no".to_owned() }
}

/// Created as 7, and given up after five minutes.
fn given_up(scene: Scene) -> Scene {
    scene.created(7).event(
        after(5),
        &format!("record/{NAME}/gave-up/1"),
        noticed(Fact::GaveUp { why: Undelivered::NeverUp }),
    )
}

fn seconds(moment: Moment, seconds: u64) -> Moment {
    moment.plus(Span::seconds(seconds))
}

fn refund_action() -> Action {
    let order = RefundOrder {
        subscription: "sub_1".parse().expect("an id"),
        payment: "pi_1".parse().expect("an id"),
        amount: Money::usd(3500),
    };
    Action::Refund { order, attempt: 1 }
}

fn part(scene: &mut Scene) -> &mut PaymentPart {
    &mut scene.payment.as_mut().expect("a payment").parts[0]
}

fn promised(droplet: DropletId) -> Action {
    Action::Destroy { droplet, cause: DestroyCause::Promised }
}

fn told(occasion: Occasion) -> Action {
    Action::Letter { letter: Letter { server: Some(name()), to: Recipient::Operator, occasion } }
}

#[test]
fn a_refused_refund_does_not_keep_the_subscription_alive() {
    let step = "refund/sub_1/pi_1";
    let scene = given_up(Scene::running())
        .gone(7)
        .paid(3500)
        .event(after(6), step, Event::Intended { action: refund_action() })
        .event(after(6), step, failed());
    assert_eq!(scene.at(seconds(after(6), 10)).line(), "cancel (waiting)");
}

#[test]
fn an_unanswered_question_about_money_does_not_keep_the_subscription_alive() {
    assert_eq!(given_up(Scene::running()).gone(7).at(after(6)).line(), "cancel payment? payment?");
}

#[test]
fn the_payments_are_those_of_the_failure_and_of_now() {
    // The clocks differ by minutes, or the period was renewed while the boot was waited for; and a trial may
    // have ended while the end of its subscription had to wait. Stripe's clock may be ahead by a day.
    let plan = given_up(Scene::running()).gone(7).at(after(90)).plan();
    let asked = |minutes| Question::Payment("sub_1".parse().expect("an id"), after(minutes));
    assert_eq!(plan.questions.into_iter().collect::<Vec<_>>(), [asked(5), asked(90 + 24 * 60)]);
}

#[test]
fn a_letter_lost_between_two_steps_is_still_sent() {
    let deleted = Scene::running().delivered(7).event(
        after(9),
        &format!("record/{NAME}/deleted/1"),
        noticed(Fact::Deleted { droplet: ID }),
    );
    assert_eq!(deleted.at(after(9)).line(), "letter:operator-deleted (deleted)");
    let ended = || {
        Scene::destroyed().delivered(7).event(
            after(9),
            &format!("record/{NAME}/ended/1"),
            noticed(Fact::Ended),
        )
    };
    assert_eq!(ended().at(after(9)).line(), "letter:ended");
    let sent =
        ended().did(after(10), &format!("letter/{NAME}/ended/1"), told(Occasion::Ended), Outcome::Plain);
    assert_eq!(sent.at(after(11)).line(), "nothing");
}

#[test]
fn a_refused_destroy_is_not_taken_for_a_destruction() {
    let step = format!("destroy/{NAME}/7");
    let refused = |scene: Scene| {
        scene.delivered(7).event(after(9), &step, Event::Intended { action: promised(ID) }).event(
            after(9),
            &step,
            failed(),
        )
    };
    let still = refused(Scene::destroyed()).droplet(7, DropletStatus::Off).stripe(Status::Canceled);
    assert_eq!(still.at(seconds(after(9), 10)).line(), "(waiting)");
    let paid_again = refused(Scene::running()).gone(7).at(after(99));
    assert_eq!(paid_again.line(), "record:deleted letter:operator-deleted");
}

#[test]
fn a_step_whose_reply_was_lost_is_not_asked_again_at_once() {
    let occasion = Occasion::Welcome { address: [203, 0, 113, 7].into(), droplet: ID, host_key: None };
    let step = format!("letter/{NAME}/welcome/1");
    let lost = || {
        Scene::running()
            .created(7)
            .droplet(7, DropletStatus::Active)
            .event(after(1), &step, Event::Intended { action: told(occasion.clone()) })
            .event(after(1), &step, Event::Unknown { why: "closed".to_owned() })
            .ready(7)
    };
    assert_eq!(lost().at(seconds(after(1), 5)).line(), "(waiting)");
    let again = lost().at(seconds(after(1), 30)).plan();
    assert!(again.steps[0].again);
}

#[test]
fn a_second_droplet_needs_the_first_ones_absence() {
    let retried = || {
        given_up(Scene::running())
            .event(
                after(6),
                &format!("destroy/{NAME}/7"),
                Event::Intended { action: Action::Destroy { droplet: ID, cause: DestroyCause::NeverUp } },
            )
            .event(after(6), &format!("retry/{NAME}/1"), noticed(Fact::Retry))
    };
    assert_eq!(retried().at(after(7)).line(), "droplet?");
    assert_eq!(retried().gone(7).stripe(Status::Active).at(after(7)).line(), "create");
    let mut there = retried().at(seconds(after(6), 30));
    there.census.sightings.insert(ID, Sighting::There(Box::new(droplet(7, DropletStatus::Active))));
    assert_eq!(there.line(), "(leaving)");
    assert_eq!(there.at(after(7)).line(), "destroy", "it does not leave by itself");
    // It came up after all, but it is being destroyed: no letter may promise it.
    let listed = retried().droplet(7, DropletStatus::Active).at(seconds(after(6), 10));
    assert_eq!(listed.line(), "(leaving)");
}

#[test]
fn nobody_who_pays_is_told_of_a_suspension() {
    let mut off = Scene::new(DesiredState::Stopped, Because::PastDue)
        .delivered(7)
        .droplet(7, DropletStatus::Off)
        .at(after(9));
    assert_eq!(off.line(), "subscription?");
    off = off.stripe(Status::Active);
    assert_eq!(off.line(), "(stale)");
    assert_eq!(off.stripe(Status::PastDue).line(), "letter:suspended");
}

#[test]
fn what_was_made_after_the_failure_is_not_the_failed_droplet() {
    let lost = || {
        Scene::running()
            .intended(start())
            .event(
                after(5),
                &format!("record/{NAME}/nothing-made/1"),
                noticed(Fact::GaveUp { why: Undelivered::NeverUp }),
            )
            .at(after(90))
    };
    assert_eq!(lost().droplet(7, DropletStatus::Off).line(), "destroy");
    let mut by_hand = lost().droplet(8, DropletStatus::Active);
    by_hand.droplets[0].created_at = after(60);
    assert_eq!(by_hand.line(), "(stranger)");
}

#[test]
fn a_change_of_policy_gives_nothing_back_for_failures_long_settled() {
    let occasion = Occasion::AlertFailed {
        why: Undelivered::NeverUp,
        refunded: Vec::new(),
        cancelled: false,
        remark: None,
    };
    let mut scene = given_up(Scene::running())
        .did(after(7), &format!("letter/{NAME}/operator-failed/1"), told(occasion), Outcome::Plain)
        .gone(7)
        .paid(3500)
        .at(after(90));
    scene.policy.on_failure = OnFailure::RefundAndCancel;
    assert_eq!(scene.line(), "(failed)");
}

#[test]
fn only_a_refund_that_came_back_is_made_by_hand() {
    let outcome = Outcome::Refunded {
        refund: "re_1".parse().expect("an id"),
        amount: Money::usd(3500),
        status: "succeeded".to_owned(),
    };
    let step = "refund/sub_1/pi_1";
    let mut done = given_up(Scene::running())
        .gone(7)
        .paid(3500)
        .did(after(6), step, refund_action(), outcome)
        .at(after(7));
    assert_eq!(done.line(), "cancel letter:failed letter:operator-failed", "not listed yet");
    let plan = done.plan();
    let Action::Letter { letter } = &plan.steps[1].action else { panic!("no letter") };
    let refunded = vec![Money::usd(3500)];
    assert_eq!(
        letter.occasion,
        Occasion::Failed { why: Undelivered::NeverUp, refunded, cancelled: true, by_hand: false }
    );
    part(&mut done).refunds.push(Refund {
        id: "re_1".parse().expect("an id"),
        amount: Money::usd(3500),
        status: RefundStatus::Failed,
        step: Some(StepId::parse(step).expect("a step")),
    });
    assert_eq!(done.line(), "cancel letter:failed letter:operator-failed (refund_by_hand)");
}

#[test]
fn a_clock_set_back_makes_nobody_wait() {
    let step = format!("power_on/{NAME}/7");
    let action = Action::PowerOn { droplet: ID };
    let off = || Scene::running().delivered(7).droplet(7, DropletStatus::Off);
    let refused = off().event(after(900), &step, Event::Intended { action: action.clone() }).event(
        after(900),
        &step,
        failed(),
    );
    assert_eq!(refused.at(after(9)).line(), "power_on");
    let asked = off().did(after(900), &step, action, Outcome::Plain);
    assert_eq!(asked.at(after(9)).line(), "power_on");
}

#[test]
fn a_tag_alone_makes_no_droplet_a_servers() {
    let mut scene = Scene::running().droplet(7, DropletStatus::Active).at(after(9));
    scene.droplets[0].name = "somebody-elses".to_owned();
    assert_eq!(scene.line(), "(stranger)");
}

#[test]
fn what_basement_itself_destroyed_does_not_shrink_the_census() {
    let mut scene = Scene::running().delivered(7).droplet(7, DropletStatus::Active).at(after(20));
    for n in 1..=3 {
        let server = ServerName::parse(&format!("bea-{n}")).expect("a name");
        let (phase, droplet) = (Phase::Delivered, Some(DropletId(n)));
        scene.history.records.insert(server, Record { phase, droplet, ..Record::default() });
    }
    scene.census.droplets = scene.droplets.iter().map(|d| (d.id, d.clone())).collect();
    assert_eq!(guard::census_objections(&scene.census, &scene.history).len(), 1);
    for record in scene.history.records.values_mut().filter(|record| record.droplet != Some(ID)) {
        record.destroyed = Some(after(19));
    }
    assert_eq!(guard::census_objections(&scene.census, &scene.history), []);
}

#[test]
fn a_refusal_before_a_lost_reply_does_not_keep_the_try() {
    let step = format!("create/{NAME}/1");
    let lost = Scene::running()
        .intended(start())
        .event(start(), &step, failed())
        .intended(after(1))
        .event(after(1), &step, Event::Unknown { why: "closed".to_owned() })
        .event(after(6), &format!("record/{NAME}/nothing-made/1"), noticed(Fact::NothingMade))
        .stripe(Status::Active)
        .at(after(6));
    let Action::Create { order } = &lost.plan().steps[0].action else { panic!("no create") };
    assert_eq!(order.attempt, 2);
}

#[test]
fn a_stale_file_gives_up_nobody_who_pays() {
    let refused = |scene: Scene| {
        scene.intended(start()).event(start(), &format!("create/{NAME}/1"), failed()).at(after(9))
    };
    assert_eq!(refused(Scene::stopped()).line(), "subscription?");
    assert_eq!(refused(Scene::stopped()).stripe(Status::Active).line(), "(stale)");
    assert_eq!(refused(Scene::stopped()).stripe(Status::Canceled).line(), "record:gave_up");
}

#[test]
fn a_droplet_of_no_create_in_an_old_ledger_gets_no_second_welcome() {
    let adopted = |scene: Scene, created: Moment| {
        let mut scene = scene.droplet(7, DropletStatus::Active).at(after(99));
        scene.droplets[0].created_at = created;
        match &scene.plan().steps[0].action {
            Action::Record { fact: Fact::Adopted { delivered, .. } } => *delivered,
            other => panic!("{other:?}"),
        }
    };
    let lost = || Scene::running().intended(start());
    let refused = || lost().event(start(), &format!("create/{NAME}/1"), failed());
    assert!(!adopted(lost(), after(1)));
    assert!(adopted(lost(), after(60)), "yesterday's ledger, today's droplet");
    assert!(adopted(refused(), after(60)));
}
