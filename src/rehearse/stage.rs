//! A small business on the simulator: its world, its books, its files, its ledger; commands as method calls.
//! Invariant: the same acts and spoils give the same run, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::settle::{End, settle};
use crate::engine::{Eyes, LetterSettings, Look, Ports, Prices, Setup, look};
use crate::fleet::generate::{generate, unsure};
use crate::fleet::userdata;
use crate::fleet::yaml::{self, ServerFile, SourceFile};
use crate::model::desired::Fleet;
use crate::model::ids::{ServerName, SubscriptionId};
use crate::model::moment::{Moment, Span};
use crate::model::policy::{Catalogue, Defaults, Mode, PlanEntry, Policy};
use crate::plan::breaker;
use crate::ports::{Billing as _, Fault, Ledger as _};
use crate::sim::billing::{Books, CATALOGUE, Refusal};
use crate::sim::billing_life::Subscribe;
use crate::sim::billing_port::BillingDoor;
use crate::sim::memory::MemoryLedger;
use crate::sim::ports::Door;
use crate::sim::world::{ClockMode, Settings, Shared, World, lock};

use super::laws::Witness;
use super::meddler::Meddler;

/// Everything that one rehearsal is about.
pub struct Stage {
    /// DigitalOcean, mail and time.
    pub world: Shared,
    /// Stripe.
    pub books: Arc<Mutex<Books>>,
    /// What was intended and done.
    pub ledger: MemoryLedger,
    files: BTreeMap<String, String>,
    /// What the files say, as `generate` and as `apply` read it.
    declared: Vec<ServerFile>,
    fleet: Fleet,
    /// When what is done.
    pub policy: Policy,
    /// Objections waived by name.
    pub allow: BTreeSet<String>,
    /// Who spoils calls.
    pub meddler: Meddler,
    /// Who watches what is done to droplets.
    pub witness: Witness,
    /// Who else stands between the engine and its ports: a rehearsal of the rehearsal, with a bug planted.
    pub tamper: fn(Ports) -> Ports,
    catalogue: Catalogue,
}

