//! Each kind of bad file, and what is said about it: whole files, and files among others.

use basement::fleet::yaml::SourceFile;

use super::{ADA, EXTRA, GOOD, complaints, complaints_of};

#[test]
fn duplicate_key() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}user: bob\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: the key `user` is there twice
      10 | user: bob
         | ^
      hint: take one of them out

    1 complaint in 1 file
    "#);
}

#[test]
fn alias_bomb() {
    insta::assert_snapshot!(complaints(&[(ADA, "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n".to_owned())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:1: anchors, aliases and tags (`&a`, `*a`, `!a`) are not allowed
      1 | a: &a [x, x]
        |    ^
      hint: write the value out in full; put it in quotes if it is meant as text

    1 complaint in 1 file
    "#);
}

#[test]
fn tag() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("user: ada", "user: !!binary ada"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: anchors, aliases and tags (`&a`, `*a`, `!a`) are not allowed
      2 | user: !!binary ada
        |       ^
      hint: write the value out in full; put it in quotes if it is meant as text

    1 complaint in 1 file
    "#);
}

#[test]
fn two_documents() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("---\n{GOOD}---\n{GOOD}"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:11: the file holds more than one document
      11 | ---
         | ^
      hint: one file is one server: take out what follows `---`

    1 complaint in 1 file
    "#);
}

#[test]
fn empty_file() {
    insta::assert_snapshot!(complaints(&[(ADA, String::new())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml: the file is empty
      hint: fill it, or delete it

    1 complaint in 1 file
    "#);
}

#[test]
fn only_a_comment() {
    insta::assert_snapshot!(complaints(&[(ADA, "# nothing yet\n".to_owned())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml: the file is empty
      hint: fill it, or delete it

    1 complaint in 1 file
    "#);
}

#[test]
fn not_a_mapping() {
    insta::assert_snapshot!(complaints(&[(ADA, "- server: ada\n".to_owned())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:1: the file is not made of `key: value` lines
      1 | - server: ada
        | ^
      hint: write one `key: value` a line, with a space after the `:`

    1 complaint in 1 file
    "#);
}

#[test]
fn not_yaml() {
    insta::assert_snapshot!(complaints(&[(ADA, "server: ada\n  user: [\n".to_owned())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: not YAML: mapping values are not allowed in this context
      2 |   user: [
        |       ^
      hint: write one `key: value` a line, with a space after the `:`

    1 complaint in 1 file
    "#);
}

#[test]
fn a_tab() {
    insta::assert_snapshot!(complaints(&[(ADA, "server:	ada\n	user: ada\n".to_owned())]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: not YAML: found a tab character that violates indentation
      2 |  user: ada
        | ^
      hint: write one `key: value` a line, with a space after the `:`

    1 complaint in 1 file
    "#);
}

#[test]
fn two_megabytes() {
    insta::assert_snapshot!(complaints(&[(ADA, "x".repeat(2 * 1024 * 1024))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml: the file is larger than 64 KiB
      hint: a file of the fleet has some ten lines: is this the right one?

    1 complaint in 1 file
    "#);
}

#[test]
fn hold_without_a_reason() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}hold: {{ until: 2026-12-01T00:00:00Z }}\n"))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: missing key `hold.reason`
      10 | hold: { until: 2026-12-01T00:00:00Z }
         |       ^
      hint: add a line such as `reason: "the customer is moving house"`

    1 complaint in 1 file
    "#);
}

#[test]
fn a_line_that_would_steer_the_terminal() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.replace("user: ada", "user: \"\u{1b}[2Jada\""))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: a control character is in the file
      2 | user: "·[2Jada"
        |        ^
      hint: take it out, shown here as `·`

    1 complaint in 1 file
    "#);
}

#[test]
fn a_very_long_line() {
    insta::assert_snapshot!(complaints(&[(ADA, format!("{GOOD}note: {}\n", "x".repeat(300)))]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:10: unknown key `note`
      10 | note: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
         | ^
      hint: the keys here are `server`, `user`, `customer`, `subscription`, `plan`, `price`, `state`, `because`, `since`, `ends_on`, `destroy_after` and `hold`

    1 complaint in 1 file
    "#);
}

#[test]
fn server_declared_twice() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.to_owned()), ("fleet/extra/ada-w9rm9sh6.yaml", EXTRA.replace("wiki", "ada-w9rm9sh6"))]), @r#"
    fleet/extra/ada-w9rm9sh6.yaml:1: server `ada-w9rm9sh6` is declared twice, first in `fleet/servers/ada-w9rm9sh6.yaml`
      1 | server: ada-w9rm9sh6
        |         ^
      hint: delete one of the two files

    1 complaint in 1 file
    "#);
}

#[test]
fn subscription_used_twice() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.to_owned()), ("fleet/servers/ada-2.yaml", GOOD.replace("ada-w9rm9sh6", "ada-2"))]), @r#"
    fleet/servers/ada-2.yaml:1: server `ada-2` is not called as `generate` calls the one of user `ada` and subscription `sub_1PqXyZ`
      1 | server: ada-2
        |         ^
      hint: a server keeps its name and its user: undo the change, or call it and its file `ada-w9rm9sh6`

    fleet/servers/ada-w9rm9sh6.yaml:4: subscription `sub_1PqXyZ` has two servers, the first in `fleet/servers/ada-2.yaml`
      4 | subscription: sub_1PqXyZ
        |               ^
      hint: one subscription is one server: delete the file that is wrong

    2 complaints in 2 files
    "#);
}

#[test]
fn override_of_nobody() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.to_owned()), ("fleet/overrides/ada-w9rm9sh7.yaml", "size: s-2vcpu-4gb\n".to_owned())]), @r#"
    fleet/overrides/ada-w9rm9sh7.yaml: there is no server `ada-w9rm9sh7`
      hint: did you mean `ada-w9rm9sh6.yaml`?

    1 complaint in 1 file
    "#);
}

#[test]
fn override_hold_without_an_end() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.to_owned()), ("fleet/overrides/ada-w9rm9sh6.yaml", "hold: { reason: wait }\nsize: BIG\n".to_owned())]), @r#"
    fleet/overrides/ada-w9rm9sh6.yaml:1: `hold` has no `until`
      1 | hold: { reason: wait }
        |       ^
      hint: a hold by hand needs its end: add `until: 2026-12-01T00:00:00Z`

    fleet/overrides/ada-w9rm9sh6.yaml:2: `size`: `BIG` is not a slug: 1 to 100 of a-z, 0-9, - _ and .
      2 | size: BIG
        |       ^
      hint: for example `size: s-2vcpu-4gb`

    2 complaints in 1 file
    "#);
}

#[test]
fn override_whose_hold_never_ends() {
    insta::assert_snapshot!(complaints(&[(ADA, GOOD.to_owned()), ("fleet/overrides/ada-w9rm9sh6.yaml", "hold:\n  reason: wait\n".to_owned())]), @r#"
    fleet/overrides/ada-w9rm9sh6.yaml:1: `hold` has no `until`
      1 | hold:
        | ^
      hint: a hold by hand needs its end: add `until: 2026-12-01T00:00:00Z`

    1 complaint in 1 file
    "#);
}

#[test]
fn extra_with_a_price() {
    insta::assert_snapshot!(complaints(&[("fleet/extra/wiki.yaml", format!("{EXTRA}price: 3\n"))]), @r#"
    fleet/extra/wiki.yaml:6: unknown key `price`
      6 | price: 3
        | ^
      hint: the keys here are `server`, `user`, `plan`, `state`, `because`, `since`, `destroy_after` and `hold`

    1 complaint in 1 file
    "#);
}

#[test]
fn file_in_no_known_folder() {
    insta::assert_snapshot!(complaints(&[("fleet/server/ada.yaml", GOOD.to_owned())]), @r#"
    fleet/server/ada.yaml: this is no place for a file of the fleet
      hint: files of a fleet stand in `fleet/servers/`, `fleet/overrides/` or `fleet/extra/`

    1 complaint in 1 file
    "#);
}

#[test]
fn not_utf8() {
    insta::assert_snapshot!(complaints_of(&[SourceFile { path: ADA.to_owned(), bytes: b"server: ada\nuser: \xff\xfe\n".to_vec() }]), @r#"
    fleet/servers/ada-w9rm9sh6.yaml:2: the file is not UTF-8
      2 | user: ��
        |       ^
      hint: save it as UTF-8 text

    1 complaint in 1 file
    "#);
}

#[test]
fn all_at_once() {
    insta::assert_snapshot!(complaints(&[
        ("fleet/servers/zoe.yaml", "servr: zoe\nstate: off\n".to_owned()),
        (ADA, GOOD.replace("user: ada", "user: Ada").replace("plan: pro", "plan: gold")),
        ("fleet/overrides/nobody.yaml", "sice: s-2vcpu-4gb\n".to_owned()),
    ]), @r#"
    fleet/overrides/nobody.yaml:1: unknown key `sice`
      1 | sice: s-2vcpu-4gb
        | ^
      hint: did you mean `size`?

    fleet/servers/ada-w9rm9sh6.yaml:2: `user`: `Ada` is not a user slug: 1 to 63 of a-z, 0-9 and -, neither first nor last a -
      2 | user: Ada
        |       ^
      hint: for example `user: ada`

    fleet/servers/zoe.yaml: missing key `because`
      hint: add a line such as `because: subscription active`

    fleet/servers/zoe.yaml: missing key `customer`
      hint: add a line such as `customer: cus_QX1`

    fleet/servers/zoe.yaml: missing key `plan`
      hint: add a line such as `plan: pro`

    fleet/servers/zoe.yaml: missing key `price`
      hint: add a line such as `price: { amount: 3500, currency: usd, every: month }`

    fleet/servers/zoe.yaml: missing key `server`
      hint: add a line such as `server: ada-w9rm9sh6`

    fleet/servers/zoe.yaml: missing key `since`
      hint: add a line such as `since: 2026-11-02T09:14:00Z`

    fleet/servers/zoe.yaml: missing key `subscription`
      hint: add a line such as `subscription: sub_1PqXyZ`

    fleet/servers/zoe.yaml: missing key `user`
      hint: add a line such as `user: ada`

    fleet/servers/zoe.yaml:1: unknown key `servr`
      1 | servr: zoe
        | ^
      hint: did you mean `server`?

    fleet/servers/zoe.yaml:2: `state`: `off` is not one of `running`, `stopped` and `destroyed`
      2 | state: off
        |        ^
      hint: write one of `running`, `stopped` and `destroyed`

    12 complaints in 3 files
    "#);
}
