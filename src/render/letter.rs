//! Letters, put into words: subject, plain text, and the same in simple HTML.
//! Invariant: a secret stands in the welcome letter's body and nowhere else, least of all in a subject.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::model::letter::{Letter, Occasion, Recipient};
use crate::model::moment::{Moment, Span};
use crate::model::money::Money;

use super::words::{day, hides};

/// What a letter says beside its occasion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFacts {
    /// The name of the business.
    pub brand: String,
    /// Where customers write to.
    pub support: String,
    /// The customer's name as Stripe has it, typed by somebody: cleaned here.
    pub name: Option<String>,
    /// Plan of the catalogue.
    pub plan: String,
    /// Size slug.
    pub size: String,
    /// Region slug.
    pub region: String,
    /// Image slug.
    pub image: String,
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
            Some(password.ok_or_else(|| BadLetter::NoPassword(letter.server.to_string()))?)
        }
        _ => None,
    };
    let word = letter.occasion.word();
    let subject = subject(letter);
    let (text_body, html_body) = templates(&letter.occasion);
    let context = context! {
        subject => subject.clone(),
        customer => matches!(letter.to, Recipient::Customer(_)),
        server => letter.server.as_str(),
        name => facts.name.as_deref().and_then(clean_name),
        brand => line(&facts.brand),
        support => line(&facts.support),
        plan => line(&facts.plan),
        size => line(&facts.size),
        region => line(&facts.region),
        image => line(&facts.image),
        portal => facts.portal.as_deref().map(line),
        grace => facts.grace.map(in_words),
        password => password,
        password_until => facts.password_until.map(day),
        ..particulars(&letter.occasion)
    };
    let env = environment();
    let fill = |name: &str, frame: &str, body: &str| -> Result<String, minijinja::Error> {
        let body = env.render_named_str(name, body, &context)?;
        let context =
            context! { body => Value::from_safe_string(body.trim_end().to_owned()), ..context.clone() };
        let whole = env.render_named_str(name, frame, context)?;
        Ok(format!("{}\n", whole.trim_end()))
    };
    // minijinja's Display names the fault and the template's line, never a value.
    let bad = |error: minijinja::Error| BadLetter::Template { word, why: error.to_string() };
    let text = fill("letter.txt.j2", include_str!("../../letters/frame.txt.j2"), text_body).map_err(bad)?;
    let html = fill("letter.html.j2", include_str!("../../letters/frame.html.j2"), html_body).map_err(bad)?;
    Ok(Written { subject, text, html })
}

/// A name fit to be greeted with: no characters that steer, turn or hide text, at most 64 characters, and nothing
/// a mail program would turn into a link.
pub fn clean_name(name: &str) -> Option<String> {
    let clean: String = name.trim().chars().filter(|c| !hides(*c)).take(64).collect();
    let clean = clean.trim();
    let link = clean.contains(['/', '@', ':']) || clean.to_ascii_lowercase().contains("www.");
    (!clean.is_empty() && !link).then(|| clean.to_owned())
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // Block tags on lines of their own leave no trace. The builder only fails on odd delimiters.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        env.set_syntax(syntax);
    }
    env
}

fn templates(occasion: &Occasion) -> (&'static str, &'static str) {
    macro_rules! pair {
        ($word:literal) => {
            (
                include_str!(concat!("../../letters/", $word, ".txt.j2")),
                include_str!(concat!("../../letters/", $word, ".html.j2")),
            )
        };
    }
    match occasion {
        Occasion::Welcome { .. } => pair!("welcome"),
        Occasion::Suspended { .. } => pair!("suspended"),
        Occasion::Resumed { .. } => pair!("resumed"),
        Occasion::Ending { .. } => pair!("ending"),
        Occasion::Ended => pair!("ended"),
        Occasion::Failed { .. } => pair!("failed"),
        Occasion::AlertFailed { .. } => pair!("alert-failed"),
        Occasion::AlertDeleted { .. } => pair!("alert-deleted"),
    }
}

fn subject(letter: &Letter) -> String {
    let server = &letter.server;
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
    }
}

fn particulars(occasion: &Occasion) -> Value {
    match occasion {
        Occasion::Welcome { address, droplet: _ } | Occasion::Resumed { address } => {
            context! { address => address.to_string() }
        }
        Occasion::Suspended { destroy_after, because } => {
            context! { destroy_after => destroy_after.map(at), because => line(because) }
        }
        Occasion::Ending { destroy_after } => context! { destroy_after => destroy_after.map(at) },
        Occasion::Ended => context! {},
        Occasion::Failed { refunded, cancelled, by_hand } => {
            context! { refunded => sum(refunded), cancelled => cancelled, by_hand => by_hand }
        }
        Occasion::AlertFailed { refunded, cancelled, remark } => context! {
            refunded => sum(refunded), cancelled => cancelled, remark => remark.as_deref().map(line)
        },
        Occasion::AlertDeleted { droplet } => context! { droplet => droplet.to_string() },
    }
}

fn sum(amounts: &[Money]) -> String {
    amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

fn at(moment: Moment) -> String {
    format!("{} at {} UTC", day(moment), &moment.clock()[..5])
}

fn in_words(span: Span) -> String {
    match span.as_seconds() {
        86_400 => "one day".to_owned(),
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => format!("{} days", seconds / 86_400),
        _ => span.to_string(),
    }
}

fn line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}
