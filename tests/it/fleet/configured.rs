//! `basement.toml`: what is refused and how that is said.

use basement::cli::config::{self, Config};
use basement::fleet::complaint;
use basement::model::policy::Policy;

const OURS: &str = include_str!("../../../basement.toml");

fn ours() -> Config {
    config::parse(OURS).unwrap()
}

fn said(from: &str, to: &str) -> String {
    assert!(OURS.contains(from), "{from}");
    complaint::page(&config::parse(&OURS.replacen(from, to, 1)).unwrap_err())
}

#[test]
fn our_own_says_the_defaults() {
    assert_eq!(ours().policy, Policy { allow_no_ssh_keys: true, ..Policy::default() });
    assert_eq!(ours().ledger, config::LedgerConfig::default());
    let sold: Vec<(i64, i64)> =
        ours().catalogue.plans.values().map(|plan| (plan.month.unwrap(), plan.year.unwrap())).collect();
    assert!(sold.iter().all(|(month, year)| month * 10 == *year));
}

#[test]
fn policy_and_ledger_may_be_left_out() {
    let start = OURS.find("[policy]").unwrap();
    let end = OURS.find("[mail]").unwrap();
    let short = format!("{}{}", &OURS[..start], &OURS[end..OURS.find("[ledger]").unwrap()]);
    assert_eq!(config::parse(&short), Ok(ours()));
}

