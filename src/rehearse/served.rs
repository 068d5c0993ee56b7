//! What is judged when all is settled, or against every letter and refund there is: that everybody is served or
//! paid back and told (laws 4 and 12), that no letter lies (law 5), and that nothing was done unwritten (law 8).

use std::collections::BTreeSet;

use crate::model::billing::Status;
use crate::model::census::MARK;
use crate::model::desired::{DesiredState, Fleet, Server};
use crate::model::history::{Entry, Event};
use crate::model::ids::{ServerName, SubscriptionId};
use crate::model::moment::{Moment, Span};
use crate::model::step::Fact;
use crate::sim::billing::Books;
use crate::sim::machine::Power;
use crate::sim::world::{Delivered, World};

use super::laws::{Broken, Excuse};

/// A pass may take so long, and a letter says what was so when it began.
const PASS: Span = Span::minutes(60);
/// So long a refund under way is looked at after it was told.
const UNDER_WAY: Span = Span::days(30);
/// What a letter says that leaves something to a person.
const BY_HAND: &str = "For you to do";

/// One stretch of a droplet's life under its server's name, in milliseconds.
struct Life {
    name: String,
    is_marked: bool,
    made: i64,
    left: i64,
}

/// Law 12: when all is settled, every server that is paid for and is to run is on, and its customer was told; or its
/// operator was told why not: it was deleted by hand, the delivery failed, or, after a lost ledger or an older one in
/// its place, nobody knows whether its customer was told (of one that was older than a day then, nothing is said).
/// After lost passwords, or with our clock hours off, nobody is told twice.
pub fn unserved(
    world: &mut World,
    books: &Books,
    fleet: &Fleet,
    ours: Moment,
    excuse: Excuse,
    entries: &[Entry],
) -> Vec<Broken> {
    let forgets = excuse.forgets || excuse.doubts;
    let lives = lives(world);
    let is_by_hand =
        |server: &Server| lives.iter().any(|life| !life.is_marked && life.name == server.name.as_str());
    let mut found = Vec::new();
    for server in fleet.servers.values().filter(|server| is_due(server, books, ours)) {
        let cloud = world.cloud();
        let is_on = cloud.machines().any(|machine| {
            machine.name == server.name.as_str()
                && machine.power == Power::Active
                && machine.tags.iter().any(|tag| tag == MARK)
        });
        // After a lost ledger a droplet that hangs in its first boot is left to a person, and noted.
        let hangs =
            forgets && cloud.machines().any(|m| m.name == server.name.as_str() && m.power == Power::New);
        let told = |world: &World, word: &str| {
            world.outbox.iter().any(|letter| is_about(letter, &server.name, word))
        };
        let is_old = excuse.forgets && was_old(cloud_age(world, server), server, entries);
        let is_told =
            told(world, "welcome") || told(world, "operator-not-ready") || told(world, "operator-unsure");
        if is_on && !is_told && !is_old && !excuse.doubts {
            let what = format!("{} is paid for and on, and its customer does not know", server.name);
            found.push(Broken { law: 12, what });
        }
        if !is_on
            && !hangs
            && !told(world, "operator-deleted")
            && !told(world, "operator-failed")
            && !is_by_hand(server)
        {
            found.push(Broken { law: 12, what: format!("{} is paid for and not on", server.name) });
        }
    }
    found
}

/// When the droplet of a server was made.
fn cloud_age(world: &mut World, server: &Server) -> Option<i64> {
    world
        .cloud()
        .machines()
        .find(|machine| machine.name == server.name.as_str())
        .map(|machine| machine.created)
}

/// Whether a droplet that was made then was older than a day when it was taken as delivered. When that was, only the
/// ledger can say.
fn was_old(made: Option<i64>, server: &Server, entries: &[Entry]) -> bool {
    let mut taken = entries.iter().filter(|entry| {
        let is_taken = matches!(entry.event, Event::Noticed { fact: Fact::Adopted { delivered: true, .. } });
        is_taken && entry.server.as_ref() == Some(&server.name)
    });
    made.is_some_and(|made| taken.any(|entry| entry.at.unix() * 1_000 >= made + 86_400_000 - 1_000))
}

