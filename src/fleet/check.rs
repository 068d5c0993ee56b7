//! What no single file can know: names and subscriptions are unique, plans exist, overrides have a server.

use std::collections::BTreeMap;

use super::complaint::{Complaint, nearest};
use super::naming;
use super::reader::{Page, list};
use super::yaml::{Declared, ExtraFile, Files, OverrideFile, ServerFile};
use crate::model::desired::{DesiredState, Fleet, Hold, Origin, Server, Spec};
use crate::model::ids::{PlanName, ServerName};
use crate::model::moment::Moment;
use crate::model::policy::Catalogue;

/// Puts the files together to a fleet, and says what does not fit.
pub(super) fn assemble(files: &Files<'_>, catalogue: &Catalogue) -> (Fleet, Vec<Complaint>) {
    let mut complaints = names(files);
    let mut fleet = Fleet::default();
    for file in &files.servers {
        complaints.extend(grace(page(file), file.declared.state, file.declared.destroy_after));
        complaints.extend(end(file));
        complaints.extend(renamed(file));
        match spec(page(file), &file.declared.plan, catalogue) {
            Ok(spec) => {
                fleet.servers.entry(file.declared.server.clone()).or_insert_with(|| customers(file, spec));
            }
            Err(wrong) => complaints.extend(wrong),
        }
    }
    for file in &files.extras {
        complaints.extend(grace(file.page, file.state, file.destroy_after));
        match spec(file.page, &file.plan, catalogue) {
            Ok(spec) => {
                fleet.servers.entry(file.server.clone()).or_insert_with(|| our_own(file, spec));
            }
            Err(wrong) => complaints.extend(wrong),
        }
    }
    for file in &files.overrides {
        match wrong_override(file, files) {
            None => lay_over(file, &mut fleet),
            Some(complaint) => complaints.push(complaint),
        }
    }
    (fleet, complaints)
}

/// File names, servers declared twice, subscriptions used twice.
pub(super) fn names(files: &Files<'_>) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let (mut seen, mut subscriptions) = (BTreeMap::new(), BTreeMap::new());
    let servers = files.servers.iter().map(|file| (page(file), &file.declared.server));
    for (page, server) in servers.chain(files.extras.iter().map(|file| (file.page, &file.server))) {
        if stem(page.file) != server.as_str() {
            let message = format!("the file is named `{}`, its server `{server}`", stem(page.file));
            let cure = format!("name the file `{server}.yaml`");
            complaints.push(page.complain("server", message, cure));
        }
        if let Some(first) = seen.insert(server, page.file) {
            let message = format!("server `{server}` is declared twice, first in `{first}`");
            complaints.push(page.complain("server", message, "delete one of the two files"));
        }
    }
    for file in &files.servers {
        let subscription = &file.declared.subscription;
        if let Some(first) = subscriptions.insert(subscription, &file.path) {
            let message = format!("subscription `{subscription}` has two servers, the first in `{first}`");
            let cure = "one subscription is one server: delete the file that is wrong";
            complaints.push(page(file).complain("subscription", message, cure));
        }
    }
    complaints
}

/// `ada-w9rm9sh6` of `fleet/servers/ada-7f3k2m9q.yaml`.
pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yaml").unwrap_or(name)
}

fn page(file: &ServerFile) -> Page<'_> {
    Page { file: &file.path, text: &file.text }
}

/// A server of another name would get a droplet of its own, a second one for its subscription.
fn renamed(file: &ServerFile) -> Option<Complaint> {
    let Declared { server, user, subscription, .. } = &file.declared;
    let given = naming::given_to(user, subscription);
    (server.as_str() != given).then(|| {
        let message = format!(
            "server `{server}` is not called as `generate` calls the one of user `{user}` and \
             subscription `{subscription}`"
        );
        let cure = format!(
            "a server keeps its name and its user: undo the change, or call it and its file `{given}`"
        );
        page(file).complain("server", message, cure)
    })
}

