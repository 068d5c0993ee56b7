//! The life of a simulated droplet: lags, boots, actions, whims, tags, pages.

use basement::sim::machine::{Ending, Kind, Order, Power};
use basement::sim::whim::{Told, Whim};
use basement::sim::world::{ClockMode, Settings, World, lock};
use serde_json::{Value, json};

use super::{Sim, order};

fn world() -> World {
    World::new(Settings::default(), ClockMode::Manual)
}

fn wish(name: &str) -> Order {
    Order {
        names: vec![name.to_owned()],
        size: "s-1vcpu-1gb".to_owned(),
        image: "ubuntu-22-04-x64".to_owned(),
        region: "nyc3".to_owned(),
        tags: vec!["basement".to_owned()],
        ..Order::default()
    }
}

fn make(world: &mut World, name: &str) -> u64 {
    world.cloud().create(&wish(name)).expect("accepted")[0].0
}

fn pass(world: &mut World, ms: i64) {
    let to = world.now_ms() + ms;
    world.advance_to(to);
}

fn tell(world: &mut World, whim: Whim, server: Option<&str>) {
    world.cloud().whims.tell(Told { whim, server: server.map(str::to_owned), times: 1 });
}

fn power(world: &mut World, id: u64) -> Power {
    world.cloud().get(id).expect("there").power
}

#[tokio::test]
async fn a_create_is_found_by_id_at_once_and_listed_later() {
    let sim = Sim::start().await;
    let made = sim.ok("POST", "/v2/droplets", &order("ada"), 202).await;
    let (droplet, link) = (&made["droplet"], &made["links"]["actions"][0]);
    assert_eq!((&droplet["status"], &droplet["networks"]), (&json!("new"), &json!({ "v4": [], "v6": [] })));
    let base = sim.running.http_url();
    assert_eq!(link["href"], format!("{base}/v2/actions/{}", link["id"]));
    let one = format!("/v2/droplets/{}", droplet["id"]);
    for query in ["", "?tag_name=basement", "?name=ada"] {
        assert!(sim.names(query).await.is_empty());
    }
    sim.get(&one).await;
    sim.advance(3).await;
    for query in ["", "?tag_name=basement", "?tag_name=BASEMENT", "?name=ADA"] {
        assert_eq!(sim.names(query).await, ["ada"]);
    }
    sim.advance(21).await;
    assert_eq!(sim.get(&one).await["droplet"]["status"], "new");
    sim.advance(1).await;
    let up = sim.get(&one).await["droplet"].clone();
    assert_eq!(up["status"], "active");
    let kinds: Vec<&Value> =
        up["networks"]["v4"].as_array().expect("v4").iter().map(|n| &n["type"]).collect();
    assert_eq!(kinds, ["private", "public"]);
    assert_eq!(up["networks"]["v4"][1]["ip_address"], "127.64.0.2");
    let act = sim.get(&format!("/v2/actions/{}", link["id"])).await["action"].clone();
    assert_eq!((&act["status"], &act["completed_at"]), (&json!("completed"), &json!("2026-11-02T09:00:25Z")));
    assert_eq!((&up["size"]["price_monthly"], &up["size"]["price_hourly"]), (&json!(6.0), &json!(0.00893)));
}

#[test]
fn things_happen_at_their_time_though_nobody_looks() {
    let mut world = world();
    let id = make(&mut world, "a");
    pass(&mut world, 25_000);
    let act = world.cloud().act(id, Kind::PowerOff).expect("accepted");
    pass(&mut world, 2_999);
    assert_eq!(power(&mut world, id), Power::Active);
    pass(&mut world, 100_000);
    assert_eq!(power(&mut world, id), Power::Off);
    let over = world.cloud().action(act).expect("known").progress;
    let started = world.cloud().action(act).expect("known").started;
    assert_eq!(over, basement::sim::machine::Progress::Completed(started + 3_000));
}

