//! What cannot be true on the evening of the tale: other days at the same shop, each a plan of its own.

use basement::model::billing::{Refund, RefundStatus, Status};
use basement::model::census::DropletStatus::{Active, Off};
use basement::model::census::{Readiness, Secret, Sighting};
use basement::model::desired::Because;
use basement::model::desired::DesiredState::Stopped;
use basement::model::firewall::Progress;
use basement::model::history::{Failures, Open, Outcome, Phase};
use basement::model::ids::DropletId;
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::money::{Currency, Money};
use basement::model::policy::NotReady;
use basement::model::step::Action;

use super::sample::{at, name};
use super::shop::{DONE, Shop, address, firewall, id};

const MORNING: &str = "2026-08-20T08:00:00Z";

/// All of them, each with what its day is called.
pub fn days() -> Vec<(&'static str, Shop)> {
    let mut days = vec![
        ("the morning after", morning()),
        ("the first day", first()),
        ("nobody answers", silent()),
        ("two firewalls", with_firewalls(2)),
        ("the firewall is not asked for any more", without_firewall()),
    ];
    for (what, status, pending) in [
        ("the firewall is being put in force", Progress::Waiting, 0),
        ("the firewall has not reached all", Progress::Waiting, 2),
        ("the firewall failed", Progress::Failed, 1),
    ] {
        let mut shop = with_firewalls(1);
        shop.census.firewalls = Some(vec![firewall("fw-1", status, pending)]);
        days.push((what, shop));
    }
    days
}

/// The breaker was reset; what was withheld is made, and what the night has left is mended.
fn morning() -> Shop {
    let mut shop = Shop::new(MORNING);
    shop.policy.not_ready = NotReady::Fail;
    creates(&mut shop);
    replaced(&mut shop);
    late(&mut shop);
    alerts(&mut shop);
    shop
}

fn creates(shop: &mut Shop) {
    let refused = Failures {
        count: 3,
        first: at("2026-08-20T07:10:00Z"),
        last: at("2026-08-20T07:40:00Z"),
        why: "droplet limit exceeded".to_owned(),
    };
    shop.paid("amy-6k2w9c4t").server(|server| {
        server.since = at("2026-08-20T07:50:00Z");
        server.spec.image = "ubuntu-20-04-x64".parse().expect("a slug");
        server.spec.ssh_keys = vec!["3b:16:e4:bf".to_owned()];
    });
    shop.shelf.images.insert("ubuntu-20-04-x64".parse().expect("a slug"), None);
    shop.shelf.keys.insert("3b:16:e4:bf".to_owned(), false);
    shop.paid("bob-3x7n5h8p")
        .record(|record| {
            record.attempt = 1;
            record.failures.insert(id("create/bob-3x7n5h8p/1"), refused);
        })
        .server(|server| server.spec.region = "sfo3".parse().expect("a slug"));
    shop.paid("cat-8m4b2v6d")
        .server(|server| {
            server.spec.size = "s-8vcpu-16gb".parse().expect("a slug");
            server.spec.ssh_keys.clear();
        })
        .record(|record| (record.phase, record.attempt) = (Phase::Ended, 1));
    shop.census.account.as_mut().expect("an account").droplet_limit = Some(10);
}

/// Droplets that nobody was told of, and one that perhaps somebody was.
fn replaced(shop: &mut Shop) {
    let ready = Readiness::Ready { host_key: None };
    let lost = Secret::Lost { why: "the ledger has none".to_owned() };
    shop.paid("dee-5t9q3f7k")
        .tried(Phase::Booting, "2026-08-20T07:50:00Z", Some(601))
        .droplet(601, Active)
        .census(|census, name| {
            census.readiness.insert(DropletId(601), ready.clone());
            census.secrets.insert(name, lost.clone());
        });
    shop.paid("eli-2c6x8r4m")
        .tried(Phase::Booting, "2026-08-20T07:40:00Z", Some(602))
        .record(|record| record.destroyed = Some(at("2026-08-20T07:55:00Z")))
        .droplet(602, Active);
    shop.paid("fox-7h3p5w9n")
        .tried(Phase::Booting, "2026-08-20T07:41:00Z", Some(603))
        .record(|record| record.destroyed = Some(at("2026-08-20T07:55:00Z")))
        .census(|census, _| drop(census.sightings.insert(DropletId(603), Sighting::Gone)));
    let occasion = Occasion::Welcome { address: address(604), droplet: DropletId(604), host_key: None };
    let to = Recipient::Operator;
    let letter = Letter { server: Some(name("gil-4v8k6d2b")), to, occasion };
    let open = Open { since: at("2026-08-20T07:48:00Z"), action: Action::Letter { letter }, is_lost: true };
    shop.paid("gil-4v8k6d2b")
        .tried(Phase::Booting, "2026-08-20T07:42:00Z", Some(604))
        .record(|record| drop(record.open.insert(id("letter/gil-4v8k6d2b/welcome/1"), open)))
        .droplet(604, Active)
        .census(|census, name| {
            census.readiness.insert(DropletId(604), ready);
            census.secrets.insert(name, lost);
        });
    shop.paid("ann-9w5m7t3x").droplet(605, Active);
    shop.paid("pat-6r2d8v4k").untold("2026-08-20T07:00:00Z", 618).droplet(618, Active);
    shop.paid("roy-3t7x5c9w")
        .tried(Phase::Booting, "2026-08-20T07:51:00Z", Some(619))
        .droplet(619, Active)
        .census(|census, name| {
            census.readiness.insert(DropletId(619), Readiness::Ready { host_key: None });
            census.secrets.insert(name, Secret::Untried);
        });
}

