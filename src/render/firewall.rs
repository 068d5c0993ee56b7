//! The words for the cloud firewall: what it opens, what somebody made of it, and what waits for it.

use std::collections::BTreeSet;

use crate::model::census::MARK;
use crate::model::firewall::{ALL_PORTS, Drift, EVERYWHERE, FirewallOrder, NAME, Opening, Way, grouped};
use crate::model::plan::Notice;

use super::words::{clean, count};

/// What is to be put in place, and what of somebody's is replaced by it.
pub fn order(order: &FirewallOrder) -> String {
    if order.id.is_some() {
        let drifts: Vec<String> = order.drifts.iter().map(drift).collect();
        return format!("firewall `{NAME}`: {}", drifts.join("; "));
    }
    let of = |way| {
        let mut openings: Vec<Opening> =
            grouped(order.rules.iter().filter(|rule| rule.way == way)).into_keys().collect();
        // Ports as people count them, and what has none last.
        openings.sort_by_key(|what| (what.ports == ALL_PORTS, what.ports.len(), what.ports.clone()));
        openings.iter().map(ports).collect::<Vec<_>>().join(", ")
    };
    format!("firewall `{NAME}`: in {}; out {}", of(Way::In), of(Way::Out))
}

/// What is done to the firewall so that it is ours again.
fn drift(drift: &Drift) -> String {
    match drift {
        Drift::Added { what, peers } => format!("removes {}", rule(what, peers)),
        Drift::Taken { what, peers } => format!("adds {}", rule(what, peers)),
        Drift::Unmarked => format!("attaches it to the tag `{MARK}`"),
        Drift::Failed => "puts it in force again, which DigitalOcean could not".to_owned(),
        Drift::OtherTag { tag } => format!("detaches it from the tag `{}`", clean(tag)),
        Drift::OtherDroplet { droplet } => format!("detaches it from droplet {droplet}, which is not ours"),
    }
}

/// A note about the firewall; nothing about another one.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::FirewallPending { is_failed: true, .. } => {
            format!(
                "DigitalOcean could not put `{NAME}` in force; it is put again every 5 minutes; look at it in the control panel"
            )
        }
        Notice::FirewallPending { is_failed: false, droplets: 0 } => {
            format!("DigitalOcean is putting `{NAME}` in force")
        }
        Notice::FirewallPending { is_failed: false, droplets } => {
            let droplets = count(*droplets as u64, "droplet");
            format!("DigitalOcean is putting `{NAME}` in force; {droplets} to go")
        }
        Notice::FirewallFirst { by_hand: false } => {
            "paid for, and created when the firewall is in force".to_owned()
        }
        Notice::FirewallFirst { by_hand: true } => {
            format!("paid for, and not created while there are two firewalls `{NAME}`")
        }
        Notice::FirewallTwins { firewalls } => {
            let ids: Vec<String> = firewalls.iter().map(ToString::to_string).collect();
            format!("{} are all named `{NAME}`; none is touched until one is left", ids.join(", "))
        }
        Notice::FirewallLeft { firewall } => format!(
            "{firewall} (`{NAME}`) is in force, and `firewall = \"ufw\"` does not ask for it; it is left alone: \
             delete it in the control panel if nobody needs it"
        ),
        _ => String::new(),
    }
}

/// `8080/tcp from everywhere`
fn rule(what: &Opening, peers: &BTreeSet<String>) -> String {
    let word = match what.way {
        Way::In => "from",
        Way::Out => "to",
    };
    let everywhere: BTreeSet<String> = EVERYWHERE.map(str::to_owned).into();
    let peers = if *peers == everywhere {
        "everywhere".to_owned()
    } else {
        peers.iter().map(|peer| clean(peer)).collect::<Vec<_>>().join(", ")
    };
    format!("{} {word} {peers}", ports(what))
}

/// `8080/tcp`, or `all udp`, or `icmp`.
fn ports(what: &Opening) -> String {
    let (protocol, ports) = (clean(&what.protocol), clean(&what.ports));
    match ports.as_str() {
        ALL_PORTS if protocol == "icmp" => protocol,
        ALL_PORTS => format!("all {protocol}"),
        _ => format!("{ports}/{protocol}"),
    }
}
