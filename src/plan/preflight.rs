//! Preflight: what will stand in a plan's way, and how many requests it takes. Pure: from the census, and from
//! answers to a few questions that only plans with creates raise.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::census::{Census, Image};
use crate::model::desired::{Every, Fleet, Price};
use crate::model::ids::{PlanName, ServerName, Slug};
use crate::model::insight::{Budget, Concern};
use crate::model::money::Money;
use crate::model::plan::Plan;
use crate::model::policy::Catalogue;
use crate::model::step::{Action, CreateOrder};

use super::room::{Squeeze, squeeze};

/// Droplets on a page of a listing. Source: DigitalOcean API v2, `per_page`.
const PAGE: u64 = 200;
/// DigitalOcean allows 250 requests a minute and token.
const A_MINUTE: u64 = 250;
/// Listings while boots and shutdowns are waited for, for each page of droplets. It is about right: tests/scale counts
/// 110 requests for 100 creates, where this says 108, and 1,049 for 1,000, where it says 1,040.
const LOOKS: u64 = 8;

/// What vendors say of the things that creates name. What could not be asked is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Images; `None`: there is none of this slug.
    pub images: BTreeMap<Slug, Option<Image>>,
    /// SSH keys, and whether the team has them.
    pub keys: BTreeMap<String, bool>,
    /// What a credential may not do, each with its vendor.
    pub denied: BTreeSet<(&'static str, &'static str)>,
}

/// The images and SSH keys that a plan's creates name.
pub fn named(plan: &Plan) -> (BTreeSet<&Slug>, BTreeSet<&str>) {
    let orders = orders(plan);
    let keys = orders.iter().flat_map(|order| &order.spec.ssh_keys).map(String::as_str);
    (orders.iter().map(|order| &order.spec.image).collect(), keys.collect())
}

/// What will stand in the way of a plan, the worst first.
pub fn concerns(
    plan: &Plan,
    fleet: &Fleet,
    catalogue: &Catalogue,
    census: &Census,
    shelf: &Shelf,
) -> Vec<Concern> {
    let orders = orders(plan);
    let mut found: Vec<Concern> = quota(plan, census).into_iter().collect();
    found.extend(sold_out(&orders, census));
    found.extend(imageless(&orders, shelf));
    found.extend(keyless(&orders, shelf));
    let denied = shelf.denied.iter();
    found.extend(
        denied.map(|(vendor, scope)| Concern::Scope {
            vendor: (*vendor).to_owned(),
            scope: (*scope).to_owned(),
        }),
    );
    found.extend(losses(fleet, catalogue, census));
    found
}

/// Whether there is room for what is to be created: the one concern that whoever applies a plan is told as well.
pub fn quota(plan: &Plan, census: &Census) -> Option<Concern> {
    let Squeeze { limit, has, creates, leaving, later } = squeeze(plan, census)?;
    Some(Concern::Quota { limit, has, creates, waits: later.len() as u64, destroys: leaving })
}

/// About how many requests to DigitalOcean it takes, and how long they take.
pub fn budget(plan: &Plan, left: Option<u64>, limit: Option<u64>) -> Option<Budget> {
    let calls = plan.steps.iter().map(|step| match &step.action {
        // One to ask, one to see that it is gone.
        Action::Destroy { .. } => 2,
        Action::Tag { .. }
        | Action::Firewall { .. }
        | Action::Create { .. }
        | Action::Shutdown { .. }
        | Action::PowerOff { .. }
        | Action::PowerOn { .. } => 1,
        Action::Record { .. } | Action::Refund { .. } | Action::Cancel { .. } | Action::Letter { .. } => 0,
    });
    let calls: u64 = calls.sum();
    if calls == 0 {
        return None;
    }
    let pages = (plan.droplets as u64 + calls).div_ceil(PAGE).max(1);
    let requests = calls + LOOKS * pages;
    Some(Budget { requests, seconds: (requests * 60).div_ceil(A_MINUTE), left, limit })
}

/// Whether the requests left this hour are too few.
pub fn shortage(budget: &Budget) -> Option<Concern> {
    let (needed, left) = (budget.requests, budget.left?);
    (left < needed).then_some(Concern::Requests { needed, left })
}

fn orders(plan: &Plan) -> Vec<&CreateOrder> {
    fn order(action: &Action) -> Option<&CreateOrder> {
        match action {
            Action::Create { order } => Some(order),
            _ => None,
        }
    }
    plan.steps.iter().filter_map(|step| order(&step.action)).collect()
}

/// Images that are gone, and those that are not in the region of an order.
fn imageless(orders: &[&CreateOrder], shelf: &Shelf) -> Vec<Concern> {
    let mut found: BTreeMap<(Slug, Option<Slug>), Vec<ServerName>> = BTreeMap::new();
    for order in orders {
        let (image, region) = (&order.spec.image, &order.spec.region);
        let missing = match shelf.images.get(image) {
            None => continue,
            Some(Some(known)) if !known.available => None,
            Some(Some(known)) if known.has(region) => continue,
            Some(Some(_)) => Some(region.clone()),
            Some(None) => None,
        };
        found.entry((image.clone(), missing)).or_default().push(order.server.clone());
    }
    let concern = |((image, region), servers)| Concern::NoImage { image, region, servers };
    found.into_iter().map(concern).collect()
}

fn keyless(orders: &[&CreateOrder], shelf: &Shelf) -> Vec<Concern> {
    let missing = shelf.keys.iter().filter(|(_, is_there)| !**is_there).map(|(key, _)| key);
    missing
        .map(|key| {
            let wants = orders.iter().filter(|order| order.spec.ssh_keys.contains(key));
            Concern::NoKey { key: key.clone(), servers: wants.map(|order| order.server.clone()).collect() }
        })
        .collect()
}

fn sold_out(orders: &[&CreateOrder], census: &Census) -> Vec<Concern> {
    let mut found: BTreeMap<(Slug, Slug), Vec<ServerName>> = BTreeMap::new();
    for order in orders {
        let (size, region) = (&order.spec.size, &order.spec.region);
        let is_sold = census
            .sizes
            .get(size)
            .is_some_and(|known| known.available && known.regions.contains(region.as_str()));
        // Without a price list nothing is known.
        if !is_sold && !census.sizes.is_empty() {
            found.entry((size.clone(), region.clone())).or_default().push(order.server.clone());
        }
    }
    let concern = |((size, region), servers)| Concern::SoldOut { size, region, servers };
    found.into_iter().map(concern).collect()
}

/// Plans that cost more than they bring in, if anybody has them.
fn losses(fleet: &Fleet, catalogue: &Catalogue, census: &Census) -> Vec<Concern> {
    let mut found: BTreeMap<&PlanName, (Money, Money)> = BTreeMap::new();
    for server in fleet.servers.values() {
        let Some(entry) = catalogue.plans.get(&server.plan) else { continue };
        let Some(cost) = census.sizes.get(&server.spec.size).map(|size| size.cost(server.spec.backups))
        else {
            continue;
        };
        let month = entry.month.map(|amount| Price { amount, currency: entry.currency, every: Every::Month });
        let Some(revenue) = month.map(|price| price.monthly()).or_else(|| server.revenue()) else { continue };
        if revenue.currency == cost.currency && revenue.amount < cost.amount {
            found.insert(&server.plan, (revenue, cost));
        }
    }
    found
        .into_iter()
        .map(|(plan, (revenue, cost))| Concern::Loss { plan: plan.clone(), revenue, cost })
        .collect()
}
