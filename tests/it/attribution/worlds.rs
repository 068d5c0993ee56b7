//! Properties over random worlds, coherent or not: the labels are a partition, and no order of answers matters.

use std::collections::BTreeMap;

use basement::model::billing::{Fresh, Status};
use basement::model::census::{Census, Droplet, DropletStatus, Sighting};
use basement::model::desired::{Because, DesiredState, Fleet, Server};
use basement::model::history::{History, Phase, Record};
use basement::model::ids::{DropletId, ServerName, SubscriptionId};
use basement::model::insight::{Happening, Label, StripeEvent};
use basement::model::moment::Span;
use basement::model::policy::Policy;
use basement::plan::attribution::labels;
use basement::plan::{causes, digest, plan};
use proptest::prelude::*;

use crate::scene::{Scene, after, droplet};

const PHASES: [Phase; 7] = [
    Phase::New,
    Phase::Creating,
    Phase::Booting,
    Phase::Delivered,
    Phase::Failed,
    Phase::Deleted,
    Phase::Ended,
];
const STATES: [DesiredState; 3] = [DesiredState::Running, DesiredState::Stopped, DesiredState::Destroyed];
const BECAUSE: [Because; 5] =
    [Because::Active, Because::PastDue, Because::Cancelled, Because::SwitchedOff, Because::Trialing];
const KINDS: [&str; 4] = [
    "invoice.paid",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "charge.dispute.created",
];

/// One server: what its files say at head and base, what the ledger knows, and what there is.
#[derive(Debug, Clone)]
struct Life {
    head: usize,
    base: Option<usize>,
    because: usize,
    phase: usize,
    attempt: u32,
    past: u8,
    seen: Option<bool>,
    is_paid: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let files = (0..3_usize, prop::option::weighted(0.9, 0..3_usize), 0..BECAUSE.len());
    let ledger = (0..PHASES.len(), 0..3_u32, any::<u8>());
    (files, ledger, prop::option::of(any::<bool>()), any::<bool>()).prop_map(
        |((head, base, because), (phase, attempt, past), seen, is_paid)| Life {
            head,
            base,
            because,
            phase,
            attempt,
            past,
            seen,
            is_paid,
        },
    )
}

fn subscription(n: usize) -> SubscriptionId {
    format!("sub_{n}").parse().expect("an id")
}

fn name(n: usize) -> ServerName {
    format!("server-{n}").parse().expect("a name")
}

fn server(n: usize, life: &Life, state: usize) -> Server {
    let mut server = Scene::new(STATES[state], BECAUSE[life.because].clone()).server;
    if let basement::model::desired::Origin::Subscription { subscription: id, .. } = &mut server.origin {
        *id = subscription(n);
    }
    Server { name: name(n), since: after(u64::from(life.past)), ..server }
}

fn record(n: usize, life: &Life) -> Record {
    let bit = |n: u8| (life.past >> n & 1 == 1).then(|| after(u64::from(n) * 3));
    Record {
        phase: PHASES[life.phase],
        attempt: life.attempt,
        droplet: bit(0).map(|_| DropletId(n as u64)),
        intended: bit(1),
        failed: bit(2),
        delivered: bit(3),
        stopped: bit(4),
        powered_on: bit(5),
        destroyed: bit(6),
        told_off: bit(7).is_some(),
        ..Record::default()
    }
}

struct World {
    head: Fleet,
    base: Fleet,
    history: History,
    droplets: Vec<Droplet>,
    billing: BTreeMap<SubscriptionId, Fresh>,
}

fn world(lives: &[Life]) -> World {
    let fleet = |pick: &dyn Fn(&Life) -> Option<usize>| {
        let servers = lives.iter().enumerate().filter_map(|(n, life)| Some(server(n, life, pick(life)?)));
        Fleet { servers: servers.map(|server| (server.name.clone(), server)).collect() }
    };
    let records = lives.iter().enumerate().map(|(n, life)| (name(n), record(n, life))).collect();
    let seen = lives.iter().enumerate().filter_map(|(n, life)| {
        let status = if life.seen? { DropletStatus::Active } else { DropletStatus::Off };
        let mut found = Droplet { name: name(n).to_string(), ..droplet(n as u64, status) };
        found.tags.retain(|tag| !tag.starts_with("server-"));
        found.tags.insert(format!("server-{}", name(n)));
        Some(found)
    });
    let billing = lives.iter().enumerate().map(|(n, life)| {
        let status = if life.is_paid { Status::Active } else { Status::Canceled };
        (subscription(n), Scene::running().stripe(status).census.billing.into_values().next().expect("one"))
    });
    World {
        head: fleet(&|life| Some(life.head)),
        base: fleet(&|life| life.base),
        history: History { records, ..History::default() },
        droplets: seen.collect(),
        billing: billing.collect(),
    }
}

