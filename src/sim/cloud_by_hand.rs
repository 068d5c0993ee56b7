//! What somebody does to the simulated droplets past us: in the control panel, or at a droplet's console.

use crate::sim::cloud::Cloudlet;
use crate::sim::first_boot;
use crate::sim::machine::Ending;

/// The number before the first snapshot's.
const FIRST_SNAPSHOT: u64 = 6_000_000;

impl Cloudlet {
    /// Takes a droplet away at once; false if there is none.
    pub fn remove_by_hand(&mut self, id: u64) -> bool {
        let there = self.machines.contains_key(&id);
        self.leave(id, Ending::ByHand);
        there
    }

    /// Makes a snapshot of a droplet.
    pub fn snapshot(&mut self, id: u64) {
        self.planned += 1;
        let number = FIRST_SNAPSHOT + self.planned;
        if let Some(machine) = self.machines.get_mut(&id) {
            machine.snapshots.push(number);
        }
    }

    /// Ends a droplet's first boot well.
    pub fn mend(&mut self, id: u64) {
        let now = self.now;
        if let Some(machine) = self.machines.get_mut(&id) {
            first_boot::mend(machine, now);
        }
    }
}
