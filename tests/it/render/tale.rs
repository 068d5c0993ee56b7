//! One evening at one shop, at which nearly everything happens at once. Each server has one story; all that is done
//! about it, what it costs and what comes next, is the planner's own.

use std::collections::BTreeSet;

use basement::model::billing::{RefundOrder, Status};
use basement::model::census::DropletStatus::{Active, New, Off};
use basement::model::census::{Census, Readiness, Secret, Sighting};
use basement::model::desired::DesiredState::{Destroyed, Running, Stopped};
use basement::model::desired::{Because, Origin, Price, Server};
use basement::model::firewall::{EVERYWHERE, Firewall, Progress, Rule, Way};
use basement::model::history::{Failures, Open, Phase};
use basement::model::ids::DropletId;
use basement::model::moment::Span;
use basement::model::money::{Currency, Money};
use basement::model::step::Action;

use super::sample::{at, name, subscription};
use super::shop::{DONE, Shop, droplet, firewall, id};

pub const NOW: &str = "2026-08-19T10:00:00Z";
const CUT_OFF: &str = "2026-08-12T09:00:00Z";

/// The evening.
pub fn shop() -> Shop {
    let mut shop = Shop::new(NOW);
    shop.policy.power_off_after = Span::minutes(5);
    shop.policy.caps.destroy = 2;
    ending(&mut shop);
    switched(&mut shop);
    failing(&mut shop);
    booting(&mut shop);
    lost(&mut shop);
    kept(&mut shop);
    shop.census.firewalls = Some(vec![drifted()]);
    shop.shelf.denied.insert(("Stripe", "Events: read"));
    let basic = "basic".parse().expect("a plan");
    shop.catalogue.plans.get_mut(&basic).expect("its entry").month = Some(500);
    shop
}

/// The same with the files as they are without this change: Kim ended ada's grace, gave cleo a tombstone, and held jan.
pub fn before(shop: &Shop) -> Shop {
    let mut shop = shop.clone();
    let mut file = |text: &str, change: fn(&mut Server)| {
        change(shop.fleet.servers.get_mut(&name(text)).expect("a server"));
    };
    file("ada-7f3k2m9q", |server| server.destroy_after = Some(at("2026-08-26T09:00:00Z")));
    file("cleo", |server| (server.state, server.because) = (Running, Because::Active));
    file("jan-7t2k5q9n", |server| server.hold = None);
    shop
}

/// Who leaves, and what of them is left.
fn ending(shop: &mut Shop) {
    shop.one("ada-7f3k2m9q", Stopped, Because::Cancelled, CUT_OFF)
        .ends("2026-08-19T09:00:00Z")
        .delivered("2026-02-01T09:00:00Z", 501)
        .record(|record| {
            (record.stopped, record.told_off) = (Some(at("2026-08-12T09:06:00Z")), true);
        })
        .droplet(501, Off);
    shop.one("ben-4h8w2c6t", Stopped, Because::Unpaid, "2026-08-05T08:00:00Z")
        .ends("2026-08-19T08:00:00Z")
        .delivered("2025-11-20T14:00:00Z", 502)
        .record(|record| {
            (record.stopped, record.told_off) = (Some(at("2026-08-05T08:06:00Z")), true);
        })
        .droplet_as(502, Off, |droplet| droplet.snapshots = 1);
    shop.one("cleo", Destroyed, Because::Other("has left the company".to_owned()), "2026-08-19T08:30:00Z")
        .server(|server| {
            server.origin = Origin::Extra;
            "fleet/extra/cleo.yaml".clone_into(&mut server.file);
        })
        .delivered("2026-03-02T10:00:00Z", 503)
        .droplet(503, Active);
    shop.one("dora-9k3m7x5p", Stopped, Because::Cancelled, CUT_OFF)
        .ends("2026-08-19T09:50:00Z")
        .delivered("2026-04-11T10:00:00Z", 504)
        .record(|record| record.destroyed = Some(at("2026-08-19T09:59:40Z")))
        .droplet(504, Off);
    shop.one("emil-2b6n8v4z", Destroyed, Because::Cancelled, "2026-08-19T09:40:00Z")
        .delivered("2026-04-12T10:00:00Z", 505)
        .record(|record| record.destroyed = Some(at("2026-08-19T09:55:00Z")))
        .census(|census, _| drop(census.sightings.insert(DropletId(505), Sighting::Gone)));
}

