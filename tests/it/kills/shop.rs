//! A small business on a bench: its customers, its whims, its commands, and the laws over all of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::process::Stdio;

use basement::adapters::ledger::SqliteLedger;
use basement::cli::validate;
use basement::model::billing::Status;
use basement::model::history::{Entry, History};
use basement::model::ids::SubscriptionId;
use basement::model::moment::{Moment, Span};
use basement::ports::{Fault, Ledger as _};
use basement::rehearse::laws::{self, Broken, Excuse, Witness};
use basement::rehearse::served;
use basement::sim::billing::{Books, Refusal};
use basement::sim::billing_life::Subscribe;
use basement::sim::dice::Dice;
use basement::sim::machine::Ending;
use basement::sim::whim::{Told, Whim, Whims};

use super::Tally;
use super::knife::{self, Knife, LATENCY, Process};
use crate::commands::Bench;

/// Whatever the guard would say: here nobody is asked.
const APPLY: &str = "apply --auto-approve --deadline 1h --allow many-destroys --allow many-refunds \
                     --allow census-shrunk";
/// The same for files.
const GENERATE: &str = "generate --allow shrink";
/// What an apply exits with while the breaker is open.
const BROKEN: i32 = 6;

/// The business.
pub struct Shop {
    /// The simulator and the binary.
    pub bench: Bench,
    /// All chance.
    pub dice: Dice,
    /// What was done.
    pub tally: Tally,
    /// What was broken.
    pub broken: BTreeSet<String>,
    witness: Witness,
    users: usize,
    failures: usize,
}

impl Shop {
    /// Without customers. Answers take their time.
    pub fn open(seed: u64) -> Self {
        let bench = Bench::new();
        bench.world().trouble.latency_ms = LATENCY;
        // There are too many to keep.
        bench.world().requests.exchanges = None;
        Self {
            witness: Witness::new(&bench.running.world, bench.running.books.clone()),
            bench,
            dice: Dice::new(seed),
            tally: Tally::default(),
            broken: BTreeSet::new(),
            users: 0,
            failures: 0,
        }
    }

    /// Somebody subscribes.
    pub fn join(&mut self) {
        let price = *self.dice.pick(&["basic-month", "pro-month", "premium-month", "basic-year"]);
        let trial_days = *self.dice.pick(&[0, 0, 0, 3]);
        self.users += 1;
        let order = Subscribe { trial_days, ..Subscribe::nth(self.users, price) };
        let now = self.bench.world().now();
        self.bench.books().subscribe(now, order).expect("a subscription");
    }

    /// A random customer does something.
    pub fn customer(&mut self, act: impl FnOnce(&mut Books, Moment, &SubscriptionId) -> Result<(), Refusal>) {
        let now = self.bench.world().now();
        let mut books = self.bench.books();
        books.tick(now);
        let is_live = |id: &SubscriptionId| books.status_of(id) != Some(Status::Canceled);
        let live: Vec<_> = books.subscription_ids().into_iter().filter(is_live).collect();
        if !live.is_empty() {
            // Not every customer may do everything.
            let _ = act(&mut books, now, self.dice.pick(&live));
        }
    }

    /// Somebody deletes a droplet in the panel.
    pub fn delete_by_hand(&mut self) {
        let mut world = self.bench.world();
        let all: Vec<u64> = world.cloud().machines().map(|machine| machine.id).collect();
        if !all.is_empty() {
            world.cloud().remove_by_hand(*self.dice.pick(&all));
        }
    }

    /// The cloud will not do as it says. One in four servers at most is not delivered: more is an outage.
    pub fn whim(&mut self) {
        let mut whim = *self.dice.pick(&[
            Whim::StuckNew,
            Whim::StuckNew,
            Whim::StuckNew,
            Whim::Vanish,
            Whim::SlowBoot(200),
            Whim::NoAddress(60),
            Whim::IgnoreShutdown,
            Whim::LoseDelete,
        ]);
        if matches!(whim, Whim::StuckNew | Whim::Vanish) {
            self.failures += 1;
            if self.failures * 4 > self.users {
                whim = Whim::SlowBoot(100);
            }
        }
        self.bench.world().cloud().whims.tell(Told { whim, server: None, times: 1 });
    }

    /// Time goes by.
    pub fn advance(&self, span: Span) {
        self.bench.advance(i64::try_from(span.as_duration().as_secs()).expect("not for ever"));
    }

    /// `basement generate`, now and then killed; either way every file is whole.
    pub fn generate(&mut self) {
        if self.dice.below(4) == 0 {
            let then = self.dice.below(LATENCY + 15);
            let knife = Knife::after(&self.bench, &["GET /v1/subscriptions"], 1, then);
            let mut child = [self.start(GENERATE)];
            knife.wait(&self.bench, &mut child);
            if child[0].kill() {
                self.tally.add("generates killed", 1);
            }
        } else {
            self.run(GENERATE);
        }
        self.declare();
    }

    /// Starts `basement apply`.
    pub fn apply(&mut self) -> Process {
        self.tally.add("applies", 1);
        self.start(APPLY)
    }

