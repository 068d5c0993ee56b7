//! Stand-in for the simulated Stripe's HTTP, until it is merged.

use std::sync::{Arc, Mutex};

use axum::Router;

use crate::model::moment::Moment;
use crate::sim::billing::Books;

/// Serves `/v1/…`.
pub fn router(_books: Arc<Mutex<Books>>, _now: Arc<dyn Fn() -> Moment + Send + Sync>) -> Router {
    Router::new().route("/v1/subscriptions", axum::routing::get(async || "{}"))
}

/// Serves `/control/stripe/…`.
pub fn control(_books: Arc<Mutex<Books>>, _now: Arc<dyn Fn() -> Moment + Send + Sync>) -> Router {
    Router::new()
}
