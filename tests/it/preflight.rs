//! What stands in the way of creates: the quota and what waits for it, images, SSH keys and scopes.

use std::collections::{BTreeMap, BTreeSet};

use basement::model::billing::Status;
use basement::model::census::{Account, Census, DropletStatus, Image};
use basement::model::desired::{DesiredState, Fleet, Origin};
use basement::model::ids::{DropletId, ServerName};
use basement::model::insight::Concern;
use basement::model::plan::{Note, Notice, Plan};
use basement::model::policy::{Catalogue, Defaults};
use basement::plan::plan;
use basement::plan::preflight::{Shelf, concerns, named};
use basement::plan::room::squeeze;
use basement::render::insight::concern;

use crate::scene::{Scene, after, spec};

/// Ada's droplet is to be destroyed, and these servers are to be created.
fn swap(creates: &[&str], limit: u64) -> (Fleet, Plan, Census) {
    let scene = Scene::destroyed().delivered(7).droplet(7, DropletStatus::Off).stripe(Status::Canceled);
    let mut servers = BTreeMap::from([(scene.server.name.clone(), scene.server.clone())]);
    for name in creates {
        let mut server = scene.server.clone();
        server.name = name.parse().expect("a name");
        server.state = DesiredState::Running;
        if let Origin::Subscription { subscription, .. } = &mut server.origin {
            *subscription = format!("sub_{}", name.replace('-', "")).parse().expect("an id");
        }
        servers.insert(server.name.clone(), server);
    }
    let fleet = Fleet { servers };
    let mut census = scene.census.clone();
    census.droplets = scene.droplets.iter().map(|d| (d.id, d.clone())).collect();
    census.account =
        Some(Account { team: "t".to_owned(), droplet_limit: Some(limit), status: "active".to_owned() });
    let plan = plan(&fleet, &census, &scene.history, &scene.policy);
    let words: Vec<&str> = plan.steps.iter().map(|step| step.action.word()).collect();
    let creates = vec!["create"; creates.len()];
    assert_eq!(words, [vec!["destroy"], creates].concat());
    (fleet, plan, census)
}

fn catalogue() -> Catalogue {
    let spec = spec();
    let defaults = Defaults {
        region: spec.region,
        image: spec.image,
        monitoring: true,
        backups: false,
        ipv6: false,
        ssh_keys: spec.ssh_keys,
        allow_no_ssh_keys: false,
        template: spec.template,
    };
    Catalogue { defaults, plans: BTreeMap::new() }
}

fn said(world: &(Fleet, Plan, Census), shelf: &Shelf) -> Vec<String> {
    let (fleet, plan, census) = world;
    let found: Vec<Concern> = concerns(plan, fleet, &catalogue(), census, shelf);
    found.iter().map(concern).map(|worry| format!("{}: {}; {}", worry.word, worry.text, worry.cure)).collect()
}