/// Who is switched off, and on.
fn switched(shop: &mut Shop) {
    shop.one("fay-6q2t9r3w", Stopped, Because::Unpaid, "2026-08-19T09:30:00Z")
        .ends("2026-09-02T09:30:00Z")
        .delivered("2026-05-03T10:00:00Z", 506)
        .droplet(506, Active);
    shop.one("gus-8c4p7m2k", Stopped, Because::Paused, "2026-08-19T09:40:00Z")
        .delivered("2026-05-04T10:00:00Z", 507)
        .record(|record| record.stopped = Some(at("2026-08-19T09:53:00Z")))
        .droplet(507, Active);
    shop.one("hal-5x9d3f7b", Stopped, Because::Unpaid, "2026-08-19T09:45:00Z")
        .delivered("2026-05-05T10:00:00Z", 508)
        .record(|record| record.stopped = Some(at("2026-08-19T09:57:00Z")))
        .droplet(508, Active);
    shop.one("ida-3m7w6h8c", Stopped, Because::Unpaid, "2026-08-18T15:00:00Z")
        .delivered("2026-05-06T10:00:00Z", 509)
        .record(|record| record.stopped = Some(at("2026-08-18T15:06:00Z")))
        .droplet(509, Off);
    shop.one("jan-7t2k5q9n", Stopped, Because::Cancelled, "2026-08-19T07:00:00Z")
        .ends("2026-08-26T07:00:00Z")
        .held(Some("2026-09-01T00:00:00Z"), "moves her files, ask Kim")
        .delivered("2026-05-07T10:00:00Z", 510)
        .droplet(510, Active);
    shop.one("ivy-8d3k6r9c", Stopped, Because::Cancelled, "2026-08-19T06:00:00Z")
        .ends("2026-08-26T06:00:00Z")
        .delivered("2026-05-12T10:00:00Z", 543)
        .record(|record| record.stopped = Some(at("2026-08-19T06:06:00Z")))
        .droplet(543, Off);
    let euro = Currency::parse("eur").expect("a currency");
    shop.paid("kai-4f8b2x6d")
        .server(|server| {
            server.since = at("2026-08-19T09:48:00Z");
            if let Origin::Subscription { price, .. } = &mut server.origin {
                *price = Price { amount: 3_000, currency: euro, ..*price };
            }
        })
        .delivered("2026-05-08T10:00:00Z", 511)
        .record(|record| {
            (record.stopped, record.told_off) = (Some(at("2026-08-14T09:00:00Z")), true);
        })
        .droplet(511, Off);
    shop.paid("lea-9p3c7v5m")
        .delivered("2026-05-09T10:00:00Z", 512)
        .record(|record| record.powered_on = Some(at("2026-08-19T09:59:30Z")))
        .droplet(512, Off);
    shop.paid("max-2w6r4k8h")
        .delivered("2026-05-10T10:00:00Z", 513)
        .record(|record| {
            (record.powered_on, record.told_off) = (Some(at("2026-08-19T09:57:00Z")), true);
        })
        .droplet(513, Active);
    waiting(shop);
}

/// A letter that was refused a moment ago.
fn waiting(shop: &mut Shop) {
    let said = Failures {
        count: 4,
        first: at("2026-08-19T09:50:00Z"),
        last: at("2026-08-19T09:59:00Z"),
        why: "mail relay: 451 try later".to_owned(),
    };
    let since = at("2026-08-19T09:20:00Z");
    shop.paid("mia-5n8x2t7f")
        .server(|server| server.since = since)
        .delivered("2026-05-11T10:00:00Z", 514)
        .record(|record| {
            record.told_off = true;
            let letter = id(&format!("letter/mia-5n8x2t7f/resumed/{}", since.unix()));
            record.failures.insert(letter, said);
        })
        .droplet(514, Active);
}

