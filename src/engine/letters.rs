//! Sends one letter: the address is read from Stripe now, the password opened now, and neither is kept.

use crate::fleet::userdata;
use crate::model::desired::Spec;
use crate::model::history::{Event, Outcome};
use crate::model::ids::{Slug, StepId};
use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::{Moment, Span};
use crate::model::step::{Action, CreateOrder};
use crate::ports::{Detail, Fault, Ledger, Mail};
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
pub async fn preview(ledger: Option<&dyn Ledger>, setup: &Setup, look: &Look) -> Result<Vec<Preview>, Fault> {
    let plan = &look.plan;
    let nobody = Addressee { email: String::new(), name: None, instead: None };
    let letters = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Letter { letter } => Some((step, letter)),
        _ => None,
    });
    let mut previews = Vec::new();
    for (step, letter) in letters {
        let order = match ledger {
            Some(ledger) => made(ledger, letter).await?,
            None => None,
        };
        let facts = facts((setup, look), order.as_ref(), letter, &nobody, plan.at);
        let words =
            write(letter, &facts, Some(DOTS)).map_err(|bad| Fault::refused("letter", bad.to_string()))?;
        let to = match &letter.to {
            Recipient::Operator => setup.letters.operator.clone(),
            Recipient::Customer(id) => format!("customer {id}"),
        };
        let (step, server) = (step.id.clone(), letter.server.clone());
        previews.push(Preview { step, server, to, subject: words.subject, text: words.text });
    }
    Ok(previews)
}

/// How the letter's server was made, which its files may say otherwise by now.
async fn made(ledger: &dyn Ledger, letter: &Letter) -> Result<Option<CreateOrder>, Fault> {
    let Some(server) = &letter.server else { return Ok(None) };
    let entries = ledger.entries(Some(server)).await?;
    Ok(entries.into_iter().rev().find_map(|entry| match entry.event {
        Event::Intended { action: Action::Create { order } } => Some(order),
        _ => None,
    }))
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
    let order = made(hands.ports.ledger.as_ref(), letter).await?;
    let post = async |to: Addressee| {
        let now = hands.ports.eyes.clock.now().await;
        let facts = facts((hands.setup, hands.look), order.as_ref(), letter, &to, now);
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

fn facts(
    (setup, look): (&Setup, &Look),
    order: Option<&CreateOrder>,
    letter: &Letter,
    to: &Addressee,
    now: Moment,
) -> LetterFacts {
    let settings = &setup.letters;
    // One that is sent again gains no time.
    let record = letter.server.as_ref().and_then(|name| look.history.records.get(name));
    let delivered = record.and_then(|record| record.delivered).unwrap_or(now);
    let erased_at = delivered.plus(settings.keep_password);
    let server = letter.server.as_ref().and_then(|name| setup.fleet.servers.get(name));
    let plan = order.map(|order| &order.plan).or(server.map(|server| &server.plan));
    let spec = order.map(|order| &order.spec).or(server.map(|server| &server.spec));
    let word = |pick: fn(&Spec) -> &Slug| spec.map(|spec| pick(spec).to_string()).unwrap_or_default();
    LetterFacts {
        brand: settings.brand.clone(),
        support: settings.support.clone(),
        name: to.name.clone(),
        instead: to.instead.clone(),
        plan: plan.map(ToString::to_string).unwrap_or_default(),
        size: word(|spec| &spec.size),
        region: word(|spec| &spec.region),
        image: word(|spec| &spec.image),
        extras: spec.map(|spec| userdata::extras(&setup.templates, &spec.template)).unwrap_or_default(),
        portal: settings.portal.clone(),
        has_ssh_keys: spec.is_some_and(|spec| !spec.ssh_keys.is_empty()),
        firewall: setup.policy.firewall,
        grace: Some(setup.policy.grace.canceled),
        password_until: Some(erased_at),
    }
}