/// Law 4, second half: when all is settled, every failed delivery that was paid for is refunded, and what came back
/// is in a person's hands.
pub fn unrefunded(world: &World, books: &Books, fleet: &Fleet, now: Moment, forgets: bool) -> Vec<Broken> {
    let truth = books.truth();
    let mut found = Vec::new();
    for server in fleet.servers.values() {
        let Some((id, truth)) = server.subscription().and_then(|id| Some((id, truth.get(id)?))) else {
            continue;
        };
        let told = |word: &'static str| {
            world.outbox.iter().filter(move |letter| is_about(letter, &server.name, word))
        };
        let is_failed = told("operator-failed").next().is_some();
        let is_told = told("operator-refund").next().is_some()
            || told("operator-failed").any(|letter| letter.text.contains(BY_HAND));
        let refunds = || books.refunds_made().into_iter().filter(|refund| refund.subscription == *id);
        let is_back = refunds().any(|refund| !refund.stands && now < refund.at.plus(UNDER_WAY));
        if is_back && truth.refunded == 0 && !is_told && !forgets {
            found.push(Broken { law: 4, what: format!("the refund of {id} came back, and nobody was told") });
        }
        // What is disputed the bank may take back by itself.
        let is_disputed = books.payments_of(id).iter().any(|payment| books.is_disputed(payment));
        let is_persons = is_disputed || is_told || refunds().next().is_some();
        if is_failed && truth.paid > 0 && truth.refunded == 0 && !is_persons {
            let what = format!("{} failed, was paid for, and is not refunded", server.name);
            found.push(Broken { law: 4, what });
        }
    }
    found
}

/// Law 11, by the books: what is refunded of the droplets that were made since an outage began. Whoever was served
/// meanwhile ends the row.
pub(super) fn refunded_in_outage(
    world: &mut World,
    books: &Books,
    fleet: &Fleet,
    began: Moment,
    most: usize,
) -> Option<Broken> {
    let is_served =
        world.outbox.iter().any(|letter| letter.at >= began && letter.message_id.contains(".welcome."));
    let lives = lives(world);
    let is_made = |server: &Server| {
        lives.iter().any(|life| life.name == server.name.as_str() && life.made >= began.unix() * 1_000)
    };
    let refunds = books.refunds_made().into_iter().filter(|refund| refund.at >= began);
    let refunded: BTreeSet<SubscriptionId> = refunds
        .filter(|refund| server_of(fleet, &refund.subscription).is_some_and(is_made))
        .map(|refund| refund.subscription)
        .collect();
    let is_storm = !is_served && most > 0 && refunded.len() >= most;
    is_storm
        .then(|| Broken { law: 11, what: format!("{} refunds in one outage: {refunded:?}", refunded.len()) })
}

/// Law 5, where a server is ready when it says so: nobody is welcomed to one whose first boot was not over, or not
/// good, by the very second of the letter.
pub fn early_welcomes(world: &mut World) -> Vec<Broken> {
    let cloud = world.cloud();
    let there = cloud.machines().map(|machine| (machine.public, machine.first_boot));
    let gone = cloud.gone.iter().map(|machine| (machine.public, machine.first_boot));
    let good: Vec<(String, i64)> = there
        .chain(gone)
        .filter_map(|(address, boot)| Some((format!("({})", address?), boot.good_since()?)))
        .collect();
    let is_good = |letter: &Delivered| {
        good.iter().any(|(address, since)| {
            letter.subject.ends_with(address) && since.div_euclid(1_000) <= letter.at.unix()
        })
    };
    let welcomes =
        world.outbox.iter().filter(|letter| letter.message_id.split('.').nth(2) == Some("welcome"));
    welcomes
        .filter(|letter| !is_good(letter))
        .map(|letter| Broken {
            law: 5,
            what: format!("{}: `{}`, and it was not ready", letter.at, letter.subject),
        })
        .collect()
}

/// Law 4, third part: nobody is both paid back and served.
pub(super) fn no_gifts(world: &mut World, books: &Books, fleet: &Fleet) -> Vec<Broken> {
    let lives = lives(world);
    let mut found = Vec::new();
    for refund in books.refunds_made() {
        let id = refund.subscription;
        let Some(server) = server_of(fleet, &id) else { continue };
        let is_later = |life: &Life| life.is_of(&server.name) && life.made > refund.at.unix() * 1_000 + 999;
        if books.status_of(&id) == Some(Status::Canceled) && lives.iter().any(is_later) {
            found.push(Broken { law: 4, what: format!("{id} was refunded and ended, and then served") });
        }
    }
    found
}

