//! The everyday commands, by environment variables alone; keys that only read; pipes, help, completions.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use basement::fleet::userdata::server_id;
use basement::model::ids::ServerName;

use super::{Bench, files};

#[test]
fn a_life_by_environment_variables_alone() {
    let bench = Bench::of(1);
    assert!(bench.expect("validate", 0).out.starts_with("1 server, "));
    let plan = bench.expect("plan", 0);
    insta::assert_snapshot!("plan_of_one", plan.page());
    let json: serde_json::Value = serde_json::from_str(&bench.expect("plan --format json", 0).out).unwrap();
    assert_eq!((json["version"].as_u64(), json["steps"].as_array().unwrap().len()), (Some(1), 1));
    bench.expect("plan --exit-code", 2);
    insta::assert_snapshot!("apply_of_one", bench.expect("apply --auto-approve", 0).page());
    insta::assert_snapshot!("plan_of_nothing", bench.expect("plan --exit-code", 0).page());
    insta::assert_snapshot!("status_of_one", bench.expect("status", 0).page());
    let first = bench.droplets()[0].clone();
    insta::assert_snapshot!("history", bench.expect(&format!("history {first}"), 0).page());
    for command in ["status --format json", "history --format json"] {
        let _: serde_json::Value = serde_json::from_str(&bench.expect(command, 0).out).unwrap();
    }
    assert_eq!((bench.droplets().len(), bench.letters().len()), (1, 1));
    assert!(bench.letters().values().all(|count| *count == 1));
    insta::assert_snapshot!("apply_of_nothing", bench.expect("apply --auto-approve", 0).page());
}

#[test]
fn a_plan_needs_only_keys_that_read_and_leaves_no_trace() {
    let mut bench = Bench::of(1);
    bench.set("DIGITALOCEAN_TOKEN", "dop_v1_read");
    bench.set("STRIPE_API_KEY", "rk_test_read");
    bench.unset("BASEMENT_SMTP_URL");
    let before = files(&bench.root());
    assert!(bench.expect("plan", 0).out.contains("1 to create"));
    bench.expect("status", 0);
    bench.expect("history", 0);
    assert!(before == files(&bench.root()), "a file was made or changed");
    // The same keys may not act, and say what they lack.
    bench.set("BASEMENT_SMTP_URL", bench.running.smtp_url());
    insta::assert_snapshot!("apply_with_a_token_that_reads", bench.expect("apply --auto-approve", 1).page());
    assert!(bench.droplets().is_empty());
}

#[test]
fn the_user_data_of_a_server_is_shown_without_its_hash() {
    let bench = Bench::of(1);
    let name = bench.servers().pop_first().expect("a server").0;
    let before = bench.expect(&format!("render {name}"), 0).out;
    bench.expect("apply --auto-approve", 0);
    let shown = bench.expect(&format!("render {name}"), 0).out;
    assert_eq!(before, shown, "the first try's, before and after it");
    let id = server_id(&ServerName::parse(&name).unwrap(), 1);
    assert!(
        shown.starts_with("#cloud-config\n") && shown.contains(&format!("{{\"id\":\"{id}\",")),
        "{shown}"
    );
    assert!(shown.contains("password: \"••••••••••••••••\"\n") && !shown.contains("$6$"), "{shown}");
    bench.replace("basement.toml", "template = \"base\"", "template = \"php\"");
    assert!(bench.expect(&format!("render {name}"), 0).out.contains("mariadb-server"));
    let near = format!("{}x", &name[..name.len() - 1]);
    let unknown = bench.expect(&format!("render {near}"), 1).page();
    assert!(unknown.contains(&format!("no file declares `{near}`")), "{unknown}");
    assert!(unknown.contains(&format!("hint: did you mean `{name}`?")), "{unknown}");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let mut bench = Bench::of(1);
    for (name, value) in [("DIGITALOCEAN_TOKEN_FILE", "simulated\n"), ("STRIPE_API_KEY_FILE", "sk_test_x\n")]
    {
        let path = bench.home.path().join(name);
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        bench.set(name, path.display().to_string());
        bench.unset(name.trim_end_matches("_FILE"));
    }
    bench.expect("plan --exit-code", 2);
}

#[test]
fn whoever_stops_reading_does_not_stop_the_work() {
    let bench = Bench::of(3);
    for command in
        ["plan", "plan --format json", "status", "completions bash", "generate", "apply --auto-approve"]
    {
        let mut child =
            bench.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let said = bench.said(&child.wait_with_output().expect("it ends"));
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{command}");
    }
    assert_eq!(bench.droplets().len(), 3);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let bench = Bench::of(1);
    // Not every system has one.
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let output = bench.command("plan --format json").stdout(full).output().expect("it starts");
    insta::assert_snapshot!("plan_onto_a_full_disk", bench.said(&output).page());
}

#[test]
fn every_command_has_help() {
    let bench = Bench::new();
    let help = bench.expect("--help", 0);
    assert_eq!(help.err, "");
    let commands: Vec<&str> = help
        .out
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    for wanted in ["init", "generate", "validate", "plan", "apply", "status", "history", "completions"] {
        assert!(commands.contains(&wanted), "`{wanted}` is missing in {commands:?}");
    }
    for command in commands {
        let said = bench.expect(&format!("help {command}"), 0);
        assert!(said.out.contains("Usage: basement") && said.err.is_empty(), "{}", said.page());
        bench.expect(&format!("{command} --help"), 0);
    }
    insta::assert_snapshot!("help", help.page());
    assert_eq!(bench.expect("--version", 0).out, concat!("basement ", env!("CARGO_PKG_VERSION"), "\n"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.expect(&format!("completions {shell}"), 0).out.contains("basement"));
    }
}
