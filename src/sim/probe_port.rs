//! Door one, droplets themselves: the same page and key as over HTTP and SSH, in virtual time.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::census::Readiness;
use crate::ports::Probe;
use crate::sim::first_boot;
use crate::sim::ports::Door;
use crate::sim::requests::Vendor;
use crate::sim::trouble::Mishap;
use crate::sim::world::{Call, World, lock};
use crate::wire::first_boot::{Handshake, PATH, compared, no_page, not_yet, page};

/// As long as the real probe waits.
const PATIENCE: Duration = Duration::from_secs(5);

#[async_trait]
impl Probe for Door {
    async fn ready(&self, address: Ipv4Addr, id: &str) -> Readiness {
        let call = Call { vendor: Vendor::Droplet, method: "GET", path: PATH, token: "" };
        let admission = lock(self.world()).admit(&call);
        self.pause(admission.delay.min(PATIENCE)).await;
        if admission.delay >= PATIENCE {
            return not_yet("no answer within 5 seconds");
        }
        let status = match admission.mishap {
            None | Some(Mishap::Slow(_) | Mishap::Shifted) => {
                return ask(&mut lock(self.world()), address, id);
            }
            Some(Mishap::Drop) => return not_yet("its web server breaks off"),
            Some(Mishap::FailBefore(status) | Mishap::FailAfter(status)) => status,
            Some(Mishap::Html502) => 502,
            Some(Mishap::RateMinute | Mishap::RateHour) => 429,
            Some(Mishap::Locked) => 409,
        };
        not_yet(format!("its page is not there: status {status}"))
    }
}

fn ask(world: &mut World, address: Ipv4Addr, id: &str) -> Readiness {
    let mut machines = world.cloud().machines();
    let Some(machine) = machines.find(|machine| machine.public == Some(address)) else {
        return not_yet("its web server breaks off");
    };
    if !first_boot::answers(machine) {
        return not_yet("its web server breaks off");
    }
    let Some(body) = first_boot::page(machine) else {
        return no_page("its page is not there: status 404");
    };
    match page(&body, id) {
        Err(state) => state,
        Ok(told) => {
            let key = first_boot::fingerprint(first_boot::shown_key(machine));
            compared(told, Handshake { key, asks_password: true })
        }
    }
}