/// Law 4, too: money goes back when the droplet is no more. Its whole last second counts, since Stripe knows no parts
/// of it.
pub(super) fn no_refund_before_the_end(world: &mut World, books: &Books, fleet: &Fleet) -> Vec<Broken> {
    let lives = lives(world);
    let mut found = Vec::new();
    for refund in books.refunds_made() {
        let Some(server) = server_of(fleet, &refund.subscription) else { continue };
        if lives.iter().any(|life| life.is_of(&server.name) && life.is_there(refund.at)) {
            let (at, id) = (refund.at, refund.subscription);
            found.push(Broken {
                law: 4,
                what: format!("{at}: {id} was refunded while its droplet was there"),
            });
        }
    }
    found
}

/// Law 5, second half: no letter says that a server is there when it is not, or is gone when it is there.
pub(super) fn letters_are_so(world: &mut World) -> Vec<Broken> {
    let lives = lives(world);
    let mut found = Vec::new();
    for letter in &world.outbox {
        let mut words = letter.message_id.split('.').skip(1);
        let Some((name, word)) =
            words.next().and_then(|name| Some((ServerName::parse(name).ok()?, words.next()?)))
        else {
            continue;
        };
        // Somebody may have taken the mark off since.
        let mut of_it = lives.iter().filter(|life| life.name == name.as_str());
        let since = letter.at.minus(PASS).unix() * 1_000;
        let lies = match word {
            "welcome" | "resumed" => {
                !of_it.any(|l| l.made <= letter.at.unix() * 1_000 + 999 && l.left >= since)
            }
            "ended" | "failed" => of_it.any(|life| life.is_marked && life.is_there(letter.at)),
            _ => false,
        };
        if lies {
            let what = format!("{}: `{}` says what is not so", letter.at, letter.message_id);
            found.push(Broken { law: 5, what });
        }
    }
    found
}

/// Law 8, second half: every refund and every letter there is was written down before.
pub(super) fn all_is_written(world: &World, books: &Books, entries: &[Entry]) -> Vec<Broken> {
    let intended = entries.iter().filter(|entry| matches!(entry.event, Event::Intended { .. }));
    let intended: BTreeSet<String> = intended.map(|entry| entry.step.as_str().replace('/', ".")).collect();
    let refunds = books.refunds_made().into_iter().map(|refund| refund.step.replace('/', "."));
    let letters = world.outbox.iter().map(|letter| letter.message_id.clone());
    let unwritten = refunds.chain(letters).filter(|step| !intended.contains(step));
    unwritten.map(|step| Broken { law: 8, what: format!("`{step}` was done and never intended") }).collect()
}

/// Paid for, and to run, by its file and by Stripe.
fn is_due(server: &Server, books: &Books, ours: Moment) -> bool {
    let Some(id) = server.subscription() else { return false };
    matches!(books.status_of(id), Some(Status::Active | Status::Trialing))
        && !books.is_switched_off(id)
        && server.state_at(ours) == DesiredState::Running
        && server.held_at(ours).is_none()
}

fn server_of<'a>(fleet: &'a Fleet, id: &SubscriptionId) -> Option<&'a Server> {
    fleet.servers.values().find(|server| server.subscription() == Some(id))
}

fn is_about(letter: &Delivered, server: &ServerName, word: &str) -> bool {
    // The operator's may be about several servers.
    let many = letter.message_id.strip_prefix("letter.fleet.").and_then(|rest| rest.strip_prefix(word));
    if many.is_some_and(|rest| rest.starts_with('.')) && letter.text.contains(server.as_str()) {
        return true;
    }
    let rest = letter.message_id.strip_prefix("letter.").and_then(|id| id.strip_prefix(server.as_str()));
    rest.and_then(|rest| rest.strip_prefix('.')?.strip_prefix(word)).is_some_and(|rest| rest.starts_with('.'))
}

fn lives(world: &mut World) -> Vec<Life> {
    let is_marked = |tags: &[String]| tags.iter().any(|tag| tag == MARK);
    let cloud = world.cloud();
    let there = cloud.machines().map(|m| (&m.name, is_marked(&m.tags), m.created, i64::MAX));
    let gone = cloud.gone.iter().map(|g| (&g.name, is_marked(&g.tags), g.created, g.at));
    there
        .chain(gone)
        .map(|(name, is_marked, made, left)| Life { name: name.clone(), is_marked, made, left })
        .collect()
}

impl Life {
    fn is_of(&self, server: &ServerName) -> bool {
        self.is_marked && self.name == server.as_str()
    }

    /// Through a whole second.
    fn is_there(&self, at: Moment) -> bool {
        let (from, to) = (at.unix() * 1_000, at.unix() * 1_000 + 999);
        self.made < from && self.left > to
    }
}
