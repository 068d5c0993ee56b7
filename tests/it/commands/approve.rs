//! A yes that is bound to what was seen: saved plans, approvals, holds, and tombstones for review.

use basement::sim::trouble::Mishap;

use super::Bench;

#[test]
fn an_approval_lets_pass_what_it_names() {
    let bench = Bench::of_ended(5);
    insta::assert_snapshot!("apply_unapproved", bench.expect("apply", 3).err);
    bench.expect("plan --out plan.json", 0);
    insta::assert_snapshot!("approve", bench.expect("approve plan.json --until 2d --by Ada", 0).page());
    let files = std::fs::read_dir(bench.root().join("fleet/approvals")).unwrap();
    let files: Vec<_> =
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some()).collect();
    let [file] = files.as_slice() else { panic!("one file, not {files:?}") };
    insta::assert_snapshot!("approval_file", std::fs::read_to_string(file).unwrap());
    insta::assert_snapshot!("plan_approved", bench.expect("plan --exit-code", 2).page());
    assert_eq!(bench.droplets().len(), 5);
    // Somebody new does not void it.
    bench.subscribe(1);
    bench.expect("generate", 0);
    bench.expect("apply", 0);
    assert_eq!(bench.droplets().len(), 1);
}

#[test]
fn an_approval_that_does_not_count_says_why() {
    let bench = Bench::of_ended(5);
    bench.expect("plan --out plan.json", 0);
    bench.expect("approve plan.json --until 2d --by Ada", 0);
    bench.advance(3 * 24 * 3_600);
    let said = bench.expect("apply", 3);
    assert!(said.err.contains("does not count: it expired on"), "{}", said.page());
    bench.expect("plan --out plan.json", 0);
    bench.expect("approve plan.json --by Ada", 0);
    let file = std::fs::read_dir(bench.root().join("fleet/approvals")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), text.replace("by: \"Ada\"", "by: \"Eve\"")).unwrap();
    let said = bench.expect("apply --auto-approve", 3);
    assert!(said.err.contains("was edited or cut"), "{}", said.page());
    assert_eq!(bench.droplets().len(), 5);
}

#[test]
fn a_saved_plan_is_done_as_it_was_seen_or_not_at_all() {
    let bench = Bench::of(2);
    bench.expect("plan --out plan.json", 0);
    bench.subscribe(1);
    bench.expect("generate", 0);
    insta::assert_snapshot!("saved_plan_moved", bench.expect("apply plan.json", 4).page());
    assert!(bench.droplets().is_empty());
    bench.expect("plan --out plan.json", 0);
    bench.expect("apply plan.json", 0);
    assert_eq!(bench.droplets().len(), 3);
    // It was done, so it is not what would be done now.
    bench.expect("apply plan.json", 4);
    bench.replace("plan.json", "\"version\": 1", "\"version\": 2");
    insta::assert_snapshot!("saved_plan_of_another_version", bench.expect("apply plan.json", 1).page());
    bench.expect("plan --out plan.json", 0);
    insta::assert_snapshot!("approve_nothing", bench.expect("approve plan.json", 1).page());
    insta::assert_snapshot!("approve_no_file", bench.expect("approve none.json", 1).page());
}

#[test]
fn a_saved_plan_that_takes_something_away_needs_a_yes_too() {
    let bench = Bench::of_ended(2);
    bench.expect("plan --out plan.json", 0);
    let said = bench.expect("apply plan.json", 3);
    assert!(said.err.contains("nobody approved the 2 steps"), "{}", said.page());
    // Whatever is edited in it, it is refused: a server's name, an objection, what a person read.
    let text = std::fs::read_to_string(bench.root().join("plan.json")).unwrap();
    let edits = [
        (r#""server": "user-0001-"#, r#""server": "user-0009-"#),
        (r#""objections": []"#, r#""objections": ["many-refunds"]"#),
        ("2 to destroy", "1 to destroy"),
        (r#""ended": "2026"#, r#""ended": "2025"#),
    ];
    for (was, is) in edits {
        bench.replace("plan.json", was, is);
        for command in ["apply plan.json --auto-approve", "approve plan.json --by Eve"] {
            let said = bench.expect(command, 1);
            assert!(said.err.contains("`plan.json` was edited"), "{}", said.page());
        }
        std::fs::write(bench.root().join("plan.json"), &text).unwrap();
    }
    bench.expect("approve plan.json --by Ada", 0);
    bench.expect("apply plan.json", 0);
    assert!(bench.droplets().is_empty());
}

#[test]
fn a_plan_with_an_open_question_is_nothing_to_say_yes_to() {
    let bench = Bench::of_ended(1);
    bench.trouble("GET /v1/subscriptions/", Mishap::FailBefore(503), 9);
    bench.expect("plan --out plan.json", 0);
    for command in ["apply plan.json --auto-approve", "approve plan.json --by Eve"] {
        let said = bench.expect(command, 1);
        assert!(said.err.contains("still has 1 question"), "{}", said.page());
    }
    assert_eq!(bench.droplets().len(), 1);
}

#[test]
fn what_comes_up_during_a_run_waits_for_another_yes() {
    let bench = Bench::of(1);
    bench.expect("apply --auto-approve", 0);
    let now = bench.world().now();
    let id = bench.books().of_user("user-0001").remove(0);
    bench.books().cancel(now, &id).expect("a subscription");
    bench.expect("generate --allow shrink", 0);
    bench.expect("apply --auto-approve", 0);
    // Its grace of seven days will be over before somebody new is served.
    bench.advance(7 * 24 * 3_600 - 40);
    bench.subscribe(1);
    bench.expect("generate", 0);
    bench.expect("plan --out plan.json", 0);
    insta::assert_snapshot!("saved_plan_and_more", bench.expect("apply plan.json", 4).page());
    assert_eq!(bench.droplets().len(), 2);
    assert!(bench.expect("apply", 3).err.contains("nobody approved the 1 step that takes"));
}

#[test]
fn a_hold_and_a_tombstone_are_files_for_review() {
    let bench = Bench::of(1);
    bench.expect("apply --auto-approve", 0);
    let server = bench.servers().into_keys().next().unwrap();
    bench.write(&format!("fleet/overrides/{server}.yaml"), "# as agreed with them\nregion: nyc3\n");
    let hold = |reason: &str| {
        let mut command = bench.command(&format!("hold {server} --until 3d --reason"));
        bench.said(&command.arg(reason).output().unwrap())
    };
    insta::assert_snapshot!("hold", hold("they move \"house\"").page());
    assert_eq!(hold("again").code, 1);
    let plan = bench.expect("plan", 0).out;
    assert!(plan.contains("held") && plan.contains("house"), "{plan}");
    insta::assert_snapshot!("destroy", bench.expect(&format!("destroy {server} --reason fraud"), 0).page());
    // It is paid for, and it is held: nothing is done to it.
    bench.expect("apply --auto-approve", 0);
    assert_eq!(bench.droplets().len(), 1);
    assert_eq!(bench.expect(&format!("destroy {server} --reason fraud"), 1).code, 1);
    bench.expect("destroy nobody --reason fraud", 1);
    bench.write("fleet/extra/wiki.yaml", "# ours\nserver: wiki\nuser: staff\nplan: basic\nstate: running\nbecause: our wiki\nsince: 2026-11-02T09:14:00Z\n");
    bench.expect("apply --auto-approve", 0);
    insta::assert_snapshot!("destroy_extra", bench.expect("destroy wiki --reason moved", 0).page());
    bench.expect("apply --auto-approve", 0);
    assert_eq!(bench.droplets(), [server]);
}
