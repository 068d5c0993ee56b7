//! Takes a census and answers the plan's questions until it has no more.
//! Invariant: a listing that failed is a fault; a question that failed stops its own server only.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};

use crate::fleet::userdata;
use crate::model::billing::{Payment, Subscription};
use crate::model::census::{Account, Census, Droplet, Question, Readiness, Secret, Sighting, Size};
use crate::model::firewall::Firewall;
use crate::model::history::History;
use crate::model::ids::{ServerName, Slug};
use crate::model::plan::Plan;
use crate::plan::{guard, plan};
use crate::ports::Fault;

use super::post::Post;
use super::{Base, Eyes, Look, Setup, Strongbox};

/// Questions to one vendor under way at once.
const AT_ONCE: usize = 8;
/// Each droplet is a host of its own, and one that is silent costs seconds.
const PROBES_AT_ONCE: usize = 64;
/// An answer can raise a question (gone? then: what was paid?), but not for ever.
const ROUNDS: usize = 6;

/// What does not change within a run: asked once.
#[derive(Debug, Default)]
pub struct Prices {
    known: Option<(Account, BTreeMap<Slug, Size>)>,
    /// What is known of the mail relay.
    pub(super) post: Post,
}

enum Answer {
    Sighting(Sighting),
    Named(Vec<Droplet>),
    Firewalls(Vec<Firewall>),
    Subscription(Box<Option<Subscription>>),
    Payment(Option<Payment>),
    Ready(Readiness),
    Secret(Secret),
}

/// Looks, and plans for the files of `setup`; and for others over the same census, if there are any.
pub(super) async fn look(
    (eyes, strongbox): (&Eyes, Option<&Strongbox>),
    setup: &Setup,
    base: Option<&Base>,
    history: History,
    prices: &mut Prices,
) -> Result<(Look, Option<Plan>), Fault> {
    let mut census = census(eyes, prices).await?;
    let mut failed: BTreeMap<Question, Fault> = BTreeMap::new();
    let drafts = |census: &Census| {
        let base = base.map(|base| plan(&base.fleet, census, &history, &base.policy));
        (plan(&setup.fleet, census, &history, &setup.policy), base)
    };
    let (mut draft, mut other) = drafts(&census);
    // A census that is refused as a whole is not worth a thousand questions.
    let is_odd = guard::census_objections(&census, &history).iter().any(|o| !setup.allow.contains(o.name()));
    for _ in 0..ROUNDS {
        let asked = draft.questions.iter().chain(other.iter().flat_map(|plan| &plan.questions));
        let open: BTreeSet<Question> =
            asked.filter(|question| !failed.contains_key(question)).cloned().collect();
        if open.is_empty() || is_odd {
            break;
        }
        let (probes, others): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|question| matches!(question, Question::Ready { .. }));
        let (shown, said) =
            join(all((eyes, strongbox), probes, PROBES_AT_ONCE), all((eyes, strongbox), others, AT_ONCE))
                .await;
        for (question, answer) in shown.into_iter().chain(said) {
            match answer {
                Ok(answer) => fill(&mut census, question, answer),
                // Only to say that one is left: not worth a scope that the token may have lost since.
                Err(_) if question == Question::Firewall && !setup.policy.firewall.is_cloud() => {
                    census.firewalls = Some(Vec::new());
                }
                // Who only looks is told what the token may not do, and sees the rest of the plan.
                Err(fault)
                    if question == Question::Firewall && strongbox.is_none() && fault.is_forbidden() =>
                {
                    failed.insert(question, fault);
                }
                Err(fault) if fault.is_credentials() => return Err(fault),
                Err(fault) => {
                    failed.insert(question, fault);
                }
            }
        }
        (draft, other) = drafts(&census);
    }
    let objections = guard::objections(&draft, &census, &history);
    let look = Look { plan: draft, census, history, objections, unanswered: failed.into_values().collect() };
    Ok((look, other))
}

