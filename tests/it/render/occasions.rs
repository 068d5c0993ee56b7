//! Every occasion of a letter, for the sample.

use basement::model::ids::{DropletId, ServerName, StepId};
use basement::model::letter::{Occasion, Told};
use basement::model::money::Money;
use basement::model::step::{Reason, Undelivered};

use super::sample::{ADDRESS, at, failed, name, opened};

pub fn occasions() -> Vec<Occasion> {
    let end = at("2026-08-26T09:00:00Z");
    let refunded = vec![Money::usd(3500)];
    vec![
        Occasion::Welcome { address: ADDRESS, droplet: DropletId(123), host_key: None },
        Occasion::Suspended { destroy_after: Some(end), because: "subscription unpaid".to_owned() },
        Occasion::Resumed { address: ADDRESS },
        Occasion::Ending { destroy_after: Some(end) },
        Occasion::Ended,
        Occasion::Failed {
            why: Undelivered::NeverReady,
            refunded: refunded.clone(),
            cancelled: true,
            by_hand: true,
        },
        Occasion::AlertFailed {
            why: Undelivered::NeverReady,
            refunded,
            cancelled: false,
            remark: Some("paid by bank transfer".to_owned()),
        },
        Occasion::AlertDeleted { droplet: DropletId(123) },
        Occasion::AlertMany {
            told: ["bob-5d8w1x2c", "cyd-9h4j6k8m"].map(|server| refused(name(server))).into(),
        },
        Occasion::AlertRefused { what: "create".to_owned(), why: "droplet limit exceeded".to_owned() },
        Occasion::AlertBreaker { opened: opened() },
        Occasion::AlertRefund { why: "the refund of `pi_1` failed at the bank".to_owned() },
        Occasion::AlertNotReady { address: ADDRESS, state: failed(), until: Some(end) },
    ]
}

fn refused(server: ServerName) -> Told {
    let step = StepId::of(&[&"letter", &server, &"operator-refused", &1]);
    let said = "droplet limit exceeded".to_owned();
    let reason = Reason::Refused { times: 3, said: said.clone() };
    Told { server, step, reason, occasion: Occasion::AlertRefused { what: "create".to_owned(), why: said } }
}
