//! Floor 3: one pass: observe, plan, guard, apply, return. Nothing waits inside but a call in flight;
//! `settle` repeats passes. Invariant: only an `Approved` plan is applied, by the holder of the lock.

pub mod settle;

mod apply;
mod execute;
mod insight;
mod letters;
mod observe;
mod post;
mod preflight;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::fleet::userdata::Templates;
use crate::model::approval::Approval;
use crate::model::census::Census;
use crate::model::desired::Fleet;
use crate::model::history::{Entry, Event, History, Outcome};
use crate::model::ids::StepId;
use crate::model::plan::Plan;
use crate::model::policy::Policy;
use crate::model::step::{Action, Fact, Step};
use crate::plan::agreed::Agreed;
use crate::plan::approval;
use crate::plan::guard::{self, Objection};
use crate::ports::{Billing, Clock, Cloud, Fault, Hold, Ledger, Mailer, Probe, Vault};

pub use insight::insight;
pub use letters::{LetterSettings, preview};
pub use observe::Prices;

/// What looking takes: enough for `basement plan`, with keys that may only read.
#[derive(Clone)]
pub struct Eyes {
    /// DigitalOcean.
    pub cloud: Arc<dyn Cloud>,
    /// Droplets themselves.
    pub probe: Arc<dyn Probe>,
    /// Stripe.
    pub billing: Arc<dyn Billing>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Where passwords are kept, and what opens them.
#[derive(Clone)]
pub struct Strongbox {
    /// What was intended and done.
    pub ledger: Arc<dyn Ledger>,
    /// Root passwords.
    pub vault: Arc<dyn Vault>,
}

/// What acting takes besides.
#[derive(Clone)]
pub struct Ports {
    /// The vendors and the clock.
    pub eyes: Eyes,
    /// The mail relay.
    pub mailer: Arc<dyn Mailer>,
    /// What was intended and done.
    pub ledger: Arc<dyn Ledger>,
    /// Root passwords.
    pub vault: Arc<dyn Vault>,
}

/// What a person settled, for all passes of one run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The files.
    pub fleet: Fleet,
    /// Deadlines, graces, caps.
    pub policy: Policy,
    /// Objections waived by name.
    pub allow: BTreeSet<String>,
    /// What persons said yes to.
    pub approvals: Vec<Approval>,
    /// Cloud-init templates by name.
    pub templates: Templates,
    /// What letters say about us.
    pub letters: LetterSettings,
}

/// Other files than those of the setup, to compare with.
#[derive(Debug, Clone)]
pub struct Base {
    /// The files.
    pub fleet: Fleet,
    /// Deadlines, graces, caps.
    pub policy: Policy,
}

impl Setup {
    /// The objections waived for a plan: by name, and by approvals that count for it.
    pub fn waived(&self, look: &Look) -> BTreeSet<String> {
        let approved = approval::waived(&self.approvals, &look.plan, look.team());
        self.allow.union(&approved).cloned().collect()
    }
}

impl Look {
    /// Whose droplets were seen.
    pub fn team(&self) -> Option<&str> {
        self.census.account.as_ref().map(|account| account.team.as_str())
    }

    /// A letter that was tried before and did not go out.
    fn is_tried_letter(&self, step: &Step) -> bool {
        let record = match &step.server {
            Some(server) => self.history.records.get(server),
            None => Some(&self.history.fleet),
        };
        matches!(step.action, Action::Letter { .. })
            && record.is_some_and(|r| r.failures.contains_key(&step.id))
    }
}

/// What was seen and what would be done about it.
#[derive(Debug, Clone)]
pub struct Look {
    /// The plan.
    pub plan: Plan,
    /// The census it was made from.
    pub census: Census,
    /// The history it was made from.
    pub history: History,
    /// What it objects to, waived or not.
    pub objections: Vec<Objection>,
    /// Questions that could not be answered in this pass; their servers wait.
    pub unanswered: Vec<Fault>,
}

/// How one step went.
#[derive(Debug, Clone)]
pub struct Did {
    /// Which.
    pub step: Step,
    /// What came of it.
    pub result: Result<Outcome, Fault>,
}

/// What one pass did.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it saw and wanted.
    pub look: Look,
    /// What it did; empty if the plan was objected to.
    pub did: Vec<Did>,
    /// Objections that were not waived.
    pub refused: Vec<Objection>,
    /// It would take away something else than what was agreed to; nothing was done.
    pub is_moved: bool,
    /// What it takes away though nobody agreed to it: left alone, and not in its plan any more.
    pub beyond: Vec<Step>,
}