/// Deliveries that fail, so many that the breaker opens.
fn failing(shop: &mut Shop) {
    let order = RefundOrder {
        subscription: subscription("sub_ned"),
        payment: "pi_ned".parse().expect("an id"),
        amount: Money::usd(3_500),
    };
    let asked = Open {
        since: at("2026-08-19T09:52:00Z"),
        action: Action::Refund { order, attempt: 1 },
        is_lost: true,
    };
    let gone = |census: &mut Census, id| {
        census.sightings.insert(DropletId(id), Sighting::Gone);
    };
    shop.paid("ned-6d2h9w4q")
        .tried(Phase::Failed, "2026-08-19T09:40:00Z", Some(515))
        .failed("2026-08-19T09:46:00Z")
        .payment(|_| ())
        .record(|record| drop(record.open.insert(id("refund/sub_ned/pi_ned"), asked)))
        .census(|census, _| gone(census, 515));
    shop.paid("oli-8k4m3b7x")
        .tried(Phase::Failed, "2026-08-19T09:43:00Z", Some(516))
        .failed("2026-08-19T09:49:00Z")
        .census(|census, _| gone(census, 516));
    shop.paid("pia-3v7p5c9t").tried(Phase::Booting, "2026-08-19T09:54:00Z", Some(517)).droplet(517, New);
    shop.paid("quin-7x2f6n8r")
        .tried(Phase::Failed, "2026-08-18T16:00:00Z", Some(518))
        .failed("2026-08-18T16:06:00Z")
        .payment(|payment| payment.by_hand = Some("paid by bank transfer, outside Stripe".to_owned()))
        .done("cancel/sub_quin", "2026-08-19T09:55:00Z", DONE)
        .census(|census, _| gone(census, 518));
    shop.paid("ray-4c9t2k6w")
        .tried(Phase::Failed, "2026-08-10T09:00:00Z", Some(519))
        .failed("2026-08-10T09:06:00Z")
        .done("letter/ray-4c9t2k6w/operator-failed/1", "2026-08-10T09:10:00Z", DONE);
    shop.paid("sue-9m5d8h3p").server(|server| server.since = at("2026-08-19T09:56:00Z"));
    shop.ended("uma-2h7k4v9c", "2026-08-19T08:10:00Z", true);
    shop.ended("vic-6t3w8p5d", "2026-08-19T08:30:00Z", true);
    shop.ended("wes-8r4x2m7b", "2026-08-19T09:00:00Z", true);
    shop.ended("ned-6d2h9w4q", "2026-08-19T09:46:00Z", false);
    shop.ended("oli-8k4m3b7x", "2026-08-19T09:49:00Z", false);
}

/// What was begun before, and is on its way.
fn booting(shop: &mut Shop) {
    let shows = |state| {
        move |census: &mut Census, id| {
            census.readiness.insert(DropletId(id), state);
        }
    };
    shop.paid("tom-5b8q3f6k").tried(Phase::Creating, "2026-08-19T09:57:00Z", None).census(|census, name| {
        census.named.insert(name, Vec::new());
    });
    shop.paid("tess-2n7c9x4m").tried(Phase::Creating, "2026-08-19T09:52:00Z", None).census(|census, name| {
        census.named.insert(name, Vec::new());
    });
    shop.paid("uwe-6k3v8t5h").tried(Phase::Creating, "2026-08-19T09:58:00Z", None).census(|census, name| {
        let mut found = droplet(520, name.as_str(), New);
        found.created_at = at("2026-08-19T09:58:02Z");
        census.named.insert(name, vec![found]);
    });
    shop.paid("vera-4w9m2p7c").tried(Phase::Booting, "2026-08-19T09:57:30Z", Some(521)).droplet(521, New);
    shop.paid("walt-8f5x3d6b")
        .tried(Phase::Booting, "2026-08-19T09:53:00Z", Some(522))
        .droplet(522, Active)
        .census(|census, _| {
            shows(Readiness::NotYet { why: "its page is not there: status 404".to_owned(), is_absent: true })(
                census, 522,
            );
        });
    let failed = vec!["package:certbot".to_owned(), "firewall:443".to_owned()];
    shop.paid("xena-3q7h9k2t")
        .tried(Phase::Booting, "2026-08-19T09:44:00Z", Some(523))
        .droplet(523, Active)
        .census(|census, _| shows(Readiness::Failed { failed })(census, 523));
    shop.paid("yan-7p4b6r8n")
        .tried(Phase::Booting, "2026-08-19T09:52:30Z", Some(524))
        .droplet(524, Active)
        .census(|census, name| {
            shows(Readiness::Ready { host_key: None })(census, 524);
            census.secrets.insert(name, Secret::Opens);
        });
}

