//! The real probe: against a simulated droplet, and against whoever else may answer at its address.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use basement::adapters::probe::{ProbePorts, RealProbe};
use basement::model::census::Readiness;
use basement::ports::Probe as _;
use basement::sim::first_boot;
use basement::sim::machine::Order;
use basement::sim::ports::Door;
use basement::sim::server::{self, Options, Running};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::{Shared, World, lock};
use basement::wire::first_boot::PATH;

use crate::hostile::raw::{Answer, Raw, Reply, head, whole};

const ID: &str = "0a1b2c3d4e5f60718293";
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const KEY: &str = "SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn page(id: &str, state: &str, failed: &str, key: &str) -> String {
    format!(r#"{{"id":"{id}","state":"{state}","failed":[{failed}],"ssh_host_key":{key}}}"#)
}

fn why(state: Readiness) -> String {
    match state {
        Readiness::NotYet { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// What the probe makes of an HTTP server that answers so; SSH is not there.
async fn of(reply: Reply) -> (Readiness, Vec<String>) {
    let answer: Answer = Arc::new(move |_| reply.clone());
    let raw = Raw::start(answer).await;
    let http = raw.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let probe = RealProbe::new(ProbePorts { http, ssh: 1 }, "basement tests").expect("a client");
    (probe.ready(HERE, ID).await, raw.seen())
}

#[tokio::test]
async fn what_is_not_our_page_is_not_ready() {
    let ready = |key: &str| page(ID, "ready", "", key);
    let redirect = |to: &str| {
        Reply::Whole(format!("{}location: {to}\r\ncontent-length: 0\r\n\r\n", head(301)).into_bytes())
    };
    let long = format!("{}{}", ready(&format!("{KEY:?}")), " ".repeat(10 * 1024 * 1024));
    let rows = [
        (whole(404, "nothing here"), "its page is not there: status 404"),
        (whole(500, ready("null")), "its page is not there: status 500"),
        (redirect(PATH), "its page is not there: status 301"),
        (redirect("http://127.0.0.1:1/"), "its page is not there: status 301"),
        (whole(200, "<html>welcome to nginx</html>"), "its page is not what a first boot writes"),
        (whole(200, "[]"), "its page is not what a first boot writes"),
        (whole(200, ""), "its page is not what a first boot writes"),
        (whole(200, b"\xff\xfe"), "its page breaks off, or is too long to be ours"),
        (whole(200, &long), "its page breaks off, or is too long to be ours"),
        (
            Reply::Flood(format!("{}\r\n", head(200)).into_bytes(), vec![b' '; 65_536]),
            "its page breaks off, or is too long to be ours",
        ),
        (whole(200, page("ffffffffffffffffffff", "ready", "", "null")), "its page is of another server"),
        (whole(200, page(ID, "\\u001b[2Jdone", "", "null")), "its page says neither `ready` nor `failed`"),
        (whole(200, ready("\"SHA256:short\"")), "its page tells no SSH key that can be read"),
        (
            whole(200, ready("\"SHA256:\\u001b[2Jaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"")),
            "its page tells no SSH key that can be read",
        ),
        (whole(200, ready(&format!("{KEY:?}"))), "its page says ready, and SSH does not answer"),
        (whole(200, ready("null")), "its page says ready, and SSH does not answer"),
    ];
    for (reply, want) in rows {
        let (state, seen) = of(reply).await;
        assert_eq!(why(state), want);
        assert_eq!(seen.len(), 1, "{want}: asked more than once, or followed");
        assert!(seen[0].starts_with(&format!("GET {PATH} HTTP/1.1\r\n")), "{}", seen[0]);
    }
}

#[tokio::test]
async fn a_server_that_drips_is_left_after_five_seconds() {
    let begun = tokio::time::Instant::now();
    let drip = Reply::Drip(format!("{}content-length: 4000\r\n\r\n", head(200)).into_bytes());
    let (state, _) = tokio::time::timeout(Duration::from_secs(60), of(drip)).await.expect("it ends");
    assert!(matches!(state, Readiness::NotYet { .. }), "{state:?}");
    assert!(begun.elapsed() >= Duration::from_secs(4), "it was given its time");
}

#[tokio::test]
async fn what_failed_is_named_in_plain_words_or_not_at_all() {
    let failed = r#""package:certbot","firewall:443","\u001b[2J rm -rf /","","x y""#;
    let (state, _) = of(whole(200, page(ID, "failed", failed, "null"))).await;
    let names = ["package:certbot", "firewall:443", "(unreadable)", "(unreadable)", "(unreadable)"];
    assert_eq!(state, Readiness::Failed { failed: names.map(str::to_owned).into() });
    // It cannot be both.
    let (state, _) = of(whole(200, page(ID, "ready", r#""nginx:active""#, "null"))).await;
    assert_eq!(state, Readiness::Failed { failed: vec!["nginx:active".to_owned()] });
    let many = vec!["\"a\""; 900].join(",");
    let (state, _) = of(whole(200, page(ID, "failed", &many, "null"))).await;
    assert!(matches!(state, Readiness::Failed { failed } if failed.len() == 20));
}

/// A droplet whose user-data has our id, behind both doors.
struct Droplet {
    running: Running,
    id: u64,
}

impl Droplet {
    async fn with(whim: Option<Whim>) -> Self {
        let running = server::start(Options::default()).await.expect("loopback can be bound");
        let order = Order {
            names: vec!["ada-7f3k2m9q".to_owned()],
            size: "s-1vcpu-1gb".to_owned(),
            image: "ubuntu-22-04-x64".to_owned(),
            user_data: Some(format!("#!/bin/sh\nprintf '{{\"id\":\"{ID}\",\"state\":\"%s\"}}'\n")),
            ..Order::default()
        };
        let id = {
            let mut world = lock(&running.world);
            let cloud = world.cloud();
            if let Some(whim) = whim {
                cloud.whims.tell(Told { whim, server: None, times: 1 });
            }
            cloud.create(&order).expect("a good order")[0].0
        };
        Self { running, id }
    }

    fn world(&self) -> &Shared {
        &self.running.world
    }

    fn wait(&self, seconds: i64) {
        let mut world = lock(self.world());
        let to = world.now_ms() + seconds * 1_000;
        world.advance_to(to);
    }

    /// What both doors say of it.
    async fn shown(&self) -> Readiness {
        let address = lock(self.world()).cloud().get(self.id).and_then(|machine| machine.public);
        let address = address.unwrap_or(Ipv4Addr::new(127, 99, 99, 99));
        let (http, ssh) = self.running.droplets;
        let real = RealProbe::new(ProbePorts { http, ssh }, "basement tests").expect("a client");
        let real = real.ready(address, ID).await;
        assert_eq!(real, Door::new(self.world().clone()).ready(address, ID).await, "the doors differ");
        real
    }
}

#[tokio::test]
async fn a_first_boot_is_watched_from_its_beginning_to_its_end() {
    let droplet = Droplet::with(None).await;
    assert_eq!(why(droplet.shown().await), "its web server breaks off", "nobody is there");
    droplet.wait(30);
    assert_eq!(why(droplet.shown().await), "its page is not there: status 404");
    droplet.wait(20);
    let host_key = Some(first_boot::fingerprint(droplet.id));
    assert_eq!(droplet.shown().await, Readiness::Ready { host_key });
    lock(droplet.world()).cloud().act(droplet.id, basement::sim::machine::Kind::PowerOff).expect("it is on");
    droplet.wait(10);
    assert_eq!(why(droplet.shown().await), "its web server breaks off", "it is off");
}

#[tokio::test]
async fn a_first_boot_goes_wrong_in_each_way() {
    let shown = async |whim| {
        let droplet = Droplet::with(Some(whim)).await;
        droplet.wait(60);
        let shown = droplet.shown().await;
        let world = droplet.world();
        lock(world).cloud().mend(droplet.id);
        assert!(matches!(droplet.shown().await, Readiness::Ready { .. }), "it is mended");
        shown
    };
    assert_eq!(why(shown(Whim::NeverReady).await), "its page is not there: status 404");
    assert_eq!(why(shown(Whim::SlowFirstBoot(900)).await), "its page is not there: status 404");
    assert_eq!(why(shown(Whim::OtherServer).await), "its page is of another server");
    let failed = ["package:certbot", "firewall:443"].map(str::to_owned).into();
    assert_eq!(shown(Whim::FirstBootFails).await, Readiness::Failed { failed });
    let Readiness::Mismatch { told, shown } = shown(Whim::OtherKey).await else { panic!("another key") };
    assert_eq!(told, first_boot::fingerprint(400_000_001));
    assert_ne!(told, shown);
}

#[tokio::test]
async fn trouble_on_the_way_is_no_answer_at_both_doors() {
    use basement::sim::trouble::Mishap;
    let droplet = Droplet::with(None).await;
    droplet.wait(60);
    let mishaps = [
        Mishap::FailBefore(503),
        Mishap::FailAfter(500),
        Mishap::Html502,
        Mishap::Drop,
        Mishap::RateMinute,
        Mishap::Locked,
        Mishap::Slow(6_000),
    ];
    for mishap in mishaps {
        for _door in 0..2 {
            lock(droplet.world()).trouble.plan("GET /.well-known/", mishap);
        }
        assert!(matches!(droplet.shown().await, Readiness::NotYet { .. }), "{mishap:?}");
    }
    assert!(matches!(droplet.shown().await, Readiness::Ready { .. }));
    let mut world: std::sync::MutexGuard<'_, World> = lock(droplet.world());
    assert!(world.cloud().get(droplet.id).is_some());
    let asked = world.requests.vendors.keys().map(|vendor| format!("{vendor:?}")).collect::<Vec<_>>();
    assert_eq!(asked, ["Droplet"], "nothing of DigitalOcean's budget was used");
}