/// Something to tell whoever watches.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A plan is about to be applied.
    Planned(&'a Look),
    /// A step ended.
    Did(&'a Did),
    /// Waiting for so long before the next pass.
    Sleeping {
        /// How long.
        span: std::time::Duration,
        /// The plan whose effects are waited for, if there is one.
        look: Option<&'a Look>,
        /// Why the last pass could not be made, if so.
        fault: Option<&'a Fault>,
    },
}

/// Whoever watches.
pub type Watch<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

/// Becomes true when a person wants to stop; calls in flight are finished.
pub type Stop = watch::Receiver<bool>;

/// Looks and plans; changes nothing. Without a strongbox nobody tries to open a password, and the plan says so.
pub async fn look(
    eyes: (&Eyes, Option<&Strongbox>),
    setup: &Setup,
    history: History,
    prices: &mut Prices,
) -> Result<Look, Fault> {
    Ok(observe::look(eyes, setup, None, history, prices).await?.0)
}

/// The same, and what other files, if there are any, would want of the same world at the same moment.
pub async fn compare(
    eyes: (&Eyes, Option<&Strongbox>),
    setup: &Setup,
    base: Option<&Base>,
    history: History,
    prices: &mut Prices,
) -> Result<(Look, Option<Plan>), Fault> {
    observe::look(eyes, setup, base, history, prices).await
}

/// Takes one step that a person asked for by itself.
pub async fn take(
    ports: &Ports,
    setup: &Setup,
    hold: &Hold,
    look: &Look,
    step: &Step,
) -> Result<Outcome, Fault> {
    execute::execute(&execute::Hands { ports, setup, look, hold }, step).await
}

/// One pass. If a person `agreed` to something, it takes away nothing else.
pub async fn pass(
    ports: &Ports,
    setup: &Setup,
    prices: &mut Prices,
    hold: &Hold,
    agreed: Option<&Agreed>,
    stop: &Stop,
    watch: Watch<'_>,
) -> Result<Report, Fault> {
    // First, so that no vendor's outage and no objection keeps a password longer.
    let keep = setup.letters.keep_password;
    ports.ledger.erase_passwords(hold, ports.eyes.clock.now().await.minus(keep)).await?;
    let strongbox = Strongbox { ledger: ports.ledger.clone(), vault: ports.vault.clone() };
    let history = ports.ledger.history().await?;
    let (mut look, _) = observe::look((&ports.eyes, Some(&strongbox)), setup, None, history, prices).await?;
    let beyond = agreed.map(|agreed| hold_back(&mut look, agreed, setup)).unwrap_or_default();
    let judged = guard::judge(&look.plan, &look.census, &look.history, &setup.waived(&look));
    let approved = match judged {
        Ok(approved) => approved,
        Err(refused) => return Ok(Report { look, did: Vec::new(), refused, is_moved: false, beyond }),
    };
    if agreed.is_some_and(|agreed| agreed.is_moved(&look.plan)) {
        return Ok(Report { look, did: Vec::new(), refused: Vec::new(), is_moved: true, beyond });
    }
    remember_census(ports, &look, hold).await?;
    watch(&Progress::Planned(&look));
    let hands = execute::Hands { ports, setup, look: &look, hold };
    let did = apply::apply(&hands, &approved, &prices.post, stop, watch).await?;
    Ok(Report { look, did, refused: Vec::new(), is_moved: false, beyond })
}

/// Takes out of a plan what nobody agreed to, and what would come after it on the same servers.
fn hold_back(look: &mut Look, agreed: &Agreed, setup: &Setup) -> Vec<Step> {
    let plan = &mut look.plan;
    let is_beyond = |step: &&Step| agreed.is_beyond(step);
    let beyond: Vec<Step> = plan.steps.iter().filter(is_beyond).cloned().collect();
    if !beyond.is_empty() {
        let begins = |step: &Step| {
            beyond.iter().find(|held| held.server == step.server).map(|held| held.action.rank())
        };
        plan.steps.retain(|step| begins(step).is_none_or(|rank| step.action.rank() < rank));
        plan.uses = guard::uses(&plan.steps, plan.servers, &look.history, plan.at, &setup.policy);
        look.objections = guard::objections(plan, &look.census, &look.history);
    }
    beyond
}

/// Keeps whose droplets they are, for the guard of the next pass; and how many, for who reads the ledger.
async fn remember_census(ports: &Ports, look: &Look, hold: &Hold) -> Result<(), Fault> {
    let droplets = look.census.droplets.len() as u64;
    let Some(team) = look.census.account.as_ref().map(|account| account.team.clone()) else { return Ok(()) };
    if look.history.last_census == Some(droplets) && look.history.team.as_ref() == Some(&team) {
        return Ok(());
    }
    let event = Event::Noticed { fact: Fact::Census { droplets, team } };
    let entry = Entry { at: look.census.at, server: None, step: StepId::of(&[&"census"]), event };
    ports.ledger.append(hold, &[entry], None).await
}
