//! The engine against the simulated world, every story through both doors: the same steps, letters and truth.

mod breaker;
mod contract;
mod failed;
mod guarded;
mod laws;
mod life;
mod lost;
mod mail;
mod ready;
mod room;
mod stage;
mod transcript;
mod trouble;

use stage::{Stage, Way};

/// Plays a story through the ports and over the vendors' protocols; what both say happened.
async fn both(play: impl AsyncFn(&mut Stage)) -> String {
    let ports = alone(Way::Ports, &play).await;
    let wire = alone(Way::Wire, &play).await;
    assert_eq!(ports, wire, "the two doors tell two stories:\n--- ports\n{ports}\n--- wire\n{wire}");
    wire
}

/// Plays a story through one door, and holds it against the laws.
async fn alone(way: Way, play: impl AsyncFn(&mut Stage)) -> String {
    let mut stage = Stage::open(way).await;
    play(&mut stage).await;
    let told = transcript::tell(&stage);
    laws::check(&mut stage).await;
    told
}
