//! DigitalOcean behind [`Cloud`]. A listing is complete or a fault; a create is never sent twice after a
//! lost reply; nothing is waited for here but the request budget and short retries.

mod call;
mod checkup;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use self::call::{Call, Caller};
use super::http::Limits;
use super::pace::{Pace, backoff};
use crate::model::census::{Account, Droplet, DropletStatus, Image, MARK, Size};
use crate::model::firewall::{Firewall, FirewallOrder};
use crate::model::ids::{DropletId, ServerName, Slug};
use crate::model::step::CreateOrder;
use crate::ports::{Clock, Cloud, Detail, Fault, PowerCall};
use crate::wire::digitalocean as wire;

/// Items on a page. Source: API v2, `per_page`, maximum 200.
const PER_PAGE: &str = "200";
/// How often a listing may contradict itself before it is a fault.
const LISTINGS: u32 = 3;
/// A listing with more pages (200,000 droplets) has no end.
const MAX_PAGES: u64 = 1_000;
/// A pending event is asked about again after so long.
const BUSY: Duration = Duration::from_secs(10);

/// The DigitalOcean API v2.
pub struct DigitalOcean {
    caller: Caller,
}

impl DigitalOcean {
    /// Speaks to `base_url` (`https://…`, or plain HTTP on this machine) with this token. The error names what is wrong.
    pub fn new(
        base_url: &str,
        token: SecretString,
        pace: Arc<Pace>,
        clock: Arc<dyn Clock>,
        user_agent: &str,
    ) -> Result<Self, String> {
        Ok(Self { caller: Caller::new(base_url, token, pace, clock, user_agent)? })
    }