/// Up, and not fit to be handed over.
fn late(shop: &mut Shop) {
    let key = |c: &str| format!("SHA256:{}", c.repeat(43));
    let other = Readiness::Mismatch { told: key("a"), shown: key("b") };
    let failed = Readiness::Failed { failed: vec!["package:certbot".to_owned()] };
    shop.paid("hanna-6b2f8q4c")
        .tried(Phase::Booting, "2026-08-20T07:46:00Z", Some(606))
        .droplet(606, Active)
        .census(|census, _| drop(census.readiness.insert(DropletId(606), other)));
    shop.paid("ivan-3n7x9h5p")
        .tried(Phase::Booting, "2026-08-20T07:20:00Z", Some(607))
        .done("letter/ivan-3n7x9h5p/operator-not-ready/1", "2026-08-20T07:36:00Z", DONE)
        .droplet(607, Active)
        .census(|census, _| drop(census.readiness.insert(DropletId(607), failed)));
}

/// What the operator is told, at once and together.
fn alerts(shop: &mut Shop) {
    shop.paid("moe-4w8t2n6c")
        .tried(Phase::Failed, "2026-08-20T07:30:00Z", Some(617))
        .failed("2026-08-20T07:36:00Z")
        .payment(|_| ())
        .census(|census, _| drop(census.sightings.insert(DropletId(617), Sighting::Gone)));
    for (text, id) in [("jo-8d4v2k6w", 608), ("kit-5r9c3m7t", 609)] {
        shop.paid(text).delivered("2026-06-01T10:00:00Z", id).record(|record| record.phase = Phase::Deleted);
    }
    let refund = "re_lou".parse().expect("an id");
    let outcome = Outcome::Refunded { refund, amount: Money::usd(3_500), status: "pending".to_owned() };
    let step = id("refund/sub_lou/pi_lou");
    shop.paid("lou-2p6h8x4b")
        .tried(Phase::Failed, "2026-08-17T09:00:00Z", Some(610))
        .failed("2026-08-17T09:06:00Z")
        .done("refund/sub_lou/pi_lou", "2026-08-17T09:10:00Z", outcome)
        .done("letter/lou-2p6h8x4b/operator-failed/1", "2026-08-17T09:12:00Z", DONE)
        .payment(|payment| {
            payment.parts[0].refunds = vec![Refund {
                id: "re_lou".parse().expect("an id"),
                amount: Money::usd(3_500),
                status: RefundStatus::Failed,
                step: Some(step),
            }];
        });
}

/// Nothing is there yet: the tag, the firewall, and then the droplets.
fn first() -> Shop {
    let mut shop = Shop::new("2026-08-01T09:10:00Z");
    shop.census.firewalls = Some(Vec::new());
    shop.paid("ada-7f3k2m9q");
    let euro = Currency::parse("eur").expect("a currency");
    shop.paid("ben-4h8w2c6t").server(|server| {
        if let basement::model::desired::Origin::Subscription { price, .. } = &mut server.origin {
            (price.amount, price.currency) = (3_000, euro);
        }
    });
    shop
}

/// Every question is open.
fn silent() -> Shop {
    let mut shop = Shop::new(MORNING);
    shop.census.firewalls = None;
    shop.paid("max-2w6r4k8h").delivered("2026-05-10T10:00:00Z", 611);
    shop.paid("ned-6d2h9w4q").tried(Phase::Creating, "2026-08-20T07:58:00Z", None);
    shop.one("oli-8k4m3b7x", Stopped, Because::Unpaid, "2026-08-20T07:00:00Z")
        .unasked()
        .delivered("2026-05-11T10:00:00Z", 612)
        .droplet(612, Active);
    shop.paid("pia-3v7p5c9t")
        .tried(Phase::Failed, "2026-08-20T07:00:00Z", Some(613))
        .failed("2026-08-20T07:06:00Z")
        .census(|census, _| drop(census.sightings.insert(DropletId(613), Sighting::Gone)));
    shop.paid("quin-7x2f6n8r").tried(Phase::Booting, "2026-08-20T07:55:00Z", Some(614)).droplet(614, Active);
    shop.paid("ray-4c9t2k6w")
        .tried(Phase::Booting, "2026-08-20T07:54:00Z", Some(615))
        .droplet(615, Active)
        .census(|census, _| {
            census.readiness.insert(DropletId(615), Readiness::Ready { host_key: None });
        });
    shop
}

/// One is paid for, and waits.
fn with_firewalls(n: usize) -> Shop {
    let mut shop = Shop::new(MORNING);
    let all = (1..=n).map(|n| firewall(&format!("fw-{n}"), Progress::Succeeded, 0));
    shop.census.firewalls = Some(all.collect());
    shop.paid("ada-7f3k2m9q");
    shop
}

/// The droplets keep everybody out by themselves, and the firewall is still there; the team is nearly full.
fn without_firewall() -> Shop {
    let mut shop = with_firewalls(1);
    shop.policy.firewall = basement::model::policy::FirewallBy::Ufw;
    shop.policy.allow_no_ssh_keys = true;
    shop.history.fleet.firewall = Some(at("2026-08-01T09:10:00Z"));
    shop.fleet.servers.values_mut().for_each(|server| server.spec.ssh_keys.clear());
    shop.one("ben-4h8w2c6t", Stopped, Because::Cancelled, "2026-08-12T09:00:00Z")
        .ends("2026-08-19T09:00:00Z")
        .delivered("2026-02-01T09:00:00Z", 616)
        .stripe(Status::Canceled)
        .droplet(616, Off);
    shop.census.account.as_mut().expect("an account").droplet_limit = Some(1);
    shop
}