    /// Kills an apply, and counts it if it was still alive; else it is false.
    pub fn kill(&mut self, child: &mut Process, name: &str, last: &str) -> bool {
        let is_killed = child.kill();
        if is_killed {
            self.tally.add(&format!("kills, {name}"), 1);
            self.tally.add(&format!("died after {last}"), 1);
        } else {
            self.end(child);
        }
        is_killed
    }

    /// Lets an apply end by itself.
    pub fn end(&mut self, child: &mut Process) {
        let code = child.end(&self.bench);
        self.ended(code);
    }

    /// The laws, on the simulator's truth.
    pub fn judge(&mut self) {
        knife::quiet(&self.bench);
        let (entries, history) = match self.ledger() {
            Ok(read) => read,
            Err(fault) => {
                self.broken.insert(format!("law 8: the ledger cannot be read: {fault}"));
                return;
            }
        };
        let (mut world, books) = (self.bench.world(), self.bench.books());
        // Whoever dies between a letter and its receipt sends it again, under the same Message-ID.
        let mut broken = laws::broken(
            &mut world,
            &books,
            &self.witness,
            &entries,
            &history,
            Excuse { repeats: true, ..Excuse::default() },
        );
        broken.extend(served::early_welcomes(&mut world));
        self.broken.extend(broken.iter().map(said));
    }

    /// Trouble stops; some days later nothing is left to do.
    pub fn calm(&mut self) {
        {
            let mut world = self.bench.world();
            world.trouble.latency_ms = 0;
            world.cloud().whims = Whims::default();
        }
        let mut last = 0;
        for _ in 0..4 {
            self.advance(Span::days(8));
            self.run(GENERATE);
            self.declare();
            self.tally.add("applies", 1);
            last = self.start(APPLY).end(&self.bench);
            self.judge();
            if last == BROKEN {
                // What hung while the trouble lasted has opened it; the operator knows that it is over.
                self.tally.add("breakers reset", 1);
                self.run("reset breaker");
            }
        }
        let plan = self.bench.run("plan --exit-code");
        if last != 0 || plan.code != 0 {
            self.broken.insert(format!("law 1: the last apply ended with {last}, then {}", plan.page()));
        }
        let (mut world, books, fleet) = (self.bench.world(), self.bench.books(), self.witness.fleet());
        let now = world.now();
        let mut owed = served::unrefunded(&world, &books, &fleet, now, false);
        owed.extend(served::unserved(&mut world, &books, &fleet, now, Excuse::default(), &[]));
        drop((world, books));
        self.broken.extend(owed.iter().map(said));
        self.count();
    }

    /// What stands on standard error of all that was started, its last lines.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.errors()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Tells the witness what the files say.
    fn declare(&mut self) {
        match validate::load(&self.bench.root()) {
            Ok((_, fleet)) => self.witness.declare(&fleet),
            Err(complaints) => {
                self.broken.insert(format!("files are not whole: {complaints:?}"));
            }
        }
    }

    /// Runs something undisturbed; it must end well.
    fn run(&mut self, words: &str) {
        let code = self.start(words).end(&self.bench);
        if code != 0 {
            self.broken.insert(format!("`basement {words}` ended with {code}"));
        }
    }

    fn ended(&mut self, code: i32) {
        self.tally.add(&format!("applies that ended by themselves with {code}"), 1);
        if code == 101 {
            self.broken.insert("the program panicked".to_owned());
        }
    }

    fn count(&mut self) {
        let mut world = self.bench.world();
        let requests: u64 = world.requests.vendors.values().sum();
        let mails = world.outbox.len();
        let letters: BTreeSet<&String> = world.outbox.iter().map(|letter| &letter.message_id).collect();
        let letters = letters.len();
        let cloud = world.cloud();
        let destroys = cloud.gone.iter().filter(|gone| gone.ending == Ending::Destroyed).count();
        let droplets = cloud.machines().count() + cloud.gone.len();
        drop(world);
        let refunds = self.bench.books().refunds_made().len();
        for (name, count) in [
            ("requests and mails", usize::try_from(requests).unwrap_or(usize::MAX)),
            ("droplets made", droplets),
            ("droplets destroyed", destroys),
            ("letters", letters),
            ("mails", mails),
            ("refunds", refunds),
        ] {
            self.tally.add(name, count);
        }
    }

    fn start(&self, words: &str) -> Process {
        let errors = File::options().create(true).append(true).open(self.errors()).expect("a file");
        let mut command = self.bench.command(words);
        command.stdout(Stdio::null()).stderr(errors);
        Process::start(command)
    }

    fn errors(&self) -> std::path::PathBuf {
        self.bench.root().join("stderr.log")
    }

    fn ledger(&self) -> Result<(Vec<Entry>, History), Fault> {
        let path = self.bench.root().join(".basement/ledger.sqlite");
        self.bench.wait(async {
            match SqliteLedger::open_read_only(&path).await? {
                Some(ledger) => Ok((ledger.entries(None).await?, ledger.history().await?)),
                None => Ok((Vec::new(), History::default())),
            }
        })
    }
}

fn said(broken: &Broken) -> String {
    format!("law {}: {}", broken.law, broken.what)
}
