//! A stage: a world, the engine's ports into it through one door, and a fleet made by `generate`.
//! Stories set the time from the beginning, since retries take other times at the two doors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basement::adapters::clock::SimClock;
use basement::adapters::digitalocean::DigitalOcean;
use basement::adapters::ledger::SqliteLedger;
use basement::adapters::mail::SmtpMailer;
use basement::adapters::pace::Pace;
use basement::adapters::probe::{ProbePorts, RealProbe};
use basement::adapters::stripe::Stripe;
use basement::adapters::vault::SealVault;
use basement::cli::config::{self, Config};
use basement::engine::settle::{self, Run};
use basement::engine::{Did, Eyes, LetterSettings, Ports, Setup};
use basement::fleet::generate::{generate, unsure};
use basement::fleet::userdata;
use basement::fleet::yaml::{self, SourceFile};
use basement::model::history::{Entry, Event, History};
use basement::model::ids::{ServerName, StepId, SubscriptionId};
use basement::model::moment::{Moment, Span};
use basement::model::plan::Note;
use basement::model::step::Fact;
use basement::plan::breaker;
use basement::ports::{Clock, Ledger};
use basement::sim::billing::{Books, Refusal};
use basement::sim::billing_life::Subscribe;
use basement::sim::billing_port::BillingDoor;
use basement::sim::machine::Order;
use basement::sim::memory::MemoryLedger;
use basement::sim::ports::Door;
use basement::sim::server::{self, Options, Running};
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::{ClockMode, Settings, Shared, World, lock};
use tempfile::TempDir;

/// Which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The port traits.
    Ports,
    /// HTTP and SMTP, with the real adapters, ledger and vault.
    Wire,
}

/// Everything a story needs.
pub struct Stage {
    /// The cloud, the mail and the time.
    pub world: Shared,
    /// Stripe.
    pub books: Arc<Mutex<Books>>,
    /// What the engine is told.
    pub setup: Setup,
    /// Its ports.
    pub ports: Ports,
    /// All steps of all runs.
    pub did: Vec<Did>,
    /// How the runs ended.
    pub ends: Vec<String>,
    /// What the last plan says.
    pub notes: Vec<Note>,
    /// Droplets that the story made itself.
    pub by_hand: BTreeSet<u64>,
    /// A reply of the mail relay was lost, so letters may be there twice.
    pub has_repeats: bool,
    config: Config,
    files: BTreeMap<String, String>,
    way: Way,
    folder: TempDir,
    _running: Option<Running>,
}

impl Stage {
    /// An empty world behind a door.
    pub async fn open(way: Way) -> Self {
        let config = config::parse(include_str!("../../../basement.toml")).expect("the sample is good");
        let folder = tempfile::tempdir().expect("a folder");
        let (world, books, ports, running) = match way {
            Way::Ports => by_ports(),
            Way::Wire => by_wire(&config, folder.path()).await,
        };
        let setup = setup(&config);
        Self {
            world,
            books,
            setup,
            ports,
            did: Vec::new(),
            ends: Vec::new(),
            notes: Vec::new(),
            by_hand: BTreeSet::new(),
            has_repeats: false,
            config,
            files: BTreeMap::new(),
            way,
            folder,
            _running: running,
        }
    }

    /// Sets the time to so long after the beginning.
    pub fn at(&self, span: Span) {
        let to = Settings::default().start.plus(span).unix() * 1_000;
        let mut world = lock(&self.world);
        assert!(world.now_ms() <= to, "the story is past {span} already");
        world.advance_to(to);
    }

    /// A user subscribes to `basic-month`.
    pub fn join(&self, user: &str) -> SubscriptionId {
        self.subscribe(Subscribe {
            user_id: Some(user.to_owned()),
            email: format!("{user}@example.com"),
            ..Subscribe::default()
        })
    }

    /// Somebody subscribes.
    pub fn subscribe(&self, order: Subscribe) -> SubscriptionId {
        self.stripe(|books, now| books.subscribe(now, order))
    }

