//! Floor 4: scripts and faults played on the simulated world, and the laws they are judged by.
//! Names no concrete adapter: everything here goes through the simulator's first door.

pub mod faults;
pub mod laws;
pub mod meddler;
pub mod run;
pub mod script;
pub mod served;
pub mod stage;
pub mod storm;
pub mod walls;
