//! The simulated DigitalOcean: droplets, their actions and tags, as a state machine in virtual time.
//! Invariant: what is due happens at its own time, in order, whether or not anybody looks.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::census::MARK;
use crate::sim::address;
use crate::sim::catalog::Region;
use crate::sim::cloud_firewall::Wall;
use crate::sim::first_boot::{Fate, FirstBoot};
use crate::sim::machine::{Act, Ending, Gone, Kind, Machine, Order, Power, Progress, Refusal};
use crate::sim::stock::Stock;
use crate::sim::whim::{When, Whim, Whims};
use crate::sim::world::Settings;

/// The simulated DigitalOcean.
pub struct Cloudlet {
    /// How it behaves.
    pub settings: Settings,
    /// What may be named in a create.
    pub stock: Stock,
    /// What it will do against its word.
    pub whims: Whims,
    /// Droplets that are no more, oldest first.
    pub gone: Vec<Gone>,
    /// Who is told of what is taken away.
    pub watch: Option<Watch>,
    pub(super) machines: BTreeMap<u64, Machine>,
    /// All tags: first spelling by lower case.
    pub(super) tags: BTreeMap<String, String>,
    pub(super) walls: Vec<Wall>,
    /// Firewalls made so far.
    pub(super) walled: u64,
    /// Firewalls of another name than ours that somebody touched through the API.
    pub others_touched: Vec<String>,
    /// Droplets of our tag that were made while no firewall of ours was there.
    pub bare: Vec<String>,
    acts: BTreeMap<u64, Act>,
    due: BTreeMap<(i64, u64), Due>,
    pub(super) now: i64,
    made: u64,
    acted: u64,
    pub(super) planned: u64,
}

/// Told just before something is taken from a droplet, at either door: when (in milliseconds), from which, what.
/// The world is locked meanwhile.
pub type Watch = Box<dyn Fn(i64, &Machine, Taking) + Send>;

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// Its power: a shutdown, or the plug.
    Power,
    /// The droplet itself.
    Droplet,
    /// Its rest: it is switched on.
    Rest,
}

/// The number before the first droplet's.
const FIRST_DROPLET: u64 = 400_000_000;

enum Due {
    Boot(u64),
    Address(u64),
    FirstBoot(u64),
    Tag(u64),
    Finish(u64),
    Leave(u64, Ending),
}

