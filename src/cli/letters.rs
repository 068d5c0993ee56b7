//! `basement letters --preview`: every letter as it would be sent, for made-up servers. Sends nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use crate::adapters::folder;
use crate::fleet::userdata::{self, Templates};
use crate::model::ids::Slug;
use crate::model::letter::{Letter, Recipient};
use crate::model::moment::Moment;
use crate::model::policy::{Catalogue, PlanEntry};
use crate::ports::Mail;
use crate::render::letter::{LetterFacts, write};
use crate::render::letter_samples::{PASSWORD, Sample, samples};

use super::config::Config;
use super::error::{Failure, code};
use super::{Context, project, say, templates, wiring};

/// Arguments of `basement letters`.
#[derive(Debug, Args)]
pub(crate) struct LettersArgs {
    /// Write every letter for a made-up server, with the settings of `basement.toml`: `.eml` as it goes over the
    /// wire, `.html` and `.txt` as it is read.
    #[arg(
        long,
        required = true,
        num_args = 0..=1,
        default_missing_value = "letters-preview",
        value_name = "FOLDER"
    )]
    preview: PathBuf,
}

pub(super) async fn run(context: &Context, args: &LettersArgs) -> Result<u8, Failure> {
    let config = project::load_config(&context.dir)?;
    let templates = templates::read(&context.dir).0;
    let files = letters(&config, &templates, wiring::clock()?.now().await)?;
    let root = context.dir.join(&args.preview);
    let wrong = |error: std::io::Error| {
        Failure::new(
            format!("`{}` cannot be written: {error}", root.display()),
            "name a folder that this user may write, `basement letters --preview FOLDER`",
        )
    };
    let was = |path: &str| std::fs::read(root.join(path)).ok();
    let words = files.iter().map(|(path, text)| match was(path) {
        None => format!("+ {path}\n"),
        Some(old) if old == text.as_bytes() => format!("  {path} is the same\n"),
        Some(_) => format!("~ {path} was there and is replaced\n"),
    });
    let words: String = words.collect();
    std::fs::create_dir_all(&root).and_then(|()| folder::write(&root, &files)).map_err(wrong)?;
    say::print(&words)?;
    say::tell(&format!(
        "{} letters in {}; nothing was sent, and the password in them is no password",
        files.len() / 3,
        format_args!("`{}`", root.display())
    ));
    Ok(code::DONE)
}

/// All files, by name.
fn letters(config: &Config, templates: &Templates, now: Moment) -> Result<BTreeMap<String, String>, Failure> {
    let head = wiring::letterhead(&config.mail)?;
    let usual = facts(config, templates, now);
    let mut files = BTreeMap::new();
    for sample in samples(now).map_err(|bad| Failure::plain(bad.to_string()))? {
        let Sample { name, letter, instead } = sample;
        let facts = LetterFacts { instead, ..usual.clone() };
        let words = write(&letter, &facts, Some(PASSWORD)).map_err(|bad| Failure::plain(bad.to_string()))?;
        let mail = Mail {
            to: recipient(config, &letter, &facts),
            subject: words.subject,
            text: SecretString::from(words.text.clone()),
            html: SecretString::from(words.html.clone()),
            message_id: format!("preview.{name}"),
        };
        let message = head.formatted(&mail)?;
        files.insert(format!("{name}.eml"), message.expose_secret().to_owned());
        files.insert(format!("{name}.html"), words.html);
        files.insert(format!("{name}.txt"), words.text);
    }
    Ok(files)
}

fn recipient(config: &Config, letter: &Letter, facts: &LetterFacts) -> String {
    match letter.to {
        _ if facts.instead.is_some() => config.mail.operator.clone(),
        Recipient::Operator => config.mail.operator.clone(),
        Recipient::Customer(_) => "ada@example.com".to_owned(),
    }
}

/// The template of the catalogue's first plan.
fn own_template(config: &Config) -> &str {
    let first = config.catalogue.plans.first_key_value().and_then(|(_, entry)| entry.template.as_ref());
    first.unwrap_or(&config.catalogue.defaults.template)
}

/// What letters would say about the catalogue's first plan.
fn facts(config: &Config, templates: &Templates, now: Moment) -> LetterFacts {
    let Catalogue { defaults, plans } = &config.catalogue;
    let (plan, entry) = plans.first_key_value().unzip();
    let own = |pick: fn(&PlanEntry) -> Option<&Slug>| entry.and_then(pick);
    let mail = &config.mail;
    LetterFacts {
        brand: mail.brand.clone(),
        support: mail.support.clone(),
        name: Some("Ada Lovelace".to_owned()),
        instead: None,
        plan: plan.map(ToString::to_string).unwrap_or_default(),
        size: own(|entry| Some(&entry.size)).map(ToString::to_string).unwrap_or_default(),
        region: own(|entry| entry.region.as_ref()).unwrap_or(&defaults.region).to_string(),
        image: own(|entry| entry.image.as_ref()).unwrap_or(&defaults.image).to_string(),
        extras: userdata::extras(templates, own_template(config)),
        has_ssh_keys: !defaults.ssh_keys.is_empty(),
        firewall: config.policy.firewall,
        portal: mail.portal.clone(),
        grace: Some(config.policy.grace.canceled),
        password_until: Some(now.plus(mail.keep_password)),
    }
}
