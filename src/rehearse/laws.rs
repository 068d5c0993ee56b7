//! The laws: what must hold after every pass, whatever fails. Judged on the simulator's truth and on what
//! a witness saw, never on the ledger's word. A newcomer should be able to argue with each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::billing::Status;
use crate::model::census::MARK;
use crate::model::desired::{Because, DesiredState, Fleet, Server};
use crate::model::history::{Entry, Event, History};
use crate::model::ids::{ServerName, StepId};
use crate::model::moment::{Moment, Span};
use crate::model::policy::Policy;
use crate::model::step::{Action, Fact};
use crate::sim::billing::Books;
use crate::sim::cloud::Taking;
use crate::sim::machine::Machine;
use crate::sim::world::{Delivered, Shared, World, lock};

use super::served;

/// A law that was broken, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Its number in design.md §15.
    pub law: u8,
    /// What was seen.
    pub what: String,
}

/// Something taken from a droplet, as it was at that instant. What its file wanted is told by our own clock:
/// nobody can know better than that, and a clock that is wrong is no reason to be judged by another.
#[derive(Debug, Clone)]
struct Touch {
    at: Moment,
    taking: Taking,
    name: String,
    address: Option<Ipv4Addr>,
    is_marked: bool,
    status: Option<Status>,
    is_switched_off: bool,
    wanted: Option<DesiredState>,
    /// Its subscription has ended, and its grace has not.
    is_in_grace: bool,
}

/// Stands inside the world, behind both its doors, and remembers what was true when something was taken away.
#[derive(Clone)]
pub struct Witness(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    fleet: Fleet,
    touches: Vec<Touch>,
    /// How many seconds our own clock goes before the vendors'.
    skew: i64,
}

/// What happened that excuses something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Excuse {
    /// A connection was lost after a letter had been handed over, so its second copy (with the same Message-ID) is
    /// no fault.
    pub repeats: bool,
    /// The ledger was lost, or an older one was put in its place.
    pub forgets: bool,
    /// The passwords were lost, or our clock was hours off: who may have been told is not told again.
    pub doubts: bool,
}

/// All laws that are broken now.
pub fn broken(
    world: &mut World,
    books: &Books,
    witness: &Witness,
    entries: &[Entry],
    history: &History,
    excuse: Excuse,
) -> Vec<Broken> {
    let mut found = BTreeSet::new();
    found.extend(one_droplet_per_server(world));
    found.extend(one_refund_per_payment(books));
    found.extend(one_letter_per_occasion(world, entries, excuse.repeats));
    found.extend(served::no_refund_before_the_end(world, books, &witness.seen().fleet));
    found.extend(served::letters_are_so(world));
    if !excuse.forgets {
        found.extend(served::all_is_written(world, books, entries));
        found.extend(served::no_gifts(world, books, &witness.seen().fleet));
    }
    found.extend(witness.broken(world));
    found.extend(one_alert_per_hour(entries));
    found.extend(ledger_folds(entries, history));
    found.extend(breaker_holds(entries));
    found.into_iter().collect()
}

/// Law 2: at most one droplet per server, hidden ones included.
fn one_droplet_per_server(world: &mut World) -> Vec<Broken> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for machine in world.cloud().machines().filter(|machine| !machine.deleting) {
        for tag in machine.tags.iter().filter(|tag| tag.starts_with("server-")) {
            *count.entry(tag.clone()).or_default() += 1;
        }
    }
    let twins = count.into_iter().filter(|(_, n)| *n > 1);
    twins.map(|(tag, n)| Broken { law: 2, what: format!("{n} droplets carry `{tag}`") }).collect()
}

/// Law 4, first half: at most one refund per payment, never more than was paid.
fn one_refund_per_payment(books: &Books) -> Vec<Broken> {
    let mut found = Vec::new();
    for (id, truth) in books.truth() {
        if truth.refunded > truth.paid {
            found.push(Broken {
                law: 4,
                what: format!("{id}: {} of {} given back", truth.refunded, truth.paid),
            });
        }
        for payment in books.payments_of(&id) {
            let refunds = books.refunds_of(&payment).len();
            if refunds > 1 {
                found.push(Broken { law: 4, what: format!("{payment} was refunded {refunds} times") });
            }
        }
    }
    found
}

