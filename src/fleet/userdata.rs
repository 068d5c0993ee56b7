//! User-data: a cloud-init template, on its own or upon another, with its blanks filled in.
//! Invariant: what is filled in is from a closed alphabet, so it needs no quoting anywhere.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, context};
use sha2::{Digest, Sha256};

use super::cloud_config::{self, BadYaml};
use crate::model::ids::ServerName;
use crate::model::policy::{FirewallBy, ReadyBy};

/// DigitalOcean's limit. Source: DigitalOcean API v2, `user_data`.
const MAX_BYTES: usize = 64 * 1024;

/// A template that loops for ever must end; the built-in ones take some hundreds.
const FUEL: u64 = 100_000;

/// The templates compiled in: name and text. `init` writes them out.
pub const BUILT_IN: [(&str, &str); 2] = [
    ("base", include_str!("../../cloud-init/base.yaml")),
    ("php", include_str!("../../cloud-init/php.yaml")),
];

/// Templates by name.
pub type Templates = BTreeMap<String, String>;

/// What is filled into a template.
#[derive(Debug, Clone, Copy)]
pub struct Blanks<'a> {
    /// `root_hash`: the crypt hash of root's password.
    pub root_hash: &'a str,
    /// `server_id`: see [`server_id`].
    pub server_id: &'a str,
    /// `firewall`: who keeps it: `ufw`, `cloud` or `both`.
    pub firewall: FirewallBy,
}

/// Why there is no user-data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUserData {
    /// The hash is not a sha512-crypt one. It is not repeated here: it is nobody's business.
    #[error("the root password's hash is not a `$6$` crypt hash")]
    Hash,
    /// The id is not one of ours.
    #[error("`{0}` is not a server id: 8 to 40 of a-z and 0-9")]
    ServerId(String),
    /// Not there.
    #[error("there is no template `{0}`; hint: add `cloud-init/{0}.yaml`")]
    Missing(String),
    /// A line of it is wrong.
    #[error("line {line} of the cloud-init template `{template}`: {message}; hint: {cure}")]
    Template {
        /// Whose line, which may be that of one it builds upon.
        template: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        cure: &'static str,
    },
    /// The customer could not log in.
    #[error(
        "the cloud-init template has no `{{{{ root_hash }}}}`; hint: without it the mailed password is not the server's"
    )]
    NoHash,
    /// Nobody would ever see that the server is ready.
    #[error(
        "the cloud-init template has no `{{{{ server_id }}}}`; hint: the page it writes must show it, or no server is \
         ever ready; or set `ready = \"address\"`"
    )]
    NoServerId,
    /// A mark that nobody sees, and cloud-init does not take.
    #[error("the cloud-init template begins with a byte order mark; hint: save it as UTF-8 without one")]
    Mark,
    /// Lines that end as on Windows.
    #[error(
        "the lines of the cloud-init template end with CR LF; hint: save it with plain line feeds (`dos2unix`)"
    )]
    LineEnds,
    /// cloud-init would ignore it without a word.
    #[error(
        "the cloud-init template begins neither with `#cloud-config` nor with `#!`; hint: cloud-init would ignore it"
    )]
    Header,
    /// Too large for DigitalOcean.
    #[error("the user-data has {0} bytes, and 65536 is the most; hint: let the template fetch what is large")]
    TooLarge(usize),
    /// cloud-init could not use it.
    #[error(transparent)]
    Yaml(#[from] BadYaml),
    /// Something got in that should not.
    #[error(
        "the cloud-init template takes `{0}` for a value; hint: this is a bug in basement, please report it"
    )]
    Open(String),
}

