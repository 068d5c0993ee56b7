//! Hostile names, subjects and reasons: no page and no comment takes them for more than text.

use basement::model::desired::{Because, DesiredState};
use basement::model::ids::DropletId;
use basement::model::insight::{Commit, Concern, Declared, Insight, Lost, StripeEvent, Written};
use basement::model::money::Money;
use basement::model::plan::{Note, Notice, Plan};
use basement::model::step::{Action, Fact, Reason};
use basement::render::html::html;
use basement::render::markdown::{LIMIT, markdown};
use proptest::prelude::*;

use super::formats::{plain, rich, view_of};
use super::sample::{self, name, now};

const HOSTILE: [&str; 16] = [
    "<script>alert(1)</script>",
    "</title></style></script><script src=//evil></script>",
    "\" onmouseover=\"alert(1)",
    "' autofocus onfocus=alert(1) '",
    "<img src=x onerror=alert(1)>",
    "--><script>alert(1)</script><!-- basement plan: valid-at=2026-08-19T10:00:00Z digest=0 truncated=no -->",
    "```\n</details>\n# Safe to apply\n@everyone",
    "````\n> [!NOTE]\n> ok",
    "~~~ ``` ` | a | b |\n|---|---|",
    "</details></summary><details open>",
    "[click](javascript:alert(1)) ![x](https://evil.example/p.png) <https://evil.example>",
    "@octocat please approve, fixes #1, see www.evil.example",
    "{{ 7*7 }}{% raw %}",
    "\u{202e}evil\u{200b}\u{0}\r\n\u{1b}[2J",
    "&lt;script&gt;&#60;script&#62;",
    "a\u{2028}b\u{85}c",
];

/// A plan and what is known of it, with a text in every place that the outside can fill.
fn poisoned(text: &str) -> (Plan, Insight) {
    let t = || text.to_owned();
    let mut plan = sample::rich();
    let droplet = DropletId(1);
    plan.notes = [
        Notice::Orphan { droplet, name: t(), monthly: Money::usd(600) },
        Notice::Held { until: None, reason: t() },
        Notice::Stale { status: t(), would: t() },
        Notice::HandsOff { droplet, status: t() },
        Notice::WrongSize { has: t(), wants: t() },
        Notice::RefundByHand { why: t() },
    ]
    .map(|notice| Note { server: None, notice })
    .into();
    let because = Because::Other(t());
    plan.steps[0].reason = Reason::Declared { state: DesiredState::Running, because, since: now() };
    plan.steps[1].reason = Reason::Refused { times: 3, said: t() };
    plan.steps[2].action = Action::Record { fact: Fact::Census { droplets: 1, team: t() } };
    let commit = Commit { hash: t(), at: now(), author: t(), subject: t() };
    let declared = Declared { file: t(), line: Some(1), written: Written::By(commit) };
    let lost = Lost { made: now(), last_up: None, size: t(), address: None, snapshots: 1 };
    let insight = Insight {
        declared: [(name("ada-7f3k2m9q"), vec![declared])].into(),
        events: [(name("ada-7f3k2m9q"), StripeEvent { id: t(), kind: t(), at: now() })].into(),
        lost: [(DropletId(123), lost)].into(),
        concerns: vec![
            Concern::Scope { vendor: t(), scope: t() },
            Concern::NoKey { key: t(), servers: vec![name("ada-7f3k2m9q")] },
        ],
        ..Insight::default()
    };
    (plan, insight)
}

/// The tags of a page: name, and the rest up to the end of the tag. Quotes are respected, as browsers do.
fn tags(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let (mut quote, mut end) = (None, rest.len());
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (None, '>') => {
                    end = at;
                    break;
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
        }
        let tag = &rest[..end];
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        found.push((name.to_ascii_lowercase(), attributes.to_owned()));
        rest = &rest[end..];
        // What stands in a script or a style is no markup.
        if let raw @ ("script" | "style") = found[found.len() - 1].0.as_str() {
            rest = &rest[rest.find(&format!("</{raw}>")).expect("its end")..];
        }
    }
    found
}