impl Cloudlet {
    /// An empty one.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            stock: Stock::default(),
            whims: Whims::default(),
            gone: Vec::new(),
            watch: None,
            machines: BTreeMap::new(),
            tags: BTreeMap::new(),
            walls: Vec::new(),
            walled: 0,
            others_touched: Vec::new(),
            bare: Vec::new(),
            acts: BTreeMap::new(),
            due: BTreeMap::new(),
            now: i64::MIN,
            made: 0,
            acted: 0,
            planned: 0,
        }
    }

    /// Lets everything happen that is due by `now`.
    pub fn settle(&mut self, now: i64) {
        while let Some(entry) = self.due.first_entry().filter(|e| e.key().0 <= now) {
            let ((at, _), due) = entry.remove_entry();
            self.now = self.now.max(at);
            match due {
                Due::Boot(id) => self.boot(id),
                Due::Address(id) => self.give_address(id),
                Due::FirstBoot(id) => self.end_first_boot(id),
                Due::Tag(id) => self.show_tags(id),
                Due::Finish(act) => self.finish(act),
                Due::Leave(id, ending) => self.leave(id, ending),
            }
        }
        self.now = self.now.max(now);
    }

    /// Makes droplets: the number of each with that of its create action.
    pub fn create(&mut self, order: &Order) -> Result<Vec<(u64, u64)>, Refusal> {
        let (size, region, image) = order.check()?;
        self.stock.check(order)?;
        if (self.machines.len() + order.names.len()) as u64 > self.settings.droplet_limit {
            return Err(Refusal::unprocessable(
                "creating this/these droplet(s) will exceed your droplet limit",
            ));
        }
        let tags: BTreeSet<String> = order.tags.iter().map(|tag| self.tag(tag)).collect();
        let tags: Vec<String> = tags.into_iter().collect();
        if tags.iter().any(|tag| tag == MARK) && !self.is_walled() {
            self.bare.extend(order.names.iter().cloned());
        }
        Ok(order
            .names
            .iter()
            .map(|name| {
                let id = self.next_droplet();
                let machine = Machine {
                    id,
                    name: name.clone(),
                    power: Power::New,
                    size,
                    region,
                    image,
                    tags: tags.clone(),
                    created: self.now,
                    private: None,
                    public: None,
                    listed_from: self.now + millis(self.settings.listing_lag_seconds),
                    deleting: false,
                    user_data: order.user_data.clone(),
                    first_boot: FirstBoot::default(),
                    backups: order.backups,
                    ipv6: order.ipv6,
                    monitoring: order.monitoring,
                    pending: None,
                    late_tags: Vec::new(),
                    snapshots: Vec::new(),
                };
                self.machines.insert(id, machine);
                self.hide_tags(id, name);
                (id, self.begin(id, region, name))
            })
            .collect())
    }

    /// One droplet.
    pub fn get(&self, id: u64) -> Option<&Machine> {
        self.machines.get(&id)
    }

    /// All droplets that there truly are, by number.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    /// The droplets that listings show, by number.
    pub fn listed(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values().filter(|machine| machine.listed_from <= self.now)
    }

    /// Starts an action; the status changes when it is over.
    pub fn act(&mut self, id: u64, kind: Kind) -> Result<u64, Refusal> {
        let machine = self.machines.get(&id).ok_or_else(Refusal::not_found)?;
        if machine.pending.is_some() || machine.deleting {
            return Err(Refusal::unprocessable("Droplet already has a pending event."));
        }
        if kind == Kind::PowerOff && machine.power == Power::Off {
            return Err(Refusal::unprocessable("Droplet is already powered off."));
        }
        match kind {
            Kind::Shutdown | Kind::PowerOff => self.tell(machine, Taking::Power),
            Kind::PowerOn => self.tell(machine, Taking::Rest),
            Kind::Create | Kind::Reboot | Kind::PowerCycle => {}
        }
        let (region, name) = (machine.region, machine.name.clone());
        if let Some(Whim::Busy(seconds)) = self.whims.take(When::Act, &name) {
            let other = self.open(id, Kind::Reboot, region, true);
            self.plan(seconds, Due::Finish(other));
            return Err(Refusal::unprocessable("Droplet already has a pending event."));
        }
        let when = match kind {
            Kind::Shutdown => Some(When::Shutdown),
            Kind::PowerOff => Some(When::PowerOff),
            Kind::PowerOn => Some(When::PowerOn),
            Kind::Create | Kind::Reboot | Kind::PowerCycle => None,
        };
        let ignored = when.is_some_and(|when| self.whims.take(when, &name).is_some());
        let act = self.open(id, kind, region, ignored);
        self.plan(self.settings.action_seconds, Due::Finish(act));
        Ok(act)
    }

    /// Accepts a DELETE; the droplet can still be seen for a while.
    pub fn destroy(&mut self, id: u64) -> Result<(), Refusal> {
        let machine = self.machines.get(&id).ok_or_else(Refusal::not_found)?;
        if machine.deleting {
            return Ok(());
        }
        self.tell(machine, Taking::Droplet);
        let is_new = machine.power == Power::New;
        if (is_new && self.whims.take(When::DeleteNew, &machine.name).is_some())
            || self.whims.take(When::Delete, &machine.name).is_some()
        {
            return Ok(());
        }
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.deleting = true;
        }
        self.plan(self.settings.delete_lag_seconds, Due::Leave(id, Ending::Destroyed));
        Ok(())
    }

    /// One action.
    pub fn action(&self, id: u64) -> Option<&Act> {
        self.acts.get(&id)
    }

    /// A droplet's actions, newest first.
    pub fn actions(&self, droplet: u64) -> Vec<&Act> {
        self.acts.values().rev().filter(|act| act.droplet == droplet).collect()
    }

    fn tell(&self, machine: &Machine, taking: Taking) {
        if let Some(watch) = &self.watch {
            watch(self.now, machine, taking);
        }
    }

    fn begin(&mut self, id: u64, region: &'static Region, name: &str) -> u64 {
        let act = self.open(id, Kind::Create, region, false);
        match self.whims.take(When::Create, name) {
            Some(Whim::StuckNew) => {}
            Some(Whim::Vanish) => {
                let lag = self.settings.listing_lag_seconds;
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.listed_from = i64::MAX;
                }
                self.plan(lag, Due::Leave(id, Ending::Vanished));
            }
            Some(Whim::VanishLater(seconds)) => {
                self.plan(self.settings.boot_seconds, Due::Boot(id));
                self.plan(seconds, Due::Leave(id, Ending::Vanished));
            }
            Some(Whim::SlowBoot(seconds)) => self.plan(seconds, Due::Boot(id)),
            _ => self.plan(self.settings.boot_seconds, Due::Boot(id)),
        }
        act
    }

    fn open(&mut self, droplet: u64, kind: Kind, region: &'static Region, ignored: bool) -> u64 {
        self.acted += 1;
        let id = 36_804_636 + self.acted;
        let progress = Progress::InProgress;
        self.acts.insert(id, Act { id, droplet, kind, region, started: self.now, progress, ignored });
        if let Some(machine) = self.machines.get_mut(&droplet) {
            machine.pending = Some(id);
        }
        id
    }

    fn boot(&mut self, id: u64) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        machine.power = Power::Active;
        machine.private = Some(address::private(id - FIRST_DROPLET));
        let (name, pending) = (machine.name.clone(), machine.pending.take());
        if let Some(act) = pending.and_then(|act| self.acts.get_mut(&act)) {
            act.progress = Progress::Completed(self.now);
        }
        match self.whims.take(When::Boot, &name) {
            Some(Whim::NoAddress(seconds)) => self.plan(seconds, Due::Address(id)),
            _ => self.give_address(id),
        }
        self.begin_first_boot(id, &name);
    }

    fn begin_first_boot(&mut self, id: u64, name: &str) {
        let usual = self.settings.first_boot_seconds;
        let (fate, seconds) = match self.whims.take(When::FirstBoot, name) {
            Some(Whim::NeverReady) => return,
            Some(Whim::SlowFirstBoot(seconds)) => (Fate::Good, seconds),
            Some(Whim::FirstBootFails) => (Fate::Fails, usual),
            Some(Whim::OtherServer) => (Fate::OtherServer, usual),
            Some(Whim::OtherKey) => (Fate::OtherKey, usual),
            _ => (Fate::Good, usual),
        };
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.first_boot.fate = fate;
            self.plan(seconds, Due::FirstBoot(id));
        }
    }

    fn end_first_boot(&mut self, id: u64) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        if machine.power == Power::Active {
            // Somebody may have been faster.
            machine.first_boot.over.get_or_insert(self.now);
        } else {
            machine.first_boot.waits = true;
        }
    }

    fn give_address(&mut self, id: u64) {
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.public = Some(address::public(id - FIRST_DROPLET));
        }
    }

    fn hide_tags(&mut self, id: u64, name: &str) {
        let Some(Whim::TagLag(seconds)) = self.whims.take(When::Tag, name) else { return };
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.late_tags = std::mem::take(&mut machine.tags);
            self.plan(seconds, Due::Tag(id));
        }
    }

    fn show_tags(&mut self, id: u64) {
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.tags.append(&mut machine.late_tags);
            machine.tags.sort();
        }
    }

    fn finish(&mut self, act: u64) {
        let Some(act) = self.acts.get_mut(&act).filter(|a| a.progress == Progress::InProgress) else {
            return;
        };
        act.progress = Progress::Completed(self.now);
        let Some(machine) = self.machines.get_mut(&act.droplet) else { return };
        machine.pending = None;
        machine.power = match act.kind {
            _ if act.ignored => machine.power,
            Kind::Shutdown | Kind::PowerOff => Power::Off,
            Kind::Create | Kind::PowerOn | Kind::Reboot | Kind::PowerCycle => Power::Active,
        };
        if machine.power == Power::Active && std::mem::take(&mut machine.first_boot.waits) {
            let id = machine.id;
            self.plan(self.settings.first_boot_seconds, Due::FirstBoot(id));
        }
    }

    pub(super) fn leave(&mut self, id: u64, ending: Ending) {
        let Some(machine) = self.machines.remove(&id) else { return };
        if let Some(act) = machine.pending.and_then(|act| self.acts.get_mut(&act)) {
            act.progress = Progress::Errored(self.now);
        }
        let Machine { name, tags, created, public, first_boot, .. } = machine;
        self.gone.push(Gone { id, name, tags, public, first_boot, created, at: self.now, ending });
    }

    fn plan(&mut self, seconds: u64, due: Due) {
        self.planned += 1;
        self.due.insert((self.now.saturating_add(millis(seconds)), self.planned), due);
    }

    fn next_droplet(&mut self) -> u64 {
        self.made += 1;
        FIRST_DROPLET + self.made
    }
}

fn millis(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}
