//! Door two, droplets themselves: real HTTP and a real SSH handshake at each droplet's own loopback address (which
//! Linux has all of). One listener of each kind answers for all; what is not of this machine is dropped at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use russh::server::{self, Config};
use russh::{MethodKind, MethodSet};
use tokio::net::{TcpListener, TcpStream};

use crate::sim::edge::{self, Cut};
use crate::sim::first_boot;
use crate::sim::machine::Machine;
use crate::sim::world::{Shared, lock};
use crate::wire::first_boot::PATH;

/// So long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// A listener for the addresses of all droplets.
pub async fn listener() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await
}

/// At which droplet's address somebody of this machine has knocked; `None` for anybody else.
pub fn knocked(stream: &TcpStream) -> Option<Ipv4Addr> {
    let (Ok(from), Ok(at)) = (stream.peer_addr(), stream.local_addr()) else { return None };
    match at.ip() {
        IpAddr::V4(at) if from.ip().is_loopback() && at.is_loopback() => Some(at),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// The droplets' web servers.
pub fn router(world: &Shared) -> Router {
    Router::new()
        .route(PATH, get(page))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(middleware::from_fn_with_state(world.clone(), edge::edge))
        .with_state(world.clone())
}

/// The droplets' SSH servers: they show their key and let nobody in.
pub async fn serve_ssh(world: Shared, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, say: others must get on before the next try.
            tokio::task::yield_now().await;
            continue;
        };
        let key = knocked(&stream).and_then(|at| at_address(&world, at, first_boot::shown_key));
        if let Some(key) = key {
            tokio::spawn(greet(stream, key));
        }
    }
}

async fn greet(stream: TcpStream, key: u64) {
    let config = Config {
        keys: vec![first_boot::host_key(key)],
        methods: MethodSet::from([MethodKind::PublicKey, MethodKind::Password].as_slice()),
        auth_rejection_time: Duration::ZERO,
        inactivity_timeout: Some(PATIENCE),
        ..Config::default()
    };
    // Whoever goes away in the middle of it is not missed.
    if let Ok(session) = server::run_stream(Arc::new(config), stream, Doorman).await {
        let _ = session.await;
    }
}

/// Lets nobody in, which is what it does unless told otherwise.
struct Doorman;

impl server::Handler for Doorman {
    type Error = russh::Error;
}

async fn page(State(world): State<Shared>, ConnectInfo(line): ConnectInfo<Cut>) -> Response {
    match line.here().and_then(|at| at_address(&world, at, first_boot::page)) {
        Some(Some(body)) => ([("content-type", "application/json")], body).into_response(),
        Some(None) => StatusCode::NOT_FOUND.into_response(),
        // Off, or nobody's: nothing answers.
        None => {
            line.cut();
            StatusCode::NOT_FOUND.into_response()
        }
    }
}

/// Something about the droplet that answers at an address.
fn at_address<T>(world: &Shared, at: Ipv4Addr, about: impl Fn(&Machine) -> T) -> Option<T> {
    let mut world = lock(world);
    let mut machines = world.cloud().machines();
    let machine = machines.find(|machine| machine.public == Some(at) && first_boot::answers(machine))?;
    Some(about(machine))
}
