//! What `plan` says before a plan is applied: what stands in its way, and what the credential may not ask.

use basement::sim::trouble::Mishap;

use super::{Bench, Said};

const KEY: &str = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa";

/// The lines of a plan that tell of what stands in its way.
fn worries(said: &Said) -> String {
    const WORDS: [&str; 7] =
        ["! quota", "! sold out", "! no image", "! no key", "! loss", "! scope", "! requests"];
    let mut lines = Vec::new();
    let mut is_one = false;
    for line in said.out.lines() {
        // A row goes on in lines that are set in.
        is_one = WORDS.iter().any(|word| line.starts_with(word)) || (is_one && line.starts_with("    "));
        if is_one {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// How often the images and keys were asked for by name.
fn questions(bench: &Bench) -> u64 {
    let world = bench.world();
    let calls = &world.requests.calls;
    ["GET /v2/images/:id", "GET /v2/account/keys/:id"].iter().filter_map(|call| calls.get(*call)).sum()
}

#[test]
fn an_image_and_a_key_that_are_gone() {
    let bench = Bench::of(2);
    bench.replace("basement.toml", "ssh_keys = []", &format!("ssh_keys = [\"{KEY}\"]"));
    assert_eq!(worries(&bench.expect("plan", 0)), "");
    assert_eq!(questions(&bench), 2, "one image and one key, whatever is to be created");
    let doctor = bench.expect("doctor", 0).out;
    assert!(doctor.lines().any(|line| line.ends_with(&format!("  `{KEY}` is in the team"))), "{doctor}");
    bench.world().cloud().stock.retire("ubuntu-22-04-x64");
    bench.world().cloud().stock.remove_key(KEY);
    insta::assert_snapshot!(worries(&bench.expect("plan", 0)), @"
    ! no image  there is no image `ubuntu-22-04-x64`, for user-0001-wtb3p80d, user-0002-5fzq6san; name one that DigitalOcean has in `basement.toml` — 2 creates will be refused
    ! no key    the team has no SSH key `3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa`, for user-0001-wtb3p80d, user-0002-5fzq6san; add it to the team, or take it out of `basement.toml` — 2 creates will be refused
    ");
    let doctor = bench.expect("doctor", 1).out;
    let lines: Vec<&str> = doctor.lines().filter(|line| line.starts_with("!!")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    !!  DigitalOcean image `ubuntu-22-04-x64`  `GET /v2/images/ubuntu-22-04-x64`: there is no such image, or not any more; hint: name one that DigitalOcean has in `basement.toml`
    !!  DigitalOcean SSH key                   `GET /v2/account/keys/3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa`: the team has no such SSH key; hint: add it to the team, or take it out of `basement.toml`
    ");
}

#[test]
fn a_credential_that_may_not_ask() {
    let bench = Bench::of_ended(1);
    bench.subscribe(1);
    bench.expect("generate", 0);
    bench.replace("basement.toml", "ssh_keys = []", &format!("ssh_keys = [\"{KEY}\"]"));
    for call in ["GET /v2/images", "GET /v2/account/keys", "GET /v1/events"] {
        bench.trouble(call, Mishap::FailBefore(403), 9);
    }
    insta::assert_snapshot!(worries(&bench.expect("plan", 0)), @"
    ! scope  the credential for DigitalOcean lacks `image:read`; give it that, or make one that has it; until then the plan leaves out what hangs on it
    ! scope  the credential for DigitalOcean lacks `ssh_key:read`; give it that, or make one that has it; until then the plan leaves out what hangs on it
    ! scope  the credential for Stripe lacks `Events: read`; give it that, or make one that has it; until then the plan leaves out what hangs on it
    ");
    // Whatever else goes wrong with these questions is no matter of the plan's.
    bench.world().trouble.planned.clear();
    bench.trouble("GET /v2/images", Mishap::FailBefore(500), 9);
    assert_eq!(worries(&bench.expect("plan", 0)), "");
}

#[test]
fn a_token_that_may_not_read_firewalls() {
    let bench = Bench::of(1);
    bench.replace("basement.toml", "firewall = \"ufw\" ", "firewall = \"both\"");
    bench.trouble("GET /v2/firewalls", Mishap::FailBefore(403), 99);
    let said = bench.expect("plan", 0);
    insta::assert_snapshot!(said.page(), @"
    exit 0
    --- stdout
    Not to be applied yet (1 question unanswered).
    2 Nov 2026 09:00:00 UTC: 1 server declared, 0 droplets seen

    Upcoming: each is done by the first basement apply at or after its time
    + in 30 seconds: create  user-0001-wtb3p80d  09:00:30, basic: s-1vcpu-1gb in nyc3, ubuntu-22-04-x64 — subscription active since 2 Nov
                                                 then, at 09:01, a letter: welcome

    Only to know: nothing fails by it
    ! scope  the credential for DigitalOcean lacks `firewall:read`; give it that, or make one that has it; until then the plan leaves out what hangs on it

    Open questions: basement apply asks them itself
    ! ask  DigitalOcean  how does our firewall stand?

    nothing to do yet; 1 question
    --- stderr
    warning: a question was not answered; its server waits: `GET /v2/firewalls?per_page=200`: You are not authorized to perform this operation; hint: the token may not do this; give it the scopes `firewall:read`, `droplet:read`, `tag:read` (status 403, forbidden) [request ID]
    ");
    assert_eq!(bench.expect("plan --exit-code", 1).out, said.out);
    // Who acts must know.
    let said = bench.expect("apply --auto-approve", 1);
    assert!(said.err.contains("`firewall:read`") && bench.droplets().is_empty(), "{}", said.page());
}

#[test]
fn a_quota_that_is_full() {
    let bench = Bench::of_ended(1);
    bench.subscribe(1);
    bench.expect("generate", 0);
    bench.world().cloud().settings.droplet_limit = 1;
    insta::assert_snapshot!(worries(&bench.expect("plan", 0)), @"! quota  the team may have 1 droplet and has 1; 1 create waits until 1 droplet is gone; destroys come first, and then there is room");
    let before = bench.droplets();
    let said = bench.expect("apply --auto-approve", 0);
    assert!(said.out.contains("1 create waits until 1 droplet is gone"), "{}", said.page());
    let after = bench.droplets();
    assert!(after.len() == 1 && after != before, "{}", said.page());
    assert!(!said.all().contains("refused") && !said.all().contains("422"), "{}", said.page());
    // What is done raises no question.
    bench.world().requests.clear();
    bench.expect("plan", 0);
    assert_eq!(questions(&bench), 0);
}
