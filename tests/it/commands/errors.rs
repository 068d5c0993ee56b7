//! Mistakes made here, as an operator meets them: usage, files, the ledger.

use std::fs;
use std::path::Path;

use basement::adapters::ledger::SqliteLedger;
use basement::ports::Ledger as _;

use super::{Bench, Said};

/// The page with what no two runs share taken out: a process id and the wall's time.
fn lock_page(said: &Said) -> String {
    let page = said.page();
    let (before, rest) = page.split_once(", pid ").expect("a pid");
    let (_, after) = rest.split_once('\n').expect("a hint");
    format!("{before}, pid PID, since THEN\n{after}")
}

#[test]
fn wrong_usage() {
    let bench = Bench::new();
    insta::assert_snapshot!("unknown_command", bench.expect("aply", 64).page());
    insta::assert_snapshot!("unknown_flag", bench.expect("plan --exit-cod", 64).page());
    insta::assert_snapshot!("unknown_format", bench.expect("plan --format yaml", 64).page());
    insta::assert_snapshot!("bad_deadline", bench.expect("apply --deadline soon", 64).page());
    insta::assert_snapshot!("bad_server_name", bench.expect("history Ada_1", 64).page());
    assert_eq!(bench.run("").code, 64);
    let said = bench.expect("apply --auto-approve --allow many-destroy", 64);
    insta::assert_snapshot!("unknown_objection", said.page());
}

#[test]
fn keys_that_are_missing_or_of_the_wrong_kind() {
    let mut bench = Bench::of(1);
    let all = [
        ("DIGITALOCEAN_TOKEN", "plan", "no_token"),
        ("STRIPE_API_KEY", "generate", "no_key"),
        ("BASEMENT_SMTP_URL", "apply --auto-approve", "no_relay"),
    ];
    for (name, command, page) in all {
        let was = bench.env[name].clone();
        bench.unset(name);
        insta::assert_snapshot!(page, bench.expect(command, 1).page());
        bench.set(name, was);
    }
    bench.set("STRIPE_API_KEY", "sk_live_abcdefgh");
    insta::assert_snapshot!("key_of_the_wrong_mode", bench.expect("plan", 1).page());
    bench.set("STRIPE_API_KEY", "pk_test_abcdefgh");
    insta::assert_snapshot!("publishable_key", bench.expect("plan", 1).page());
    bench.set("STRIPE_API_KEY", "sk_test_simulated");
    bench.unset("DIGITALOCEAN_TOKEN");
    bench.set("DIGITALOCEAN_TOKEN_FILE", "nowhere/token");
    insta::assert_snapshot!("token_file_that_is_not_there", bench.expect("plan", 1).page());
    bench.unset("DIGITALOCEAN_TOKEN_FILE");
    bench.set("DIGITALOCEAN_TOKEN", "simulated");
    bench.set("BASEMENT_SMTP_URL", "relay.example.com:25");
    insta::assert_snapshot!("relay_that_is_no_url", bench.expect("apply --auto-approve", 1).page());
    bench.unset("DIGITALOCEAN_API_URL");
    insta::assert_snapshot!("simulated_clock_for_real_vendors", bench.expect("plan", 1).page());
    bench.unset("BASEMENT_CLOCK_URL");
    insta::assert_snapshot!("simulated_droplets_for_real_vendors", bench.expect("plan", 1).page());
    bench.set("DIGITALOCEAN_API_URL", bench.running.http_url());
    bench.set("BASEMENT_PROBE_PORTS", "80");
    insta::assert_snapshot!("probe_ports_that_are_not_two", bench.expect("plan", 1).page());
}

#[test]
fn files_that_are_broken() {
    let bench = Bench::of(2);
    let (name, text) = bench.servers().pop_first().expect("a server");
    let path = format!("fleet/servers/{name}.yaml");
    bench.write(&path, text.replace("state: running", "stat: running"));
    bench.write("fleet/overrides/typo.yaml", "# Nearer to Ada.\nregion: [fra1\n");
    insta::assert_snapshot!("broken_files", bench.expect("validate", 1).page());
    insta::assert_snapshot!("broken_files_planned", bench.expect("plan", 1).page());
    bench.write(&path, text.replace("state: running", "state: running: now"));
    insta::assert_snapshot!("broken_yaml", bench.expect("plan", 1).page());
    bench.write(&path, &text);
    fs::remove_file(bench.root().join("fleet/overrides/typo.yaml")).unwrap();
    bench.expect("validate", 0);
    bench.replace("basement.toml", "boot_deadline", "boot_dedline");
    insta::assert_snapshot!("broken_toml", bench.expect("plan", 1).page());
    fs::remove_file(bench.root().join("basement.toml")).unwrap();
    insta::assert_snapshot!("no_toml", bench.expect("plan", 1).page());
    insta::assert_snapshot!("no_toml_to_generate", bench.expect("generate", 1).page());
    insta::assert_snapshot!("no_such_folder", bench.expect("-C nowhere plan", 1).page());
}