fn census(world: &World, droplets: &[Droplet]) -> Census {
    let mut census = Census::new(after(300), droplets.to_vec());
    census.billing = world.billing.clone();
    for n in 0..8 {
        let found = droplets.iter().find(|droplet| droplet.id.0 == n);
        let sighting = found.map_or(Sighting::Gone, |found| Sighting::There(Box::new(found.clone())));
        census.sightings.insert(DropletId(n), sighting);
        let index = usize::try_from(n).expect("small");
        census.named.insert(name(index), found.cloned().into_iter().collect());
    }
    census
}

fn happenings(picks: &[(usize, usize, u8)]) -> Vec<Happening> {
    let events = picks.iter().enumerate().map(|(n, (of, kind, minutes))| {
        let at = after(u64::from(*minutes));
        let event = StripeEvent { id: format!("evt_{n}"), kind: KINDS[*kind].to_owned(), at };
        Happening { event, subscription: Some(subscription(*of)), payment: None }
    });
    events.collect()
}

/// Another order, unless there is but one.
fn shuffle<T>(list: &mut [T], turn: prop::sample::Index) {
    list.reverse();
    if !list.is_empty() {
        list.rotate_left(turn.index(list.len()));
    }
}

proptest! {
    #[test]
    fn every_step_gets_one_label(lives in prop::collection::vec(life(), 1..8)) {
        let (world, policy) = (world(&lives), Policy::default());
        let census = census(&world, &world.droplets);
        let of = |fleet| plan(fleet, &census, &world.history, &policy);
        let (head, base) = (of(&world.head), of(&world.base));
        let labelled = labels(&head, &base, &world.history);
        // As many labels as steps with different ids, and each step has one: a partition.
        prop_assert_eq!(labelled.len(), head.steps.len());
        for step in &head.steps {
            let is_wanted = base.steps.iter().any(|other| other.id == step.id && other.action == step.action);
            prop_assert_eq!(labelled[&step.id] == Label::ThisChange, !is_wanted, "{:?}", step);
        }
        let same = labels(&head, &head, &world.history);
        prop_assert!(same.values().all(|label| *label != Label::ThisChange));
    }

    #[test]
    fn no_order_of_answers_changes_digest_or_insight(
        lives in prop::collection::vec(life(), 1..8),
        picks in prop::collection::vec((0..8_usize, 0..KINDS.len(), any::<u8>()), 0..12),
        turn in any::<prop::sample::Index>(),
    ) {
        let (world, policy) = (world(&lives), Policy::default());
        let told = |droplets: &[Droplet], found: &[Happening]| {
            let census = census(&world, droplets);
            let of = |fleet| plan(fleet, &census, &world.history, &policy);
            let (head, base) = (of(&world.head), of(&world.base));
            let events = causes::events(&head, &world.head, &census, found);
            let lost = causes::lost(&head, &census, &world.history);
            (digest::digest(&head), labels(&head, &base, &world.history), events, lost, causes::trace(&head))
        };
        let (mut droplets, mut found) = (world.droplets.clone(), happenings(&picks));
        let first = told(&droplets, &found);
        shuffle(&mut droplets, turn);
        shuffle(&mut found, turn);
        prop_assert_eq!(told(&droplets, &found), first);
    }

    #[test]
    fn an_event_is_told_only_near_what_the_file_says(
        lives in prop::collection::vec(life(), 1..8),
        picks in prop::collection::vec((0..8_usize, 0..KINDS.len(), any::<u8>()), 0..12),
        late in 0..10_u64,
    ) {
        let (world, policy) = (world(&lives), Policy::default());
        let census = census(&world, &world.droplets);
        let head = plan(&world.head, &census, &world.history, &policy);
        let mut found = happenings(&picks);
        for happening in &mut found {
            happening.event.at = happening.event.at.plus(Span::days(late));
        }
        for (server, event) in causes::events(&head, &world.head, &census, &found) {
            let server = &world.head.servers[&server];
            prop_assert!(found.iter().any(|happening| happening.event == event
                && happening.subscription.as_ref() == server.subscription()));
            let apart = event.at.unix().abs_diff(server.since.unix());
            prop_assert!(apart <= Span::days(2).as_seconds() || event.kind == KINDS[3]);
        }
    }
}
