//! Money a month: what the fleet brings in and costs, now and when the plan is done, step by step.
//! Invariant: before and after differ by the sum of the steps; currencies are never added up.

use std::collections::BTreeSet;

use crate::model::census::{Census, Droplet, DropletStatus};
use crate::model::desired::{Because, DesiredState, Fleet, Origin, Server};
use crate::model::history::{History, Phase};
use crate::model::ids::StepId;
use crate::model::money::{Money, Totals};
use crate::model::plan::{MoneyLine, StepMoney};
use crate::model::step::{Action, Step};

/// The plan's money. A powered-off droplet costs as much as one that runs.
pub(super) fn line(
    fleet: &Fleet,
    census: &Census,
    history: &History,
    steps: &[Step],
    orphans: &[&Droplet],
) -> MoneyLine {
    let mut money = MoneyLine::default();
    let paid = fleet
        .servers
        .values()
        .filter(|server| is_paid(server, census) && is_to_be_served(server, history, steps));
    paid.filter_map(Server::revenue).for_each(|amount| money.revenue.add(amount));
    census.droplets.values().for_each(|droplet| money.cost.add(droplet.monthly));
    money.steps = steps.iter().filter_map(|step| change(step, fleet, census, history)).collect();
    (money.revenue_now, money.cost_after) = (money.revenue.clone(), money.cost.clone());
    for StepMoney { revenue, cost } in money.steps.values() {
        if let Some(change) = revenue {
            money.revenue_now.subtract(*change);
        }
        if let Some(change) = cost {
            money.cost_after.add(*change);
        }
    }
    for step in steps {
        match &step.action {
            Action::Refund { order, .. } => money.refunds.add(order.amount),
            Action::Create { .. } => {
                if let Some(price) = exposure(step, fleet) {
                    money.exposure.add(price);
                }
            }
            Action::Record { .. }
            | Action::Tag { .. }
            | Action::Firewall { .. }
            | Action::Destroy { .. }
            | Action::Cancel { .. }
            | Action::Shutdown { .. }
            | Action::PowerOff { .. }
            | Action::PowerOn { .. }
            | Action::Letter { .. } => {}
        }
    }
    for droplet in orphans {
        money.orphans.add(droplet.monthly);
    }
    money.stopped = stopped(census, steps, orphans);
    money
}

/// Whether its customer pays for it, as its file says: also who has switched it off.
fn is_paid(server: &Server, census: &Census) -> bool {
    match server.state_at(census.at) {
        DesiredState::Running => true,
        DesiredState::Stopped => server.because == Because::SwitchedOff,
        DesiredState::Destroyed => false,
    }
}

/// Not one whose delivery failed and is not tried again: what was paid for it goes back.
fn is_to_be_served(server: &Server, history: &History, steps: &[Step]) -> bool {
    let is_failed = history.records.get(&server.name).is_some_and(|record| record.phase == Phase::Failed);
    let is_tried = |step: &Step| {
        step.server.as_ref() == Some(&server.name) && matches!(step.action, Action::Create { .. })
    };
    !is_failed || steps.iter().any(is_tried)
}

/// What a step changes in a month's money.
fn change(step: &Step, fleet: &Fleet, census: &Census, history: &History) -> Option<(StepId, StepMoney)> {
    let server = step.server.as_ref().and_then(|name| fleet.servers.get(name));
    let record = step.server.as_ref().and_then(|name| history.records.get(name));
    let earns = || server.and_then(Server::revenue);
    let is_off = record.is_some_and(|record| record.told_off || record.stopped.is_some());
    let is_served = record.is_some_and(|record| record.phase == Phase::Delivered) && !is_off;
    let is_paid = server.is_some_and(|server| is_paid(server, census));
    let minus = |money: Money| Money { amount: -money.amount, ..money };
    let money = match &step.action {
        Action::Create { order } => StepMoney {
            revenue: earns().filter(|_| is_paid),
            cost: census.sizes.get(&order.spec.size).map(|size| size.cost(order.spec.backups)),
        },
        Action::PowerOn { .. } => StepMoney { revenue: earns().filter(|_| is_off && is_paid), cost: None },
        Action::Shutdown { .. } => {
            StepMoney { revenue: earns().filter(|_| is_served && !is_paid).map(minus), cost: None }
        }
        Action::Destroy { droplet, .. } => StepMoney {
            revenue: earns().filter(|_| is_served && !is_paid).map(minus),
            cost: census.droplets.get(droplet).map(|droplet| minus(droplet.monthly)),
        },
        // Of a delivery that failed: until then it is paid for.
        Action::Cancel { .. } => StepMoney { revenue: earns().filter(|_| is_paid).map(minus), cost: None },
        Action::Record { .. }
        | Action::Tag { .. }
        | Action::Firewall { .. }
        | Action::Refund { .. }
        | Action::PowerOff { .. }
        | Action::Letter { .. } => StepMoney::default(),
    };
    (money != StepMoney::default()).then(|| (step.id.clone(), money))
}

/// What would go back if a create failed: at most what was paid for a period.
fn exposure(step: &Step, fleet: &Fleet) -> Option<Money> {
    let server = fleet.servers.get(step.server.as_ref()?)?;
    match &server.origin {
        Origin::Subscription { price, .. } if server.because != Because::Trialing => {
            Some(Money { amount: price.amount, currency: price.currency })
        }
        Origin::Subscription { .. } | Origin::Extra => None,
    }
}

/// What droplets cost that are off and that no step destroys.
fn stopped(census: &Census, steps: &[Step], orphans: &[&Droplet]) -> Totals {
    let mut gone: BTreeSet<_> = orphans.iter().map(|droplet| droplet.id).collect();
    gone.extend(steps.iter().filter_map(|step| match &step.action {
        Action::Destroy { droplet, .. } | Action::PowerOn { droplet } => Some(*droplet),
        _ => None,
    }));
    let mut sum = Totals::default();
    let off = census.droplets.values().filter(|droplet| droplet.status == DropletStatus::Off);
    off.filter(|droplet| !gone.contains(&droplet.id)).for_each(|droplet| sum.add(droplet.monthly));
    sum
}
