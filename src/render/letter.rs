//! Letters, put into words: subject, plain text, and the same in simple HTML.
//! Invariant: a secret stands in the welcome letter's body and nowhere else, least of all in a subject.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::model::census::Readiness;
use crate::model::ids::ServerName;
use crate::model::letter::{Letter, Occasion, Recipient, Told};
use crate::model::moment::{Moment, Span};
use crate::model::money::Money;
use crate::model::policy::FirewallBy;
use crate::model::step::Undelivered;

use super::words::{alert_words, cause_words, count, day, failures, hides, readiness};

/// What a letter says beside its occasion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFacts {
    /// The name of the business.
    pub brand: String,
    /// Where customers write to.
    pub support: String,
    /// The customer's name as Stripe has it, typed by somebody: cleaned here.
    pub name: Option<String>,
    /// Why the operator gets what is a customer's.
    pub instead: Option<String>,
    /// Plan of the catalogue.
    pub plan: String,
    /// Size slug.
    pub size: String,
    /// Region slug.
    pub region: String,
    /// Image slug.
    pub image: String,
    /// What its template puts on it beside the base, a line each.
    pub extras: Vec<String>,
    /// Keys of ours may log in as root.
    pub has_ssh_keys: bool,
    /// Who keeps the firewall: the server itself, or we before it.
    pub firewall: FirewallBy,
    /// Where customers manage their subscription.
    pub portal: Option<String>,
    /// How long a cancelled server is kept.
    pub grace: Option<Span>,
    /// When our copy of the password is erased; not promised if `None`.
    pub password_until: Option<Moment>,
}

/// A letter in words. It may hold a password, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject line.
    pub subject: String,
    /// The whole letter in plain text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// Why a letter cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLetter {
    /// A welcome letter without a password is of no use.
    #[error("the welcome letter of `{0}` needs its password, and there is none")]
    NoPassword(String),
    /// A template is wrong.
    #[error("the template of the letter `{word}` is wrong: {why}")]
    Template {
        /// Which letter.
        word: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// Writes a letter. `password` is for the welcome letter; no other one ever says it.
pub fn write(letter: &Letter, facts: &LetterFacts, password: Option<&str>) -> Result<Written, BadLetter> {
    let password = match letter.occasion {
        Occasion::Welcome { .. } => {
            Some(password.ok_or_else(|| BadLetter::NoPassword(subject_of(letter).to_owned()))?)
        }
        _ => None,
    };
    let word = letter.occasion.word();
    let subject = subject(letter);
    let context = context! {
        subject => subject.clone(),
        customer => matches!(letter.to, Recipient::Customer(_)),
        server => subject_of(letter),
        name => facts.name.as_deref().and_then(clean_name),
        instead => facts.instead.as_deref().map(line),
        recipient => letter.to.to_string(),
        brand => line(&facts.brand),
        support => line(&facts.support),
        support_link => support_link(&line(&facts.support)),
        plan => line(&facts.plan),
        size => line(&facts.size),
        region => line(&facts.region),
        extras => facts.extras.iter().map(|extra| line(extra)).collect::<Vec<_>>(),
        has_ssh_keys => facts.has_ssh_keys,
        has_ufw => facts.firewall != FirewallBy::Cloud,
        is_shielded => facts.firewall != FirewallBy::Ufw,
        image_slug => line(&facts.image),
        image => image_words(&line(&facts.image)),
        portal => facts.portal.as_deref().map(line),
        grace => facts.grace.filter(|grace| *grace != Span::default()).map(in_words),
        is_deleted_at_once => facts.grace == Some(Span::default()),
        password => password,
        password_until => facts.password_until.map(day),
        ..particulars(&letter.occasion)
    };
    let bad = |why: String| BadLetter::Template { word, why };
    let env = TEMPLATES.as_ref().map_err(|why| bad(why.clone()))?;
    let fill = |kind: &str| -> Result<String, minijinja::Error> {
        let body = env.get_template(&format!("{word}.{kind}.j2"))?.render(&context)?;
        let context =
            context! { body => Value::from_safe_string(body.trim_end().to_owned()), ..context.clone() };
        let whole = env.get_template(&format!("frame.{kind}.j2"))?.render(context)?;
        Ok(format!("{}\n", whole.trim_end()))
    };
    let text = fill("txt").map_err(|error| bad(error.to_string()))?;
    let html = fill("html").map_err(|error| bad(error.to_string()))?;
    Ok(Written { subject, text, html })
}

/// A name fit to be greeted with: no characters that steer, turn or hide text, at most 64 characters, and nothing
/// a mail program would turn into a link.
pub fn clean_name(name: &str) -> Option<String> {
    let clean: String = name.trim().chars().filter(|c| !hides(*c)).take(64).collect();
    let clean = clean.trim();
    let is_markup = clean.contains('<') && clean.contains('>');
    (!clean.is_empty() && !is_markup && !is_link(clean)).then(|| clean.to_owned())
}

/// `evil.example` is one, `J.R.R. Tolkien` and `Dr. Who` are none. The odd dots are dots in a host's name too.
fn is_link(name: &str) -> bool {
    const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];
    let is_host = |end: &str| end.chars().take_while(|c| c.is_alphanumeric() || *c == '-').count() > 1;
    name.contains(['/', '@', ':', '\\']) || name.split(DOTS).skip(1).any(is_host)
}

