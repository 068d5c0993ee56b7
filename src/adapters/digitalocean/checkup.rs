//! Harmless questions that show what a token may read. What it may write cannot be asked without writing:
//! DigitalOcean lists no scopes, and a field whose scope is missing is just absent.

use std::collections::{BTreeMap, BTreeSet};

use super::DigitalOcean;
use super::call::Call;
use crate::adapters::http::Answer;
use crate::model::census::{Image, MARK};
use crate::model::ids::Slug;
use crate::ports::{Asked, Cloud as _, Fault};
use crate::wire::digitalocean as wire;

impl DigitalOcean {
    /// Asks for everything that a plan reads, one item each, for these images with the regions they are used in, and
    /// these SSH keys; for firewalls only if one is wanted.
    pub async fn checkup(
        &self,
        images: &BTreeMap<Slug, BTreeSet<Slug>>,
        keys: &[String],
        with_firewall: bool,
    ) -> Vec<Asked> {
        let one = |path: &str| Call::get(path).with("per_page", "1");
        let calls: [(&'static str, Call, Read); 4] = [
            ("account:read", Call::get("/v2/account").needs("`account:read`, `droplet:read`"), account),
            (
                "droplet:read",
                one("/v2/droplets").with("tag_name", MARK).needs("`droplet:read`, `tag:read`"),
                droplets,
            ),
            ("tag:read", one("/v2/tags").needs("`tag:read`"), |_| Ok(String::new())),
            ("sizes:read", one("/v2/sizes").needs("`sizes:read`"), sizes),
        ];
        let firewall: (_, _, Read) =
            ("firewall:read", one("/v2/firewalls").needs("`firewall:read`"), |_| Ok(String::new()));
        let mut asked = Vec::new();
        for (what, call, read) in calls.into_iter().chain(with_firewall.then_some(firewall)) {
            let (result, date) = match self.caller.send(&call).await {
                Ok(answer) => (read(&answer), answer.date()),
                Err(fault) => (Err(fault), None),
            };
            // A token that is not known, or no network, will be the same to the next question.
            let is_over = result.as_ref().is_err_and(Fault::is_hopeless);
            asked.push(Asked { what: what.into(), result, date });
            if is_over {
                return asked;
            }
        }
        for (slug, regions) in images {
            let result = self.image(slug).await.and_then(|known| image(slug, regions, known));
            asked.push(Asked { what: format!("image `{slug}`").into(), result, date: None });
        }
        for key in keys {
            let result = self.has_key(key).await.and_then(|is_there| ssh_key(key, is_there));
            asked.push(Asked { what: "SSH key".into(), result, date: None });
        }
        asked
    }
}

/// What an answer says to a person.
type Read = fn(&Answer) -> Result<String, Fault>;

fn account(answer: &Answer) -> Result<String, Fault> {
    let odd = |why: String| Fault::refused("GET /v2/account", why);
    let account = wire::account(&answer.body).map_err(|why| odd(why.to_string()))?;
    if account.status == "locked" {
        return Err(odd("the account is locked; hint: look at DigitalOcean's control panel".to_owned()));
    }
    let Some(limit) = account.droplet_limit else {
        let why = "the account shows no droplet limit; hint: give the token the scope `droplet:read`";
        return Err(odd(why.to_owned()));
    };
    Ok(format!("team {}, {}, at most {limit} droplets", account.team, account.status))
}

fn droplets(answer: &Answer) -> Result<String, Fault> {
    let odd = |why: String| Fault::refused("GET /v2/droplets", why);
    let page = wire::droplets(&answer.body).map_err(|why| odd(why.to_string()))?;
    if page.items.iter().any(|droplet| !droplet.is_ours()) {
        let why = format!(
            "a droplet listed under the tag `{MARK}` does not show it; hint: give the token the scope `tag:read`"
        );
        return Err(odd(why));
    }
    Ok(format!("{} with the tag `{MARK}`", page.total))
}

fn image(slug: &Slug, regions: &BTreeSet<Slug>, known: Option<Image>) -> Result<String, Fault> {
    let bad = |why: &str| {
        let call = format!("GET /v2/images/{slug}");
        let cure = "name one that DigitalOcean has in `basement.toml`";
        Err(Fault::refused(&call, format!("{why}; hint: {cure}")))
    };
    let Some(known) = known.filter(|known| known.available) else {
        return bad("there is no such image, or not any more");
    };
    match regions.iter().find(|region| !known.has(region)) {
        Some(region) => bad(&format!("the image is not in `{region}`")),
        None => Ok("is there".to_owned()),
    }
}

fn ssh_key(key: &str, is_there: bool) -> Result<String, Fault> {
    if is_there {
        return Ok(format!("`{key}` is in the team"));
    }
    let why = "the team has no such SSH key; hint: add it to the team, or take it out of `basement.toml`";
    Err(Fault::refused(&format!("GET /v2/account/keys/{key}"), why))
}

fn sizes(answer: &Answer) -> Result<String, Fault> {
    let page = wire::sizes(&answer.body).map_err(|why| Fault::refused("GET /v2/sizes", why.to_string()))?;
    Ok(format!("{} on the price list", page.total))
}
