//! Runs of passes: what was agreed to, how long is rested between them, what ends them, and what is remembered.

use std::sync::Mutex;

use basement::engine::Progress;
use basement::engine::settle::{End, Run, settle};
use basement::model::history::{Entry, Event, History};
use basement::model::ids::StepId;
use basement::model::moment::Span;
use basement::model::step::Fact;
use basement::plan::agreed::Agreed;
use basement::plan::approval::approve;
use basement::ports::{Fault, Ledger as _};
use basement::rehearse::stage::Stage;
use basement::sim::billing::Books;
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::lock;

const PATIENCE: Span = Span::minutes(15);

/// A run, and the seconds it rested each time.
pub struct Played {
    result: Result<Run, Fault>,
    rests: Vec<u64>,
}

impl Played {
    pub fn run(&self) -> &Run {
        self.result.as_ref().expect("a run")
    }

    fn words(&self) -> Vec<&'static str> {
        self.run().did.iter().map(|did| did.step.action.word()).collect()
    }
}

/// Settles for so long at most; `stop_at` says at which news a person wants to stop.
async fn play(
    stage: &Stage,
    deadline: Span,
    agreed: Option<Agreed>,
    stop_at: impl Fn(&Progress) -> bool + Send + Sync,
) -> Played {
    let (say, stop) = tokio::sync::watch::channel(false);
    let rests = Mutex::new(Vec::new());
    let watch = |news: &Progress| {
        if stop_at(news) {
            say.send_replace(true);
        }
        if let Progress::Sleeping { span, .. } = news {
            rests.lock().expect("one thread").push(span.as_secs());
        }
    };
    let ports = stage.ports();
    let hold = ports.ledger.hold("a story").await.expect("nobody else has it");
    let result = settle(&ports, &stage.setup(), &hold, deadline, agreed, stop, &watch).await;
    Played { result, rests: rests.into_inner().expect("one thread") }
}

pub async fn settled(stage: &Stage) -> Played {
    play(stage, PATIENCE, None, |_| false).await
}

/// So many customers, and their files.
pub async fn joined(users: &[&str]) -> Stage {
    let mut stage = Stage::default();
    for user in users {
        stage.subscribe(user, "pro-month", 0).expect("subscribed");
    }
    stage.generate().await.expect("generated");
    stage
}

/// The same, delivered.
pub async fn delivered(users: &[&str]) -> Stage {
    let stage = joined(users).await;
    let played = settled(&stage).await;
    assert!(matches!(played.run().end, End::Settled));
    stage
}

/// Delivered, cancelled, and the grace over but for the last pass.
async fn ending(users: &[&str]) -> Stage {
    let mut stage = delivered(users).await;
    for user in users {
        stage.customer(user, Books::cancel).expect("known").expect("cancelled");
    }
    stage.generate().await.expect("generated");
    settled(&stage).await;
    stage.advance(Span::days(8));
    stage.generate().await.expect("generated");
    stage
}

pub fn spoil(stage: &Stage, call: &str, mishap: Mishap, count: u32) {
    let planned = Planned { call: call.to_owned(), mishap, skip: 0, count };
    lock(&stage.world).trouble.planned.push(planned);
}

#[tokio::test]
async fn a_run_rests_as_long_as_there_is_reason_to() {
    let played = settled(&joined(&["ada"]).await).await;
    assert_eq!(
        (played.words(), played.rests.clone()),
        (vec!["create", "letter"], vec![5, 10, 10, 10, 10, 5])
    );
    assert_eq!(played.run().passes, 7);
    let stage = ending(&["ada"]).await;
    let played = settled(&stage).await;
    // What was only written down changes the next plan at once.
    assert_eq!((played.words(), played.rests.clone()), (vec!["destroy", "record", "letter"], vec![5, 5]));
    let played = settled(&stage).await;
    assert_eq!((played.words(), played.rests.clone(), played.run().passes), (vec![], vec![], 1));
    let lost = joined(&["ada"]).await;
    spoil(&lost, "POST /v2/droplets", Mishap::Drop, 1);
    let played = settled(&lost).await;
    assert_eq!((played.words(), played.run().passes), (vec!["create", "record", "letter"], 8));
    assert_eq!(played.rests, [5, 10, 10, 10, 10, 5], "no rest after a record");
}

