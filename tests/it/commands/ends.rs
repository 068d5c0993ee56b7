//! An end that is known before it comes: from Stripe into the file, the forecast and `status`, and then it comes.

use basement::model::ids::SubscriptionId;

use super::Bench;

const DAY: i64 = 86_400;

fn subscription(bench: &Bench, user: &str) -> SubscriptionId {
    bench.books().of_user(user).remove(0)
}

/// The first cancels for the end of his month, a week from now; the second will not pay for hers.
fn shop() -> Bench {
    let bench = Bench::new();
    for _ in 0..2 {
        // One by one, so that each has the same number in every run.
        bench.subscribe(1);
        bench.expect("generate", 0);
        bench.expect("apply --auto-approve", 0);
    }
    bench.advance(23 * DAY);
    let now = bench.world().now();
    let [leaves, owes] = ["user-0001", "user-0002"].map(|user| subscription(&bench, user));
    bench.books().cancel_at_period_end(now, &leaves, true).expect("it runs");
    bench.books().stop_paying(now, &owes).expect("it runs");
    bench
}

/// The rows of what comes, as they are in text.
fn upcoming(bench: &Bench) -> String {
    let out = bench.expect("plan", 0).out;
    let rows =
        out.lines().skip_while(|line| !line.starts_with("Upcoming: ")).take_while(|line| !line.is_empty());
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_end_is_in_the_file_the_forecast_and_the_status_before_it_comes() {
    let bench = shop();
    let before = bench.servers();
    insta::assert_snapshot!("generate_of_an_end", bench.expect("generate", 0).page());
    bench.expect("validate", 0);
    insta::assert_snapshot!("plan_before_an_end", bench.expect("plan --exit-code", 0).page());
    let stop = bench.expect("plan --at 2026-12-02T09:00:00Z --exit-code", 2).out;
    assert!(stop.contains("1 to shut down") && stop.contains("user-0001-wtb3p80d.yaml:11"), "{stop}");
    insta::assert_snapshot!("plan_on_the_day_of_an_end", bench.expect("plan --at 2026-12-03", 0).page());
    insta::assert_snapshot!("status_before_an_end", bench.expect("status", 0).page());
    let json: serde_json::Value =
        serde_json::from_str(&bench.expect("status --format json", 0).out).expect("JSON");
    let ends: Vec<bool> = (json["servers"].as_array().expect("servers").iter())
        .map(|server| server["ends_on"].is_string())
        .collect();
    assert_eq!(ends, [true, false]);
    // Taken back, and asked for again.
    let (now, leaves) = (bench.world().now(), subscription(&bench, "user-0001"));
    bench.books().cancel_at_period_end(now, &leaves, false).expect("it runs");
    bench.expect("generate", 0);
    assert!(bench.servers() == before && upcoming(&bench).is_empty());
    bench.books().cancel_at_period_end(now, &leaves, true).expect("it runs");
    bench.expect("generate", 0);
    let foretold = upcoming(&bench);
    // The end comes, and what it brings has the days that were foretold.
    bench.advance(8 * DAY);
    bench.expect("generate --allow shrink", 0);
    let came = bench.expect("plan", 0).out;
    assert!(came.contains("cancelled since 2 Dec, so it is to be off"), "{came}");
    assert!(
        foretold.contains("2 Dec 09:0") && foretold.contains("to be destroyed on 9 Dec 2026"),
        "{foretold}"
    );
    assert!(came.contains("it will be destroyed on 9 Dec 09:0"), "{came}");
    // The other one's month was not paid: what follows is foretold with its condition, in all formats.
    insta::assert_snapshot!("upcoming_of_what_is_not_paid", upcoming(&bench));
    for format in ["markdown", "html", "json"] {
        let page = bench.expect(&format!("plan --format {format}"), 0).out;
        // A comment is wrapped.
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains("if it is not paid by then"), "{page}");
    }
    let owes = subscription(&bench, "user-0002");
    let now = bench.world().now();
    bench.books().pay(now, &owes).expect("it is owed");
    bench.expect("generate --allow shrink", 0);
    assert!(!upcoming(&bench).contains("not paid"), "{}", upcoming(&bench));
}
