//! The tale and the other days show every variant there is. The matches name all of them, so that a new one
//! breaks the build here, and then the test until a story tells of it.

use std::collections::BTreeSet;

use basement::model::census::Question;
use basement::model::insight::{Concern, Label};
use basement::model::letter::Occasion;
use basement::model::plan::Notice;
use basement::model::step::{Action, Fact, Reason};

use super::{known, sample};

#[test]
fn the_tale_and_the_other_days_show_every_variant() {
    all(&sample::actions(), action, 11);
    all(&sample::facts(), fact, 11);
    all(&sample::occasions(), occasion, 15);
    all(&sample::reasons(), reason, 22);
    all(&sample::notices(), notice, 32);
    all(&known::concerns(), concern, 7);
    let questions: Vec<Question> = sample::plans().iter().flat_map(|plan| plan.questions.clone()).collect();
    all(&questions, question, 7);
    let labels: Vec<Label> = known::insight(&sample::rich()).labels.into_values().collect();
    all(&labels, |label| label_number(*label), 4);
}

fn all<T>(shown: &[T], number: fn(&T) -> usize, of: usize) {
    let seen: BTreeSet<usize> = shown.iter().map(number).collect();
    let missing: Vec<usize> = (0..of).filter(|n| !seen.contains(n)).collect();
    assert!(
        missing.is_empty() && seen.len() == of,
        "not shown: {missing:?} of {}",
        std::any::type_name::<T>()
    );
}

fn action(action: &Action) -> usize {
    match action {
        Action::Record { .. } => 0,
        Action::Destroy { .. } => 1,
        Action::Refund { .. } => 2,
        Action::Cancel { .. } => 3,
        Action::Shutdown { .. } => 4,
        Action::PowerOff { .. } => 5,
        Action::PowerOn { .. } => 6,
        Action::Create { .. } => 7,
        Action::Letter { .. } => 8,
        Action::Tag { .. } => 9,
        Action::Firewall { .. } => 10,
    }
}

fn fact(fact: &Fact) -> usize {
    match fact {
        Fact::Adopted { .. } => 0,
        Fact::NothingMade => 1,
        Fact::GaveUp { .. } => 2,
        Fact::Deleted { .. } => 3,
        Fact::Ended => 4,
        Fact::Retry => 5,
        Fact::Recreate => 6,
        Fact::Census { .. } => 7,
        Fact::BreakerOpened { .. } => 8,
        Fact::BreakerReset => 9,
        Fact::Replaced => 10,
    }
}

fn occasion(occasion: &Occasion) -> usize {
    match occasion {
        Occasion::Welcome { .. } => 0,
        Occasion::Suspended { .. } => 1,
        Occasion::Resumed { .. } => 2,
        Occasion::Ending { .. } => 3,
        Occasion::Ended => 4,
        Occasion::Failed { .. } => 5,
        Occasion::AlertFailed { .. } => 6,
        Occasion::AlertDeleted { .. } => 7,
        Occasion::AlertRefused { .. } => 8,
        Occasion::AlertBreaker { .. } => 9,
        Occasion::AlertMany { .. } => 10,
        Occasion::AlertRefund { .. } => 11,
        Occasion::AlertNotReady { .. } => 12,
        Occasion::AlertUnsure { .. } => 13,
        Occasion::AlertFirewall { .. } => 14,
    }
}

fn reason(reason: &Reason) -> usize {
    match reason {
        Reason::Declared { .. } => 0,
        Reason::GraceEnded { .. } => 1,
        Reason::Anew => 2,
        Reason::StillOn { .. } => 3,
        Reason::NeverUp { .. } => 4,
        Reason::Absent => 5,
        Reason::Up => 6,
        Reason::Down { .. } => 7,
        Reason::NotDelivered { .. } => 8,
        Reason::Found => 9,
        Reason::NotFound { .. } => 10,
        Reason::Unrecorded => 11,
        Reason::CreatesFail { .. } => 12,
        Reason::Refused { .. } => 13,
        Reason::NeverReady { .. } => 14,
        Reason::Ready => 15,
        Reason::NotReady { .. } => 16,
        Reason::Unopened { .. } => 17,
        Reason::Begun => 18,
        Reason::MaybeTold => 19,
        Reason::Policy => 20,
        Reason::Changed => 21,
    }
}

fn notice(notice: &Notice) -> usize {
    match notice {
        Notice::Arriving { .. } => 0,
        Notice::Booting { .. } => 1,
        Notice::PoweringOn { .. } => 2,
        Notice::ShuttingDown { .. } => 3,
        Notice::Leaving { .. } => 4,
        Notice::Waiting { .. } => 5,
        Notice::Deleted => 6,
        Notice::Failed => 7,
        Notice::Twins { .. } => 8,
        Notice::Orphan { .. } => 9,
        Notice::WrongSize { .. } => 10,
        Notice::Held { .. } => 11,
        Notice::HoldOver { .. } => 12,
        Notice::Stale { .. } => 13,
        Notice::HandsOff { .. } => 14,
        Notice::MarkLost { .. } => 15,
        Notice::Stranger { .. } => 16,
        Notice::RefundByHand { .. } => 17,
        Notice::EndsOn { .. } => 18,
        Notice::SameSubscription { .. } => 19,
        Notice::BreakerOpen { .. } => 20,
        Notice::Withheld { .. } => 21,
        Notice::FirewallPending { .. } => 22,
        Notice::FirewallFirst { .. } => 23,
        Notice::FirewallTwins { .. } => 24,
        Notice::FirewallLeft { .. } => 25,
        Notice::NoSshKeys { .. } => 26,
        Notice::Gathered { .. } => 27,
        Notice::GettingReady { .. } => 28,
        Notice::NotReady { .. } => 29,
        Notice::Unsure { .. } => 30,
        Notice::Untried { .. } => 31,
    }
}

fn concern(concern: &Concern) -> usize {
    match concern {
        Concern::Quota { .. } => 0,
        Concern::SoldOut { .. } => 1,
        Concern::NoImage { .. } => 2,
        Concern::NoKey { .. } => 3,
        Concern::Loss { .. } => 4,
        Concern::Scope { .. } => 5,
        Concern::Requests { .. } => 6,
    }
}

fn question(question: &Question) -> usize {
    match question {
        Question::Droplet(_) => 0,
        Question::Named(_) => 1,
        Question::Firewall => 2,
        Question::Subscription(_) => 3,
        Question::Password(..) => 4,
        Question::Ready { .. } => 5,
        Question::Payment(..) => 6,
    }
}

fn label_number(label: Label) -> usize {
    match label {
        Label::ThisChange => 0,
        Label::Pending => 1,
        Label::Drift => 2,
        Label::InFlight => 3,
    }
}