#[test]
fn one_event_at_a_time_and_no_power_before_the_boot() {
    let mut world = world();
    let id = make(&mut world, "a");
    let busy = "Droplet already has a pending event.";
    let no = |world: &mut World, kind| world.cloud().act(id, kind).expect_err("refused");
    assert_eq!(no(&mut world, Kind::PowerOn).message, busy);
    pass(&mut world, 25_000);
    world.cloud().act(id, Kind::Shutdown).expect("accepted");
    let refusal = no(&mut world, Kind::PowerOff);
    assert_eq!((refusal.status, refusal.id, refusal.message.as_str()), (422, "unprocessable_entity", busy));
    pass(&mut world, 3_000);
    assert_eq!(no(&mut world, Kind::PowerOff).message, "Droplet is already powered off.");
    world.cloud().act(id, Kind::PowerOn).expect("accepted");
    pass(&mut world, 3_000);
    assert_eq!(power(&mut world, id), Power::Active);
}

#[tokio::test]
async fn a_destroyed_droplet_lingers_and_is_then_unknown() {
    let sim = Sim::start().await;
    let id = sim.create("ada").await;
    sim.advance(30).await;
    let one = format!("/v2/droplets/{id}");
    sim.ok("DELETE", &one, &Value::Null, 204).await;
    assert_eq!(sim.names("").await, ["ada"]);
    sim.advance(3).await;
    sim.get(&one).await;
    sim.ok("POST", &format!("{one}/actions"), &json!({ "type": "power_off" }), 422).await;
    sim.advance(1).await;
    sim.ok("GET", &one, &Value::Null, 404).await;
    sim.ok("DELETE", &one, &Value::Null, 404).await;
    assert!(sim.names("").await.is_empty());
}

#[test]
fn whims_come_true_once() {
    let mut world = world();
    tell(&mut world, Whim::StuckNew, Some("b"));
    tell(&mut world, Whim::Vanish, None);
    let (vanished, stuck, fine) = (make(&mut world, "a"), make(&mut world, "b"), make(&mut world, "c"));
    assert!(world.cloud().get(vanished).is_some());
    pass(&mut world, 3_000);
    assert!(world.cloud().get(vanished).is_none(), "202 first, 404 then");
    assert_eq!(world.cloud().gone[0].ending, Ending::Vanished);
    pass(&mut world, 86_400_000);
    assert_eq!((power(&mut world, stuck), power(&mut world, fine)), (Power::New, Power::Active));

    tell(&mut world, Whim::LoseDelete, None);
    world.cloud().destroy(stuck).expect("accepted");
    pass(&mut world, 60_000);
    assert!(world.cloud().get(stuck).is_some());
    world.cloud().destroy(stuck).expect("accepted");
    pass(&mut world, 60_000);
    assert!(world.cloud().get(stuck).is_none());

    tell(&mut world, Whim::IgnoreShutdown, None);
    world.cloud().act(fine, Kind::Shutdown).expect("accepted");
    pass(&mut world, 3_000);
    assert_eq!(power(&mut world, fine), Power::Active);
    world.cloud().act(fine, Kind::Shutdown).expect("accepted");
    pass(&mut world, 3_000);
    assert_eq!(power(&mut world, fine), Power::Off);

    tell(&mut world, Whim::NoAddress(60), None);
    let late = make(&mut world, "d");
    pass(&mut world, 84_000);
    let machine = world.cloud().get(late).expect("there").clone();
    assert_eq!((machine.power, machine.public, machine.private.is_some()), (Power::Active, None, true));
    pass(&mut world, 1_000);
    assert!(world.cloud().get(late).expect("there").public.is_some());
}

#[test]
fn addresses_are_never_shared() {
    let mut world = World::new(Settings { droplet_limit: 10_000, ..Settings::default() }, ClockMode::Manual);
    for n in 0..2_500 {
        make(&mut world, &format!("s{n}"));
    }
    pass(&mut world, 25_000);
    let machines: Vec<_> = world.cloud().machines().cloned().collect();
    let public: std::collections::BTreeSet<_> = machines.iter().filter_map(|m| m.public).collect();
    let private: std::collections::BTreeSet<_> = machines.iter().filter_map(|m| m.private).collect();
    assert_eq!((public.len(), private.len()), (2_500, 2_500));
    assert!(public.iter().all(std::net::Ipv4Addr::is_loopback), "a page is asked on this machine only");
    assert!(private.iter().all(|ip| ip.is_private()));
}