/// Law 5: at most one letter per occasion. A letter comes again under its own id or not at all: the same words
/// within the hour are about the same occasion, unless in between the server got another droplet, which may have
/// failed too, a person said `retry`, or its customer was told something else (off, on again, and off again).
fn one_letter_per_occasion(world: &mut World, entries: &[Entry], may_repeat: bool) -> Vec<Broken> {
    let cloud = world.cloud();
    let made = cloud.machines().map(|machine| (machine.name.clone(), machine.created));
    let gone = cloud.gone.iter().map(|machine| (machine.name.clone(), machine.created));
    let is_retry = |entry: &&Entry| matches!(entry.event, Event::Noticed { fact: Fact::Retry });
    let retried = entries.iter().filter(is_retry);
    let retried =
        retried.filter_map(|entry| Some((entry.server.as_ref()?.to_string(), entry.at.unix() * 1_000)));
    let anew: Vec<(String, i64)> = made.chain(gone).chain(retried).collect();
    let is_anew = |a: &Delivered, b: &Delivered| {
        let between = a.at.unix() * 1_000..b.at.unix() * 1_000;
        anew.iter().any(|(name, at)| about(a) == Some(name) && between.contains(at))
    };
    let same = |a: &Delivered, between: &[Delivered], b: &Delivered| {
        let is_other =
            |other: &Delivered| other.to == a.to && about(other) == about(a) && other.text != a.text;
        a.message_id != b.message_id
            && b.at.since(a.at) < Span::minutes(60)
            && a.to == b.to
            && a.text == b.text
            && !is_anew(a, b)
            && !between.iter().any(is_other)
    };
    let outbox = &world.outbox;
    let pairs = (0..outbox.len()).flat_map(|n| (n + 1..outbox.len()).map(move |m| (n, m)));
    let mut found: Vec<Broken> = pairs
        .map(|(n, m)| (&outbox[n], &outbox[n + 1..m], &outbox[m]))
        .filter(|(a, between, b)| same(a, between, b))
        .map(|(a, _, b)| Broken {
            law: 5,
            what: format!("`{}` came again as `{}`", a.message_id, b.message_id),
        })
        .collect();
    if may_repeat {
        return found;
    }
    let mut seen = BTreeSet::new();
    let again = world.outbox.iter().filter(|letter| !seen.insert(&letter.message_id));
    found.extend(
        again.map(|letter| Broken { law: 5, what: format!("`{}` was sent twice", letter.message_id) }),
    );
    found
}

/// Law 5, too: the operator gets one letter per cause and hour, by our own clock as it was then; and no alert
/// is told twice, alone and together with others.
fn one_alert_per_hour(entries: &[Entry]) -> Vec<Broken> {
    let mut begun: BTreeMap<&StepId, &Action> = BTreeMap::new();
    let mut last: BTreeMap<&str, (Moment, &StepId)> = BTreeMap::new();
    let mut told: BTreeSet<&StepId> = BTreeSet::new();
    let mut found = Vec::new();
    let mut broken = |what: String| found.push(Broken { law: 5, what });
    for Entry { at, step, event, .. } in entries {
        let mut words = step.as_str().split('/').skip(2);
        let Some(cause) = words.next().filter(|word| word.starts_with("operator-")) else { continue };
        match event {
            Event::Intended { action } => {
                let is_new = begun.insert(step, action).is_none();
                if let Some((then, other)) = last.get(cause).filter(|(then, _)| is_new && at >= then)
                    && at.since(*then) < Span::minutes(60)
                {
                    broken(format!("`{step}` within an hour of `{other}`"));
                }
            }
            Event::Done { .. } => {
                last.insert(cause, (*at, step));
                let several = match begun.get(step) {
                    Some(Action::Letter { letter }) => letter.occasion.told(),
                    _ => &[],
                };
                for step in several.iter().map(|told| &told.step).chain([step]) {
                    if !told.insert(step) {
                        broken(format!("`{step}` was told twice"));
                    }
                }
            }
            Event::Failed { .. } | Event::Unknown { .. } | Event::Noticed { .. } => {}
        }
    }
    found
}

/// Which server a letter is about.
fn about(letter: &Delivered) -> Option<&str> {
    letter.message_id.strip_prefix("letter.").and_then(|rest| rest.split('.').next())
}

/// Law 8: the ledger folds, and every Done has an Intended.
fn ledger_folds(entries: &[Entry], history: &History) -> Vec<Broken> {
    let mut folded = History::default();
    let mut intended: BTreeSet<&StepId> = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        folded.fold(entry);
        match &entry.event {
            Event::Intended { .. } => {
                intended.insert(&entry.step);
            }
            Event::Done { .. } if !intended.contains(&entry.step) => {
                found.push(Broken {
                    law: 8,
                    what: format!("`{}` is done and was never intended", entry.step),
                });
            }
            Event::Done { .. } | Event::Failed { .. } | Event::Unknown { .. } | Event::Noticed { .. } => {}
        }
    }
    if folded != *history {
        found.push(Broken { law: 8, what: "the rows are not what the entries fold to".to_owned() });
    }
    found
}

