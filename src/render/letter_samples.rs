//! One made-up but plausible letter of every kind, for people who want to read them before a customer does.
//! Invariant: nothing in them is true, least of all the password.

use std::net::Ipv4Addr;

use crate::model::breaker::Opened;
use crate::model::census::Readiness;
use crate::model::ids::{BadId, CustomerId, DropletId, ServerName, StepId};
use crate::model::letter::{Letter, Occasion, Recipient, Told};
use crate::model::moment::{Moment, Span};
use crate::model::money::Money;
use crate::model::step::Reason;

/// The password in a sample: as long as a real one, and plainly none.
pub const PASSWORD: &str = "SAMPLEnotaPasswordSAMPLE23456789";

/// All letters, each about a server of its own, as they might be written at this moment.
pub fn samples(now: Moment) -> Result<Vec<Letter>, BadId> {
    let (address, droplet) = (Ipv4Addr::new(203, 0, 113, 7), DropletId(412_345_678));
    let end = Some(now.plus(Span::days(7)));
    let paid = vec![Money::usd(1500)];
    let names = ["bob-5fzq6san", "cleo-h5kshf4t", "dora-g7gsw4nd"].map(ServerName::parse);
    let names = names.into_iter().collect::<Result<Vec<_>, _>>()?;
    let failed = Occasion::AlertFailed { refunded: paid.clone(), cancelled: true, remark: None };
    let told = |server: &ServerName| Told {
        server: server.clone(),
        step: StepId::of(&[&"letter", server, &"operator-failed", &1]),
        reason: Reason::NotDelivered { intended: now.minus(Span::minutes(6)) },
        occasion: failed.clone(),
    };
    let opened = Opened { since: now, failed: names.clone(), of: names.len() };
    let occasions = [
        Occasion::Welcome {
            address,
            droplet,
            host_key: Some("SHA256:VsgrWT+/4OP7vShHtRVphtGnWA4f+JhblQrirhk9+zQ".to_owned()),
        },
        Occasion::Suspended { destroy_after: end, because: "subscription past due".to_owned() },
        Occasion::Resumed { address },
        Occasion::Ending { destroy_after: end },
        Occasion::Ended,
        Occasion::Failed { refunded: paid, cancelled: true, by_hand: false },
        failed.clone(),
        Occasion::AlertDeleted { droplet },
        Occasion::AlertRefused {
            what: "create".to_owned(),
            why: "creating this/these droplet(s) will exceed your droplet limit".to_owned(),
        },
        Occasion::AlertRefund { why: "the refund of `pi_1` failed at the bank".to_owned() },
        Occasion::AlertNotReady {
            address,
            state: Readiness::Failed { failed: vec!["nginx:answers".to_owned()] },
            until: None,
        },
        Occasion::AlertUnsure { droplet, address: Some(address) },
        Occasion::AlertFirewall { why: "DigitalOcean could not put it in force".to_owned(), waiting: 2 },
        Occasion::AlertMany { told: names.iter().map(told).collect() },
        Occasion::AlertBreaker { opened },
    ];
    occasions.into_iter().map(letter).collect()
}

fn letter(occasion: Occasion) -> Result<Letter, BadId> {
    let is_alert = occasion.is_alert();
    let is_of_fleet = matches!(
        occasion,
        Occasion::AlertMany { .. } | Occasion::AlertFirewall { .. } | Occasion::AlertBreaker { .. }
    );
    let server = ServerName::parse("ada-7f3k2m9q")?;
    let customer = CustomerId::parse("cus_SAMPLE")?;
    let to = if is_alert { Recipient::Operator } else { Recipient::Customer(customer) };
    Ok(Letter { server: (!is_of_fleet).then_some(server), to, occasion })
}
