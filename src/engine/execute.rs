//! One step: the intent is durable before the call, the end is written after it.
//! Invariant: only a certain failure is written as `Failed`; a lost reply leaves the step open.

use crate::fleet::userdata::{self, Blanks};
use crate::model::history::{Entry, Event, Outcome};
use crate::model::step::{Action, CreateOrder, Step};
use crate::ports::{Fault, Hold, PowerCall, Sealed};
use crate::wire::redact::redact;

use super::{Eyes, Look, Ports, Setup, letters};

/// What a step is executed with.
pub(super) struct Hands<'a> {
    pub ports: &'a Ports,
    pub setup: &'a Setup,
    pub look: &'a Look,
    pub hold: &'a Hold,
}

pub(super) async fn execute(hands: &Hands<'_>, step: &Step) -> Result<Outcome, Fault> {
    if let Action::Record { fact } = &step.action {
        write(hands, step, Event::Noticed { fact: fact.clone() }, None).await?;
        return Ok(Outcome::Plain);
    }
    let sealed = match &step.action {
        Action::Create { order } => Some(sealed(hands, order).await?),
        _ => None,
    };
    // What can be found wrong without a call is found before the intent is written.
    let user_data = match (&step.action, &sealed) {
        (Action::Create { order }, Some((sealed, _))) => user_data(hands, order, sealed)?,
        _ => String::new(),
    };
    let new = sealed.as_ref().filter(|(_, is_new)| *is_new).map(|(sealed, _)| sealed);
    write(hands, step, Event::Intended { action: step.action.clone() }, new).await?;
    let result = call(hands, step, &user_data).await;
    let event = match &result {
        Ok(outcome) => Event::Done { outcome: outcome.clone() },
        Err(fault @ (Fault::Refused(_) | Fault::Unavailable { .. })) => Event::Failed { why: said(fault) },
        Err(fault @ Fault::Unknown(_)) => Event::Unknown { why: said(fault) },
    };
    write(hands, step, event, None).await?;
    match result {
        // What follows in this plan, letters above all, takes the money for given back.
        Ok(outcome) if outcome.came_back() => {
            Err(Fault::refused("refund", "it was accepted and came back at once"))
        }
        result => result,
    }
}

/// A fault as the ledger keeps it, for ever.
fn said(fault: &Fault) -> String {
    redact(&fault.to_string(), 2_000)
}

async fn call(hands: &Hands<'_>, step: &Step, user_data: &str) -> Result<Outcome, Fault> {
    let Eyes { cloud, billing, .. } = &hands.ports.eyes;
    match &step.action {
        Action::Create { order } => {
            let droplet = cloud.create(order, user_data).await?;
            return Ok(Outcome::Created { droplet });
        }
        Action::Tag { tag } => cloud.ensure_tag(tag).await?,
        Action::Firewall { order } => cloud.put_firewall(order).await?,
        Action::PowerOn { droplet } => cloud.power(*droplet, PowerCall::On).await?,
        Action::Shutdown { droplet } => cloud.power(*droplet, PowerCall::Shutdown).await?,
        Action::PowerOff { droplet } => cloud.power(*droplet, PowerCall::Off).await?,
        Action::Destroy { droplet, .. } => cloud.destroy(*droplet).await?,
        Action::Cancel { subscription } => billing.cancel(subscription).await?,
        Action::Refund { order, attempt } => {
            let refund = billing.refund(order, &step.id, *attempt).await?;
            let status = format!("{:?}", refund.status).to_lowercase();
            return Ok(Outcome::Refunded { refund: refund.id, amount: refund.amount, status });
        }
        Action::Letter { letter } => return letters::send(hands, &step.id, letter).await,
        Action::Record { .. } => {}
    }
    Ok(Outcome::Plain)
}

/// This try's password; one that was refused before keeps the password it has.
async fn sealed(hands: &Hands<'_>, order: &CreateOrder) -> Result<(Sealed, bool), Fault> {
    match hands.ports.ledger.sealed(&order.server, order.attempt).await? {
        Some(sealed) => Ok((sealed, false)),
        None => Ok((hands.ports.vault.make(&order.server, order.attempt).await?, true)),
    }
}

fn user_data(hands: &Hands<'_>, order: &CreateOrder, sealed: &Sealed) -> Result<String, Fault> {
    let id = userdata::server_id(&order.server, order.attempt);
    let firewall = hands.setup.policy.firewall;
    let blanks = Blanks { root_hash: &sealed.hash, server_id: &id, firewall };
    userdata::render(&hands.setup.templates, &order.spec.template, blanks)
        .map_err(|e| Fault::refused("cloud-init", e.to_string()))
}

async fn write(hands: &Hands<'_>, step: &Step, event: Event, sealed: Option<&Sealed>) -> Result<(), Fault> {
    let at = hands.ports.eyes.clock.now().await;
    let entry = Entry { at, server: step.server.clone(), step: step.id.clone(), event };
    hands.ports.ledger.append(hands.hold, &[entry], sealed).await
}