/// Asks all of these, so many at once.
async fn all(
    (eyes, strongbox): (&Eyes, Option<&Strongbox>),
    questions: Vec<Question>,
    at_once: usize,
) -> Vec<(Question, Result<Answer, Fault>)> {
    let asked = questions.into_iter().map(|question| async {
        let answer = ask(eyes, strongbox, &question).await;
        (question, answer)
    });
    stream::iter(asked).buffer_unordered(at_once).collect().await
}

async fn census(eyes: &Eyes, prices: &mut Prices) -> Result<Census, Fault> {
    // A listing may wait for the request budget: what it shows is at least as old as the question.
    let at = eyes.clock.now().await;
    let droplets = eyes.cloud.droplets().await?;
    let (account, sizes) = if let Some(known) = &prices.known {
        known.clone()
    } else {
        let known = (eyes.cloud.account().await?, eyes.cloud.sizes().await?);
        prices.known.insert(known).clone()
    };
    let mut census = Census::new(at, droplets);
    census.account = Some(account);
    census.sizes = sizes;
    Ok(census)
}

async fn ask(eyes: &Eyes, strongbox: Option<&Strongbox>, question: &Question) -> Result<Answer, Fault> {
    Ok(match question {
        Question::Droplet(id) => Answer::Sighting(match eyes.cloud.droplet(*id).await? {
            Some(droplet) => Sighting::There(Box::new(droplet)),
            None => Sighting::Gone,
        }),
        Question::Named(name) => Answer::Named(eyes.cloud.find(name).await?),
        Question::Firewall => Answer::Firewalls(eyes.cloud.firewalls().await?),
        Question::Subscription(id) => Answer::Subscription(Box::new(eyes.billing.subscription(id).await?)),
        Question::Ready { droplet: _, address, server, attempt } => {
            let id = userdata::server_id(server, *attempt);
            Answer::Ready(eyes.probe.ready(*address, &id).await)
        }
        Question::Password(server, attempt) => Answer::Secret(match strongbox {
            None => Secret::Untried,
            Some(strongbox) => secret(strongbox, server, *attempt).await?,
        }),
        Question::Payment(id, at) => Answer::Payment(eyes.billing.payment(id, *at).await?),
    })
}

/// Only a certain no says that a password is lost; a ledger that is busy says nothing.
async fn secret(strongbox: &Strongbox, server: &ServerName, attempt: u32) -> Result<Secret, Fault> {
    let Some(sealed) = strongbox.ledger.sealed(server, attempt).await? else {
        return Ok(Secret::Lost { why: "the ledger has none".to_owned() });
    };
    match strongbox.vault.open(&sealed).await {
        Ok(_) => Ok(Secret::Opens),
        Err(Fault::Refused(detail)) => {
            let said = detail.message.split("; hint:").next().unwrap_or_default();
            Ok(Secret::Lost { why: said.to_owned() })
        }
        Err(fault) => Err(fault),
    }
}

fn fill(census: &mut Census, question: Question, answer: Answer) {
    match (question, answer) {
        (Question::Droplet(id), Answer::Sighting(sighting)) => {
            census.sightings.insert(id, sighting);
        }
        (Question::Named(name), Answer::Named(droplets)) => {
            census.named.insert(name, droplets);
        }
        (Question::Firewall, Answer::Firewalls(firewalls)) => census.firewalls = Some(firewalls),
        (Question::Subscription(id), Answer::Subscription(subscription)) => {
            census.billing.entry(id).or_default().subscription = Some(*subscription);
        }
        (Question::Payment(id, at), Answer::Payment(payment)) => {
            census.billing.entry(id).or_default().payments.insert(at, payment);
        }
        (Question::Ready { droplet, .. }, Answer::Ready(readiness)) => {
            census.readiness.insert(droplet, readiness);
        }
        (Question::Password(server, _), Answer::Secret(secret)) => {
            census.secrets.insert(server, secret);
        }
        (question, _) => unreachable!("`ask` answers {question:?} in kind"),
    }
}
