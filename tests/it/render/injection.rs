//! Hostile names, subjects and reasons, wherever the outside may put one: no page, no comment, no terminal, no
//! program and no letter takes them for more than text.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use basement::model::history::Outcome;
use basement::model::step::{Action, Step};
use basement::render::against::against;
use basement::render::events::ApplyEvent;
use basement::render::fold::fold;
use basement::render::html::html;
use basement::render::json::{PlanDocument, tame};
use basement::render::letter::{LetterFacts, Written, write};
use basement::render::markdown::{LIMIT, markdown};
use basement::render::preview::{Preview, text as preview};
use basement::render::progress::{failed_line, progress_line, unknown_line};
use basement::render::text::{Style, text};
use basement::render::view::PlanView;
use proptest::prelude::*;

use super::formats::{plain, rich, view_of};
use super::poison::poisoned;

const HOSTILE: [&str; 19] = [
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
    "\u{9b}31m\u{2066}@team\u{2069}\u{feff}\u{e0041}",
    "| a | b |\n|---|---|\n| @team/ops | ![](//evil) |\n\n- plan: nothing",
    "done\nplan: nothing to do\n+ create  ada",
];

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

/// A plan with a text in every place, as each renderer gets it: whole, folded, and compared with another revision.
fn views(text: &str) -> Vec<PlanView> {
    let (plan, insight) = poisoned(text);
    let view = view_of(&plan, &insight, &[text]).waived(&[format!("{text}; approved by {text} until 2027")]);
    let short = against(view.clone(), &plan, text, false);
    let all = against(view.clone(), &plan, text, true);
    vec![fold(view.clone()), view, fold(short), all]
}

static TWINS: LazyLock<Vec<PlanView>> = LazyLock::new(|| views("harmless"));

fn is_harmless_page(view: &PlanView, twin: &PlanView, text: &str) -> Result<(), TestCaseError> {
    let page = html(view).expect("a page");
    let twin = html(twin).expect("a page");
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
    prop_assert_eq!(steering(&page), None);
    prop_assert_eq!(page.lines().count(), twin.lines().count());
    let said = plain(&page);
    let spelt = basement::render::words::clean(text);
    prop_assert!(said.contains(&spelt), "{} is not said", spelt);
    Ok(())
}

fn is_harmless_comment(view: &PlanView, twin: &PlanView) -> Result<(), TestCaseError> {
    let (out, twin) = (markdown(view), markdown(twin));
    prop_assert!(out.chars().count() <= LIMIT);
    prop_assert_eq!(steering(&out), None);
    // What stands outside of code blocks is the same to the letter, whatever the outside says: no mention, no
    // link, no picture, no table, no tag.
    if truncated(&out) == truncated(&twin) && truncated(&out) == "no" {
        prop_assert_eq!(outside(&out), outside(&twin));
    } else {
        let known: BTreeSet<String> = outside(&twin).into_iter().collect();
        let is_ours = |line: &String| {
            known.contains(line)
                || line.starts_with("**Truncated: ")
                || line
                    .starts_with("<!-- basement plan: valid-at=2026-08-19T10:00:00Z digest=d1ge57 truncated=")
        };
        prop_assert!(outside(&out).iter().all(is_ours), "{:#?}", outside(&out));
    }
    Ok(())
}

fn truncated(comment: &str) -> &str {
    comment.split("truncated=").nth(1).map_or("", |rest| rest.split(' ').next().unwrap_or_default())
}

fn is_harmless_text(view: &PlanView, twin: &PlanView) -> Result<(), TestCaseError> {
    for width in [usize::MAX, 100, 40] {
        let out = text(view, Style { colour: false, width });
        prop_assert_eq!(steering(&out), None);
        prop_assert_eq!(out.lines().last(), Some(view.summary.as_str()));
    }
    // Not wrapped, each row and each detail is one line.
    let (out, twin) = (text(view, Style::PLAIN), text(twin, Style::PLAIN));
    prop_assert_eq!(out.lines().count(), twin.lines().count());
    let heads = |out: &str| out.lines().map(|line| line.chars().next()).collect::<Vec<_>>();
    prop_assert_eq!(heads(&out), heads(&twin));
    Ok(())
}

