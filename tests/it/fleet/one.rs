//! Each kind of bad server file, and what is said about it: keys and values.

use super::{ADA, GOOD, complaints};

#[test]
fn unknown_key() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("state: running", "stat: running"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml: missing key `state`
      hint: add a line such as `state: running`

    fleet/servers/ada-w9rm9sh6.yaml:7: unknown key `stat`
      7 | stat: running
        | ^
      hint: did you mean `state`?

    2 complaints in 1 file
    "#);
}

#[test]
fn unknown_key_far_from_any() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}favourite_colour: blue\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: unknown key `favourite_colour`
      10 | favourite_colour: blue
         | ^
      hint: the keys here are `server`, `user`, `customer`, `subscription`, `plan`, `price`, `state`, `because`, `since`, `ends_on`, `destroy_after` and `hold`

    1 complaint in 1 file
    "#);
}

#[test]
fn unknown_key_in_the_price() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("amount: 3500", "amout: 3500"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:6: missing key `price.amount`
      6 | price: { amout: 3500, currency: usd, every: month }
        |        ^
      hint: add a line such as `amount: 3500`

    fleet/servers/ada-w9rm9sh6.yaml:6: unknown key `price.amout`
      6 | price: { amout: 3500, currency: usd, every: month }
        |          ^
      hint: did you mean `amount`?

    2 complaints in 1 file
    "#);
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("user: ada", "user: 42").replace("amount: 3500", "amount: 35.5").replace("since: 2026-11-02T09:14:00Z", "since: [1, 2]"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: `user`: invalid type: integer `42`, expected a string
      2 | user: 42
        |       ^
      hint: put the value in quotes

    fleet/servers/ada-w9rm9sh6.yaml:6: `price.amount`: invalid type: floating point `35.5`, expected a whole number of cents
      6 | price: { amount: 35.5, currency: usd, every: month }
        |                  ^
      hint: for example `amount: 3500`

    fleet/servers/ada-w9rm9sh6.yaml:9: `since`: invalid type: sequence, expected a string
      9 | since: [1, 2]
        |        ^
      hint: for example `since: 2026-11-02T09:14:00Z`

    3 complaints in 1 file
    "#);
}

#[test]
fn unknown_state_and_interval() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("state: running", "state: runing").replace("every: month", "every: week"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:6: `price.every`: `week` is not one of `month` and `year`
      6 | price: { amount: 3500, currency: usd, every: week }
        |                                              ^
      hint: write one of `month` and `year`

    fleet/servers/ada-w9rm9sh6.yaml:7: `state`: `runing` is not one of `running`, `stopped` and `destroyed`
      7 | state: runing
        |        ^
      hint: did you mean `running`?

    2 complaints in 1 file
    "#);
}

#[test]
fn bad_slug() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("user: ada", "user: Ada Lovelace"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: `user`: `Ada Lovelace` is not a user slug: 1 to 63 of a-z, 0-9 and -, neither first nor last a -
      2 | user: Ada Lovelace
        |       ^
      hint: for example `user: ada`

    1 complaint in 1 file
    "#);
}

#[test]
fn bad_date_and_currency() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("2026-11-02T09:14:00Z", "yesterday").replace("usd", "dollars"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:6: `price.currency`: `dollars` is not a currency: three letters such as `usd`
      6 | price: { amount: 3500, currency: dollars, every: month }
        |                                  ^
      hint: for example `currency: usd`

    fleet/servers/ada-w9rm9sh6.yaml:9: `since`: `yesterday` is not a time like `2026-11-02T09:14:00Z`
      9 | since: yesterday
        |        ^
      hint: for example `since: 2026-11-02T09:14:00Z`

    2 complaints in 1 file
    "#);
}

#[test]
fn missing_keys() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("plan: pro\n", "").replace("state: running\n", ""))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml: missing key `plan`
      hint: add a line such as `plan: pro`

    fleet/servers/ada-w9rm9sh6.yaml: missing key `state`
      hint: add a line such as `state: running`

    2 complaints in 1 file
    "#);
}

#[test]
fn empty_value() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("plan: pro", "plan:"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:5: `plan` is empty
      5 | plan:
        | ^
      hint: write a value such as `pro`, or take the key out

    1 complaint in 1 file
    "#);
}

#[test]
fn file_named_otherwise() {
    insta::assert_snapshot!(complaints(&[("fleet/servers/bob.yaml", GOOD.to_owned())]), @r#"
    fleet/servers/bob.yaml:1: the file is named `bob`, its server `ada-w9rm9sh6`
      1 | server: ada-w9rm9sh6
        |         ^
      hint: name the file `ada-w9rm9sh6.yaml`

    1 complaint in 1 file
    "#);
}

#[test]
fn unknown_plan() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("plan: pro", "plan: por"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:5: unknown plan `por`
      5 | plan: por
        |       ^
      hint: did you mean `pro`?

    1 complaint in 1 file
    "#);
}

#[test]
fn plan_no_longer_sold() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("plan: pro", "plan: enterprise"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:5: unknown plan `enterprise`
      5 | plan: enterprise
        |       ^
      hint: the plans of `basement.toml` are `basic`, `premium` and `pro`; a plan no longer sold stays there with `stripe = []`

    1 complaint in 1 file
    "#);
}

#[test]
fn grace_without_being_stopped() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}destroy_after: 2026-12-01T00:00:00Z\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: `destroy_after` means nothing with `state: running`
      10 | destroy_after: 2026-12-01T00:00:00Z
         |                ^
      hint: it belongs to `state: stopped`: take it out

    1 complaint in 1 file
    "#);
}

#[test]
fn an_end_that_is_over_or_is_no_time() {
    let stopped = GOOD.replace("state: running", "state: stopped");
    insta::assert_snapshot!(complaints(&[(ADA, format!("{stopped}ends_on: 2026-12-02T09:14:00Z\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: `ends_on` means nothing with `state: stopped`
      10 | ends_on: 2026-12-02T09:14:00Z
         |          ^
      hint: it belongs to `state: running`: take it out

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}ends_on: soon\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: `ends_on`: `soon` is not a time like `2026-11-02T09:14:00Z`
      10 | ends_on: soon
         |          ^
      hint: for example `ends_on: 2026-12-02T09:14:00Z`

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}ends_on:\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: `ends_on` is empty
      10 | ends_on:
         | ^
      hint: write a value such as `2026-12-02T09:14:00Z`, or take the key out

    1 complaint in 1 file
    "#);
    // A server of our own has no subscription that could end.
    let wiki = "server: wiki\nuser: staff\nplan: pro\nbecause: our own wiki\nsince: 2026-11-02T09:14:00Z\n";
    let ours = complaints(&[("fleet/extra/wiki.yaml", format!("{wiki}ends_on: 2026-12-02T09:14:00Z\n"))]);
    assert!(ours.contains("unknown key `ends_on`"), "{ours}");
}
