//! Floor 4: scripts played on the simulated world. Names no concrete adapter.

pub mod script;
