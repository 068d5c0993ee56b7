//! Sends one letter: the address is read from Stripe now, the password opened now, and neither is kept.

use crate::model::history::Outcome;
use crate::model::ids::StepId;
use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::{Moment, Span};
use crate::model::step::Action;
use crate::ports::{Detail, Fault, Mail};
use crate::render::letter::{LetterFacts, write};
use crate::render::preview::{DOTS, Preview};
use secrecy::{ExposeSecret as _, SecretString};

use super::execute::Hands;
use super::{Look, Setup};

/// What letters say about us.
#[derive(Debug, Clone)]
pub struct LetterSettings {
    /// The name of the business.
    pub brand: String,
    /// Where customers write to.
    pub support: String,
    /// Who gets alerts, and the letters of servers without a subscription.
    pub operator: String,
    /// Where customers manage their subscription.
    pub portal: Option<String>,
    /// So long after its letter was accepted a sealed password is kept.
    pub keep_password: Span,
}

/// Writes a plan's letters as they would be sent: by the same writer, but Stripe is not asked for the
/// customer's name and address, and no password is opened.
pub fn preview(setup: &Setup, look: &Look) -> Result<Vec<Preview>, Fault> {
    let plan = &look.plan;
    let nobody = Addressee { email: String::new(), name: None, instead: None };
    let letters = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Letter { letter } => Some((step, letter)),
        _ => None,
    });
    letters
        .map(|(step, letter)| {
            let words = write(letter, &facts(setup, look, letter, &nobody, plan.at), Some(DOTS))
                .map_err(|bad| Fault::refused("letter", bad.to_string()))?;
            let to = match &letter.to {
                Recipient::Operator => setup.letters.operator.clone(),
                Recipient::Customer(id) => format!("customer {id}"),
            };
            let (step, server) = (step.id.clone(), letter.server.clone());
            Ok(Preview { step, server, to, subject: words.subject, text: words.text })
        })
        .collect()
}

/// Where a letter goes.
struct Addressee {
    email: String,
    name: Option<String>,
    /// Why the operator gets what is a customer's.
    instead: Option<String>,
}

pub(super) async fn send(hands: &Hands<'_>, step: &StepId, letter: &Letter) -> Result<Outcome, Fault> {
    let is_welcome = matches!(letter.occasion, Occasion::Welcome { .. });
    let password = if is_welcome { Some(password(hands, letter).await?) } else { None };
    let post = async |to: Addressee| {
        let facts = facts(hands.setup, hands.look, letter, &to, hands.ports.eyes.clock.now().await);
        let words = write(letter, &facts, password.as_ref().map(SecretString::expose_secret))
            .map_err(|bad| Fault::refused("letter", bad.to_string()))?;
        let mail = Mail {
            to: to.email,
            subject: words.subject,
            text: SecretString::from(words.text),
            html: SecretString::from(words.html),
            message_id: step.as_str().replace('/', "."),
        };
        hands.ports.mailer.send(&mail).await
    };
    let mut name = None;
    let why = match addressee(hands, letter).await? {
        Some(addressee) => {
            name.clone_from(&addressee.name);
            match post(addressee).await {
                Ok(()) => return Ok(Outcome::Plain),
                Err(Fault::Refused(detail)) if is_nobody(letter, &detail) => detail.to_string(),
                Err(fault) => return Err(fault),
            }
        }
        None => "the customer has no mail address at Stripe".to_owned(),
    };
    if !is_welcome {
        return Ok(Outcome::Nobody { why });
    }
    // Somebody must hand the password over: the operator knows the customer.
    let operator = hands.setup.letters.operator.clone();
    post(Addressee { email: operator, name, instead: Some(why.clone()) }).await?;
    Ok(Outcome::Nobody { why: format!("{why}; the operator has the letter, to hand it over") })
}

/// Whether the customer's own mail server says no for good. The same numbers about our sender, the letter or
/// the relay are ours to mend, and nothing is nobody to the operator.
fn is_nobody(letter: &Letter, detail: &Detail) -> bool {
    matches!(letter.to, Recipient::Customer(_))
        && detail.code.as_deref() == Some("recipient")
        && matches!(detail.status, None | Some(501 | 550 | 551 | 553))
}

async fn addressee(hands: &Hands<'_>, letter: &Letter) -> Result<Option<Addressee>, Fault> {
    let id = match &letter.to {
        Recipient::Operator => {
            return Ok(Some(Addressee {
                email: hands.setup.letters.operator.clone(),
                name: None,
                instead: None,
            }));
        }
        Recipient::Customer(id) => id,
    };
    let customer = hands.ports.eyes.billing.customer(id).await?;
    Ok(customer
        .and_then(|customer| Some(Addressee { email: customer.email?, name: customer.name, instead: None })))
}

async fn password(hands: &Hands<'_>, letter: &Letter) -> Result<SecretString, Fault> {
    let unknown = |server: &str| {
        Fault::refused(
            "ledger",
            format!(
                "there is no password for `{server}`; hint: nobody can use it; delete its droplet by hand, and the delivery is settled as a failed one"
            ),
        )
    };
    let server = letter.server.as_ref().ok_or_else(|| unknown("no server"))?;
    let attempt = hands.look.history.records.get(server).map_or(0, |record| record.attempt);
    let sealed = hands.ports.ledger.sealed(server, attempt).await?.ok_or_else(|| unknown(server.as_str()))?;
    hands.ports.vault.open(&sealed).await
}

fn facts(setup: &Setup, look: &Look, letter: &Letter, to: &Addressee, now: Moment) -> LetterFacts {
    let settings = &setup.letters;
    // One that is sent again gains no time.
    let record = letter.server.as_ref().and_then(|name| look.history.records.get(name));
    let delivered = record.and_then(|record| record.delivered).unwrap_or(now);
    let erased_at = delivered.plus(settings.keep_password);
    let server = letter.server.as_ref().and_then(|name| setup.fleet.servers.get(name));
    let word = |pick: fn(&crate::model::desired::Server) -> String| server.map(pick).unwrap_or_default();
    LetterFacts {
        brand: settings.brand.clone(),
        support: settings.support.clone(),
        name: to.name.clone(),
        instead: to.instead.clone(),
        plan: word(|s| s.plan.to_string()),
        size: word(|s| s.spec.size.to_string()),
        region: word(|s| s.spec.region.to_string()),
        image: word(|s| s.spec.image.to_string()),
        portal: settings.portal.clone(),
        has_ssh_keys: server.is_some_and(|server| !server.spec.ssh_keys.is_empty()),
        firewall: setup.policy.firewall,
        grace: Some(setup.policy.grace.canceled),
        password_until: Some(erased_at),
    }
}