#[tokio::test]
async fn an_outage_is_waited_for_longer_and_longer_or_as_long_as_is_asked() {
    let stage = joined(&["ada"]).await;
    spoil(&stage, "GET /v2/droplets", Mishap::FailBefore(503), 7);
    let played = settled(&stage).await;
    assert_eq!(played.rests, [5, 10, 20, 40, 60, 60, 60, 5, 10, 10, 10, 10, 5]);
    let stage = joined(&["ada"]).await;
    spoil(&stage, "GET /v2/droplets", Mishap::FailBefore(503), 2);
    let planned =
        Planned { call: "GET /v2/droplets".to_owned(), mishap: Mishap::FailBefore(503), skip: 1, count: 1 };
    lock(&stage.world).trouble.planned.push(planned);
    let played = settled(&stage).await;
    assert_eq!(played.rests[..5], [5, 10, 5, 5, 10], "another outage begins anew");
    let stage = joined(&["ada"]).await;
    spoil(&stage, "GET /v2/droplets", Mishap::RateMinute, 2);
    let played = settled(&stage).await;
    assert_eq!(played.rests[..2], [5, 5], "as the vendor says");
}

#[tokio::test]
async fn refused_credentials_end_a_run_and_its_pass() {
    let stage = joined(&["ada"]).await;
    spoil(&stage, "GET /v2/droplets", Mishap::FailBefore(401), 1);
    let played = settled(&stage).await;
    assert!(played.result.expect_err("a fault").is_credentials());
    // Twenty creates: those that were begun are refused, the others are not begun.
    let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut stage = joined(&users).await;
    stage.policy.caps.failed_creates = 0;
    spoil(&stage, "POST /v2/droplets", Mishap::FailBefore(401), 1);
    let played = settled(&stage).await;
    assert!(played.result.expect_err("a fault").is_credentials());
    assert!(lock(&stage.world).cloud().machines().count() < 8);
    // A question that is refused so ends it too.
    let stage = delivered(&["ada"]).await;
    let id = lock(&stage.world).cloud().machines().next().expect("one").id;
    lock(&stage.world).cloud().remove_by_hand(id);
    spoil(&stage, "GET /v2/droplets/", Mishap::FailBefore(401), 1);
    let played = settled(&stage).await;
    assert!(played.result.expect_err("a fault").is_credentials());
}

#[tokio::test]
async fn a_pass_of_more_than_a_minute_begins_no_further_server() {
    let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let begun = async |ms| {
        let stage = joined(&users).await;
        spoil(&stage, "POST /v2/droplets", Mishap::Slow(ms), 8);
        play(&stage, Span::seconds(1), None, |_| false).await.run().did.len()
    };
    assert_eq!([begun(60_000).await, begun(61_000).await], [20, 8]);
}