/// Every template, its blanks known; made once, since a letter is short and its template takes longer to read.
static TEMPLATES: LazyLock<Result<Environment<'static>, String>> =
    // minijinja's Display names the fault and the template's line, never a value.
    LazyLock::new(|| environment().map_err(|error| error.to_string()));

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // Block tags on lines of their own leave no trace.
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    macro_rules! add {
        ($($word:literal)*) => {
            $(
                let (text, html) = (concat!($word, ".txt.j2"), concat!($word, ".html.j2"));
                env.add_template(text, include_str!(concat!("../../letters/", $word, ".txt.j2")))?;
                env.add_template(html, include_str!(concat!("../../letters/", $word, ".html.j2")))?;
            )*
        };
    }
    add!("frame" "welcome" "suspended" "resumed" "ending" "ended" "failed");
    add!("operator-failed" "operator-deleted" "operator-refused" "operator-refund" "operator-not-ready");
    add!("operator-unsure" "operator-firewall");
    add!("operator-many" "operator-breaker");
    Ok(env)
}

fn subject(letter: &Letter) -> String {
    let server = subject_of(letter);
    match &letter.occasion {
        Occasion::Welcome { address, .. } => format!("Your server is ready: {server} ({address})"),
        Occasion::Suspended { .. } => format!("Your server is switched off: {server}"),
        Occasion::Resumed { address } => format!("Your server is on again: {server} ({address})"),
        Occasion::Ending { destroy_after: Some(at) } => {
            format!("Your server will be deleted on {}: {server}", day(*at))
        }
        Occasion::Ending { destroy_after: None } => format!("Your subscription has ended: {server}"),
        Occasion::Ended => format!("Your server has been deleted: {server}"),
        Occasion::Failed { refunded, .. } if refunded.is_empty() => {
            format!("We could not deliver your server: {server}")
        }
        Occasion::Failed { refunded, .. } => {
            format!("We could not deliver your server, and refunded {}: {server}", sum(refunded))
        }
        Occasion::AlertFailed { .. } => format!("[basement] delivery failed: {server}"),
        Occasion::AlertDeleted { .. } => format!("[basement] deleted outside basement: {server}"),
        Occasion::AlertMany { told } => {
            let cause = told.first().map_or("", |told| told.occasion.word());
            format!("[basement] {}: {}", cause_words(cause), count(told.len() as u64, "server"))
        }
        Occasion::AlertRefused { what, .. } => {
            format!("[basement] {} is refused: {server}", line(&what.replace('_', " ")))
        }
        Occasion::AlertRefund { .. } => format!("[basement] a refund came back: {server}"),
        Occasion::AlertNotReady { .. } => format!("[basement] not ready: {server}"),
        Occasion::AlertUnsure { .. } => format!("[basement] taken as delivered: {server}"),
        Occasion::AlertFirewall { .. } => "[basement] the firewall is not in force".to_owned(),
        Occasion::AlertBreaker { .. } => "[basement] creates and refunds are stopped".to_owned(),
    }
}

