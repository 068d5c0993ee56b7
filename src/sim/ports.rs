//! Door one: the simulated cloud and mail relay straight through the ports, in virtual time.
//! Trouble and budgets strike in the same places as over HTTP; nothing is retried here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;

use crate::model::census::{Account, Droplet, DropletStatus, Image, MARK, Size, with_backups};
use crate::model::firewall::{Firewall, FirewallOrder, NAME};
use crate::model::ids::{DropletId, ServerName, Slug};
use crate::model::moment::Moment;
use crate::model::money::Money;
use crate::model::step::CreateOrder;
use crate::ports::{Clock, Cloud, Detail, Fault, Mail, Mailer, PowerCall};
use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_firewall::Content;
use crate::sim::machine::{Kind, Machine, Order, Power, Refusal};
use crate::sim::outbox::{self, MAIL, local_part};
use crate::sim::requests::Vendor;
use crate::sim::trouble::Mishap;
use crate::sim::world::{Admission, Call, Delivered, Shared, World, lock, wait_until};
use crate::sim::{catalog, cloud_http, edge};

/// How many droplets a page holds.
const PAGE: usize = 200;

/// The simulated vendors and clock, as the engine asks for them.
#[derive(Clone)]
pub struct Door {
    world: Shared,
}

impl Door {
    /// A door into this world.
    pub fn new(world: Shared) -> Self {
        Self { world }
    }

    /// The world behind it.
    pub fn world(&self) -> &Shared {
        &self.world
    }

    /// One request to DigitalOcean: admitted, delayed, troubled, carried out.
    async fn call<T>(
        &self,
        method: &str,
        path: &str,
        effect: impl FnOnce(&mut Cloudlet) -> Result<T, Refusal> + Send,
    ) -> Result<T, Fault> {
        let call = Call { vendor: Vendor::DigitalOcean, method, path, token: "ports" };
        let admission = lock(&self.world).admit(&call);
        self.pause(admission.delay).await;
        let name = format!("{method} {path}");
        let mut world = lock(&self.world);
        match admission.mishap {
            None | Some(Mishap::Slow(_)) => {
                effect(world.cloud()).map_err(|refusal| refused(&name, method, &refusal))
            }
            Some(Mishap::FailBefore(status)) => Err(failed(&name, method, status, &admission)),
            Some(Mishap::FailAfter(status)) => {
                // The answer is lost, be it good or bad.
                let _ = effect(world.cloud());
                Err(failed(&name, method, status, &admission))
            }
            Some(Mishap::Html502) => Err(failed(&name, method, 502, &admission)),
            Some(Mishap::Drop) => {
                let _ = effect(world.cloud());
                Err(lost(method, detail(&name, None, None, "connection closed before message completed")))
            }
            Some(Mishap::RateMinute | Mishap::RateHour) => Err(failed(&name, method, 429, &admission)),
            Some(Mishap::Locked) => Err(failed(&name, method, 409, &admission)),
            Some(Mishap::Shifted) => Err(shifted(&name, "its pages contradict one another")),
        }
    }

    /// Lets time pass. The end is fixed before the task steps back once, so that waits which begin together
    /// end together and do not add up.
    pub(super) async fn pause(&self, span: Duration) {
        if span.is_zero() {
            return;
        }
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let until = lock(&self.world).now_ms().saturating_add(ms);
        tokio::task::yield_now().await;
        wait_until(&self.world, until).await;
    }
}

#[async_trait]
impl Cloud for Door {
    async fn droplets(&self) -> Result<Vec<Droplet>, Fault> {
        let mut all = BTreeMap::new();
        let mut page = 0;
        loop {
            let (shown, total) = self
                .call("GET", "/v2/droplets", |cloud| {
                    let tagged: Vec<&Machine> = cloud.listed().filter(|m| m.has_tag(MARK)).collect();
                    let shown: Vec<Droplet> =
                        tagged.iter().skip(page * PAGE).take(PAGE).map(|m| model(m)).collect();
                    Ok((shown, tagged.len()))
                })
                .await?;
            all.extend(shown.into_iter().map(|droplet| (droplet.id, droplet)));
            page += 1;
            if page * PAGE < total {
                continue;
            }
            if all.len() == total {
                return Ok(all.into_values().collect());
            }
            let why = format!("the listing changed while it was read: {} of {total}", all.len());
            return Err(shifted("GET /v2/droplets", &why));
        }
    }

    async fn droplet(&self, id: DropletId) -> Result<Option<Droplet>, Fault> {
        let path = format!("/v2/droplets/{id}");
        or_absent(self.call("GET", &path, |cloud| Ok(cloud.get(id.0).map(model))).await)
    }

    async fn find(&self, name: &ServerName) -> Result<Vec<Droplet>, Fault> {
        let named = |m: &&Machine| m.name.eq_ignore_ascii_case(name.as_str());
        self.call("GET", "/v2/droplets", |cloud| Ok(cloud.listed().filter(named).map(model).collect())).await
    }