/// What somebody has done to the droplets behind our back.
fn lost(shop: &mut Shop) {
    shop.paid("abe-5t2w7c9x")
        .delivered("2026-06-01T10:00:00Z", 525)
        .census(|census, _| drop(census.sightings.insert(DropletId(525), Sighting::Gone)));
    shop.paid("bea-8d6k3m4v")
        .delivered("2026-06-02T10:00:00Z", 526)
        .record(|record| record.phase = Phase::Deleted)
        .done("letter/bea-8d6k3m4v/operator-deleted/526", "2026-08-17T10:00:00Z", DONE);
    let twin = droplet(528, "cyd-2x9f5h7p", Active);
    shop.paid("cyd-2x9f5h7p").delivered("2026-06-03T10:00:00Z", 527).droplet(527, Active);
    shop.census.droplets.insert(twin.id, twin);
    shop.paid("dan-6m4t8q3b").delivered("2026-06-04T10:00:00Z", 529).droplet_as(529, Active, |droplet| {
        droplet.locked = true;
    });
    shop.paid("eva-9c7r2k5w").delivered("2026-06-05T10:00:00Z", 530).census(|census, name| {
        let mut found = droplet(530, name.as_str(), Active);
        found.tags.clear();
        census.sightings.insert(found.id, Sighting::There(Box::new(found)));
    });
    shop.paid("finn-4v8p6d3m").delivered("2026-06-06T10:00:00Z", 531).droplet(532, Active);
    shop.paid("gina-7h3x5n9t");
    shop.orphan(533, "georgina-7h3x5n9t", "s-1vcpu-2gb", 1_200);
    shop.orphan(534, "old-box", "s-1vcpu-1gb", 600);
}

/// Who is left as they are.
fn kept(shop: &mut Shop) {
    shop.one("hugo-2k6c8w4f", Stopped, Because::Unpaid, "2026-08-19T09:00:00Z")
        .delivered("2026-06-08T10:00:00Z", 535)
        .droplet(535, Active)
        .stripe(Status::Active);
    shop.paid("ines-5p9d3t7x")
        .held(Some("2026-08-01T00:00:00Z"), "migration")
        .delivered("2026-06-09T10:00:00Z", 536)
        .droplet_as(536, Active, |droplet| {
            (droplet.size, droplet.monthly) = ("s-1vcpu-1gb".to_owned(), Money::usd(600));
        });
    shop.paid("jim-8b4m7h2q")
        .held(None, "unknown subscription status `odd`")
        .delivered("2026-06-10T10:00:00Z", 537)
        .droplet(537, Active);
    shop.one("kim-3f6v9r5k", Stopped, Because::SwitchedOff, "2026-08-19T09:35:00Z")
        .unasked()
        .delivered("2026-06-11T10:00:00Z", 538)
        .droplet(538, Active);
    for (text, id) in [("uma-2h7k4v9c", 539), ("vic-6t3w8p5d", 540), ("wes-8r4x2m7b", 541)] {
        shop.paid(text).delivered("2026-08-19T08:06:00Z", id).droplet(id, Active);
    }
    shop.paid("zoe-6w2p4c8d")
        .server(|server| {
            server.plan = "basic".parse().expect("a plan");
            server.spec.size = "s-1vcpu-1gb".parse().expect("a slug");
            if let Origin::Subscription { price, .. } = &mut server.origin {
                price.amount = 500;
            }
        })
        .delivered("2026-06-12T10:00:00Z", 542)
        .droplet_as(542, Active, |droplet| {
            (droplet.size, droplet.monthly) = ("s-1vcpu-1gb".to_owned(), Money::usd(600));
        });
}

/// Ours, after somebody has opened two ports, closed one, and used it for their own.
fn drifted() -> Firewall {
    let tcp = |ports: &str, peer: &str| Rule {
        way: Way::In,
        protocol: "tcp".to_owned(),
        ports: ports.to_owned(),
        peer: peer.to_owned(),
    };
    let mut seen = firewall("fw-1", Progress::Succeeded, 0);
    seen.rules.retain(|rule| rule.ports != "22" && rule.protocol != "udp");
    seen.rules.extend(EVERYWHERE.map(|peer| tcp("8080", peer)));
    seen.rules.insert(tcp("3306", "198.51.100.7/32"));
    seen.tags = BTreeSet::from(["office".to_owned()]);
    seen.droplets = BTreeSet::from([DropletId(77)]);
    seen
}
