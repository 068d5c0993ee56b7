//! The cloud firewall in rehearsals: what people do to it by hand, and the laws about it, judged on the
//! simulator's truth.

use serde::{Deserialize, Serialize};

use crate::model::firewall::NAME;
use crate::model::policy::FirewallBy;
use crate::sim::cloud::Cloudlet;
use crate::sim::cloud_firewall::{Content, Inbound, Peers, What};
use crate::sim::world::lock;

use super::laws::Broken;
use super::stage::Stage;

/// What somebody does to our firewall in the control panel; nothing if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Opens another port.
    Open,
    /// Closes SSH.
    Close,
    /// Lets nothing out.
    Gag,
    /// Takes it off our droplets.
    Unmark,
    /// Deletes it.
    Delete,
}

/// All edits.
pub const EDITS: [Edit; 5] = [Edit::Open, Edit::Close, Edit::Gag, Edit::Unmark, Edit::Delete];

/// An operator changes `firewall` in basement.toml. The team has a firewall of its own besides.
pub fn set_policy(stage: &mut Stage, by: FirewallBy) {
    stage.policy.firewall = by;
    let mut world = lock(&stage.world);
    let cloud = world.cloud();
    cloud.bare.clear();
    let office =
        Content { name: "office".to_owned(), inbound_rules: vec![port("3306")], ..Content::default() };
    // The second one of its name is refused, and one is enough.
    let _ = cloud.make_wall(office);
}

/// Does it.
pub fn edit(cloud: &mut Cloudlet, edit: Edit) {
    let is_ssh = |rule: &Inbound| rule.what.ports == "22";
    let change = |content: &mut Content| match edit {
        Edit::Open => content.inbound_rules.push(port("8080")),
        Edit::Close => content.inbound_rules.retain(|rule| !is_ssh(rule)),
        Edit::Gag => content.outbound_rules.clear(),
        Edit::Unmark => content.tags.clear(),
        Edit::Delete => {}
    };
    match edit {
        Edit::Delete => cloud.remove_wall_by_hand(),
        Edit::Open | Edit::Close | Edit::Gag | Edit::Unmark => drop(cloud.edit_wall(change)),
    }
}

/// Law 3, too: nobody else's firewall is ever changed. Law 13: under a policy of `cloud` or `both`, no droplet
/// is made before our firewall is there.
pub fn broken(cloud: &Cloudlet, by: FirewallBy) -> Vec<Broken> {
    let touched = cloud.others_touched.iter();
    let touched = touched.map(|name| Broken { law: 3, what: format!("the firewall `{name}` was touched") });
    let bare = cloud.bare.iter().filter(|_| by.is_cloud());
    let bare = bare.map(|name| Broken { law: 13, what: format!("{name} was made before the firewall") });
    touched.chain(bare).collect()
}

/// Law 1, too: when all is settled, our firewall is as it should be.
pub fn unsettled(cloud: &Cloudlet, by: FirewallBy) -> Option<Broken> {
    let is_good = cloud.walls().iter().any(|wall| {
        let seen = wall.model(cloud);
        wall.content.name == NAME && seen.is_settled() && seen.drifts(|_| false).is_empty()
    });
    let what = "the firewall is not as it should be".to_owned();
    (by.is_cloud() && !is_good).then_some(Broken { law: 1, what })
}

fn port(port: &str) -> Inbound {
    let what = What { protocol: "tcp".to_owned(), ports: port.to_owned() };
    let sources = Peers { addresses: vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()], ..Peers::default() };
    Inbound { what, sources }
}