    async fn create(&self, order: &CreateOrder, user_data: &str) -> Result<DropletId, Fault> {
        let asked = Order {
            names: vec![order.server.to_string()],
            size: order.spec.size.to_string(),
            image: order.spec.image.to_string(),
            region: order.spec.region.to_string(),
            tags: order.tags().to_vec(),
            ssh_keys: order.spec.ssh_keys.clone(),
            user_data: Some(user_data.to_owned()),
            backups: order.spec.backups,
            ipv6: order.spec.ipv6,
            monitoring: order.spec.monitoring,
        };
        let made = self.call("POST", "/v2/droplets", move |cloud| cloud.create(&asked)).await?;
        let first = made.first().map(|(id, _)| DropletId(*id));
        first.ok_or_else(|| Fault::refused("POST /v2/droplets", "nothing was made"))
    }

    async fn power(&self, id: DropletId, call: PowerCall) -> Result<(), Fault> {
        let (kind, wanted) = match call {
            PowerCall::On => (Kind::PowerOn, DropletStatus::Active),
            PowerCall::Shutdown => (Kind::Shutdown, DropletStatus::Off),
            PowerCall::Off => (Kind::PowerOff, DropletStatus::Off),
        };
        let path = format!("/v2/droplets/{id}/actions");
        let asked = self.call("POST", &path, |cloud| cloud.act(id.0, kind).map(|_| ())).await;
        // As the real adapter does: behind a no or a lost reply the power may be as wanted.
        match asked {
            Err(fault) if is_worth_a_look(&fault) => match self.droplet(id).await {
                Ok(Some(droplet)) if droplet.status == wanted => Ok(()),
                _ => Err(fault),
            },
            other => other,
        }
    }

    async fn destroy(&self, id: DropletId) -> Result<(), Fault> {
        let path = format!("/v2/droplets/{id}");
        match self.call("DELETE", &path, |cloud| cloud.destroy(id.0)).await {
            Err(Fault::Refused(detail)) if detail.status == Some(404) => Ok(()),
            other => other,
        }
    }

    async fn ensure_tag(&self, tag: &str) -> Result<(), Fault> {
        let bad = || Refusal::bad_request("the tag contains invalid characters");
        self.call("POST", "/v2/tags", |cloud| cloud.new_tag(tag).map(drop).ok_or_else(bad)).await
    }

    async fn firewalls(&self) -> Result<Vec<Firewall>, Fault> {
        let seen = |cloud: &mut Cloudlet| {
            let ours = cloud.walls().iter().filter(|wall| wall.content.name == NAME);
            Ok(ours.map(|wall| wall.model(cloud)).collect())
        };
        self.call("GET", "/v2/firewalls", seen).await
    }

    async fn put_firewall(&self, order: &FirewallOrder) -> Result<(), Fault> {
        let content = Content::of(order);
        match &order.id {
            None => self.call("POST", "/v2/firewalls", |cloud| cloud.make_wall(content).map(drop)).await,
            Some(id) => {
                let path = format!("/v2/firewalls/{id}");
                self.call("PUT", &path, |cloud| cloud.replace_wall(id.as_str(), content)).await
            }
        }
    }

    async fn account(&self) -> Result<Account, Fault> {
        self.call("GET", "/v2/account", |cloud| {
            Ok(Account {
                team: cloud_http::TEAM.to_owned(),
                droplet_limit: Some(cloud.settings.droplet_limit),
                status: "active".to_owned(),
            })
        })
        .await
    }

    async fn sizes(&self) -> Result<BTreeMap<Slug, Size>, Fault> {
        self.call("GET", "/v2/sizes", |_| Ok(catalog::SIZES.iter().filter_map(priced).collect())).await
    }

    async fn image(&self, slug: &Slug) -> Result<Option<Image>, Fault> {
        let model = |image: &catalog::Image| Image {
            available: image.status == "available",
            regions: image.regions.iter().map(ToString::to_string).collect(),
        };
        let path = format!("/v2/images/{slug}");
        or_absent(self.call("GET", &path, |cloud| Ok(cloud.stock.image(slug.as_str()).map(model))).await)
    }

    async fn has_key(&self, key: &str) -> Result<bool, Fault> {
        let path = format!("/v2/account/keys/{key}");
        let found = or_absent(self.call("GET", &path, |cloud| Ok(cloud.stock.key(key).map(drop))).await)?;
        Ok(found.is_some())
    }
}

