//! One made-up but plausible letter of every kind, for people who want to read them before a customer does.
//! Invariant: nothing in them is true, least of all the password.

use std::net::Ipv4Addr;

use crate::model::breaker::Opened;
use crate::model::census::Readiness;
use crate::model::ids::{BadId, CustomerId, DropletId, ServerName, StepId};
use crate::model::letter::{Letter, Occasion, Recipient, Told};
use crate::model::moment::{Moment, Span};
use crate::model::money::Money;
use crate::model::step::{Reason, Undelivered};

/// The password in a sample: as long as a real one, and plainly none.
pub const PASSWORD: &str = "SAMPLEnotaPasswordSAMPLE23456789";

const KEY: &str = "SHA256:VsgrWT+/4OP7vShHtRVphtGnWA4f+JhblQrirhk9+zQ";

/// A letter to be read before it is ever sent.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its own name: the letter's word, and what is special about it.
    pub name: String,
    /// The letter.
    pub letter: Letter,
    /// Why the operator gets what is a customer's.
    pub instead: Option<String>,
}

/// All letters, each about a server of its own, as they might be written at this moment.
pub fn samples(now: Moment) -> Result<Vec<Sample>, BadId> {
    let (address, droplet) = (Ipv4Addr::new(203, 0, 113, 7), DropletId(412_345_678));
    let end = Some(now.plus(Span::days(7)));
    let paid = vec![Money::usd(1500)];
    let names = ["bob-5fzq6san", "cleo-h5kshf4t", "dora-g7gsw4nd"].map(ServerName::parse);
    let names = names.into_iter().collect::<Result<Vec<_>, _>>()?;
    let why = Undelivered::NeverUp;
    let failed = Occasion::AlertFailed { why, refunded: paid.clone(), cancelled: true, remark: None };
    let told = |server: &ServerName| Told {
        server: server.clone(),
        step: StepId::of(&[&"letter", server, &"operator-failed", &1]),
        reason: Reason::NotDelivered { intended: now.minus(Span::minutes(6)) },
        occasion: failed.clone(),
    };
    let opened = Opened { since: now, failed: names.clone(), of: names.len() };
    let occasions = [
        welcome(address, droplet),
        Occasion::Suspended { destroy_after: end, because: "subscription past due".to_owned() },
        Occasion::Resumed { address },
        Occasion::Ending { destroy_after: end },
        Occasion::Ended,
        Occasion::Failed { why, refunded: paid, cancelled: true, by_hand: false },
        failed.clone(),
        Occasion::AlertDeleted { droplet },
        refused("create", "creating this/these droplet(s) will exceed your droplet limit"),
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
    let mut all =
        occasions.map(|occasion| sample("", occasion)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let why = "the relay refuses the recipient: 5.1.1 …: no such user";
    all.push(Sample { instead: Some(why.to_owned()), ..sample("-handed-over", welcome(address, droplet))? });
    for (what, why) in [
        ("power_on", "`POST /v2/droplets/412345678/actions`: the account is locked"),
        ("welcome", "`smtp letter`: the relay does not let this letter pass: 5.7.1 message refused"),
        ("refund", "`POST /v1/refunds`: insufficient funds in your Stripe balance"),
        ("cancel", "`DELETE /v1/subscriptions/sub_SAMPLE`: this key may not do that"),
    ] {
        all.push(sample(&format!("-{}", what.replace('_', "-")), refused(what, why))?);
    }
    let state = Readiness::Mismatch { told: format!("SHA256:{}", "a".repeat(43)), shown: KEY.to_owned() };
    all.push(sample("-other-key", Occasion::AlertNotReady { address, state, until: end })?);
    Ok(all)
}

fn welcome(address: Ipv4Addr, droplet: DropletId) -> Occasion {
    Occasion::Welcome { address, droplet, host_key: Some(KEY.to_owned()) }
}

fn refused(what: &str, why: &str) -> Occasion {
    Occasion::AlertRefused { what: what.to_owned(), why: why.to_owned() }
}

fn sample(special: &str, occasion: Occasion) -> Result<Sample, BadId> {
    let is_alert = occasion.is_alert();
    let is_of_fleet = matches!(
        occasion,
        Occasion::AlertMany { .. } | Occasion::AlertFirewall { .. } | Occasion::AlertBreaker { .. }
    );
    let server = ServerName::parse("ada-7f3k2m9q")?;
    let customer = CustomerId::parse("cus_SAMPLE")?;
    let to = if is_alert { Recipient::Operator } else { Recipient::Customer(customer) };
    let name = format!("{}{special}", occasion.word());
    let letter = Letter { server: (!is_of_fleet).then_some(server), to, occasion };
    Ok(Sample { name, letter, instead: None })
}
