//! Money in words: what changes a month and what it was, and the table of a fleet's money.
//! Invariant: silent where nothing changes; two currencies stand side by side and are never added up.

use std::collections::BTreeSet;

use crate::model::money::{Currency, Money, Totals};
use crate::model::plan::{MoneyLine, StepMoney};

use super::tables::{Side, table};
use super::words::count;

/// A month's money in one currency, before and after the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// What comes in now.
    pub revenue: Money,
    /// What will come in.
    pub revenue_after: Money,
    /// What the droplets cost now.
    pub cost: Money,
    /// What they will cost.
    pub cost_after: Money,
}

/// The lines of a plan about money. `refunds` are those of its steps.
pub fn lines(money: &MoneyLine, refunds: &Totals) -> Vec<String> {
    let MoneyLine {
        revenue_now,
        revenue,
        cost,
        cost_after,
        exposure,
        stopped,
        orphans,
        refunds: _,
        unpriced,
        steps,
    } = money;
    let mut lines = Vec::new();
    if let Some(change) = change(revenue_now, revenue) {
        lines.push(format!("revenue {change} a month"));
    }
    if let Some(change) = change(cost, cost_after) {
        lines.push(format!("cost {change} a month"));
    }
    if *unpriced == 0 {
        lines.extend(margin_line(margin(revenue_now, cost), margin(revenue, cost_after)));
    } else {
        let creates = count(*unpriced as u64, "create");
        lines.push(format!("what {creates} will cost is not known: the price list has no such size"));
    }
    let some = |totals: &Totals| totals.amounts().next().is_some();
    if some(refunds) {
        lines.push(format!("refunds {refunds}, once"));
    }
    if some(exposure) {
        lines.push(format!("if no create succeeds, {exposure} go back"));
    }
    let idle: Vec<String> = [("droplets that are off", stopped), ("orphans", orphans)]
        .into_iter()
        .filter(|(_, cost)| some(cost))
        .map(|(what, cost)| format!("{what} cost {cost} a month"))
        .collect();
    if !idle.is_empty() {
        lines.push(idle.join(", "));
    }
    if steps.values().any(|step| step.off.is_some()) {
        lines.push(
            "switching off saves nothing: a droplet that is off costs as much as one that runs".to_owned(),
        );
    }
    lines
}

/// What a step changes: `brings $15.00, costs $6.00 a month`; and what a droplet that it switches off goes on costing,
/// until the day it is destroyed, if there is one.
pub fn step(money: &StepMoney, ends: Option<&str>) -> Option<String> {
    let StepMoney { revenue, cost, off } = money;
    let word = |money: &Money, more: &str, less: &str| {
        let size = Money { amount: money.amount.saturating_abs(), ..*money };
        format!("{} {size}", if money.amount < 0 { less } else { more })
    };
    let revenue = revenue.iter().map(|money| word(money, "brings", "no longer brings"));
    let words: Vec<String> = revenue.chain(cost.iter().map(|money| word(money, "costs", "saves"))).collect();
    let changes = (!words.is_empty()).then(|| format!("{} a month", words.join(", ")));
    let stays = off.map(|off| {
        let until = ends.map(|day| format!(", until it is destroyed on {day}")).unwrap_or_default();
        format!("still costs {off} a month, off{until}")
    });
    let all: Vec<String> = changes.into_iter().chain(stays).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Currencies side by side, never added up.
pub(super) fn months(money: &MoneyLine) -> Vec<Month> {
    let MoneyLine { revenue_now, revenue, cost, cost_after, .. } = money;
    let currencies: BTreeSet<Currency> = [revenue_now, revenue, cost, cost_after]
        .into_iter()
        .flat_map(Totals::amounts)
        .map(|m| m.currency)
        .collect();
    let of =
        |totals: &Totals, currency| Money { amount: totals.0.get(&currency).copied().unwrap_or(0), currency };
    let month = |c| Month {
        revenue: of(revenue_now, c),
        revenue_after: of(revenue, c),
        cost: of(cost, c),
        cost_after: of(cost_after, c),
    };
    currencies.into_iter().map(month).collect()
}

/// Revenue less cost; `None` if they are in two currencies, which are never added up.
pub fn margin(revenue: &Totals, cost: &Totals) -> Option<Money> {
    let currencies: BTreeSet<_> = revenue.amounts().chain(cost.amounts()).map(|m| m.currency).collect();
    let currency = match currencies.len() {
        0 => Currency::USD,
        1 => *currencies.first()?,
        _ => return None,
    };
    let of = |totals: &Totals| totals.0.get(&currency).copied().unwrap_or(0);
    Some(Money { amount: of(revenue) - of(cost), currency })
}

/// `+$25.40 ($51.97 → $77.37)`, currency by currency; `None` if nothing changes.
pub fn change(before: &Totals, after: &Totals) -> Option<String> {
    let of = |totals: &Totals, currency: Currency| totals.0.get(&currency).copied().unwrap_or(0);
    let currencies: BTreeSet<Currency> = before.0.keys().chain(after.0.keys()).copied().collect();
    let changes = currencies.into_iter().filter_map(|currency| {
        let (old, new) = (of(before, currency), of(after, currency));
        let money = |amount| Money { amount, currency };
        let sign = if new > old { "+" } else { "" };
        (old != new).then(|| format!("{sign}{} ({} → {})", money(new - old), money(old), money(new)))
    });
    let changes: Vec<String> = changes.collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}

/// `margin will rise by $44.00 a month (+12%)`; nothing if it does not change.
fn margin_line(before: Option<Money>, after: Option<Money>) -> Option<String> {
    let (before, after) = (before?, after?);
    if before.amount == after.amount || (before.currency != after.currency && before.amount != 0) {
        return None;
    }
    let by = after.amount - before.amount;
    let verb = if by > 0 { "rise" } else { "fall" };
    let size = Money { amount: by.abs(), ..after };
    let percent = match before.amount {
        0 => String::new(),
        // Rounded to the nearest whole, as people say it.
        was => format!(" ({:+}%)", (by * 100 + by.signum() * was.abs() / 2) / was.abs()),
    };
    Some(format!("margin will {verb} by {size} a month{percent}, to {after}"))
}

/// Revenue, cost and margin a month, and the refunds made so far.
pub fn money_table(revenue: &Totals, cost: &Totals, refunded: &Totals) -> String {
    let margin = margin(revenue, cost).map_or_else(|| "two currencies".to_owned(), |m| m.to_string());
    let rows = [
        ("revenue", revenue.to_string(), "a month, from servers declared running"),
        ("cost", cost.to_string(), "a month, for all droplets, on or off"),
        ("margin", margin, "a month"),
        ("refunded", refunded.to_string(), "once"),
    ];
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|(what, amount, when)| vec![what.to_owned(), amount, when.to_owned()]).collect();
    table(&[("money", Side::Left), ("amount", Side::Right), ("", Side::Left)], &rows)
}
