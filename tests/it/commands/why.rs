//! What `plan` says besides: whose line it was, what happened at Stripe, whose doing it is, what letters say.

use std::fs;

use basement::model::ids::SubscriptionId;
use basement::model::moment::Moment;
use basement::sim::billing_life::Subscribe;
use basement::sim::trouble::Mishap;

use super::{Bench, Said};
use crate::checkout::Shelf;

/// A shop under git: six customers, all delivered, committed to `main`.
struct Shop {
    bench: Bench,
    shelf: Shelf,
    hashes: Vec<String>,
}

impl Shop {
    fn open() -> Self {
        let bench = Bench::new();
        // One after the other, so that each has its droplet's number.
        for user in ["ada", "bob", "cleo", "dora"] {
            let lookup_key = if user == "ada" { "pro-month" } else { "basic-month" };
            let order = Subscribe {
                user_id: Some(user.to_owned()),
                lookup_key: lookup_key.to_owned(),
                ..Subscribe::default()
            };
            let now = bench.world().now();
            bench.books().subscribe(now, order).expect("a subscription");
            bench.expect("generate", 0);
            bench.expect("apply --auto-approve", 0);
        }
        fs::write(bench.root().join(".gitignore"), ".basement/\n").expect("a file");
        let shelf = Shelf::new(&bench.root());
        let mut shop = Self { bench, shelf, hashes: Vec::new() };
        shop.commit("Grace Hopper", "Four customers");
        shop
    }

    /// Commits the files as they are, now.
    fn commit(&mut self, author: &str, subject: &str) {
        let now = self.bench.world().now().to_string();
        self.hashes.push(self.shelf.commit(&now, author, subject).to_string());
    }

    fn now(&self) -> Moment {
        self.bench.world().now()
    }

    fn subscription(&self, user: &str) -> SubscriptionId {
        self.bench.books().of_user(user).remove(0)
    }

    fn cancel(&self, user: &str) {
        let (now, id) = (self.now(), self.subscription(user));
        self.bench.books().cancel(now, &id).expect("it runs");
    }

    fn droplet(&self, user: &str) -> u64 {
        let mut world = self.bench.world();
        let found = world.cloud().machines().find(|machine| machine.name.starts_with(user));
        found.expect("a droplet").id
    }

    /// A page without what depends on the contents of other files: the commits' hashes.
    fn page(&self, said: &Said) -> String {
        let mut page = said.page();
        for (n, hash) in self.hashes.iter().enumerate() {
            page = page.replace(&hash[..7], &format!("<hash {n}>"));
        }
        page
    }
}

/// One of each: main has stopped bob, somebody has switched cleo off, eve is booting; and this change stops ada.
fn pull_request() -> Shop {
    let mut shop = Shop::open();
    shop.bench.advance(86_400);
    shop.cancel("bob");
    let order = Subscribe { user_id: Some("eve".to_owned()), ..Subscribe::default() };
    let now = shop.now();
    shop.bench.books().subscribe(now, order).expect("a subscription");
    shop.bench.expect("generate", 0);
    shop.commit("basement", "Bob has cancelled, Eve has come");
    let servers = shop.bench.servers();
    let bob = servers.keys().find(|name| name.starts_with("bob")).expect("a file").clone();
    // Bob is not applied yet, Eve is: a hold of a minute stands in for a pass that was interrupted.
    let until = shop.now().plus(basement::model::moment::Span::minutes(1));
    let hold = format!("hold: {{ until: {until}, reason: \"one at a time\" }}\n");
    shop.bench.write(&format!("fleet/overrides/{bob}.yaml"), hold);
    shop.bench.run("apply --auto-approve --deadline 5s");
    fs::remove_file(shop.bench.root().join(format!("fleet/overrides/{bob}.yaml"))).expect("it is there");
    let cleo = shop.droplet("cleo");
    shop.bench.world().cloud().act(cleo, basement::sim::machine::Kind::PowerOff).expect("it is on");
    shop.bench.advance(60);
    shop.cancel("ada");
    shop.shelf.branch("ada-leaves");
    shop.bench.expect("generate", 0);
    shop.commit("basement", "Ada has cancelled");
    shop
}

#[test]
fn a_pull_request_sees_its_own_steps_first() {
    let shop = pull_request();
    let said = shop.bench.expect("plan --base main", 0);
    insta::assert_snapshot!("plan_against_main", shop.page(&said));
    let all = shop.bench.expect("plan --base main --all", 0);
    insta::assert_snapshot!("plan_against_main_whole", shop.page(&all));
    let letters = shop.bench.expect("plan --letters", 0);
    assert!(!letters.all().contains("@example.com\n  Subject: Your"), "a customer's address is shown");
    insta::assert_snapshot!("letter_of_welcome", shop.page(&letters));
    // Against itself nothing is of this change.
    let same = shop.bench.expect("plan --base ada-leaves", 0);
    assert!(same.out.contains("asks for nothing by itself"), "{}", same.page());
    // Without git all the rest is as before.
    fs::remove_dir_all(shop.bench.root().join(".git")).expect("it is there");
    let plain = shop.bench.expect("plan", 0);
    assert!(plain.out.contains("declared by fleet/servers/ada-"), "{}", plain.page());
    assert!(!plain.out.contains("has cancelled\n") && !plain.out.contains("not committed"));
}

