//! The money of a fleet as a table: what comes in and goes out a month, and what was given back.

use crate::model::money::Totals;

use super::tables::{Side, table};
use super::view::margin;

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