fn grace(page: Page<'_>, state: DesiredState, destroy_after: Option<Moment>) -> Option<Complaint> {
    (destroy_after.is_some() && state != DesiredState::Stopped).then(|| {
        let message = format!("`destroy_after` means nothing with `state: {state}`");
        page.complain("destroy_after", message, "it belongs to `state: stopped`: take it out")
    })
}

fn end(file: &ServerFile) -> Option<Complaint> {
    let Declared { state, ends_on, .. } = file.declared;
    (ends_on.is_some() && state != DesiredState::Running).then(|| {
        let message = format!("`ends_on` means nothing with `state: {state}`");
        page(file).complain("ends_on", message, "it belongs to `state: running`: take it out")
    })
}

fn spec(page: Page<'_>, plan: &PlanName, catalogue: &Catalogue) -> Result<Spec, Vec<Complaint>> {
    let Some(entry) = catalogue.plans.get(plan) else {
        let known = || catalogue.plans.keys().map(PlanName::as_str);
        let cure = match nearest(plan.as_str(), known()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "the plans of `basement.toml` are {}; a plan no longer sold stays there with `stripe = []`",
                list(known())
            ),
        };
        return Err(vec![page.complain("plan", format!("unknown plan `{plan}`"), cure)]);
    };
    let defaults = &catalogue.defaults;
    Ok(Spec {
        size: entry.size.clone(),
        region: entry.region.as_ref().unwrap_or(&defaults.region).clone(),
        image: entry.image.as_ref().unwrap_or(&defaults.image).clone(),
        monitoring: defaults.monitoring,
        backups: defaults.backups,
        ipv6: defaults.ipv6,
        ssh_keys: defaults.ssh_keys.clone(),
        template: entry.template.as_ref().unwrap_or(&defaults.template).clone(),
    })
}

fn customers(file: &ServerFile, spec: Spec) -> Server {
    let declared = file.declared.clone();
    Server {
        name: declared.server,
        user: declared.user,
        origin: Origin::Subscription {
            customer: declared.customer,
            subscription: declared.subscription,
            price: declared.price,
        },
        plan: declared.plan,
        spec,
        state: declared.state,
        because: declared.because,
        since: declared.since,
        ends_on: declared.ends_on,
        destroy_after: declared.destroy_after,
        hold: declared.hold,
        file: file.path.clone(),
    }
}

fn our_own(file: &ExtraFile<'_>, spec: Spec) -> Server {
    Server {
        name: file.server.clone(),
        user: file.user.clone(),
        origin: Origin::Extra,
        plan: file.plan.clone(),
        spec,
        state: file.state,
        because: file.because.clone(),
        since: file.since,
        ends_on: None,
        destroy_after: file.destroy_after,
        hold: file.hold.clone(),
        file: file.page.file.to_owned(),
    }
}

fn wrong_override(file: &OverrideFile<'_>, files: &Files<'_>) -> Option<Complaint> {
    let name = stem(file.page.file);
    if !files.stems.iter().any(|known| known == name) {
        let cure = match nearest(name, files.stems.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}.yaml`?"),
            None => "an override is named as its server's file; delete it if the server is gone".to_owned(),
        };
        return Some(Complaint::new(file.page.file, format!("there is no server `{name}`"), cure));
    }
    None
}

fn lay_over(file: &OverrideFile<'_>, fleet: &mut Fleet) {
    let server = ServerName::parse(stem(file.page.file)).ok().and_then(|name| fleet.servers.get_mut(&name));
    // A server whose own file is wrong is not in the fleet, and its complaint is made.
    let Some(server) = server else { return };
    if let Some(region) = &file.region {
        server.spec.region = region.clone();
    }
    if let Some(size) = &file.size {
        server.spec.size = size.clone();
    }
    server.hold = longer(server.hold.take(), file.hold.clone());
}

/// The hold that lasts longer; one without an end outlasts all.
fn longer(one: Option<Hold>, other: Option<Hold>) -> Option<Hold> {
    match (one, other) {
        (Some(a), Some(b)) => {
            let b_longer = a.until.is_some_and(|a| b.until.is_none_or(|b| b > a));
            Some(if b_longer { b } else { a })
        }
        (one, other) => one.or(other),
    }
}
