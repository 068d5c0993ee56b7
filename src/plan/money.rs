//! Money a month: what the files promise to bring in, what droplets cost now and will cost.

use crate::model::census::Census;
use crate::model::desired::{DesiredState, Fleet};
use crate::model::money::Money;
use crate::model::plan::MoneyLine;
use crate::model::step::{Action, Step};

/// The plan's money. A powered-off droplet costs as much as one that runs.
pub(super) fn line(fleet: &Fleet, census: &Census, steps: &[Step]) -> MoneyLine {
    let mut money = MoneyLine::default();
    let running = fleet.servers.values().filter(|s| s.state_at(census.at) == DesiredState::Running);
    running
        .filter_map(super::super::model::desired::Server::revenue)
        .for_each(|amount| money.revenue.add(amount));
    for droplet in census.droplets.values() {
        money.cost.add(droplet.monthly);
        money.cost_after.add(droplet.monthly);
    }
    for step in steps {
        match &step.action {
            Action::Destroy { droplet, .. } => {
                if let Some(droplet) = census.droplets.get(droplet) {
                    money.cost_after.add(Money { amount: -droplet.monthly.amount, ..droplet.monthly });
                }
            }
            Action::Create { order } => {
                if let Some(size) = census.sizes.get(&order.spec.size) {
                    money.cost_after.add(size.monthly);
                }
            }
            Action::Refund { order, .. } => money.refunds.add(order.amount),
            Action::Record { .. }
            | Action::Tag { .. }
            | Action::Firewall { .. }
            | Action::Cancel { .. }
            | Action::Shutdown { .. }
            | Action::PowerOff { .. }
            | Action::PowerOn { .. }
            | Action::Letter { .. } => {}
        }
    }
    money
}