    /// The same, with other limits for one exchange.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.caller.limits = limits;
        self
    }

    /// All pages of a listing, read anew when they contradict one another.
    async fn list<T, K: Ord>(
        &self,
        call: &Call,
        read: fn(&str) -> Result<wire::Page<T>, wire::Unreadable>,
        key: fn(&T) -> Option<K>,
    ) -> Result<Vec<T>, Fault> {
        let mut doubts = String::new();
        for round in 0..LISTINGS {
            if round > 0 {
                self.caller.wait(backoff(round - 1), &doubts).await;
            }
            match self.sweep(call, read, key).await? {
                Ok(items) => return Ok(items),
                Err(doubt) => doubts = doubt,
            }
        }
        let message = format!(
            "the listing contradicted itself {LISTINGS} times, last: {doubts}; hint: somebody may be making or destroying many droplets; run it again"
        );
        let detail = Detail { call: call.text(), message, ..Detail::default() };
        Err(Fault::Unavailable { after: Some(BUSY), detail })
    }

    /// All pages once, or what does not add up. Pages are counted and `next` is never followed: it only says
    /// that there is more, so the filter cannot be lost and the token goes nowhere else.
    async fn sweep<T, K: Ord>(
        &self,
        call: &Call,
        read: fn(&str) -> Result<wire::Page<T>, wire::Unreadable>,
        key: fn(&T) -> Option<K>,
    ) -> Result<Result<Vec<T>, String>, Fault> {
        let (mut items, mut keys, mut first_total) = (Vec::new(), BTreeSet::new(), None);
        for number in 1..=MAX_PAGES {
            let call =
                if number == 1 { call.clone() } else { call.clone().with("page", &number.to_string()) };
            let answer = self.caller.send(&call).await?;
            let page = read(&answer.body).map_err(|odd| call.unreadable(&answer, &odd))?;
            let total = *first_total.get_or_insert(page.total);
            if page.total != total {
                return Ok(Err(format!("the total went from {total} to {} between pages", page.total)));
            }
            if page.more && page.items.is_empty() {
                return Ok(Err(format!("page {number} is empty, and says that there is another")));
            }
            for item in page.items {
                if key(&item).is_some_and(|key| !keys.insert(key)) {
                    return Ok(Err(format!("page {number} repeats an item of an earlier one")));
                }
                items.push(item);
            }
            let seen = u64::try_from(items.len()).unwrap_or(u64::MAX);
            if !page.more || seen > total {
                let whole = seen == total;
                return Ok(if whole {
                    Ok(items)
                } else {
                    Err(format!("it has {seen} items, and says that there are {total}"))
                });
            }
        }
        let message = format!("the listing has no end after {MAX_PAGES} pages");
        let detail = Detail { call: call.text(), message, ..Detail::default() };
        Err(Fault::Unavailable { after: Some(BUSY), detail })
    }

    /// One power action; a busy droplet is `Unavailable`.
    async fn act(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        let kind = match call {
            PowerCall::On => "power_on",
            PowerCall::Shutdown => "shutdown",
            PowerCall::Off => "power_off",
        };
        let call = Call::post(format!("/v2/droplets/{id}/actions"), wire::action_body(kind))
            .needs("`droplet:update`, `actions:read`");
        match self.caller.send(&call).await {
            Ok(answer) => match wire::action_status(&answer.body) {
                Ok(wire::Progress::Errored) => Err(Fault::Unavailable {
                    after: Some(BUSY),
                    detail: call.detail(&answer, "the action was taken and failed at once"),
                }),
                Ok(wire::Progress::InProgress | wire::Progress::Completed) => Ok(()),
                Err(odd) => Err(call.lost_reply(&answer, &odd)),
            },
            Err(Fault::Refused(detail)) if detail.status == Some(422) && wire::says_busy(&detail.message) => {
                Err(Fault::Unavailable { after: Some(BUSY), detail })
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whether the droplet's power is as wanted, by looking.
    async fn is_powered(&self, id: DropletId, call: PowerCall) -> Result<bool, Fault> {
        let wanted = match call {
            PowerCall::On => DropletStatus::Active,
            PowerCall::Shutdown | PowerCall::Off => DropletStatus::Off,
        };
        Ok(self.droplet(id).await?.is_some_and(|droplet| droplet.status == wanted))
    }
}

#[async_trait]
impl Cloud for DigitalOcean {
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault> {
        let call = Call::get("/v2/droplets")
            .with("tag_name", MARK)
            .with("per_page", PER_PAGE)
            .needs("`droplet:read`, `tag:read`");
        let mut droplets = self.list(&call, wire::droplets, |droplet| Some(droplet.id)).await?;
        if let Some(stranger) = droplets.iter().find(|droplet| !droplet.is_ours()) {
            let message = format!(
                "droplet `{}` is listed under the tag `{MARK}` and does not show it; hint: give the token the scope `tag:read`",
                stranger.id
            );
            return Err(Fault::refused(&call.text(), message));
        }
        droplets.sort_by_key(|droplet| droplet.id);
        Ok(droplets)
    }

    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault> {
        let call = Call::get(&format!("/v2/droplets/{id}")).needs("`droplet:read`, `tag:read`").or_absent();
        let answer = self.caller.send(&call).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let droplet = wire::droplet(&answer.body).map_err(|odd| call.unreadable(&answer, &odd))?;
        if droplet.id != id {
            let why = format!("asked for droplet `{id}`, got `{}`", droplet.id);
            return Err(Fault::Refused(call.detail(&answer, &why)));
        }
        Ok(Some(droplet))
    }

    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault> {
        let call = Call::get("/v2/droplets")
            .with("name", name.as_str())
            .with("per_page", PER_PAGE)
            .needs("`droplet:read`, `tag:read`");
        let mut droplets = self.list(&call, wire::droplets, |droplet| Some(droplet.id)).await?;
        droplets.retain(|droplet| droplet.name.eq_ignore_ascii_case(name.as_str()));
        droplets.sort_by_key(|droplet| droplet.id);
        Ok(droplets)
    }

    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault> {
        let body = wire::create_body(order, user_data)
            .map_err(|message| Fault::refused("POST /v2/droplets", message))?;
        let call = Call::post("/v2/droplets".to_owned(), body)
            .needs("`droplet:create`, `tag:create`, `ssh_key:read`")
            .making();
        let answer = self.caller.send(&call).await?;
        wire::created(&answer.body, &order.server).map_err(|odd| call.lost_reply(&answer, &odd))
    }

    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        let word = if call == PowerCall::On { "on" } else { "off" };
        let mut lost = None;
        loop {
            let fault = match self.act(id, call).await {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            };
            let detail = fault.detail();
            match &fault {
                Fault::Refused(_) if detail.status == Some(422) => {
                    let already = wire::says_already(&detail.message, word);
                    if already || self.is_powered(id, call).await.unwrap_or(false) {
                        return Ok(());
                    }
                }
                // Power is the same when asked twice, so a lost reply is worth a look and a second try.
                Fault::Unknown(_) if lost.is_none() => match self.is_powered(id, call).await {
                    Ok(true) => return Ok(()),
                    Ok(false) => {
                        lost = Some(fault);
                        continue;
                    }
                    Err(_) => {}
                },
                _ => {}
            }
            // Whatever the second try says, the first may have been carried out.
            return Err(lost.unwrap_or(fault));
        }
    }

    async fn destroy(&self, id: DropletId) -> Result<(), Fault> {
        let call = Call::delete(&format!("/v2/droplets/{id}")).needs("`droplet:delete`").or_absent();
        self.caller.send(&call).await.map(|_| ())
    }

    async fn ensure_tag(&self, tag: &str) -> Result<(), Fault> {
        let call = Call::post("/v2/tags".to_owned(), wire::tag_body(tag)).needs("`tag:create`");
        let answer = self.caller.send(&call).await?;
        wire::tag_made(&answer.body, tag).map_err(|odd| call.lost_reply(&answer, &odd))
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>, Fault> {
        let call = Call::get("/v2/firewalls")
            .with("per_page", PER_PAGE)
            .needs("`firewall:read`, `droplet:read`, `tag:read`");
        let key = |seen: &Option<Firewall>| seen.as_ref().map(|seen| seen.id.clone());
        Ok(self.list(&call, wire::firewalls, key).await?.into_iter().flatten().collect())
    }

    async fn put_firewall(&self, order: &FirewallOrder) -> Result<(), Fault> {
        let body = wire::firewall_body(order);
        let call = match &order.id {
            Some(id) => Call::put(&format!("/v2/firewalls/{id}"), body),
            None => Call::post("/v2/firewalls".to_owned(), body),
        };
        let call = call.needs("`firewall:create`, `firewall:update`, `droplet:read`, `tag:read`");
        let answer = self.caller.send(&call).await?;
        wire::firewall_put(&answer.body).map_err(|odd| call.lost_reply(&answer, &odd))
    }

    async fn account(&self) -> Result<Account, Fault> {
        let call = Call::get("/v2/account").needs("`account:read`, `droplet:read`");
        let answer = self.caller.send(&call).await?;
        wire::account(&answer.body).map_err(|odd| call.unreadable(&answer, &odd))
    }

    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault> {
        let call = Call::get("/v2/sizes").with("per_page", PER_PAGE).needs("`sizes:read`");
        let sizes = self.list(&call, wire::sizes, |size| size.as_ref().map(|(slug, _)| slug.clone())).await?;
        Ok(sizes.into_iter().flatten().collect())
    }

    async fn image(&self, slug: &Slug) -> Result<Option<Image>, Fault> {
        let call = Call::get(&format!("/v2/images/{slug}")).needs("`image:read`").or_absent();
        let answer = self.caller.send(&call).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        wire::image(&answer.body).map(Some).map_err(|odd| call.unreadable(&answer, &odd))
    }

    /// Source: DigitalOcean API v2, "Retrieve an Existing SSH Key": `GET /v2/account/keys/$ID` or `…/$FINGERPRINT`.
    /// The listing of all keys may be asked for ten times a minute only, by all that share the token.
    async fn has_key(&self, key: &str) -> Result<bool, Fault> {
        let call = Call::get(&format!("/v2/account/keys/{key}")).needs("`ssh_key:read`").or_absent();
        let answer = self.caller.send(&call).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        wire::ssh_key(&answer.body).map(|()| true).map_err(|odd| call.unreadable(&answer, &odd))
    }

    fn left(&self) -> Option<(u64, u64)> {
        self.caller.left()
    }
}
