//! Law 10 call by call: every port call × every mishap × every state of the droplet, through both doors.
//! The same end (with the same status and `after`), and the same world afterwards.

mod stripe;

use std::sync::Arc;

use basement::adapters::digitalocean::DigitalOcean;
use basement::adapters::mail::SmtpMailer;
use basement::adapters::pace::Pace;
use basement::model::firewall::{FirewallOrder, ours};
use basement::model::ids::{DropletId, FirewallId, ServerName};
use basement::model::moment::Moment;
use basement::model::step::CreateOrder;
use basement::ports::{Cloud, Fault, Mail, Mailer, PowerCall};
use basement::rehearse::walls::{Edit, edit};
use basement::sim::cloud_firewall::Content;
use basement::sim::machine::{Kind, Order};
use basement::sim::ports::Door;
use basement::sim::server::{Options, Running, start};
use basement::sim::trouble::{Mishap, Planned};
use basement::sim::world::{ClockMode, Settings, Shared, World, lock};
use secrecy::SecretString;

use crate::scene;
use crate::scripted::{START, VirtualClock};

/// How a droplet stands when the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Off,
    New,
    Absent,
    /// The team may have no more.
    Full,
}

const STATES: [State; 5] = [State::Active, State::Off, State::New, State::Absent, State::Full];

/// The calls, each with the beginning of its request.
const CALLS: [(&str, &str); 20] = [
    ("droplets", "GET /v2/droplets$"),
    ("droplet", "GET /v2/droplets/"),
    ("find", "GET /v2/droplets$"),
    ("create", "POST /v2/droplets$"),
    ("create of no size", "POST /v2/droplets$"),
    ("power on", "POST /v2/droplets/"),
    ("power off", "POST /v2/droplets/"),
    ("shutdown", "POST /v2/droplets/"),
    ("destroy", "DELETE /v2/droplets/"),
    ("tag", "POST /v2/tags$"),
    ("firewalls", "GET /v2/firewalls$"),
    ("make firewall", "POST /v2/firewalls$"),
    ("mend firewall", "PUT /v2/firewalls/"),
    ("account", "GET /v2/account$"),
    ("sizes", "GET /v2/sizes$"),
    ("image", "GET /v2/images/"),
    ("no image", "GET /v2/images/"),
    ("key", "GET /v2/account/keys/"),
    ("no key", "GET /v2/account/keys/"),
    ("send", "SMTP mail"),
];

const STATUSES: [u16; 14] = [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 520, 535, 550];

fn mishaps() -> Vec<Option<Mishap>> {
    let fixed = [
        Mishap::Html502,
        Mishap::Drop,
        Mishap::RateMinute,
        Mishap::RateHour,
        Mishap::Slow(1),
        Mishap::Locked,
        Mishap::Shifted,
    ];
    let before = STATUSES.map(Mishap::FailBefore);
    let after = STATUSES.map(Mishap::FailAfter);
    let all = fixed.into_iter().chain(before).chain(after);
    std::iter::once(None).chain(all.map(Some)).collect()
}

/// The ports as the engine has them.
struct Ports {
    cloud: Box<dyn Cloud>,
    mailer: Box<dyn Mailer>,
}

fn by_door(world: &Shared) -> Ports {
    Ports { cloud: Box::new(Door::new(world.clone())), mailer: Box::new(Door::new(world.clone())) }
}

fn by_wire(running: &Running) -> Ports {
    let clock = Arc::new(VirtualClock::default());
    let pace = Arc::new(Pace::new(clock.clone()));
    let cloud = DigitalOcean::new(&running.http_url(), "token".into(), pace, clock, "test").expect("a URL");
    let url = SecretString::from(running.smtp_url());
    let mailer = SmtpMailer::new(&url, "a@example.com", None, None).unwrap_or_else(|why| panic!("{why}"));
    Ports { cloud: Box::new(cloud), mailer: Box::new(mailer) }
}

/// Makes the world anew, with one droplet in this state; its number.
fn set(world: &Shared, state: State, call: &str, mishap: Option<Mishap>) -> DropletId {
    let limit = if state == State::Full { 1 } else { 100 };
    // The call is made when the adapter's clock begins.
    let begin = Moment::from_unix(START - 120);
    let settings = Settings { droplet_limit: limit, start: begin, ..Settings::default() };
    *lock(world) = World::new(settings, ClockMode::Manual);
    let mut world = lock(world);
    let order = order();
    let asked = Order {
        names: vec![order.server.to_string()],
        size: order.spec.size.to_string(),
        image: order.spec.image.to_string(),
        region: order.spec.region.to_string(),
        tags: order.tags().to_vec(),
        ..Order::default()
    };
    let at = |seconds: i64| (begin.unix() + seconds) * 1_000;
    if state == State::New {
        world.advance_to(at(120));
    }
    let id = match state {
        State::Absent => 404,
        _ => world.cloud().create(&asked).expect("a droplet")[0].0,
    };
    if state == State::Off {
        world.advance_to(at(60));
        world.cloud().act(id, Kind::PowerOff).expect("it is on");
    }
    world.advance_to(at(120));
    if call.contains("firewalls") && !call.starts_with("POST") && state != State::Absent {
        world.cloud().make_wall(Content::of(&wall(None))).expect("its tag is there");
        edit(world.cloud(), Edit::Open);
        let office = Content { name: "office".to_owned(), tags: Vec::new(), ..Content::of(&wall(None)) };
        world.cloud().make_wall(office).expect("another name");
    }
    if let Some(mishap) = mishap {
        world.trouble.planned.push(Planned { call: call.to_owned(), mishap, skip: 0, count: 100 });
    }
    DropletId(id)
}