/// The built-in templates.
pub fn built_in() -> Templates {
    BUILT_IN.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

/// A server's public id, by which its own `basement.json` is told from another's: new for every attempt.
pub fn server_id(server: &ServerName, attempt: u32) -> String {
    let mut hex = format!("{:x}", Sha256::digest(format!("{server}/{attempt}")));
    hex.truncate(20);
    hex
}

/// What a template says it puts on a server: its lines `# letter: …`, behind those of the one it builds upon.
pub fn extras(templates: &Templates, name: &str) -> Vec<String> {
    let mut below: Vec<&str> = Vec::new();
    let mut next = Some(name);
    let mut lines = Vec::new();
    while let Some((name, text)) = next.and_then(|name| templates.get_key_value(name)) {
        if below.contains(&name.as_str()) {
            break;
        }
        below.push(name);
        let own = text.lines().filter_map(|line| line.trim().strip_prefix("# letter:"));
        let own = own.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        lines.splice(0..0, own);
        next = text
            .lines()
            .filter(|line| line.trim_start().starts_with("#%") || line.contains("{*%"))
            .find_map(|line| line.split_once("extends \"")?.1.split('"').next());
    }
    lines
}

/// Fills in the blanks of a template, which may build upon others.
pub fn render(templates: &Templates, name: &str, blanks: Blanks<'_>) -> Result<String, BadUserData> {
    if !is_hash(blanks.root_hash) {
        return Err(BadUserData::Hash);
    }
    if !is_server_id(blanks.server_id) {
        return Err(BadUserData::ServerId(blanks.server_id.chars().take(80).collect()));
    }
    if !templates.contains_key(name) {
        return Err(BadUserData::Missing(name.to_owned()));
    }
    let filled = fill(templates, name, blanks).map_err(|error| explain(name, &error))?;
    if filled.starts_with('\u{feff}') {
        return Err(BadUserData::Mark);
    }
    if filled.lines().next().is_some_and(|line| filled[line.len()..].starts_with("\r\n")) {
        return Err(BadUserData::LineEnds);
    }
    if !filled.starts_with("#cloud-config\n") && !filled.starts_with("#!") {
        return Err(BadUserData::Header);
    }
    if !filled.contains(blanks.root_hash) {
        return Err(BadUserData::NoHash);
    }
    if let Some((n, line)) = filled.lines().enumerate().find(|(_, line)| !line.is_ascii()) {
        return Err(not_ascii(templates, name, n + 1, line));
    }
    if filled.len() > MAX_BYTES { Err(BadUserData::TooLarge(filled.len())) } else { Ok(filled) }
}

/// Whether droplets can boot from a template: known before a create fails of it. Tried with values at both
/// ends of their alphabets, which YAML may take for something else, and with some that must not get in.
pub fn check(templates: &Templates, name: &str, ready: ReadyBy) -> Result<(), BadUserData> {
    let [short, long] =
        ["$6$a$", "$6$rounds=999999999$/./.abcdefABCDEF$"].map(|salt| salt.to_owned() + &"x".repeat(86));
    let ids = ["12345678".to_owned(), "1e345678".to_owned(), "z".repeat(40)];
    for firewall in [FirewallBy::Ufw, FirewallBy::Cloud, FirewallBy::Both] {
        for (root_hash, server_id) in
            [&short, &long].iter().flat_map(|hash| ids.iter().map(move |id| (hash, id)))
        {
            let filled = render(templates, name, Blanks { root_hash, server_id, firewall })?;
            let said = cloud_config::check(&filled, templates.get(name).map_or("", String::as_str))?;
            if !said.contains(root_hash.as_str()) {
                return Err(BadUserData::NoHash);
            }
            if ready == ReadyBy::Http && !said.contains(server_id.as_str()) {
                return Err(BadUserData::NoServerId);
            }
        }
    }
    let gets_in = |root_hash: &str, server_id: &str| {
        render(templates, name, Blanks { root_hash, server_id, firewall: FirewallBy::Ufw }).is_ok()
    };
    let hostile = [
        "\n",
        "\"",
        "'",
        "#",
        "$(reboot)",
        "`reboot`",
        "; reboot",
        "\"\nruncmd: [reboot]\n#",
        "{{ x }}",
        "\0",
        "\u{e9}",
    ];
    for value in hostile {
        let hashes = [format!("{short}{value}x"), format!("{value}{long}")];
        if hashes.iter().any(|hash| gets_in(hash, &ids[0])) || gets_in(&short, &format!("{}{value}", ids[0]))
        {
            return Err(BadUserData::Open(value.escape_debug().to_string()));
        }
    }
    Ok(())
}

/// Jinja with marks of our own: its `{#` and `{%` are shell, and a line that begins with `#%` is nothing yet.
fn fill(templates: &Templates, name: &str, blanks: Blanks<'_>) -> Result<String, minijinja::Error> {
    let Blanks { root_hash, server_id, .. } = blanks;
    let firewall = match blanks.firewall {
        FirewallBy::Ufw => "ufw",
        FirewallBy::Cloud => "cloud",
        FirewallBy::Both => "both",
    };
    let mut env = Environment::new();
    env.set_syntax(
        SyntaxConfig::builder()
            .line_statement_prefix("#%")
            .block_delimiters("{*%", "%*}")
            .comment_delimiters("{*#", "#*}")
            .keep_trailing_newline(true)
            .build()?,
    );
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_fuel(Some(FUEL));
    for (other, text) in templates {
        match env.add_template(other, text) {
            // What is wrong with one that is not asked for is not this one's trouble.
            Err(error) if other == name => return Err(error),
            _ => {}
        }
    }
    env.get_template(name)?.render(context! { root_hash, server_id, firewall })
}

/// minijinja's word for it, and ours. Its own names a value nowhere but in the detail of some errors, which are left out.
fn explain(name: &str, error: &minijinja::Error) -> BadUserData {
    let line = error.line().unwrap_or(1);
    let template = error.name().unwrap_or(name).to_owned();
    let (message, cure) = match error.kind() {
        ErrorKind::UndefinedError => (
            "an unknown blank".to_owned(),
            "there are `{{ root_hash }}`, `{{ server_id }}` and `{{ firewall }}`",
        ),
        ErrorKind::SyntaxError => (
            error.detail().unwrap_or("syntax error").to_owned(),
            "what stands in `{{ }}` and behind `#%` is Jinja",
        ),
        ErrorKind::TemplateNotFound => (
            "it builds upon a template that is not there".to_owned(),
            "the built-in ones are `base` and `php`",
        ),
        ErrorKind::InvalidOperation if error.detail().is_some_and(|detail| detail.contains("cycle")) => {
            ("it builds upon itself".to_owned(), "take another name, and build upon `base`")
        }
        ErrorKind::OutOfFuel => ("it takes too long to fill in".to_owned(), "look for a loop without an end"),
        kind => (kind.to_string(), "`base`, which `basement init` writes out, shows what works"),
    };
    BadUserData::Template { template, line, message, cure }
}

/// DigitalOcean takes plain ASCII safely, and nothing else for sure. The line may be that of a template below.
fn not_ascii(templates: &Templates, name: &str, n: usize, line: &str) -> BadUserData {
    let within = |text: &String| text.lines().position(|one| one == line);
    let found = templates.iter().find_map(|(name, text)| Some((name.clone(), within(text)? + 1)));
    let (template, line) = found.unwrap_or((name.to_owned(), n));
    let cure = "look for quotes and dashes of a word processor";
    BadUserData::Template { template, line, message: "not plain ASCII".to_owned(), cure }
}

/// `$6$[rounds=N$]salt$hash`: a salt of 1 to 16 characters, a hash of 86.
fn is_hash(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("$6$") else { return false };
    let rest = match rest.strip_prefix("rounds=").and_then(|rest| rest.split_once('$')) {
        Some((rounds, rest)) if !rounds.is_empty() && rounds.bytes().all(|b| b.is_ascii_digit()) => rest,
        Some(_) => return false,
        None => rest,
    };
    let Some((salt, hash)) = rest.split_once('$') else { return false };
    let clean = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
    (1..=16).contains(&salt.len()) && hash.len() == 86 && clean(salt) && clean(hash)
}

fn is_server_id(text: &str) -> bool {
    (8..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