/// How an apply on the stage ended.
#[derive(Debug)]
pub enum Act {
    /// By itself.
    Ended(End),
    /// With a fault.
    Failed(Fault),
    /// The program died.
    Crashed,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Stage {
    /// An empty business.
    pub fn new(settings: Settings) -> Self {
        let world = World::shared(settings, ClockMode::Manual);
        let books = Arc::new(Mutex::new(Books::new()));
        Self {
            witness: Witness::new(&world, books.clone()),
            world,
            books,
            ledger: MemoryLedger::new(),
            files: BTreeMap::new(),
            declared: Vec::new(),
            fleet: Fleet::default(),
            policy: Policy::default(),
            allow: BTreeSet::new(),
            meddler: Meddler::default(),
            tamper: |ports| ports,
            catalogue: catalogue(),
        }
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        lock(&self.world).now()
    }

    /// What our own clock shows.
    pub fn our_now(&self) -> Moment {
        lock(&self.world).our_now()
    }

    /// Lets time go by.
    pub fn advance(&self, span: Span) {
        let mut world = lock(&self.world);
        let to = world.now_ms() + i64::try_from(span.as_duration().as_millis()).unwrap_or(0);
        world.advance_to(to);
    }

    /// A customer subscribes, and pays unless the order says otherwise.
    pub fn subscribe(
        &self,
        user: &str,
        lookup_key: &str,
        trial_days: u32,
    ) -> Result<SubscriptionId, Refusal> {
        let now = self.now();
        let order = Subscribe {
            user_id: Some(user.to_owned()),
            email: format!("{user}@example.com"),
            name: user.to_owned(),
            lookup_key: lookup_key.to_owned(),
            trial_days,
            ..Subscribe::default()
        };
        self.books().subscribe(now, order)
    }

    /// Does something to the newest subscription of a user; nothing if there is none.
    pub fn customer<T>(
        &self,
        user: &str,
        change: impl FnOnce(&mut Books, Moment, &SubscriptionId) -> Result<T, Refusal>,
    ) -> Option<Result<T, Refusal>> {
        let now = self.now();
        let mut books = self.books();
        let id = books.of_user(user).last()?.clone();
        Some(change(&mut books, now, &id))
    }

    /// Stripe's books.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `basement generate`; files are as before where Stripe's answer is refused or fails.
    pub async fn generate(&mut self) -> Result<(), Fault> {
        let billing = self.meddler.before(self.billing());
        let reading = billing.subscriptions().await?;
        let mut paid = BTreeSet::new();
        let now = self.our_now();
        for id in unsure(&reading, &self.declared) {
            if billing.payment(&id, now).await?.is_some() {
                paid.insert(id);
            }
        }
        let outcome =
            generate(&reading, &paid, &self.declared, &self.catalogue, &self.policy, Mode::Test, now);
        let is_refused = outcome.refusals.iter().any(|refusal| !self.allow.contains(refusal.name()));
        if !is_refused && outcome.files != self.files {
            self.files = outcome.files;
            self.read();
        }
        Ok(())
    }

    /// `generate`, unless the program dies or Stripe does not answer; then false.
    pub async fn generate_or_die(&mut self) -> bool {
        let meddler = self.meddler.clone();
        tokio::select! {
            biased;
            done = self.generate() => done.is_ok(),
            () = meddler.crashed() => false,
        }
    }

    /// Reads the files anew.
    ///
    /// # Panics
    /// If `generate` wrote files that `yaml` refuses: a bug.
    fn read(&mut self) {
        let file = |(path, text): (&String, &String)| SourceFile {
            path: path.clone(),
            bytes: text.clone().into_bytes(),
        };
        let sources: Vec<SourceFile> = self.files.iter().map(file).collect();
        let read = yaml::parse_with_servers(&sources, &self.catalogue);
        (self.fleet, self.declared) = read.expect("generated files are good");
        self.witness.declare(&self.fleet);
    }

    /// `basement apply --auto-approve`.
    pub async fn apply(&mut self, deadline: Span) -> Act {
        let setup = self.setup();
        let ports = self.ports();
        let (_keep, stop) = tokio::sync::watch::channel(false);
        let run = async {
            let hold = ports.ledger.hold("rehearsal").await?;
            settle(&ports, &setup, &hold, deadline, None, stop, &|_| {}).await
        };
        let act = tokio::select! {
            biased;
            run = run => match run {
                Ok(run) => Act::Ended(run.end),
                Err(fault) => Act::Failed(fault),
            },
            () = self.meddler.crashed() => Act::Crashed,
        };
        if matches!(act, Act::Crashed) {
            self.ledger = self.ledger.reopened();
        }
        act
    }

    /// Two applies at the same time, on one ledger.
    pub async fn apply_twice(&mut self, deadline: Span) {
        let setup = self.setup();
        let (one, two) = (self.ports(), self.ports());
        let (_keep, stop) = tokio::sync::watch::channel(false);
        let apply = |ports: Ports, stop| {
            let setup = &setup;
            async move {
                let hold = ports.ledger.hold("rehearsal").await?;
                settle(&ports, setup, &hold, deadline, None, stop, &|_| {}).await.map(|_| ())
            }
        };
        // Boxed: two runs are twice as large as one.
        let both =
            async { tokio::join!(Box::pin(apply(one, stop.clone())), Box::pin(apply(two, stop.clone()))) };
        let is_dead = tokio::select! {
            biased;
            _ = both => false,
            () = self.meddler.crashed() => true,
        };
        if is_dead {
            self.ledger = self.ledger.reopened();
        }
    }

    /// `basement reset breaker`, if it is open.
    pub async fn reset_breaker(&self, retry: bool) {
        let Ok(history) = self.ledger.history().await else { return };
        let Ok(hold) = self.ledger.hold("operator").await else { return };
        if history.breaker.open.is_some() {
            let entries = breaker::reset(&history, self.our_now(), retry);
            // The ledger in memory takes every entry.
            let _ = self.ledger.append(&hold, &entries, None).await;
        }
    }

    /// `basement plan`, with nothing spoilt.
    pub async fn look(&self) -> Result<Look, Fault> {
        let history = self.ledger.history().await?;
        let door = Door::new(self.world.clone());
        let eyes = Eyes {
            cloud: Arc::new(door.clone()),
            probe: Arc::new(door.clone()),
            billing: Arc::new(self.billing()),
            clock: Arc::new(door),
        };
        look((&eyes, None), &self.setup(), history, &mut Prices::default()).await
    }

    /// The subscription behind each server.
    pub fn subscriptions(&self) -> BTreeMap<ServerName, SubscriptionId> {
        let pairs = self.fleet.servers.values();
        pairs.filter_map(|server| Some((server.name.clone(), server.subscription()?.clone()))).collect()
    }

    /// What an apply is told.
    pub fn setup(&self) -> Setup {
        Setup {
            fleet: self.fleet.clone(),
            policy: self.policy.clone(),
            allow: self.allow.clone(),
            approvals: Vec::new(),
            templates: userdata::built_in(),
            letters: LetterSettings {
                brand: "Rehearsal".to_owned(),
                support: "help@example.com".to_owned(),
                operator: "operator@example.com".to_owned(),
                portal: None,
                keep_password: Span::days(7),
            },
        }
    }

    /// The vendors, the ledger and the clock, as an apply sees them.
    pub fn ports(&self) -> Ports {
        let door = Door::new(self.world.clone());
        (self.tamper)(Ports {
            eyes: Eyes {
                cloud: Arc::new(self.meddler.before(door.clone())),
                probe: Arc::new(self.meddler.before(door.clone())),
                billing: Arc::new(self.meddler.before(self.billing())),
                clock: Arc::new(door.clone()),
            },
            mailer: Arc::new(self.meddler.before(door.clone())),
            ledger: Arc::new(self.meddler.before(self.ledger.clone())),
            vault: Arc::new(door),
        })
    }

    fn billing(&self) -> BillingDoor {
        BillingDoor::new(self.books.clone(), self.world.clone())
    }
}

/// The simulated Stripe's catalogue, as `basement.toml` would say it.
fn catalogue() -> Catalogue {
    let slug = |text: &str| text.parse().expect("a slug");
    let plan = |name: &str, size: &str| {
        let stripe = CATALOGUE.iter().map(|price| price.lookup_key).filter(|key| key.starts_with(name));
        let entry = PlanEntry {
            size: slug(size),
            stripe: stripe.map(str::to_owned).collect(),
            month: None,
            year: None,
            currency: crate::model::money::Currency::USD,
            region: None,
            image: None,
            template: None,
        };
        (name.parse().expect("a plan name"), entry)
    };
    Catalogue {
        defaults: Defaults {
            region: slug("nyc3"),
            image: slug("ubuntu-22-04-x64"),
            monitoring: true,
            backups: false,
            ipv6: false,
            ssh_keys: vec!["3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa".to_owned()],
            allow_no_ssh_keys: false,
            template: "base".to_owned(),
        },
        plans: [plan("basic", "s-1vcpu-1gb"), plan("pro", "s-1vcpu-2gb"), plan("premium", "s-2vcpu-4gb")]
            .into_iter()
            .collect(),
    }
}