    /// Something happens at Stripe.
    pub fn stripe<T>(&self, change: impl FnOnce(&mut Books, Moment) -> Result<T, Refusal>) -> T {
        let now = lock(&self.world).now();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut books, now).expect("Stripe takes it")
    }

    /// Writes the fleet's files from what Stripe says now, without a complaint.
    pub async fn generate(&mut self) {
        let eyes = &self.ports.eyes;
        let reading = eyes.billing.subscriptions().await.expect("Stripe answers");
        let existing = yaml::servers(&sources(&self.files)).expect("our own files");
        let now = eyes.clock.now().await;
        let mut paid = BTreeSet::new();
        for id in unsure(&reading, &existing) {
            if eyes.billing.payment(&id, now).await.expect("Stripe answers").is_some() {
                paid.insert(id);
            }
        }
        let Config { catalogue, policy, stripe, .. } = &self.config;
        let outcome = generate(&reading, &paid, &existing, catalogue, policy, stripe.mode, now);
        assert_eq!(outcome.complaints, []);
        assert_eq!(outcome.refusals, []);
        self.files = outcome.files;
        self.setup.fleet = yaml::parse(&sources(&self.files), catalogue).expect("our own files");
    }

    /// Repeats passes for a quarter of an hour at most.
    pub async fn settle(&mut self) -> Run {
        self.settle_within(Span::minutes(15)).await
    }

    /// Repeats passes for so long at most.
    pub async fn settle_within(&mut self, deadline: Span) -> Run {
        let hold = self.ports.ledger.hold("a story").await.expect("nobody else has it");
        let (_say, stop) = tokio::sync::watch::channel(false);
        let run = settle::settle(&self.ports, &self.setup, &hold, deadline, None, stop, &|_| ())
            .await
            .expect("nothing is refused for good");
        self.did.extend(run.did.iter().cloned());
        self.ends.push(format!("{:?}", run.end).to_lowercase());
        if let Some(report) = &run.last {
            self.notes.clone_from(&report.look.plan.notes);
        }
        run
    }

    /// Writes the files and settles.
    pub async fn round(&mut self) -> Run {
        self.generate().await;
        self.settle().await
    }

    /// A user's only server.
    pub fn server(&self, user: &str) -> ServerName {
        let mut theirs = self.setup.fleet.servers.values().filter(|server| server.user.as_str() == user);
        theirs.next().expect("the user has a server").name.clone()
    }

    /// The droplet of a user's server.
    pub fn droplet(&self, user: &str) -> u64 {
        let name = self.server(user);
        let mut world = lock(&self.world);
        let found = world.cloud().machines().find(|machine| machine.name == name.as_str());
        found.expect("it has a droplet").id
    }

    /// Plans a mishap for the next so many calls of a kind.
    pub fn trouble(&self, call: &str, mishap: Mishap, count: u32) {
        let planned = Planned { call: call.to_owned(), mishap, skip: 0, count };
        lock(&self.world).trouble.planned.push(planned);
    }

    /// Plans a whim of the cloud for a user's server.
    pub fn whim(&self, user: &str, whim: Whim) {
        let server = Some(self.server(user).to_string());
        lock(&self.world).cloud().whims.tell(Told { whim, server, times: 1 });
    }

    /// Makes a droplet as somebody in the control panel would.
    pub fn make_by_hand(&mut self, name: &str, tags: &[&str]) -> u64 {
        let order = Order {
            names: vec![name.to_owned()],
            size: "s-1vcpu-1gb".to_owned(),
            image: "ubuntu-22-04-x64".to_owned(),
            tags: tags.iter().map(ToString::to_string).collect(),
            ..Order::default()
        };
        let made = lock(&self.world).cloud().create(&order).expect("a good order");
        self.by_hand.insert(made[0].0);
        made[0].0
    }

    /// Deletes a user's droplet as somebody in the control panel would.
    pub fn delete_by_hand(&self, user: &str) {
        let id = self.droplet(user);
        assert!(lock(&self.world).cloud().remove_by_hand(id));
    }

    /// A person's word about a user's server.
    pub async fn say(&self, user: &str, word: &str, fact: Fact) {
        let hold = self.ports.ledger.hold("a person").await.expect("nobody else has it");
        let server = self.server(user);
        let step = StepId::of(&[&word, &server]);
        let at = self.ports.eyes.clock.now().await;
        let entry = Entry { at, server: Some(server), step, event: Event::Noticed { fact } };
        self.ports.ledger.append(&hold, &[entry], None).await.expect("written");
    }

    /// `basement reset breaker`.
    pub async fn reset_breaker(&self, retry: bool) {
        let hold = self.ports.ledger.hold("a person").await.expect("nobody else has it");
        let entries = breaker::reset(&self.history().await, self.ports.eyes.clock.now().await, retry);
        self.ports.ledger.append(&hold, &entries, None).await.expect("written");
    }

    /// Stripe's books.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger is gone; a new one begins.
    pub async fn lose_ledger(&mut self) {
        self.ports.ledger = match self.way {
            Way::Ports => Arc::new(MemoryLedger::new()),
            Way::Wire => sqlite(&self.folder.path().join("another.sqlite")).await,
        };
    }

    /// What the ledger knows.
    pub async fn history(&self) -> History {
        self.ports.ledger.history().await.expect("the ledger is read")
    }
}

