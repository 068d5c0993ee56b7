//! Preflight: what will stand in a plan's way, and how many requests it takes. Pure: from the census alone.

use std::collections::BTreeMap;

use crate::model::census::Census;
use crate::model::desired::{Every, Fleet, Price};
use crate::model::ids::{PlanName, ServerName, Slug};
use crate::model::insight::{Budget, Concern};
use crate::model::money::Money;
use crate::model::plan::Plan;
use crate::model::policy::Catalogue;
use crate::model::step::{Action, CreateOrder};

/// Droplets on a page of a listing. Source: DigitalOcean API v2, `per_page`.
const PAGE: u64 = 200;
/// DigitalOcean allows 250 requests a minute and token.
const A_MINUTE: u64 = 250;
/// Listings while boots and shutdowns are waited for, for each page of droplets. It is about right: tests/scale counts
/// 110 requests for 100 creates, where this says 108, and 1,049 for 1,000, where it says 1,040.
const LOOKS: u64 = 8;

/// What will stand in the way of a plan, the worst first.
pub fn concerns(plan: &Plan, fleet: &Fleet, catalogue: &Catalogue, census: &Census) -> Vec<Concern> {
    let orders: Vec<&CreateOrder> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Create { order } => Some(order),
            _ => None,
        })
        .collect();
    let mut found: Vec<Concern> = quota(plan, orders.len() as u64, census).into_iter().collect();
    found.extend(sold_out(&orders, census));
    found.extend(losses(fleet, catalogue, census));
    found
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

fn quota(plan: &Plan, creates: u64, census: &Census) -> Option<Concern> {
    let limit = census.account.as_ref()?.droplet_limit?;
    let is_destroy = |action: &Action| matches!(action, Action::Destroy { .. });
    let destroys = plan.steps.iter().filter(|step| is_destroy(&step.action)).count() as u64;
    let has = census.droplets.len() as u64;
    (creates > 0 && has + creates > limit).then_some(Concern::Quota { limit, has, creates, destroys })
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