#[async_trait]
impl Mailer for Door {
    async fn send(&self, mail: &Mail) -> Result<(), Fault> {
        let admission = lock(&self.world).admit(&MAIL);
        self.pause(admission.delay).await;
        let said = |status, words: &str| detail("SMTP mail", Some(status), None, words);
        let reject = |status: u16| {
            let (status, words) = outbox::rejection(status);
            // After DATA it is the letter that is refused; these are about the login at any time.
            let code = if matches!(status, 530 | 534 | 535 | 538) { "login" } else { "letter" };
            match status {
                500.. => Fault::Refused(Detail { code: Some(code.to_owned()), ..said(status, words) }),
                _ => Fault::Unavailable { after: None, detail: said(status, words) },
            }
        };
        let taken = match admission.mishap {
            None | Some(Mishap::Slow(_) | Mishap::Shifted) => Ok(()),
            Some(Mishap::Drop) => {
                Err(Fault::Unknown(detail("SMTP mail", None, None, "connection closed after DATA")))
            }
            Some(Mishap::FailBefore(code) | Mishap::FailAfter(code)) => return Err(reject(code)),
            Some(Mishap::Html502 | Mishap::RateMinute | Mishap::RateHour | Mishap::Locked) => {
                return Err(reject(451));
            }
        };
        deliver(&mut lock(&self.world), mail);
        taken
    }
}

#[async_trait]
impl Clock for Door {
    async fn now(&self) -> Moment {
        lock(&self.world).our_now()
    }

    async fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(lock(&self.world).now_ms()).unwrap_or(0))
    }

    async fn sleep(&self, span: Duration) {
        self.pause(span).await;
    }
}

fn deliver(world: &mut World, mail: &Mail) {
    let text = mail.text.expose_secret().to_owned();
    let delivered = Delivered {
        at: world.now(),
        to: mail.to.clone(),
        subject: mail.subject.clone(),
        message_id: local_part(&mail.message_id).to_owned(),
        html: mail.html.expose_secret().to_owned(),
        raw: text.clone(),
        text,
    };
    world.outbox.push(delivered);
}

fn model(machine: &Machine) -> Droplet {
    let price = Money::usd(machine.size.cents);
    Droplet {
        id: DropletId(machine.id),
        name: machine.name.clone(),
        status: match machine.power {
            Power::New => DropletStatus::New,
            Power::Active => DropletStatus::Active,
            Power::Off => DropletStatus::Off,
        },
        size: machine.size.slug.to_owned(),
        region: machine.region.slug.to_owned(),
        created_at: Moment::from_unix(machine.created.div_euclid(1_000)),
        public_ipv4: machine.public,
        tags: machine.tags.iter().map(|tag| tag.to_ascii_lowercase()).collect(),
        locked: false,
        monthly: if machine.backups { with_backups(price) } else { price },
        snapshots: machine.snapshots.len(),
    }
}

fn priced(size: &catalog::Size) -> Option<(Slug, Size)> {
    let regions: BTreeSet<String> = size.regions.iter().map(ToString::to_string).collect();
    let priced = Size { monthly: Money::usd(size.cents), available: size.available, regions };
    Some((Slug::parse(size.slug).ok()?, priced))
}

/// A 404 is an answer.
fn or_absent<T>(asked: Result<Option<T>, Fault>) -> Result<Option<T>, Fault> {
    match asked {
        Err(Fault::Refused(detail)) if detail.status == Some(404) => Ok(None),
        other => other,
    }
}

fn is_worth_a_look(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(detail) => detail.status == Some(422),
        Fault::Unknown(_) => true,
        Fault::Unavailable { .. } => false,
    }
}

/// The vendor's own no.
fn refused(call: &str, method: &str, refusal: &Refusal) -> Fault {
    let detail = detail(call, Some(refusal.status), Some(refusal.id), &refusal.message);
    let busy = method == "POST" && refusal.message.contains("pending event");
    if busy {
        Fault::Unavailable { after: Some(Duration::from_secs(10)), detail }
    } else {
        Fault::Refused(detail)
    }
}

/// A status that trouble answered with.
fn failed(call: &str, method: &str, status: u16, admission: &Admission) -> Fault {
    let (id, message) = edge::words(status);
    let detail = detail(call, Some(status), Some(id), message);
    match status {
        429 => Fault::Unavailable { after: Some(admission.after), detail },
        408 | 500.. => lost(method, detail),
        _ => Fault::Refused(detail),
    }
}

/// A listing that changed while it was read, as long as it takes: the adapter reads it anew some times first.
fn shifted(call: &str, why: &str) -> Fault {
    Fault::Unavailable { after: Some(Duration::from_secs(10)), detail: detail(call, None, None, why) }
}

/// No answer, or one that says nothing: a read can be asked again, of a change nobody knows.
fn lost(method: &str, detail: Detail) -> Fault {
    if method == "GET" { Fault::Unavailable { after: None, detail } } else { Fault::Unknown(detail) }
}

fn detail(call: &str, status: Option<u16>, code: Option<&str>, message: &str) -> Detail {
    Detail {
        call: call.to_owned(),
        status,
        code: code.map(str::to_owned),
        message: message.to_owned(),
        ..Detail::default()
    }
}
