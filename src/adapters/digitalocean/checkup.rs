//! Harmless questions that show what a token may read. What it may write cannot be asked without writing:
//! DigitalOcean lists no scopes, and a field whose scope is missing is just absent.

use super::DigitalOcean;
use super::call::Call;
use crate::adapters::http::Answer;
use crate::model::census::MARK;
use crate::ports::{Asked, Fault};
use crate::wire::digitalocean as wire;

impl DigitalOcean {
    /// Asks for everything that a plan reads, one item each; for SSH keys only if they are used, since they may be
    /// asked for ten times a minute; for firewalls only if one is wanted.
    pub async fn checkup(&self, with_keys: bool, with_firewall: bool) -> Vec<Asked> {
        let one = |path: &str| Call::get(path).with("per_page", "1");
        let mut calls: Vec<(&'static str, Call, Read)> = vec![
            ("account:read", Call::get("/v2/account").needs("`account:read`, `droplet:read`"), account),
            (
                "droplet:read",
                one("/v2/droplets").with("tag_name", MARK).needs("`droplet:read`, `tag:read`"),
                droplets,
            ),
            ("tag:read", one("/v2/tags").needs("`tag:read`"), |_| Ok(String::new())),
            ("sizes:read", one("/v2/sizes").needs("`sizes:read`"), sizes),
        ];
        if with_keys {
            let call = one("/v2/account/keys").needs("`ssh_key:read`");
            calls.push(("ssh_key:read", call, |_| Ok(String::new())));
        }
        if with_firewall {
            calls.push(("firewall:read", one("/v2/firewalls").needs("`firewall:read`"), |_| {
                Ok(String::new())
            }));
        }
        let mut asked = Vec::new();
        for (what, call, read) in calls {
            let (result, date) = match self.caller.send(&call).await {
                Ok(answer) => (read(&answer), answer.date()),
                Err(fault) => (Err(fault), None),
            };
            // A token that is not known, or no network, will be the same to the next question.
            let is_over = result.as_ref().is_err_and(Fault::is_hopeless);
            asked.push(Asked { what, result, date });
            if is_over {
                break;
            }
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

fn sizes(answer: &Answer) -> Result<String, Fault> {
    let page = wire::sizes(&answer.body).map_err(|why| Fault::refused("GET /v2/sizes", why.to_string()))?;
    Ok(format!("{} on the price list", page.total))
}
