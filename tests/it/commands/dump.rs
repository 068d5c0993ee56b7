//! A process that dies leaves nothing of its memory behind: no core file, and no value in a panic's words.

use std::os::unix::process::ExitStatusExt as _;
use std::panic;
use std::process::{Command, Stdio};

use basement::cli::hush::last_words;
use rustix::process::{Pid, Signal, kill_process};

use super::{Bench, files, until};

/// The shell lifts the limit as far as it may, then becomes the program.
const UNLIMITED: &str =
    "ulimit -c unlimited 2>/dev/null || ulimit -c \"$(ulimit -H -c)\"; exec \"$0\" \"$@\"";

/// The control: that another program, aborted in the same way, does leave one, unless this machine says why not.
#[cfg(target_os = "linux")]
#[test]
fn another_program_that_is_aborted_leaves_a_core() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("sh");
    command.args(["-c", UNLIMITED, "sleep", "600"]).current_dir(folder.path()).stdin(Stdio::null());
    let mut child = command.spawn().expect("sh runs");
    let name = format!("/proc/{}/comm", child.id());
    while std::fs::read_to_string(&name).expect("it runs").trim() != "sleep" {
        std::thread::yield_now();
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("its limits");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("not 0");
    kill_process(pid, Signal::ABORT).expect("it runs");
    let status = child.wait().expect("it ends");
    let handler = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("the kernel's habit");
    let is_forbidden = core_limit(&limits) == ["0", "0"] || handler.starts_with('|');
    assert!(status.core_dumped() || is_forbidden, "no core of `sleep`, and nothing forbids it: {handler}");
}

/// The limit, and how far it may be lifted again.
#[cfg(target_os = "linux")]
fn core_limit(limits: &str) -> Vec<&str> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a line");
    line.split_whitespace().take(2).collect()
}

#[test]
fn a_run_that_is_aborted_leaves_no_core() {
    let bench = Bench::of(3);
    bench.world().trouble.latency_ms = 20;
    let plain = bench.command("-vv apply --auto-approve");
    let mut command = Command::new("sh");
    command.args(["-c", UNLIMITED]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(bench.root()).env_clear().stdin(Stdio::null());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let (child, _out) = until(command, "+ created");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("not 0");
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("its limits");
        assert_eq!(core_limit(&limits), ["0", "0"]);
    }
    kill_process(pid, Signal::ABORT).expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.signal(), output.status.core_dumped()), (Some(6), false));
    let is_core = |name: &str| name == "core" || name.starts_with("core.");
    let left = files(&bench.root());
    let mut names = left.keys().filter_map(|path| path.file_name()?.to_str());
    assert!(!names.any(is_core), "a core file was left behind");
    bench.world().trouble.latency_ms = 0;
    bench.expect("apply --auto-approve", 0);
}

#[test]
fn a_panic_repeats_no_value() {
    let caught = |act: fn()| panic::catch_unwind(act).expect_err("it panics");
    let password = "TUcCxf7MWpLzK9hRkDgVtQ3nJmY5sBeA";
    // Put together when it happens, as every value is.
    let whole =
        caught(|| panic!("the letter {} cannot be sent", String::from("TUcCxf7MWpLzK9hRkDgVtQ3nJmY5sBeA")));
    let words = last_words(&*whole, Some(panic::Location::caller()));
    assert!(!words.contains(password) && words.contains("dump.rs:"), "{words}");
    assert!(words.contains("hint:"), "{words}");
    let plain = caught(|| panic!("step ids are made of checked ids"));
    assert!(last_words(&*plain, None).contains("step ids are made of checked ids"));
    let odd = caught(|| panic::panic_any(7));
    assert!(last_words(&*odd, None).starts_with("error: basement panicked: "));
}