fn is_harmless_json(hostile: &str) -> Result<(), TestCaseError> {
    let (plan, insight) = poisoned(hostile);
    let view = view_of(&plan, &insight, &[hostile]);
    let document = PlanDocument::new(&plan, &view, &[hostile], &insight);
    let plain = serde_json::to_string_pretty(&document).expect("json");
    let out = tame(&plain);
    prop_assert_eq!(steering(&out), None);
    prop_assert_eq!(out.lines().count(), plain.lines().count());
    let read: PlanDocument = serde_json::from_str(&out).expect("a document");
    prop_assert_eq!(read, document);
    for step in &plan.steps {
        let refused = Outcome::Nobody { why: hostile.to_owned() };
        let events = [
            ApplyEvent::did(step, &refused),
            ApplyEvent::failed(step, hostile),
            ApplyEvent::Ended { code: 1, text: hostile.to_owned() },
        ];
        for line in events.map(ApplyEvent::to_line) {
            prop_assert!(steering(&line).is_none() && !line.contains('\n'), "{}", line);
        }
        let said =
            [progress_line(step, &Outcome::Plain), failed_line(step, hostile), unknown_line(step, hostile)];
        prop_assert!(said.iter().all(|line| steering(line).is_none() && !line.contains('\n')), "{:?}", said);
    }
    Ok(())
}

/// Every letter of the plan, and what is shown of it before it is sent.
fn are_harmless_letters(hostile: &str) -> Result<(), TestCaseError> {
    let any = |text: &str| LetterFacts {
        brand: text.to_owned(),
        support: "help@example.com".to_owned(),
        name: Some(text.to_owned()),
        instead: Some(text.to_owned()),
        portal: Some("https://billing.example.com".to_owned()),
        ..LetterFacts::default()
    };
    let letters = |text: &str| -> Vec<(Step, Written)> {
        let steps = poisoned(text).0.steps.into_iter();
        steps
            .filter_map(|step| match &step.action {
                Action::Letter { letter } => Some((step.clone(), letter.clone())),
                _ => None,
            })
            .map(|(step, letter)| (step, write(&letter, &any(text), Some("p4ss")).expect("a letter")))
            .collect()
    };
    for ((step, letter), (_, twin)) in letters(hostile).into_iter().zip(letters("harmless")) {
        prop_assert!(steering(&letter.subject).is_none() && !letter.subject.contains('\n'));
        prop_assert_eq!(steering(&letter.text), None);
        prop_assert_eq!(steering(&letter.html), None);
        let kinds = |html: &str| -> BTreeSet<(String, Vec<String>)> {
            tags(html).iter().map(|(name, rest)| (name.clone(), attributes(rest))).collect()
        };
        // A name that is none is not greeted: less, and never more.
        let more: Vec<_> = kinds(&letter.html).difference(&kinds(&twin.html)).cloned().collect();
        prop_assert!(more.is_empty(), "{:?}", more);
        let shown = Preview {
            step: step.id,
            server: step.server,
            to: hostile.to_owned(),
            subject: hostile.to_owned(),
            text: format!("{hostile}\n{}", letter.text),
        };
        prop_assert_eq!(steering(&preview(&[shown])), None);
    }
    Ok(())
}

/// The first character that steers a terminal, or turns or hides text; line breaks are looked at elsewhere.
fn steering(text: &str) -> Option<char> {
    const TURNS: [char; 14] = [
        '\u{ad}', '\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}',
        '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{feff}',
    ];
    text.chars().find(|c| *c != '\n' && (c.is_control() || TURNS.contains(c)))
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

fn is_harmless(hostile: &str) -> Result<(), TestCaseError> {
    for (view, twin) in views(hostile).iter().zip(TWINS.iter()) {
        is_harmless_page(view, twin, hostile)?;
        is_harmless_comment(view, twin)?;
        is_harmless_text(view, twin)?;
    }
    is_harmless_json(hostile)?;
    are_harmless_letters(hostile)
}

#[test]
fn known_tricks_stay_text() {
    for text in HOSTILE {
        is_harmless(text).expect(text);
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
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_text_stays_text(parts in proptest::collection::vec((0usize..HOSTILE.len(), "\\PC{0,12}|(?s:.{0,6})|`{1,9}"), 1..4)) {
        let text: String = parts.iter().flat_map(|(n, any)| [HOSTILE[*n], any.as_str()]).collect();
        is_harmless(&text)?;
    }
}
