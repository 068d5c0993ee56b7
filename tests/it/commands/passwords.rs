//! A root password's life: made, sent, sent again, sealed anew, erased.

use std::fs;

use basement::sim::whim::{Told, Whim};

use super::{Bench, hush};

const ONE: &str = "1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const THREE: &str = "3:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
const DAY: i64 = 86_400;

/// The only server's name.
fn only(bench: &Bench) -> String {
    bench.servers().into_keys().next().expect("a server")
}

/// Its welcome letters, in the order of their sending: Message-ID and text.
fn welcomes(bench: &Bench) -> Vec<(String, String)> {
    let world = bench.world();
    let welcome = world.outbox.iter().filter(|letter| letter.message_id.contains(".welcome"));
    welcome.map(|letter| (letter.message_id.clone(), letter.text.clone())).collect()
}

#[test]
fn the_letter_is_sent_again_while_its_password_is_kept() {
    let bench = Bench::of(1);
    let name = only(&bench);
    insta::assert_snapshot!("resend_before_delivery", bench.expect(&format!("resend {name}"), 1).page());
    bench.expect("apply --auto-approve", 0);
    bench.advance(2 * DAY);
    insta::assert_snapshot!("resend", bench.expect(&format!("resend {name}"), 0).page());
    bench.expect(&format!("resend {name}"), 0);
    let letters = welcomes(&bench);
    let ids: std::collections::BTreeSet<_> = letters.iter().map(|(id, _)| id).collect();
    assert_eq!((letters.len(), ids.len()), (3, 3), "one letter per resend, each with an id of its own");
    // The same words, the day of erasure among them, and the same password.
    assert!(letters.iter().all(|(_, text)| *text == letters[0].1), "{}", letters[2].1);
    assert_eq!(hush::passwords(&bench.world()).len(), 1);
    assert!(letters[0].1.contains("We erase our copy of this password on 9 Nov 2026"), "{}", letters[0].1);
    // A second delivery it is not.
    bench.expect("apply --auto-approve", 0);
    bench.advance(5 * DAY - 3_600);
    bench.expect("apply --auto-approve", 0);
    bench.expect(&format!("resend {name}"), 0);
    bench.advance(2 * 3_600);
    bench.expect("apply --auto-approve", 0);
    insta::assert_snapshot!("resend_after_erasure", bench.expect(&format!("resend {name}"), 1).page());
    assert_eq!(welcomes(&bench).len(), 4);
    insta::assert_snapshot!("resend_in_history", bench.expect(&format!("history {name}"), 0).page());
}

#[test]
fn a_relay_that_hangs_up_gets_the_same_letter_again() {
    let mut bench = Bench::of(1);
    let name = only(&bench);
    bench.expect("apply --auto-approve", 0);
    let relay = bench.relay();
    bench.set("BASEMENT_SMTP_URL", "smtp://127.0.0.1:1");
    let said = bench.expect(&format!("resend {name}"), 1);
    assert!(said.err.contains("hint:"), "{}", said.page());
    bench.set("BASEMENT_SMTP_URL", relay);
    bench.expect(&format!("resend {name}"), 0);
    let ids: Vec<String> = welcomes(&bench).into_iter().map(|(id, _)| id).collect();
    assert!(ids.len() == 2 && ids[1].contains(".again.1"), "{ids:?}");
}

#[test]
fn there_is_no_letter_about_what_is_not_so() {
    let bench = Bench::of(1);
    let name = only(&bench);
    insta::assert_snapshot!("resend_unknown", bench.expect("resend nobody-00000000", 1).page());
    bench.expect("apply --auto-approve", 0);
    let file = format!("fleet/servers/{name}.yaml");
    bench.replace(&file, "state: running", "state: stopped");
    insta::assert_snapshot!("resend_of_a_stopped_one", bench.expect(&format!("resend {name}"), 1).page());
    bench.replace(&file, "state: stopped", "state: running");
    let id = bench.world().cloud().machines().map(|machine| machine.id).next().expect("a droplet");
    bench.world().cloud().remove_by_hand(id);
    insta::assert_snapshot!("resend_of_a_deleted_one", bench.expect(&format!("resend {name}"), 1).page());
    bench.expect("apply --auto-approve", 0);
    insta::assert_snapshot!(
        "resend_of_one_known_as_deleted",
        bench.expect(&format!("resend {name}"), 1).page()
    );
    assert_eq!(welcomes(&bench).len(), 1);
}