#[test]
fn unknown_keys_and_tables_all_at_once() {
    let text = OURS
        .replace("region = ", "regoin = ")
        .replace("[policy.caps]", "[policy.cap]")
        .replace("[ledger]", "[leger]");
    let wrong = config::parse(&text).unwrap_err();
    insta::assert_snapshot!(complaint::page(&wrong), @r#"
    basement.toml:10: unknown key `regoin` in `[defaults]`
      10 | regoin = "nyc3"
         | ^
      hint: did you mean `region`?

    basement.toml:63: unknown key `cap` in `[policy]`
      63 | [policy.cap]
         |         ^
      hint: did you mean `caps`?

    basement.toml:84: unknown table `leger`
      84 | [leger]
         |  ^
      hint: did you mean `[ledger]`?

    3 complaints in 1 file
    "#);
}

#[test]
fn bad_values() {
    insta::assert_snapshot!(said("boot_deadline = \"5m\"", "boot_deadline = \"5 minutes\""), @r#"
    basement.toml:44: in `[policy]`: `5 minutes` is not a span like `90s`, `5m`, `12h` or `7d`
      44 | boot_deadline = "5 minutes"            # not up so long after its create was intended: failed
         |                 ^
      hint: `basement init` in an empty folder writes a sample with every key

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(said("mode = \"test\"", "mode = \"testing\""), @r#"
    basement.toml:6: `testing` is not one of `live`, `test`
      6 | mode = "testing"                   # test | live; a key or a subscription of the other mode is refus…
        |        ^
      hint: write one of `live`, `test`

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(said("destroy = 3 ", "destroy = -3 "), @r#"
    basement.toml:64: in `[policy]`: invalid value: integer `-3`, expected a whole number, 0 or more
      64 | destroy = -3                     # destroys in one plan, of droplets that were up
         |           ^
      hint: `basement init` in an empty folder writes a sample with every key

    1 complaint in 1 file
    "#);
}

#[test]
fn one_price_in_two_plans() {
    insta::assert_snapshot!(said("\"pro-year\"", "\"basic-year\""), @r#"
    basement.toml:32: `basic-year` means two plans, `basic` and `pro`
      32 | stripe = ["pro-month", "basic-year"]
         |                        ^
      hint: a price belongs to one plan: take it out of the other

    1 complaint in 1 file
    "#);
}

#[test]
fn bad_plan_template_and_address() {
    insta::assert_snapshot!(said("[plans.pro]", "[plans.Pro]"), @r#"
    basement.toml:30: `Pro` is not a plan name: 1 to 63 of a-z, 0-9 and -, neither first nor last a -
      30 | [plans.Pro]
         |        ^
      hint: for example `[plans.basic]`

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(said("template = \"base\"", "template = \"../base\""), @r#"
    basement.toml:19: `../base` is not a template's name
      19 | template = "../base"               # cloud-init/base.yaml
         |            ^
      hint: it is the name of a file in `cloud-init/` without `.yaml`: a-z, 0-9 and -

    1 complaint in 1 file
    "#);
    insta::assert_snapshot!(said("operator@example.com", "operator"), @r#"
    basement.toml:75: `mail.operator` is not a mail address
      75 | operator = "operator" # told when a person is needed; `Name <address>` will do as well
         |            ^
      hint: for example `operator = "Example <servers@example.com>"`

    1 complaint in 1 file
    "#);
}

#[test]
fn a_key_that_is_none() {
    let good = ["3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa", "512189"];
    let text = |key: &str| OURS.replacen("ssh_keys = []", &format!("ssh_keys = [\"{key}\"]"), 1);
    assert!(good.iter().all(|key| config::parse(&text(key)).is_ok()));
    let bad = [
        "",
        "0",
        "-1",
        "ada",
        "ssh-ed25519 AAAAC3",
        "3b:16",
        "SHA256:uNiVztksCsDhcc0u9e8BrUo8",
        &good[0][1..],
    ];
    for key in bad {
        let page = complaint::page(&config::parse(&text(key)).unwrap_err());
        assert!(page.contains(&format!("`{key}` is not an SSH key of your team")), "{page}");
        assert!(page.contains("hint: write its MD5 fingerprint"), "{page}");
    }
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(said("[mail]", "[mail"), @r#"
    basement.toml:73: not TOML: unclosed table, expected `]`
      73 | [mail
         |      ^
      hint: write `key = "value"` lines under `[table]` heads

    1 complaint in 1 file
    "#);
}

#[test]
fn the_operator_is_an_address_whatever_its_form() {
    let operator =
        |text: &str| config::parse(&OURS.replace("operator@example.com", text)).map(|c| c.mail.operator);
    for (text, address) in [
        ("Ops <operator@example.com>", "operator@example.com"),
        ("  <ops@example.com> ", "ops@example.com"),
        ("Zoë Bäcker <ops@bäcker.example>", "ops@xn--bcker-gra.example"),
    ] {
        assert_eq!(operator(text).as_deref(), Ok(address));
    }
    for bad in ["Ops", "ops@", "@example.com", "a@b, c@d", "Ops <ops@example.com", "ops at example.com"] {
        let page = complaint::page(&operator(bad).unwrap_err());
        assert!(page.contains("`mail.operator` is not a mail address"), "{page}");
    }
}

#[test]
fn a_portal_is_a_link_that_may_be_opened() {
    let parsed = |portal: &str| config::parse(&OURS.replace("https://example.com/account", portal));
    for good in ["https://billing.stripe.com/p/login/x?y=1#z", "http://127.0.0.1:8080"] {
        assert!(parsed(good).is_ok(), "{good}");
    }
    for bad in [
        "javascript:alert(1)",
        "example.com",
        "",
        "https://",
        "https:example.com",
        "mailto:a@b.c",
        "https://a b",
    ] {
        let page = complaint::page(&parsed(bad).unwrap_err());
        assert!(page.contains("`mail.portal` is not a link to a web page"), "{bad}: {page}");
    }
}

#[test]
fn a_password_is_not_kept_for_ever() {
    let parsed = |span: &str| {
        config::parse(&OURS.replace("keep_password = \"7d\"", &format!("keep_password = \"{span}\"")))
    };
    assert!(parsed("90d").is_ok() && parsed("0s").is_ok());
    for long in ["91d", "99999999d"] {
        let page = complaint::page(&parsed(long).unwrap_err());
        assert!(page.contains("`mail.keep_password` is longer than 90d"), "{page}");
    }
}