/// Law 11: while the breaker is open nothing is created, and no settlement of a failed delivery begins.
fn breaker_holds(entries: &[Entry]) -> Vec<Broken> {
    let mut is_open = false;
    let mut begun: BTreeSet<&ServerName> = BTreeSet::new();
    let mut found = Vec::new();
    for Entry { at, server, step, event } in entries {
        let broken = |what: &str| Broken { law: 11, what: format!("{at}: `{step}` {what}, breaker open") };
        match (event, server) {
            (Event::Noticed { fact: Fact::BreakerOpened { .. } }, _) => is_open = true,
            (Event::Noticed { fact: Fact::BreakerReset }, _) => is_open = false,
            (Event::Noticed { fact: Fact::GaveUp { .. } }, Some(server)) => drop(begun.remove(server)),
            (Event::Intended { action: Action::Create { .. } }, _) if is_open => {
                found.push(broken("was made"));
            }
            (Event::Intended { action: Action::Refund { .. } | Action::Cancel { .. } }, Some(server))
                if begun.insert(server) && is_open =>
            {
                found.push(broken("began"));
            }
            _ => {}
        }
    }
    found
}

impl Witness {
    /// A witness in this world, who asks the books who has paid.
    pub fn new(world: &Shared, books: Arc<Mutex<Books>>) -> Self {
        let witness = Self(Arc::default());
        let inside = witness.clone();
        let watch = move |at: i64, machine: &Machine, taking| inside.see(&books, at, machine, taking);
        lock(world).cloud().watch = Some(Box::new(watch));
        witness
    }

    /// From now on our own clock goes so many seconds before the vendors'.
    pub fn set_clock(&self, skew: i64) {
        self.seen().skew = skew;
    }

    /// What the files say.
    pub fn fleet(&self) -> Fleet {
        self.seen().fleet.clone()
    }

    /// From now on the files say this.
    pub fn declare(&self, fleet: &Fleet) {
        self.seen().fleet = fleet.clone();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the truth at the instant something is taken away.
    fn see(&self, books: &Mutex<Books>, at_ms: i64, machine: &Machine, taking: Taking) {
        let at = Moment::from_unix(at_ms.div_euclid(1_000));
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.tick(at);
        let mut seen = self.seen();
        let ours = Moment::from_unix(at.unix().saturating_add(seen.skew));
        let server = ServerName::parse(&machine.name).ok();
        let server = server.and_then(|name| seen.fleet.servers.get(&name));
        let subscription = server.and_then(Server::subscription);
        let touch = Touch {
            at,
            taking,
            name: machine.name.clone(),
            address: machine.public,
            is_marked: machine.tags.iter().any(|tag| tag == MARK),
            status: subscription.and_then(|id| books.status_of(id)),
            is_switched_off: subscription.is_some_and(|id| books.is_switched_off(id)),
            wanted: server.map(|server| server.state_at(ours)),
            is_in_grace: server.is_some_and(|server| is_in_grace(server, &books, ours)),
        };
        seen.touches.push(touch);
    }

    /// Laws 3, 6 and 7, for everything that was taken away.
    fn broken(&self, world: &World) -> Vec<Broken> {
        let mut found = Vec::new();
        for touch in &self.seen().touches {
            let Touch { at, taking, name, is_marked, status, is_switched_off, wanted, .. } = touch;
            let is_destroy = *taking == Taking::Droplet;
            let is_delivered = touch.is_delivered(world);
            let verb = match taking {
                Taking::Droplet => "destroyed",
                Taking::Power => "switched off",
                Taking::Rest => "switched on",
            };
            let mut say =
                |law, why: &str| found.push(Broken { law, what: format!("{at}: {name} was {verb} {why}") });
            if !is_marked {
                say(3, "though it does not carry our mark");
            }
            if *taking == Taking::Rest {
                continue;
            }
            if is_destroy && is_delivered && touch.is_in_grace {
                say(6, "within the grace of its cancelled subscription");
            }
            if is_destroy && is_delivered && *wanted != Some(DesiredState::Destroyed) {
                say(6, &format!("though its file says {wanted:?}"));
            }
            let is_paid = matches!(status, Some(Status::Active | Status::Trialing));
            let is_late = matches!(status, Some(Status::PastDue | Status::Incomplete));
            let is_own_wish = *is_switched_off && !is_destroy;
            if is_paid && !is_own_wish && (is_delivered || !is_destroy) {
                say(7, &format!("though it is paid for ({status:?})"));
            }
            if is_late && is_destroy && is_delivered {
                say(7, &format!("though it may still be paid for ({status:?})"));
            }
        }
        found
    }
}

/// By the books, not by the file's date: `generate` may have written a wrong one.
fn is_in_grace(server: &Server, books: &Books, ours: Moment) -> bool {
    let ended = server.subscription().and_then(|id| books.ended_at(id));
    server.because == Because::Cancelled
        && ended.is_some_and(|ended| ours < ended.plus(Policy::default().grace.canceled))
}

impl Touch {
    /// Whether its customer had been told the address by then.
    fn is_delivered(&self, world: &World) -> bool {
        let told = |letter: &Delivered| {
            let rest = letter.message_id.strip_prefix("letter.").and_then(|id| id.strip_prefix(&self.name));
            letter.at <= self.at
                && rest.is_some_and(|rest| rest.starts_with(".welcome"))
                && self.address.is_some_and(|address| letter.subject.ends_with(&format!("({address})")))
        };
        world.outbox.iter().any(told)
    }
}
