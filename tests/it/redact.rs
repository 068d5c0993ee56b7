//! Secrets known by their shape are taken out of a text, and what only looks like one is left.

use basement::wire::credential;
use basement::wire::redact::redact;

#[test]
fn secrets_are_taken_out() {
    for (text, shown) in [
        ("token dop_v1_0123abcd refused", "token dop_v1_… refused"),
        ("doo_v1_aa dor_v1_bb", "doo_v1_… dor_v1_…"),
        ("sk_test_51AbCd, rk_live_9zZ", "sk_test_…, rk_live_…"),
        ("(sk_0123456789abcdef)", "(sk_…)"),
        ("key=rk_org_0123456789", "key=rk_…"),
        ("whsec_abc+/=", "whsec_…"),
        ("root:$6$salt$hash.of/it:1", "root:$6$…:1"),
        ("$5$x $y$j9T$abc", "$5$… $y$…"),
        ("pi_1_secret_abc", "pi_1_secret_…"),
        ("smtp://shop:pass@word:1/x@relay.example:587", "smtp://shop:…@relay.example:587"),
        ("smtps://shop:dop_v1_abc@relay", "smtps://shop:…@relay"),
        ("`https://user:hunter2@host/path` and smtp://a:b@c", "`https://user:…@host/path` and smtp://a:…@c"),
        ("dop_v1_one dop_v1_two", "dop_v1_… dop_v1_…"),
    ] {
        assert_eq!(redact(text, usize::MAX), shown);
        assert_eq!(redact(shown, usize::MAX), shown, "what is redacted stays as it is");
    }
}

#[test]
fn what_is_no_secret_is_left() {
    for text in [
        "a key begins with `sk_test_` or `rk_live_`",
        "a Stripe key (`sk_…` or `rk_…`)",
        "disk_full_since_yesterday, risk_level_normal, task_0123456789",
        "write `smtp://user:password@host:587`",
        "https://docs.stripe.com/keys, http://127.0.0.1:8421/v2, ada@example.com",
        "sub_1PqXyZ of cus_QX1",
        "costs $6 or $5",
    ] {
        assert_eq!(redact(text, usize::MAX), text);
    }
}

#[test]
fn credentials_are_known_by_their_shape() {
    assert_eq!(credential::digitalocean("dop_v1_abc"), Ok("personal access token (`dop_v1_`)"));
    assert_eq!(credential::digitalocean(&"0f".repeat(32)), Ok("personal access token of before 2021"));
    assert_eq!(credential::digitalocean("simulated"), Ok("token of a kind not known here"));
    assert_eq!(credential::digitalocean("dop_v1_"), Ok("token of a kind not known here"));
    assert!(credential::digitalocean("dor_v1_abc").is_err());
    for key in ["sk_test_", "sk_live_", "rk_test_", "rk_live_"] {
        let kind = credential::stripe(&format!("{key}51x")).expect("a kind");
        assert!(kind.contains(key) && kind.contains(&key[3..7]) && !kind.contains("51x"), "{kind}");
    }
    assert_eq!(credential::stripe("pk_test_51x"), None);
}
