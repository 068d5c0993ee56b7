//! `basement sim`: the simulated vendors on this machine, until ctrl-C.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::sim::billing::Books;
use crate::sim::server::{self, Options, Running};
use crate::sim::world::{ClockMode, Settings};

use super::error::{Failure, code};
use super::say;

/// Arguments of `basement sim`.
#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// Where HTTP listens: both vendors, and `/control`.
    #[arg(long, default_value = "127.0.0.1:8421", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where SMTP listens.
    #[arg(long, default_value = "127.0.0.1:8425", value_name = "ADDRESS")]
    smtp: SocketAddr,
    /// `real`: as on the wall; `manual`: time goes by when a client sleeps (with `BASEMENT_CLOCK_URL`) or by
    /// `POST /control/clock/advance`.
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    clock: Clock,
    /// A real clock so many times faster.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
    /// Begin with this many sample subscriptions, in all statuses.
    #[arg(long, default_value_t = 6, value_name = "N")]
    sample: usize,
    /// How long a droplet boots.
    #[arg(long, value_name = "SECONDS")]
    boot: Option<u64>,
    /// How long its first boot takes from then on, until it says that it is ready.
    #[arg(long, value_name = "SECONDS")]
    first_boot: Option<u64>,
    /// Write the addresses into this file once all is listening.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Clock {
    Real,
    Manual,
}

pub(super) async fn run(args: &SimArgs) -> Result<u8, Failure> {
    if !args.listen.ip().is_loopback() || !args.smtp.ip().is_loopback() {
        return Err(Failure::new(
            "the simulator listens on this machine only",
            "use an address in 127.0.0.0/8",
        ));
    }
    let clock = match args.clock {
        Clock::Real => ClockMode::Real { speed: args.speed },
        Clock::Manual => ClockMode::Manual,
    };
    let mut settings = Settings::default();
    if let Some(boot) = args.boot {
        settings.boot_seconds = boot;
    }
    if let Some(first_boot) = args.first_boot {
        settings.first_boot_seconds = first_boot;
    }
    let now = match args.clock {
        Clock::Real => super::wiring::clock()?.now().await,
        Clock::Manual => settings.start,
    };
    let books = Books::sample(now, args.sample);
    let options = Options { http: args.listen, smtp: args.smtp, clock, settings, books };
    let running = server::start(options).await.map_err(|error| {
        Failure::new(
            format!("cannot listen on {} and {}: {error}", args.listen, args.smtp),
            "another simulator may be running; choose other ports with `--listen` and `--smtp`",
        )
    })?;
    announce(&running, matches!(args.clock, Clock::Manual) || args.speed.to_bits() != 1.0_f64.to_bits());
    if let Some(path) = &args.ready_file {
        write_ready(path, &running)
            .map_err(|error| Failure::plain(format!("`{}` cannot be written: {error}", path.display())))?;
    }
    let _ = tokio::signal::ctrl_c().await;
    Ok(code::DONE)
}

/// The environment that points the other commands here.
pub(super) fn environment(running: &Running) -> Vec<(&'static str, String)> {
    vec![
        ("DIGITALOCEAN_API_URL", running.http_url()),
        ("STRIPE_API_BASE", running.http_url()),
        ("BASEMENT_SMTP_URL", running.smtp_url()),
        ("BASEMENT_PROBE_PORTS", running.probe_ports()),
    ]
}

/// Where its clock is not the wall's, the commands must take the time from it: else a customer would pay in
/// what is the future to them, and deadlines would last as long as on the wall.
fn announce(running: &Running, own_clock: bool) {
    say::tell("# The simulator listens. In another terminal:");
    for (name, value) in environment(running) {
        say::tell(&format!("export {name}={value}"));
    }
    if own_clock {
        say::tell(&format!("export BASEMENT_CLOCK_URL={}", running.http_url()));
    }
    say::tell("export DIGITALOCEAN_TOKEN=simulated STRIPE_API_KEY=sk_test_simulated");
    say::tell("# then: basement init; basement generate; basement plan; basement apply. Ctrl-C ends it.");
}

fn write_ready(path: &std::path::Path, running: &Running) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    for (name, value) in environment(running) {
        writeln!(file, "{name}={value}")?;
    }
    file.sync_all()?;
    std::fs::rename(temporary, path)
}
