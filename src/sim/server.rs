//! Door two: both vendors and the controls on one HTTP listener, a mail server, and the droplets themselves.
//! Invariant: dropping `Running` closes them all.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::middleware;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::model::moment::Moment;
use crate::sim::billing::Books;
use crate::sim::edge::{self, Cut};
use crate::sim::outbox;
use crate::sim::world::{ClockMode, Settings, Shared, World, lock};
use crate::sim::{cloud_http, control, hosts, smtp, stripe_http};

/// What to start.
pub struct Options {
    /// Where HTTP listens; port 0 is any.
    pub http: SocketAddr,
    /// Where SMTP listens; port 0 is any.
    pub smtp: SocketAddr,
    /// How time passes.
    pub clock: ClockMode,
    /// How the cloud behaves.
    pub settings: Settings,
    /// Stripe's state.
    pub books: Books,
}

/// A running simulator.
pub struct Running {
    /// Where HTTP listens.
    pub http: SocketAddr,
    /// Where SMTP listens.
    pub smtp: SocketAddr,
    /// The ports of the droplets' web and SSH servers, at their own addresses.
    pub droplets: (u16, u16),
    /// DigitalOcean, the outbox, the clock and trouble.
    pub world: Shared,
    /// Stripe.
    pub books: Arc<Mutex<Books>>,
    stop: Option<oneshot::Sender<()>>,
    cut: Cut,
    web: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            http: any,
            smtp: any,
            clock: ClockMode::Manual,
            settings: Settings::default(),
            books: Books::new(),
        }
    }
}

/// Binds the listeners and serves until `Running` is dropped.
pub async fn start(options: Options) -> io::Result<Running> {
    let world = World::shared(options.settings, options.clock);
    let books = Arc::new(Mutex::new(options.books));
    start_on(world, books, options.http, options.smtp).await
}

/// The same for a world and books that there are already, such as those of a simulator that was stopped.
pub async fn start_on(
    world: Shared,
    books: Arc<Mutex<Books>>,
    http: SocketAddr,
    smtp: SocketAddr,
) -> io::Result<Running> {
    let http_listener = TcpListener::bind(http).await?;
    let smtp_listener = TcpListener::bind(smtp).await?;
    let (page_listener, ssh_listener) = (hosts::listener().await?, hosts::listener().await?);
    let (http, smtp) = (http_listener.local_addr()?, smtp_listener.local_addr()?);
    let droplets = (page_listener.local_addr()?.port(), ssh_listener.local_addr()?.port());
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router(&world, &books).into_make_service_with_connect_info::<Cut>();
    let cut = Cut::default();
    let lines = Lines { listener: http_listener, cut: cut.clone() };
    let serving = axum::serve(lines, service).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which stops as well.
        let _ = stopped.await;
    });
    let web = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!("the simulator's HTTP ended: {error}");
        }
    });
    let post = outbox::post(world.clone());
    let mail = tokio::spawn(async move {
        smtp::serve(smtp_listener, post).await;
    });
    let pages = Lines { listener: page_listener, cut: cut.clone() };
    let hosts = hosts::router(&world).into_make_service_with_connect_info::<Cut>();
    let pages = tokio::spawn(async move {
        if let Err(error) = axum::serve(pages, hosts).await {
            tracing::error!("the droplets' HTTP ended: {error}");
        }
    });
    let ssh = tokio::spawn(hosts::serve_ssh(world.clone(), ssh_listener));
    let others = vec![mail, pages, ssh];
    Ok(Running { http, smtp, droplets, world, books, stop: Some(stop), cut, web, others })
}

/// Everything that HTTP serves: `/v2`, `/v1` behind the edge, `/control` beside it.
fn router(world: &Shared, books: &Arc<Mutex<Books>>) -> Router {
    let clock = world.clone();
    let now: Arc<dyn Fn() -> Moment + Send + Sync> = Arc::new(move || lock(&clock).now());
    let vendors = cloud_http::router(world.clone())
        .merge(stripe_http::router(books.clone(), now.clone()))
        .fallback(edge::not_found)
        .layer(middleware::from_fn_with_state(world.clone(), edge::edge));
    vendors.merge(control::router(world.clone())).merge(stripe_http::control(books.clone(), now))
}

impl Running {
    /// `http://127.0.0.1:…`, the base of both vendors and of `/control`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// `smtp://127.0.0.1:…`
    pub fn smtp_url(&self) -> String {
        format!("smtp://{}", self.smtp)
    }

    /// `http:ssh`, where droplets answer.
    pub fn probe_ports(&self) -> String {
        format!("{}:{}", self.droplets.0, self.droplets.1)
    }
}

impl Running {
    /// Stops as if the plug were pulled: what came in is carried out, and not answered. Returns when the
    /// addresses are free.
    pub async fn stop(&mut self) {
        if self.stop.is_none() {
            return;
        }
        self.cut.cut();
        self.pull();
        // An error means that they were stopped, as they should be.
        let _ = (&mut self.web).await;
        for other in &mut self.others {
            let _ = other.await;
        }
    }

    fn pull(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that it has stopped already.
            let _ = stop.send(());
        }
        self.others.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pull();
    }
}

/// Accepts connections that can be cut, one by one or all at once.
struct Lines {
    listener: TcpListener,
    cut: Cut,
}

/// A connection that can be cut.
struct Line {
    stream: TcpStream,
    cut: Cut,
    all: Cut,
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            let Some(here) = hosts::knocked(&stream) else { continue };
            // Small answers should not wait for more; without it they only come later.
            let _ = stream.set_nodelay(true);
            return (Line { stream, cut: Cut::at(here), all: self.cut.clone() }, from);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Lines>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().cut.clone()
    }
}

impl Line {
    fn check(&self) -> io::Result<()> {
        if self.cut.is_cut() || self.all.is_cut() {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