#[test]
fn keys_are_changed_and_the_old_one_is_thrown_away() {
    let mut bench = Bench::of(3);
    bench.set("BASEMENT_SEAL_KEYS", ONE);
    bench.expect("apply --auto-approve", 0);
    bench.set("BASEMENT_SEAL_KEYS", format!("{TWO},{ONE}"));
    insta::assert_snapshot!("rekey", bench.expect("rekey", 0).page());
    insta::assert_snapshot!("rekey_again", bench.expect("rekey", 0).page());
    bench.set("BASEMENT_SEAL_KEYS", TWO);
    let name = only(&bench);
    bench.expect(&format!("resend {name}"), 0);
    assert_eq!(hush::passwords(&bench.world()).len(), 3, "the same password as before");
    // One more with the key of now, then without it: those stay as they are, and are named.
    bench.set("BASEMENT_SEAL_KEYS", format!("{THREE},{ONE}"));
    insta::assert_snapshot!("rekey_without_the_key", bench.expect("rekey", 5).page());
    bench.set("BASEMENT_SEAL_KEYS", TWO);
    bench.expect(&format!("resend {name}"), 0);
}

#[test]
fn passwords_are_erased_though_the_guard_objects_and_the_vendors_are_down() {
    let mut bench = Bench::of(1);
    bench.replace("basement.toml", "keep_password = \"7d\"", "keep_password = \"1h\"");
    bench.expect("apply --auto-approve", 0);
    bench.advance(3_601);
    bench.set("DIGITALOCEAN_API_URL", "http://127.0.0.1:1");
    bench.run("apply --auto-approve --deadline 1s");
    bench.set("DIGITALOCEAN_API_URL", bench.running.http_url());
    let said = bench.expect(&format!("resend {}", only(&bench)), 1);
    assert!(said.err.contains("is erased since"), "{}", said.page());
}

/// The next first boot lasts so many seconds.
fn slow(bench: &Bench, seconds: u64) {
    let told = Told { whim: Whim::SlowFirstBoot(seconds), server: None, times: 1 };
    bench.world().cloud().whims.tell(told);
}

fn droplet_ids(bench: &Bench) -> Vec<u64> {
    bench.world().cloud().machines().map(|machine| machine.id).collect()
}

#[test]
fn a_key_that_is_missing_for_one_password_is_missing() {
    let mut bench = Bench::of(1);
    let first = only(&bench);
    slow(&bench, 3_000);
    bench.set("BASEMENT_SEAL_KEYS", ONE);
    bench.expect("apply --auto-approve --deadline 5m", 5);
    bench.subscribe(1);
    bench.expect("generate", 0);
    bench.set("BASEMENT_SEAL_KEYS", format!("{TWO},{ONE}"));
    bench.expect("apply --auto-approve --deadline 5m", 5);
    let made = droplet_ids(&bench);
    assert_eq!((made.len(), welcomes(&bench).len()), (2, 1));
    bench.advance(3_000);
    // The newest opens, and the one that is waited for does not.
    bench.set("BASEMENT_SEAL_KEYS", TWO);
    let shut = format!("1 password cannot be opened (of `{first}`)");
    for command in ["doctor", "apply --auto-approve"] {
        let said = bench.expect(command, 1);
        assert!(said.all().contains(&shut), "{}", said.page());
    }
    // A plan tries them too.
    let said = bench.expect("plan", 0);
    assert!(said.out.contains("1 to destroy") && said.out.contains("never handed over"), "{}", said.page());
    assert_eq!(droplet_ids(&bench), made);
    bench.set("BASEMENT_SEAL_KEYS", format!("{TWO},{ONE}"));
    bench.expect("apply --auto-approve", 0);
    assert_eq!((droplet_ids(&bench), welcomes(&bench).len()), (made, 2));
}

#[test]
fn only_apply_makes_a_key_and_not_in_the_place_of_a_lost_one() {
    let mut bench = Bench::of(1);
    let name = only(&bench);
    bench.unset("BASEMENT_SEAL_KEYS");
    slow(&bench, 3_000);
    bench.expect("apply --auto-approve --deadline 5m", 5);
    let (key, kept) = (bench.root().join(".basement/ledger.key"), bench.root().join("kept.key"));
    bench.may_hold("kept.key");
    fs::rename(&key, &kept).expect("a key");
    bench.advance(3_000);
    for command in ["rekey".to_owned(), format!("resend {name}"), "apply --auto-approve".to_owned()] {
        let said = bench.expect(&command, 1);
        assert!(said.err.contains("there is no seal key here"), "{}", said.page());
        assert!(!key.exists(), "{command}");
    }
    let said = bench.expect("plan --out plan.json", 0);
    assert!(said.out.contains("1 password: not looked at"), "{}", said.page());
    let said = bench.expect("apply plan.json --auto-approve --allow lost-key", 4);
    assert!(said.out.contains("destroy"), "{}", said.page());
    let before = droplet_ids(&bench);
    // What a person gives up is shown, and then done.
    let said = bench.expect("plan --allow lost-key --out plan.json", 0);
    assert!(said.out.contains("1 to destroy"), "{}", said.page());
    bench.expect("apply plan.json --auto-approve --allow lost-key --deadline 1h", 0);
    assert!(droplet_ids(&bench) != before && welcomes(&bench).len() == 1);
    // A key that is found again goes behind the new one: they have different numbers.
    let keys = [&key, &kept].map(|path| fs::read_to_string(path).expect("a key").trim().to_owned());
    assert!(keys[0].starts_with("2:") && keys[1].starts_with("1:"), "another number");
    bench.set("BASEMENT_SEAL_KEYS", keys.join(","));
    bench.expect("rekey", 0);
}