#[test]
fn a_base_that_cannot_be_read_is_named_with_its_cure() {
    let mut shop = Shop::open();
    let bench = &shop.bench;
    insta::assert_snapshot!("base_unknown", shop.page(&bench.expect("plan --base nowhere", 1)));
    let (path, text) = (fs::read_dir(bench.root().join("fleet/servers")).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some())
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a file")))
        .min()
        .expect("a file");
    fs::write(&path, text.replace("state: running", "state: runing")).expect("a file");
    shop.commit("Ada", "A slip");
    fs::write(&path, &text).expect("a file");
    insta::assert_snapshot!("base_broken", shop.page(&shop.bench.expect("plan --base main", 1)));
    assert_eq!(shop.bench.expect("plan --base main~1", 0).err, "");
    fs::remove_dir_all(shop.bench.root().join(".git")).expect("it is there");
    insta::assert_snapshot!("base_without_git", shop.page(&shop.bench.expect("plan --base main", 1)));
}

#[test]
fn a_destroy_says_what_is_lost_and_a_letter_is_shown_before_it_is_sent() {
    let mut shop = Shop::open();
    shop.bench.advance(86_400);
    shop.cancel("ada");
    shop.bench.expect("generate", 0);
    shop.commit("basement", "Ada has cancelled");
    insta::assert_snapshot!("letters_of_nothing", shop.page(&shop.bench.expect("plan --letters", 0)));
    shop.bench.expect("apply --auto-approve", 0);
    let (ada, dora) = (shop.droplet("ada"), shop.droplet("dora"));
    shop.bench.world().cloud().snapshot(ada);
    assert!(shop.bench.world().cloud().remove_by_hand(dora));
    shop.bench.advance(8 * 86_400);
    insta::assert_snapshot!("plan_of_a_destroy", shop.page(&shop.bench.expect("plan", 0)));
    insta::assert_snapshot!("letters_shown", shop.page(&shop.bench.expect("plan --letters", 0)));
    let json = shop.bench.expect("plan --letters --format json", 0).out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["letters"].as_array().map(Vec::len), Some(1));
    // A key that may not read events makes a poorer plan, not another one.
    shop.bench.trouble("GET /v1/events", Mishap::FailBefore(403), 1);
    let poor = shop.bench.expect("plan", 0);
    assert!(poor.out.contains("1 to destroy") && !poor.out.contains("evt_"), "{}", poor.page());
    // Acting asks for no events: its requests do not grow.
    shop.bench.world().requests.clear();
    shop.bench.expect("apply --auto-approve", 0);
    let asked = shop.bench.world().requests.calls.clone();
    assert!(asked.keys().all(|call| !call.contains("/v1/events")), "{asked:?}");
}

/// How often a command asks Stripe what happened.
fn asked(shop: &Shop, words: &str, code: i32) -> (usize, Said) {
    let count = || -> usize {
        let world = shop.bench.world();
        world.requests.exchanges.iter().flatten().filter(|one| one.path == "/v1/events").count()
    };
    let before = count();
    let said = shop.bench.expect(words, code);
    (count() - before, said)
}

#[test]
fn whoever_is_asked_to_apply_sees_what_a_plan_says_and_later_passes_do_not_ask_again() {
    let shop = pull_request();
    // What is left of the hour is another number for each command.
    let seen = |said: &Said| {
        let lines = said.out.lines().map(|line| line.split(" of 5,000 left").next().unwrap_or_default());
        lines
            .map(|line| line.rsplit_once("s; ").map_or(line, |(line, _)| line))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (times, plan) = asked(&shop, "plan --out plan.json", 0);
    assert_eq!(times, 1);
    for word in ["declared by", "has cancelled", "Stripe: ", "\nUpcoming\n", "\n≈ "] {
        assert!(plan.out.contains(word), "{word}: {}", plan.page());
    }
    let (times, apply) = asked(&shop, "apply", 3);
    assert_eq!((times, seen(&apply)), (1, seen(&plan)));
    let (times, saved) = asked(&shop, "apply plan.json --auto-approve", 0);
    assert!(saved.out.starts_with(plan.out.split("\n≈ ").next().expect("a plan")), "{}", saved.page());
    assert_eq!((times, saved.out.matches("\nUpcoming\n").count()), (1, 1), "{}", saved.page());
}

#[test]
fn whoever_asks_for_no_yes_does_not_pay_for_what_is_not_shown() {
    let shop = pull_request();
    let (times, said) = asked(&shop, "apply --auto-approve", 0);
    assert_eq!(times, 0);
    assert!(!said.out.contains("Upcoming") && !said.out.contains("≈ "), "{}", said.page());
}
