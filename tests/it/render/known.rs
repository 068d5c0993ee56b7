//! What is known about the sample besides its steps: every label and concern, declarations, events, what comes.

use basement::model::ids::{DropletId, PlanName, ServerName, Slug};
use basement::model::insight::{
    Budget, Commit, Concern, Declared, Insight, Label, Lost, StripeEvent, Upcoming, Written,
};
use basement::model::letter::{Letter, Occasion, Recipient};
use basement::model::moment::Span;
use basement::model::money::Money;
use basement::model::plan::Plan;
use basement::model::step::{Action, DestroyCause, Reason};

use basement::model::desired::{Because, DesiredState};

use super::sample::{self, at, name};

/// All of it, for a plan.
pub fn insight(plan: &Plan) -> Insight {
    let commit = Commit {
        hash: "4f2a9c1".to_owned(),
        at: at("2026-08-12T09:05:00Z"),
        author: "Kim".to_owned(),
        subject: "ada has left us".to_owned(),
    };
    let declared = |text: &str, line, written| {
        (name(text), vec![Declared { file: format!("fleet/servers/{text}.yaml"), line, written }])
    };
    let lost = Lost {
        made: at("2026-02-01T09:00:00Z"),
        last_up: Some(at("2026-08-12T08:55:00Z")),
        size: "s-1vcpu-2gb".to_owned(),
        address: Some(sample::ADDRESS),
        snapshots: 0,
    };
    let event = StripeEvent {
        id: "evt_1".to_owned(),
        kind: "customer.subscription.deleted".to_owned(),
        at: at("2026-08-12T09:00:00Z"),
    };
    let named = |text: &'static str| plan.steps.iter().filter(move |step| step.server == Some(name(text)));
    let mut labels: Vec<_> = plan.steps.iter().map(|step| (step.id.clone(), Label::Pending)).collect();
    labels.extend(named("ada-7f3k2m9q").map(|step| (step.id.clone(), Label::ThisChange)));
    labels.extend(named("bob-5d8w1x2c").map(|step| (step.id.clone(), Label::InFlight)));
    labels.extend(named("action-17").map(|step| (step.id.clone(), Label::Drift)));
    Insight {
        declared: [
            declared("ada-7f3k2m9q", Some(7), Written::By(commit)),
            declared("dee-2b7n5v3z", None, Written::NotCommitted),
        ]
        .into(),
        events: [(name("ada-7f3k2m9q"), event)].into(),
        lost: [(DropletId(123), lost)].into(),
        labels: labels.into_iter().collect(),
        upcoming: upcoming(),
        concerns: concerns(),
        budget: Some(Budget { requests: 61, seconds: 40, left: Some(4_812), limit: Some(5_000) }),
    }
}

/// One each of what comes soon and late.
pub fn upcoming() -> Vec<Upcoming> {
    let because = Because::Unpaid;
    let (since, ended) = (at("2026-08-01T09:00:00Z"), at("2026-08-22T10:00:00Z"));
    let welcome = Occasion::Welcome { address: sample::ADDRESS, droplet: DropletId(123), host_key: None };
    let letter = Letter {
        server: Some(name("dee-2b7n5v3z")),
        to: Recipient::Customer(basement::model::ids::CustomerId::parse("cus_dee").expect("a customer")),
        occasion: welcome,
    };
    vec![
        Upcoming {
            at: at("2026-08-19T10:02:00Z"),
            server: Some(name("dee-2b7n5v3z")),
            action: Action::Letter { letter },
            reason: Reason::Up,
            waits: vec![],
            if_unpaid: false,
        },
        Upcoming {
            at: ended,
            server: Some(name("cyd-9h4j6k8m")),
            action: Action::Destroy { droplet: DropletId(125), cause: DestroyCause::Promised },
            reason: Reason::GraceEnded { because, since, ended },
            waits: vec![],
            if_unpaid: false,
        },
        Upcoming {
            at: ended.plus(Span::days(1)),
            server: Some(name("bob-5d8w1x2c")),
            action: Action::Shutdown { droplet: DropletId(124) },
            reason: Reason::Declared {
                state: DesiredState::Stopped,
                because: Because::PastDue,
                since: ended.plus(Span::days(1)),
            },
            waits: vec![],
            if_unpaid: true,
        },
    ]
}

/// Every concern.
pub fn concerns() -> Vec<Concern> {
    let slug = |text| Slug::parse(text).expect("a slug");
    let servers = |names: &[&str]| names.iter().map(|text| name(text)).collect::<Vec<ServerName>>();
    vec![
        Concern::Quota { limit: 25, has: 24, creates: 4, waits: 3, destroys: 1 },
        Concern::Quota { limit: 25, has: 24, creates: 2, waits: 1, destroys: 1 },
        Concern::SoldOut {
            size: slug("s-1vcpu-2gb"),
            region: slug("nyc3"),
            servers: servers(&["dee-2b7n5v3z", "eve-1", "fay-1", "gus-1", "hal-1", "ida-1", "jon-1"]),
        },
        Concern::NoImage {
            image: slug("ubuntu-20-04-x64"),
            region: None,
            servers: servers(&["dee-2b7n5v3z"]),
        },
        Concern::NoImage {
            image: slug("ubuntu-24-04-x64"),
            region: Some(slug("nyc2")),
            servers: servers(&["dee-2b7n5v3z", "eve-1"]),
        },
        Concern::NoKey { key: "3b:16:e4:bf".to_owned(), servers: servers(&["dee-2b7n5v3z"]) },
        Concern::Loss {
            plan: PlanName::parse("basic").expect("a plan"),
            revenue: Money::usd(500),
            cost: Money::usd(600),
        },
        Concern::Scope { vendor: "DigitalOcean".to_owned(), scope: "image:read".to_owned() },
        Concern::Requests { needed: 6_100, left: 4_812 },
    ]
}