fn particulars(occasion: &Occasion) -> Value {
    match occasion {
        Occasion::Welcome { address, droplet: _, host_key } => {
            context! { address => address.to_string(), host_key => host_key.as_deref().map(line) }
        }
        Occasion::Resumed { address } => context! { address => address.to_string() },
        Occasion::Suspended { destroy_after, because } => {
            context! { destroy_after => destroy_after.map(at), because => line(because) }
        }
        Occasion::Ending { destroy_after } => context! { destroy_after => destroy_after.map(at) },
        Occasion::Ended => context! {},
        Occasion::Failed { why, refunded, cancelled, by_hand } => context! {
            why => undelivered(*why).0, refunded => sum(refunded), cancelled => cancelled, by_hand => by_hand
        },
        Occasion::AlertFailed { why, refunded, cancelled, remark } => context! {
            why => undelivered(*why).1, refunded => sum(refunded), cancelled => cancelled, remark => remark.as_deref().map(line)
        },
        Occasion::AlertDeleted { droplet } => context! { droplet => droplet.to_string() },
        Occasion::AlertMany { told } => {
            let what = |told: &Told| match &told.occasion {
                Occasion::AlertFailed { why, .. } => {
                    format!("{}; {}", undelivered(*why).1, alert_words(&told.occasion))
                }
                occasion => alert_words(occasion),
            };
            let item = |told: &Told| context! { server => told.server.as_str(), what => what(told) };
            context! {
                cause => told.first().map_or("", |told| told.occasion.word()),
                count => told.len(),
                told => told.iter().map(item).collect::<Vec<_>>(),
            }
        }
        Occasion::AlertRefused { what, why } => context! { what => line(what), why => line(why) },
        Occasion::AlertRefund { why } => context! { why => line(why) },
        Occasion::AlertNotReady { address, state, until } => context! {
            address => address.to_string(),
            found => readiness(state),
            is_other => matches!(state, Readiness::Mismatch { .. }),
            until => until.map(at),
        },
        Occasion::AlertUnsure { droplet, address } => {
            context! { droplet => droplet.to_string(), address => address.map(|at| at.to_string()) }
        }
        Occasion::AlertFirewall { why, waiting } => context! { why => line(why), waiting => waiting },
        Occasion::AlertBreaker { opened } => {
            context! { failures => failures(opened), since => at(opened.since) }
        }
    }
}

/// Why it was not delivered: for its customer, and for the operator.
fn undelivered(why: Undelivered) -> (&'static str, &'static str) {
    match why {
        Undelivered::NeverUp => ("It did not come up in time.", "its droplet did not come up in time"),
        Undelivered::NeverReady => (
            "It came up, but its set-up did not end well.",
            "its droplet came up, but its first boot did not end well",
        ),
        Undelivered::NeverTold => (
            "It came up, but its password was lost before we could tell you.",
            "its password was lost, on one droplet after the other",
        ),
        Undelivered::Unwanted => (
            "Your subscription ended before it could be made.",
            "it was wanted no more before it could be made",
        ),
    }
}

fn subject_of(letter: &Letter) -> &str {
    letter.server.as_ref().map_or("the fleet", ServerName::as_str)
}

fn sum(amounts: &[Money]) -> String {
    amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn at(moment: Moment) -> String {
    format!("{} at {} UTC", day(moment), &moment.clock()[..5])
}

/// Help is at an address or behind a link.
fn support_link(support: &str) -> Option<String> {
    let is_web = ["https://", "http://"].iter().any(|scheme| support.starts_with(scheme));
    match support {
        web if is_web => Some(web.to_owned()),
        address if address.contains('@') => Some(format!("mailto:{address}")),
        _ => None,
    }
}

/// `Ubuntu 22.04` for `ubuntu-22-04-x64`, `Debian 12` for `debian-12-x64`; a snapshot has but a number.
fn image_words(slug: &str) -> String {
    if slug.bytes().all(|b| b.is_ascii_digit()) {
        return "a system image of ours".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut was_number = false;
    for part in slug.strip_suffix("-x64").unwrap_or(slug).split('-') {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match words.last_mut() {
            Some(last) if is_number && was_number => *last = format!("{last}.{part}"),
            _ => words.push(capital(part)),
        }
        was_number = is_number;
    }
    words.join(" ")
}

/// As the makers write it.
fn capital(word: &str) -> String {
    const ODD: [(&str, &str); 4] = [
        ("centos", "CentOS"),
        ("rockylinux", "Rocky Linux"),
        ("almalinux", "AlmaLinux"),
        ("freebsd", "FreeBSD"),
    ];
    if let Some((_, name)) = ODD.iter().find(|(slug, _)| *slug == word) {
        return (*name).to_owned();
    }
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn in_words(span: Span) -> String {
    let seconds = span.as_seconds();
    let units = [(86_400, "one day", "days"), (3_600, "one hour", "hours"), (60, "one minute", "minutes")];
    match units.into_iter().find(|(length, ..)| seconds.is_multiple_of(*length)) {
        Some((length, one, _)) if seconds == length => one.to_owned(),
        Some((length, _, many)) => format!("{} {many}", seconds / length),
        None => format!("{seconds} seconds"),
    }
}

fn line(text: &str) -> String {
    text.replace(hides, " ").trim().to_owned()
}