/// The names of all attributes, values taken out.
fn attributes(text: &str) -> Vec<String> {
    let mut names = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if !quoted => names.push(c),
            _ => {}
        }
    }
    names.split_whitespace().map(|name| name.trim_end_matches('=').to_owned()).collect()
}

fn is_harmless_page(text: &str) -> Result<(), TestCaseError> {
    let (plan, insight) = poisoned(text);
    let page = html(&view_of(&plan, &insight, &[text])).expect("a page");
    let (clean_plan, clean_insight) = poisoned("harmless");
    let twin = html(&view_of(&clean_plan, &clean_insight, &["harmless"])).expect("a page");
    let (tags, twins) = (tags(&page), tags(&twin));
    let names = |tags: &[(String, String)]| tags.iter().map(|tag| tag.0.clone()).collect::<Vec<_>>();
    let shape =
        |tags: &[(String, String)]| tags.iter().flat_map(|tag| attributes(&tag.1)).collect::<Vec<_>>();
    // The same page of the same shape: no text has become a tag or an attribute.
    prop_assert_eq!(names(&tags), names(&twins));
    prop_assert_eq!(shape(&tags), shape(&twins));
    prop_assert_eq!(tags.iter().filter(|tag| tag.0 == "script").count(), 1);
    prop_assert!(
        shape(&tags)
            .iter()
            .all(|name| !name.starts_with("on") && name != "src" && name != "href" && name != "style")
    );
    let said = plain(&page);
    let spelt = basement::render::words::clean(text);
    prop_assert!(said.contains(&spelt), "{} is not said", spelt);
    Ok(())
}

fn is_harmless_comment(text: &str) -> Result<(), TestCaseError> {
    let (plan, insight) = poisoned(text);
    let out = markdown(&view_of(&plan, &insight, &[text]));
    let (clean_plan, clean_insight) = poisoned("harmless");
    let twin = markdown(&view_of(&clean_plan, &clean_insight, &["harmless"]));
    prop_assert!(out.chars().count() <= LIMIT);
    // What stands outside of code blocks is the same to the letter, whatever the outside says.
    prop_assert_eq!(outside(&out), outside(&twin));
    Ok(())
}

/// The lines of a comment outside its code blocks, as `CommonMark` reads fences: three backticks at most three
/// spaces in, inside or outside of a quotation.
fn outside(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.split(['\n', '\r']) {
        let bare = line.strip_prefix("> ").unwrap_or(line);
        let indent = bare.len() - bare.trim_start_matches(' ').len();
        if indent < 4 && bare.trim_start().starts_with("```") {
            is_code = !is_code;
            found.push(line.to_owned());
        } else if !is_code {
            found.push(line.to_owned());
        }
    }
    assert!(!is_code, "a code block is left open");
    found
}

#[test]
fn known_tricks_stay_text() {
    for text in HOSTILE {
        is_harmless_page(text).expect(text);
        is_harmless_comment(text).expect(text);
    }
}

#[test]
fn the_policy_lets_our_own_script_run_and_no_other() {
    let page = html(&rich().2).expect("a page");
    let policy = page.split("http-equiv=\"Content-Security-Policy\" content=\"").nth(1).expect("a policy");
    let policy = policy.split('"').next().expect("its end");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for (word, tag) in [("script-src", "script"), ("style-src", "style")] {
        let inside = page.split(&format!("<{tag}>")).nth(1).expect("its text");
        let inside = inside.split(&format!("</{tag}>")).next().expect("its end");
        let digest = <sha2::Sha256 as sha2::Digest>::digest(inside.as_bytes());
        let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
        assert!(policy.contains(&format!("{word} 'sha256-{digest}'")), "{word}: {policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page asks for something outside");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_stays_text(parts in proptest::collection::vec((0usize..HOSTILE.len(), "\\PC{0,12}|(?s:.{0,6})|`{1,9}"), 1..4)) {
        let text: String = parts.iter().flat_map(|(n, any)| [HOSTILE[*n], any.as_str()]).collect();
        is_harmless_page(&text)?;
        is_harmless_comment(&text)?;
    }
}
