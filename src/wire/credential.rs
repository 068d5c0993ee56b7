//! What kind of credential a text is, by its shape alone. Nothing of the text itself is repeated.

/// What a DigitalOcean token is, or why it opens nothing.
/// Source: DigitalOcean API v2, `securitySchemes`; tokens of before 2021 are 64 hexadecimal digits.
pub fn digitalocean(token: &str) -> Result<&'static str, &'static str> {
    let prefixed = |prefix: &str| token.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    if prefixed("dop_v1_") {
        Ok("personal access token (`dop_v1_`)")
    } else if prefixed("doo_v1_") {
        Ok("OAuth token (`doo_v1_`)")
    } else if prefixed("dor_v1_") {
        Err("is a refresh token (`dor_v1_`), which no call takes")
    } else if token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok("personal access token of before 2021")
    } else {
        Ok("token of a kind not known here")
    }
}

/// What a Stripe key is, with its mode.
/// Source: Stripe, "API keys", <https://docs.stripe.com/keys>.
pub fn stripe(key: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 4] = [
        ("sk_test_", "secret key of test mode (`sk_test_`), which may do everything"),
        ("sk_live_", "secret key of live mode (`sk_live_`), which may do everything"),
        ("rk_test_", "restricted key of test mode (`rk_test_`)"),
        ("rk_live_", "restricted key of live mode (`rk_live_`)"),
    ];
    KINDS.into_iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, kind)| kind)
}