#[test]
fn bad_orders_are_refused_in_the_vendors_words() {
    let mut world = World::new(Settings { droplet_limit: 2, ..Settings::default() }, ClockMode::Manual);
    let mut say = |change: &dyn Fn(&mut Order)| {
        let mut order = wish("a");
        change(&mut order);
        world.cloud().create(&order).expect_err("refused").message
    };
    assert_eq!(say(&|o| o.names.clear()), "Droplet must have a name");
    let hostname = "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)";
    assert_eq!(say(&|o| o.names = vec!["a_b".to_owned()]), hostname);
    assert_eq!(say(&|o| o.names = vec!["ab-".to_owned()]), hostname);
    assert_eq!(
        say(&|o| "huge".clone_into(&mut o.size)),
        "You specified an invalid size for Droplet creation."
    );
    assert_eq!(
        say(&|o| "x".clone_into(&mut o.image)),
        "You specified an invalid image for Droplet creation."
    );
    assert_eq!(say(&|o| "moon1".clone_into(&mut o.region)), "Region is not available");
    let limit = "creating this/these droplet(s) will exceed your droplet limit";
    assert_eq!(say(&|o| o.names = ["a", "b", "c"].map(str::to_owned).to_vec()), limit);
    make(&mut world, "same");
    make(&mut world, "same");
    assert_eq!(world.cloud().machines().count(), 2, "names are not unique");
}

#[tokio::test]
async fn pages_hold_everything_once_and_point_to_each_other() {
    let sim = Sim::start().await;
    {
        let mut world = lock(&sim.running.world);
        for n in 0..1_000 {
            make(&mut world, &format!("s{n}"));
        }
        pass(&mut world, 30_000);
    }
    let mut path = "/v2/droplets?tag_name=basement&per_page=200".to_owned();
    let (mut ids, mut pages) = (std::collections::BTreeSet::new(), 0);
    loop {
        let page = sim.get(&path).await;
        assert_eq!(page["meta"]["total"], 1_000);
        ids.extend(page["droplets"].as_array().expect("droplets").iter().map(|d| d["id"].as_u64()));
        pages += 1;
        let links = page["links"]["pages"].as_object().expect("pages");
        let names: Vec<&str> = links.keys().map(String::as_str).collect();
        match pages {
            1 => assert_eq!(names, ["last", "next"]),
            5 => assert_eq!(names, ["first", "prev"]),
            _ => assert_eq!(names, ["first", "last", "next", "prev"]),
        }
        let Some(next) = links.get("next").and_then(Value::as_str) else { break };
        path = next.strip_prefix(&sim.running.http_url()).expect("the Host header's origin").to_owned();
        assert!(path.contains("tag_name=basement") && path.contains("per_page=200"), "{path}");
    }
    assert_eq!((ids.len(), pages), (1_000, 5));
    let few = sim.get("/v2/droplets?name=s7").await;
    assert_eq!((&few["links"], &few["meta"]["total"]), (&json!({}), &json!(1)));
    assert_eq!(sim.names("").await.len(), 20);
    for query in ["?per_page=0", "?per_page=201", "?page=0", "?page=x"] {
        sim.ok("GET", &format!("/v2/droplets{query}"), &Value::Null, 422).await;
    }
}

#[tokio::test]
async fn tags_are_one_in_any_case_and_keep_their_first_spelling() {
    let sim = Sim::start().await;
    sim.ok("POST", "/v2/tags", &json!({ "name": "BASEMENT" }), 201).await;
    let id = sim.create("ada").await;
    let shown = sim.get(&format!("/v2/droplets/{id}")).await["droplet"]["tags"].clone();
    assert_eq!(shown, json!(["BASEMENT", "server-ada", "user-ada"]));
    let again = sim.ok("POST", "/v2/tags", &json!({ "name": "basement" }), 201).await;
    assert_eq!(again["tag"]["name"], "BASEMENT");
    assert_eq!(sim.get("/v2/tags/Basement").await["tag"]["resources"]["droplets"]["count"], 1);
    let bad = json!({ "resources": [{ "resource_id": id.to_string(), "resource_type": "droplet" },
        { "resource_id": "1", "resource_type": "droplet" }] });
    sim.ok("DELETE", "/v2/tags/basement/resources", &bad, 404).await;
    sim.advance(5).await;
    assert_eq!(sim.names("?tag_name=basement").await, ["ada"]);
    sim.ok("POST", "/control/droplets/ada/untag", &Value::Null, 204).await;
    assert!(sim.names("?tag_name=basement").await.is_empty());
}