#[test]
fn a_ledger_lost_before_the_letter_is_said_before_anything_is_done() {
    let lose = |bench: &Bench| fs::remove_dir_all(bench.root().join(".basement")).expect("a ledger");
    let alerts = |bench: &Bench| bench.letters().keys().filter(|id| id.contains("operator-unsure")).count();
    for deadline in ["20s", "5m"] {
        let bench = Bench::of(1);
        slow(&bench, 600);
        bench.expect(&format!("apply --auto-approve --deadline {deadline}"), 5);
        let before = droplet_ids(&bench);
        lose(&bench);
        let said = bench.expect("plan", 0);
        assert!(
            said.out.contains("1 to destroy") && said.out.contains("never handed over"),
            "{}",
            said.page()
        );
        bench.expect("apply --auto-approve --deadline 1h", 0);
        assert!(droplet_ids(&bench) != before && droplet_ids(&bench).len() == 1, "{deadline}");
        assert_eq!((welcomes(&bench).len(), alerts(&bench)), (1, 0), "{deadline}");
    }
    // One that may be in use is kept, and that is not kept quiet.
    let bench = Bench::of(1);
    bench.expect("apply --auto-approve", 0);
    let before = droplet_ids(&bench);
    lose(&bench);
    let said = bench.expect("plan", 0);
    assert!(
        said.out.contains("taken as delivered; nobody knows whether its customer was told"),
        "{}",
        said.page()
    );
    bench.expect("apply --auto-approve", 0);
    assert_eq!((droplet_ids(&bench), welcomes(&bench).len(), alerts(&bench)), (before, 1, 1));
}

#[test]
fn what_we_promised_to_erase_is_not_sent_again() {
    let bench = Bench::of(1);
    let name = only(&bench);
    bench.expect("apply --auto-approve", 0);
    assert!(!bench.expect("plan", 0).all().contains("kept longer"));
    bench.advance(30 * DAY);
    let warning = "1 password is kept longer than `mail.keep_password` promises";
    assert!(bench.expect("plan", 0).err.contains(warning));
    assert!(bench.run("doctor").out.contains(warning));
    let said = bench.expect(&format!("resend {name}"), 1);
    assert!(said.err.contains("is erased since 2026-11-09"), "{}", said.page());
    assert_eq!(welcomes(&bench).len(), 1);
    // It did not only say so.
    assert!(!bench.expect("plan", 0).err.contains("kept longer"));
}

#[test]
fn a_letter_tells_how_the_server_was_made() {
    let mut bench = Bench::of(1);
    let key = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa";
    bench.replace("basement.toml", "ssh_keys = []", &format!("ssh_keys = [\"{key}\"]"));
    let relay = bench.relay();
    bench.set("BASEMENT_SMTP_URL", "smtp://127.0.0.1:1");
    bench.run("apply --auto-approve --deadline 10m");
    // By now the files say otherwise.
    bench.replace("basement.toml", &format!("ssh_keys = [\"{key}\"]"), "ssh_keys = []");
    bench.replace("basement.toml", "ubuntu-22-04-x64", "ubuntu-24-04-x64");
    bench.replace("basement.toml", "region = \"nyc3\"", "region = \"fra1\"");
    bench.replace("basement.toml", "template = \"base\"", "template = \"php\"");
    bench.advance(900);
    let shown = bench.expect("plan --letters", 0).out;
    bench.set("BASEMENT_SMTP_URL", relay);
    bench.expect("apply --auto-approve", 0);
    bench.expect(&format!("resend {}", only(&bench)), 0);
    // The operator had read meanwhile that the welcome does not go out.
    let mut letters = welcomes(&bench);
    letters.retain(|(id, _)| !id.contains("operator"));
    assert_eq!(letters.len(), 2);
    for text in letters.iter().map(|(_, text)| text).chain([&shown]) {
        assert!(text.contains("Ubuntu 22.04, size s-1vcpu-1gb, region nyc3"), "{text}");
        assert!(text.contains("an SSH key of ours") && !text.contains("PHP"), "{text}");
    }
}