#[tokio::test]
async fn creates_that_fail_in_a_row_leave_the_others_for_the_next_pass() {
    let users: Vec<String> = (0..20).map(|n| format!("user-{n}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let refused = async |most: usize| {
        let mut stage = joined(&users).await;
        stage.policy.caps.failed_creates = most;
        spoil(&stage, "POST /v2/droplets", Mishap::FailBefore(422), 1_000);
        let played = play(&stage, Span::seconds(1), None, |_| false).await;
        assert_eq!(played.run().passes, 1);
        played.run().did.iter().filter(|did| did.result.is_err()).count()
    };
    assert_eq!([refused(0).await, refused(20).await], [20, 20]);
    assert!((3..=8).contains(&refused(3).await), "those that were begun");
    // A create that succeeds ends the row.
    let mut stage = joined(&users).await;
    stage.policy.caps.failed_creates = 3;
    for skip in 0..3 {
        let call = "POST /v2/droplets".to_owned();
        let planned = Planned { call, mishap: Mishap::FailBefore(422), skip, count: 2 };
        lock(&stage.world).trouble.planned.push(planned);
    }
    let played = play(&stage, Span::seconds(1), None, |_| false).await;
    let failed = played.run().did.iter().filter(|did| did.result.is_err()).count();
    assert_eq!((played.run().did.len(), failed), (20, 6));
}

#[tokio::test]
async fn only_what_was_agreed_to_is_taken_away_and_what_follows_from_it() {
    let stage = ending(&["ada"]).await;
    let look = stage.look().await.expect("a look");
    let another = Agreed::to(&joined(&["ada"]).await.look().await.expect("a look").plan);
    let other = play(&stage, PATIENCE, Some(another), |_| false).await;
    assert!(matches!(other.run().end, End::Moved) && other.words().is_empty());
    assert!(other.run().last.as_ref().is_some_and(|report| report.is_moved));
    let agreed = play(&stage, PATIENCE, Some(Agreed::to(&look.plan)), |_| false).await;
    assert!(matches!(agreed.run().end, End::Settled));
    assert_eq!(agreed.words(), ["destroy", "record", "letter"]);
}

/// Ada's grace ends in forty seconds, and Cy has just subscribed.
async fn nearly_ending() -> Stage {
    let mut stage = delivered(&["ada"]).await;
    stage.customer("ada", Books::cancel).expect("known").expect("cancelled");
    stage.generate().await.expect("generated");
    settled(&stage).await;
    let ends = stage.setup().fleet.servers.values().find_map(|server| server.destroy_after).expect("a grace");
    stage.advance(Span::seconds(ends.since(stage.now()).as_seconds() - 40));
    stage.subscribe("cy", "pro-month", 0).expect("subscribed");
    stage.generate().await.expect("generated");
    stage
}

#[tokio::test]
async fn what_comes_up_during_a_run_is_not_agreed_to_with_it() {
    let stage = nearly_ending().await;
    let look = stage.look().await.expect("a look");
    let played = play(&stage, PATIENCE, Some(Agreed::to(&look.plan)), |_| false).await;
    assert_eq!(played.words(), ["create", "letter"]);
    assert!(matches!(played.run().end, End::Beyond), "{:?}", played.run().end);
    let report = played.run().last.as_ref().expect("a report");
    let beyond: Vec<&str> = report.beyond.iter().map(|step| step.action.word()).collect();
    assert_eq!(beyond, ["destroy"]);
    assert_eq!(lock(&stage.world).cloud().machines().count(), 2);
    // By the caps alone it is done.
    assert_eq!(settled(&stage).await.words(), ["destroy", "record", "letter"]);
}

#[tokio::test]
async fn what_a_file_says_yes_to_may_come_up_during_a_run() {
    let stage = nearly_ending().await;
    let look = stage.look().await.expect("a look");
    let (was, end) = (stage.now(), stage.now().plus(Span::days(7)));
    stage.advance(Span::seconds(50));
    let later = stage.look().await.expect("a look").plan;
    let who = (look.team().expect("a team").to_owned(), "Eve".to_owned());
    let approval = approve(&later, who, (was, end), vec![], |step| step.id.to_string());
    let agreed = Agreed::to(&look.plan).and(&approval);
    let played = play(&stage, PATIENCE, Some(agreed), |_| false).await;
    assert!(matches!(played.run().end, End::Moved), "the first plan is as it was shown, or nothing is done");
    let played = play(&stage, PATIENCE, Some(Agreed::to(&later).and(&approval)), |_| false).await;
    assert!(matches!(played.run().end, End::Settled));
}

#[tokio::test]
async fn a_delivery_that_fails_is_settled_as_part_of_what_was_agreed_to() {
    let stage = joined(&["ada"]).await;
    let told = Told { whim: Whim::StuckNew, server: None, times: 1 };
    lock(&stage.world).cloud().whims.tell(told);
    let look = stage.look().await.expect("a look");
    let played = play(&stage, PATIENCE, Some(Agreed::to(&look.plan)), |_| false).await;
    assert!(matches!(played.run().end, End::Settled), "{:?}", played.run().end);
    assert_eq!(
        played.words(),
        ["create", "record", "destroy", "refund", "cancel", "letter", "letter"],
        "and nobody is asked twice"
    );
    // So is the cut of the power after a shutdown that was shown.
    let mut stage = delivered(&["ada"]).await;
    stage.customer("ada", Books::cancel).expect("known").expect("cancelled");
    stage.generate().await.expect("generated");
    lock(&stage.world).cloud().whims.tell(Told { whim: Whim::IgnoreShutdown, server: None, times: 9 });
    let look = stage.look().await.expect("a look");
    let played = play(&stage, PATIENCE, Some(Agreed::to(&look.plan)), |_| false).await;
    assert_eq!(played.words(), ["shutdown", "power_off", "letter"]);
}

#[tokio::test]
async fn a_run_ends_at_its_deadline() {
    let end = async |seconds| {
        let stage = joined(&["ada"]).await;
        let played = play(&stage, Span::seconds(seconds), None, |_| false).await;
        (format!("{:?}", played.run().end), played.rests)
    };
    let deadline = || "Deadline".to_owned();
    // Requests take no time here: the first rest is over after five seconds, the second after fifteen.
    assert_eq!(end(4).await, (deadline(), vec![]));
    assert_eq!(end(5).await, (deadline(), vec![5]));
    assert_eq!(end(14).await, (deadline(), vec![5]));
    assert_eq!(end(15).await, (deadline(), vec![5, 10]));
}

#[tokio::test]
async fn what_only_waits_beyond_the_deadline_ends_a_run_at_once() {
    let stage = delivered(&["ada"]).await;
    let id = lock(&stage.world).cloud().machines().next().expect("one").id;
    lock(&stage.world).cloud().act(id, basement::sim::machine::Kind::PowerOff).expect("it is on");
    stage.advance(Span::minutes(1));
    spoil(&stage, "POST /v2/droplets/", Mishap::FailBefore(422), 1_000);
    let short = play(&stage, Span::seconds(20), None, |_| false).await;
    assert_eq!((format!("{:?}", short.run().end), short.rests.clone()), ("Deadline".to_owned(), vec![5]));
    let long = play(&stage, Span::seconds(60), None, |_| false).await;
    assert!(long.rests.len() > 3, "{:?}", long.rests);
}

#[tokio::test]
async fn a_question_without_an_answer_is_asked_again_whatever_else_waits_for_long() {
    let stage = delivered(&["ada", "bob"]).await;
    let ids: Vec<u64> = lock(&stage.world).cloud().machines().map(|machine| machine.id).collect();
    lock(&stage.world).cloud().act(ids[0], basement::sim::machine::Kind::PowerOff).expect("it is on");
    stage.advance(Span::minutes(1));
    spoil(&stage, "POST /v2/droplets/", Mishap::FailBefore(422), 1_000);
    play(&stage, Span::minutes(2), None, |_| false).await;
    lock(&stage.world).cloud().remove_by_hand(ids[1]);
    spoil(&stage, "GET /v2/droplets/", Mishap::FailBefore(503), 1);
    let played = play(&stage, Span::seconds(20), None, |_| false).await;
    assert_eq!(played.words(), ["record", "letter"], "that it was deleted");
}

#[tokio::test]
async fn a_person_stops_it() {
    let is_did = |news: &Progress| matches!(news, Progress::Did(_));
    let stage = ending(&["ada"]).await;
    let before = stage.now();
    let stopped = play(&stage, PATIENCE, None, |news| matches!(news, Progress::Planned(_))).await;
    assert!(matches!(stopped.run().end, End::Stopped));
    assert_eq!(stopped.words(), Vec::<&str>::new(), "before anything was done");
    assert_eq!(stage.now(), before);
    let stopped = play(&stage, PATIENCE, None, is_did).await;
    assert!(matches!(stopped.run().end, End::Stopped));
    assert_eq!(
        (stopped.words(), stopped.rests.clone()),
        (vec!["destroy"], vec![]),
        "what is in flight is finished"
    );
    stage.advance(Span::minutes(2));
    let stopped = play(&stage, PATIENCE, None, is_did).await;
    assert_eq!(stopped.words(), ["record"], "and its server's next step is not begun");
    let stage = joined(&["ada"]).await;
    let is_resting = |news: &Progress| matches!(news, Progress::Sleeping { .. });
    let stopped = play(&stage, PATIENCE, None, is_resting).await;
    assert!(matches!(stopped.run().end, End::Stopped));
    assert_eq!((stopped.words(), stopped.rests.clone()), (vec!["create"], vec![5]));
}

/// The censuses that the ledger remembers: how many droplets, and whose.
async fn censuses(stage: &Stage) -> Vec<(u64, String)> {
    let entries = stage.ledger.entries(None).await.expect("entries");
    let fact = |entry: Entry| match entry.event {
        Event::Noticed { fact: Fact::Census { droplets, team } } => Some((droplets, team)),
        _ => None,
    };
    entries.into_iter().filter_map(fact).collect()
}

#[tokio::test]
async fn a_census_is_remembered_when_it_has_changed() {
    let mut stage = delivered(&["ada"]).await;
    let seen = censuses(&stage).await;
    let team = seen[0].1.clone();
    assert_eq!(seen, [(0, team.clone()), (1, team.clone())]);
    settled(&stage).await;
    assert_eq!(censuses(&stage).await, seen, "nothing new");
    let hold = stage.ledger.hold("a person").await.expect("nobody else has it");
    let fact = Fact::Census { droplets: 1, team: "another".to_owned() };
    let entry = Entry {
        at: stage.now(),
        server: None,
        step: StepId::of(&[&"census"]),
        event: Event::Noticed { fact },
    };
    stage.ledger.append(&hold, &[entry], None).await.expect("written");
    drop(hold);
    assert!(matches!(settled(&stage).await.run().end, End::Objected));
    stage.allow.insert("other-account".to_owned());
    settled(&stage).await;
    assert_eq!(censuses(&stage).await.last(), Some(&(1, team)));
    let History { last_census, .. } = stage.ledger.history().await.expect("history");
    assert_eq!(last_census, Some(1));
}