#[test]
fn creates_wait_for_destroys_where_the_quota_is_full() {
    let later = |creates: &[&str], limit| {
        let (_, plan, census) = swap(creates, limit);
        let squeeze = squeeze(&plan, &census)?;
        Some(squeeze.later.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(later(&["bob-1"], 2), None, "there is room");
    assert_eq!(later(&["bob-1"], 1), Some(vec!["create/bob-1/1".to_owned()]));
    // What there is room for does not wait.
    assert_eq!(later(&["bob-1", "cyd-1"], 2), Some(vec!["create/cyd-1/1".to_owned()]));
    assert_eq!(later(&[], 0), None, "nothing is to be created");
    // Nobody knows the quota.
    let (_, plan, mut census) = swap(&["bob-1"], 1);
    census.account.as_mut().expect("an account").droplet_limit = None;
    assert_eq!(squeeze(&plan, &census), None);
}

#[test]
fn what_is_leaving_is_waited_for_and_what_is_arriving_takes_room() {
    let (_, mut plan, census) = swap(&["bob-1"], 1);
    let destroy = plan.steps.remove(0);
    let alone = squeeze(&plan, &census).expect("there is no room");
    assert_eq!((alone.leaving, alone.later.len()), (0, 0), "nothing makes room: it is tried");
    let note = |notice| Note { server: destroy.server.clone(), notice };
    plan.notes.push(note(Notice::Leaving { droplet: DropletId(7) }));
    let squeezed = squeeze(&plan, &census).expect("there is no room");
    assert_eq!((squeezed.leaving, squeezed.later.len()), (1, 1));
    let (_, mut plan, census) = swap(&["bob-1"], 2);
    plan.notes.push(note(Notice::Arriving { until: after(5) }));
    let squeezed = squeeze(&plan, &census).expect("there is no room");
    assert_eq!((squeezed.has, squeezed.later.len()), (2, 1));
}

#[test]
fn the_quota_is_said_as_it_will_be_met() {
    let quota = |creates: &[&str], limit| said(&swap(creates, limit), &Shelf::default()).join("\n");
    assert_eq!(quota(&["bob-1"], 2), "");
    insta::assert_snapshot!(quota(&["bob-1"], 1), @"quota: the team may have 1 droplet and has 1; 1 create waits until 1 droplet is gone; destroys come first, and then there is room");
    insta::assert_snapshot!(quota(&["bob-1", "cyd-1"], 1), @"quota: the team may have 1 droplet and has 1; 2 more are to be created; ask DigitalOcean for a higher limit before it is applied");
}

#[test]
fn images_and_keys_that_are_not_there_are_named_with_whom_they_are_for() {
    let mut world = swap(&["bob-1", "cyd-1", "dee-1"], 9);
    for step in &mut world.1.steps {
        if let basement::model::step::Action::Create { order } = &mut step.action
            && order.server == "dee-1".parse::<ServerName>().expect("a name")
        {
            order.spec.region = "nyc2".parse().expect("a slug");
            order.spec.ssh_keys = vec!["289794".to_owned()];
        }
    }
    let (image, key) = (spec().image, spec().ssh_keys.remove(0));
    assert_eq!(named(&world.1), (BTreeSet::from([&image]), BTreeSet::from([key.as_str(), "289794"])));
    // What was not answered is not held against anybody.
    assert_eq!(said(&world, &Shelf::default()), [""; 0]);
    let shelf = |known: Option<Image>| Shelf {
        images: BTreeMap::from([(image.clone(), known)]),
        keys: BTreeMap::from([(key.clone(), false), ("289794".to_owned(), true)]),
        denied: BTreeSet::from([("DigitalOcean", "firewall:read"), ("Stripe", "Events: read")]),
    };
    let regions = BTreeSet::from(["nyc3".to_owned()]);
    insta::assert_snapshot!(said(&world, &shelf(None)).join("\n"), @"
    no image: there is no image `ubuntu-22-04-x64`, for bob-1, cyd-1, dee-1; name one that DigitalOcean has in `basement.toml`
    no key: the team has no SSH key `3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa`, for bob-1, cyd-1; add it to the team, or take it out of `basement.toml`
    scope: the credential for DigitalOcean lacks `firewall:read`; give it that, or make one that has it; until then the plan leaves out what hangs on it
    scope: the credential for Stripe lacks `Events: read`; give it that, or make one that has it; until then the plan leaves out what hangs on it
    ");
    let elsewhere = said(&world, &shelf(Some(Image { available: true, regions: regions.clone() })));
    insta::assert_snapshot!(elsewhere[0], @"no image: there is no image `ubuntu-22-04-x64` in `nyc2`, for dee-1; name one that DigitalOcean has in `basement.toml`");
    let retired = said(&world, &shelf(Some(Image { available: false, regions })));
    assert_eq!(retired, said(&world, &shelf(None)));
    // Without creates nothing is asked, and nothing is said of what was.
    let idle = swap(&[], 9);
    assert_eq!(named(&idle.1), Default::default());
}