#[test]
fn a_template_that_is_not_there() {
    let bench = Bench::of(1);
    bench.replace("basement.toml", "template = \"base\"", "template = \"bsae\"");
    insta::assert_snapshot!("unknown_template", bench.expect("apply --auto-approve", 1).page());
    for command in ["validate", "plan"] {
        bench.expect(command, 1);
    }
    bench.write("cloud-init/bsae.yaml", "#% extends \"base\"\n");
    bench.expect("validate", 0);
    assert!(bench.droplets().is_empty());
}

#[test]
fn a_template_that_no_droplet_could_boot_from() {
    let bench = Bench::of(1);
    let said = |text: &[u8]| {
        bench.write("cloud-init/base.yaml", text);
        bench.expect("apply --auto-approve", 1);
        let page = bench.expect("validate", 1).page();
        let line = page.lines().find(|line| line.starts_with("cloud-init/")).unwrap_or_default();
        line.to_owned()
    };
    let accent = said("#cloud-config\n# {{root_hash}}\n# café\n".as_bytes());
    assert_eq!(accent, "cloud-init/base.yaml:3: not plain ASCII");
    let large = said(format!("#cloud-config\n# {{{{root_hash}}}}\n#{}\n", "x".repeat(70_000)).as_bytes());
    assert!(large.ends_with("bytes, and 65536 is the most"), "{large}");
    let bare = said(b"#cloud-config\n");
    assert_eq!(bare, "cloud-init/base.yaml: the cloud-init template has no `{{ root_hash }}`");
    let latin = said(b"#cloud-config\n# caf\xe9\n");
    assert!(latin.starts_with("cloud-init/base.yaml: cannot be read: "), "{latin}");
    assert!(bench.droplets().is_empty());
}

#[test]
fn a_template_that_cloud_init_would_not_take_is_shown_with_its_line() {
    let bench = Bench::of(1);
    let own = "#% extends \"base\"\n#% block files\n   - path: /etc/motd\n#% endblock\n";
    bench.write("cloud-init/motd.yaml", own);
    bench.write("cloud-init/shop.yaml", "#cloud-config\npassword: '{{ root_hash }}'\npackage_upgade: true\n");
    bench.write("cloud-init/wiki.yaml", "#cloud-config\npassword: '{{ root_hash }}'\nhostname: {{ name }}\n");
    insta::assert_snapshot!("broken_templates", bench.expect("validate", 1).page());
}

#[test]
fn an_apply_without_a_terminal_and_without_a_word() {
    let bench = Bench::of(1);
    insta::assert_snapshot!("apply_without_a_terminal", bench.expect("apply", 3).page());
    assert!(bench.droplets().is_empty());
}

#[test]
fn a_ledger_that_another_process_holds() {
    let bench = Bench::of(1);
    let ledger = bench.root().join(".basement/ledger.sqlite");
    let ledger = bench.wait(SqliteLedger::open(&ledger)).expect("a ledger");
    let hold = bench.wait(ledger.hold("eve at night-shift, basement apply")).expect("the lock");
    insta::assert_snapshot!("ledger_taken", lock_page(&bench.expect("apply --auto-approve", 1)));
    bench.expect("plan", 0);
    bench.expect("status", 0);
    drop(hold);
    bench.expect("apply --auto-approve", 0);
}

#[test]
fn a_ledger_that_is_none() {
    let bench = Bench::of(1);
    bench.write(".basement/ledger.sqlite", "it was a shopping list\n".repeat(400));
    insta::assert_snapshot!("ledger_is_no_database", bench.expect("apply --auto-approve", 1).page());
    insta::assert_snapshot!("ledger_is_no_database_planned", bench.expect("plan", 1).page());
    let file = fs::read(bench.root().join(".basement/ledger.sqlite")).unwrap();
    assert!(file.starts_with(b"it was a shopping list"), "a stranger's file was changed");
}

#[test]
fn a_place_that_cannot_be_written() {
    let bench = Bench::of(1);
    // Not even root may make a folder below a file, nor in Linux's /proc.
    bench.replace("basement.toml", "path = \".basement/", "path = \"basement.toml/");
    insta::assert_snapshot!("ledger_below_a_file", bench.expect("apply --auto-approve", 1).page());
    if Path::new("/proc/self").exists() {
        bench.replace("basement.toml", "path = \"basement.toml/", "path = \"/proc/none/");
        insta::assert_snapshot!("ledger_in_no_place", bench.expect("apply --auto-approve", 1).page());
    }
    assert!(bench.droplets().is_empty());
}

#[test]
fn words_about_servers_that_are_not_so() {
    let bench = Bench::of(1);
    bench.expect("apply --auto-approve", 0);
    let name = bench.droplets().remove(0);
    insta::assert_snapshot!("retry_of_a_healthy_server", bench.expect(&format!("retry {name}"), 1).page());
    insta::assert_snapshot!(
        "recreate_of_a_healthy_server",
        bench.expect(&format!("recreate {name}"), 1).page()
    );
    insta::assert_snapshot!("retry_of_nobody", bench.expect("retry nobody", 1).page());
    insta::assert_snapshot!("history_of_nobody", bench.expect("history nobody", 1).page());
}