/// How a call ended and what there is a while later, in one line.
async fn told(ports: &Ports, world: &Shared, name: &str, id: DropletId) -> String {
    let end = end(run(ports, name, id).await);
    let mut world = lock(world);
    let to = world.now_ms() + 120_000;
    world.advance_to(to);
    let machines: Vec<String> =
        world.cloud().machines().map(|m| format!("{} {} {:?}", m.id, m.name, m.power)).collect();
    let walls: Vec<String> = world.cloud().walls().iter().map(|wall| format!("{:?}", wall.content)).collect();
    format!("{end}; then {machines:?}, {walls:?}, {} letters", world.outbox.len())
}

async fn run(ports: &Ports, name: &str, id: DropletId) -> Result<String, Fault> {
    let Ports { cloud, mailer } = ports;
    match name {
        "droplets" => cloud.droplets().await.map(said),
        "droplet" => cloud.droplet(id).await.map(said),
        "find" => cloud.find(&order().server).await.map(said),
        "create" => cloud.create(&order(), "").await.map(said),
        "create of no size" => {
            let mut order = order();
            order.spec.size = "s-nothing".parse().expect("a slug");
            cloud.create(&order, "").await.map(said)
        }
        "power on" => cloud.power(id, PowerCall::On).await.map(said),
        "power off" => cloud.power(id, PowerCall::Off).await.map(said),
        "shutdown" => cloud.power(id, PowerCall::Shutdown).await.map(said),
        "destroy" => cloud.destroy(id).await.map(said),
        "tag" => cloud.ensure_tag("basement").await.map(said),
        "firewalls" => cloud.firewalls().await.map(said),
        "make firewall" => cloud.put_firewall(&wall(None)).await.map(said),
        "mend firewall" => {
            let id = "bb4b2611-3d72-467b-8602-000000000001".parse().expect("an id");
            cloud.put_firewall(&wall(Some(id))).await.map(said)
        }
        "account" => cloud.account().await.map(said),
        "sizes" => cloud.sizes().await.map(said),
        "image" => cloud.image(&order().spec.image).await.map(said),
        "no image" => cloud.image(&"ubuntu-6-06-x64".parse().expect("a slug")).await.map(said),
        "key" => cloud.has_key(&order().spec.ssh_keys[0]).await.map(said),
        "no key" => cloud.has_key("289794").await.map(said),
        "send" => mailer.send(&mail()).await.map(said),
        other => panic!("no call is `{other}`"),
    }
}

fn end(result: Result<String, Fault>) -> String {
    match result {
        Ok(got) => format!("ok {got}"),
        Err(Fault::Refused(detail)) => format!("refused {:?}", detail.status),
        Err(Fault::Unavailable { after, detail }) => format!("unavailable {after:?} {:?}", detail.status),
        Err(Fault::Unknown(detail)) => format!("unknown {:?}", detail.status),
    }
}

fn said(what: impl std::fmt::Debug) -> String {
    format!("{what:?}")
}

fn order() -> CreateOrder {
    scene::order(&ServerName::parse("ada-7f3k2m9q").expect("a name"), 1)
}

fn wall(id: Option<FirewallId>) -> FirewallOrder {
    FirewallOrder { id, rules: ours(), drifts: Vec::new() }
}

fn mail() -> Mail {
    Mail {
        to: "ada@example.com".to_owned(),
        subject: "s".to_owned(),
        text: "hello".into(),
        html: "<p>hello</p>".into(),
        message_id: "letter.ada.welcome".to_owned(),
    }
}

#[tokio::test]
async fn both_doors_end_every_call_alike() {
    let running = start(Options::default()).await.expect("loopback can be bound");
    let door = World::shared(Settings::default(), ClockMode::Manual);
    let (mut ran, mut differ) = (0, Vec::new());
    for (name, call) in CALLS {
        for state in STATES {
            let is_about_it = name.contains("power")
                || matches!(name, "shutdown" | "destroy" | "droplet" | "create")
                || name.ends_with("firewall");
            if state != State::Active && !is_about_it {
                continue;
            }
            for mishap in mishaps() {
                let id = set(&door, state, call, mishap);
                let one = told(&by_door(&door), &door, name, id).await;
                let id = set(&running.world, state, call, mishap);
                let two = told(&by_wire(&running), &running.world, name, id).await;
                ran += 1;
                if one != two {
                    differ.push(format!("{name}, {state:?}, {mishap:?}:\n  ports {one}\n  wire  {two}"));
                }
            }
        }
    }
    println!("doors: {ran} combinations");
    assert!(differ.is_empty(), "{} of {ran} differ:\n{}", differ.len(), differ.join("\n"));
}