fn setup(config: &Config) -> Setup {
    Setup {
        fleet: basement::model::desired::Fleet::default(),
        policy: config.policy.clone(),
        allow: BTreeSet::new(),
        approvals: Vec::new(),
        templates: userdata::built_in(),
        letters: LetterSettings {
            brand: config.mail.brand.clone(),
            support: config.mail.support.clone(),
            operator: config.mail.operator.clone(),
            portal: config.mail.portal.clone(),
            keep_password: Span::days(7),
        },
    }
}

type Doorway = (Shared, Arc<Mutex<Books>>, Ports, Option<Running>);

fn by_ports() -> Doorway {
    let world = World::shared(Settings::default(), ClockMode::Manual);
    let books = Arc::new(Mutex::new(Books::new()));
    let billing = BillingDoor::new(books.clone(), world.clone());
    let door = Arc::new(Door::new(world.clone()));
    let eyes =
        Eyes { cloud: door.clone(), probe: door.clone(), billing: Arc::new(billing), clock: door.clone() };
    let ports =
        Ports { eyes, mailer: door.clone(), ledger: Arc::new(MemoryLedger::new()), vault: door.clone() };
    (world, books, ports, None)
}

async fn by_wire(config: &Config, folder: &Path) -> Doorway {
    let running = server::start(Options::default()).await.expect("loopback can be bound");
    let url = running.http_url();
    let clock: Arc<dyn Clock> = Arc::new(SimClock::new(&url).expect("a loopback address"));
    let pace = Arc::new(Pace::new(clock.clone()));
    let cloud = DigitalOcean::new(&url, "simulated".to_owned().into(), pace, clock.clone(), "basement tests")
        .expect("a client");
    let key = "sk_test_simulated".to_owned().into();
    let billing =
        Stripe::new(&url, key, config.stripe.mode, clock.clone(), "basement tests").expect("a client");
    let (http, ssh) = running.droplets;
    let probe = RealProbe::new(ProbePorts { http, ssh }, "basement tests").expect("a client");
    let mail = &config.mail;
    let smtp = running.smtp_url().into();
    let mailer = SmtpMailer::new(&smtp, &mail.from, mail.reply_to.as_deref(), None).expect("a mailer");
    let ports = Ports {
        eyes: Eyes { cloud: Arc::new(cloud), probe: Arc::new(probe), billing: Arc::new(billing), clock },
        mailer: Arc::new(mailer),
        ledger: sqlite(&folder.join("ledger.sqlite")).await,
        vault: Arc::new(SealVault::from_file_or_new(&folder.join("ledger.key"), 1).expect("a vault")),
    };
    (running.world.clone(), running.books.clone(), ports, Some(running))
}

async fn sqlite(path: &Path) -> Arc<dyn Ledger> {
    Arc::new(SqliteLedger::open(path).await.expect("a ledger"))
}

fn sources(files: &BTreeMap<String, String>) -> Vec<SourceFile> {
    let file = |(path, text): (&String, &String)| SourceFile {
        path: path.clone(),
        bytes: text.clone().into_bytes(),
    };
    files.iter().map(file).collect()
}
