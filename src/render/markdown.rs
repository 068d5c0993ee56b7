//! A plan as Markdown: a pull request's comment with a hidden marker that programs find it by.
//! Invariants: at most `LIMIT` characters, and what is left out is said; texts from outside stand in code
//! blocks only, where they are neither markup nor links nor mentions.

use super::fold::fold;
use super::text::{self, Style};
use super::view::{Part, PlanView, Row, Section};
use super::words::count;

/// The most characters; GitHub takes 65,536.
pub const LIMIT: usize = 60_000;

/// As wide as a comment is on most screens.
const STYLE: Style = Style { colour: false, width: 110 };

/// Writes a plan. When not all of it fits, like rows are folded, and then the last ones left out; the marker
/// says `truncated=yes`, and such a plan cannot be approved.
pub fn markdown(view: &PlanView) -> String {
    let whole = Page::of(view);
    if whole.cut == 0 {
        return format!("{}{}{}", head(view, false), whole.body, tail(view));
    }
    let page = Page::of(&fold(view.clone()));
    let left_out = match page.cut {
        0 => String::new(),
        n => format!(", and {} left out", count(n as u64, "row")),
    };
    let truncated = format!(
        "**Truncated: like rows are folded{left_out}. A truncated plan cannot be approved; \
         `basement plan --all` shows all of it.**\n\n"
    );
    format!("{}{}{truncated}{}", head(view, true), page.body, tail(view))
}

/// The marker, the verdict, and what this is a plan of.
fn head(view: &PlanView, is_truncated: bool) -> String {
    let truncated = if is_truncated { "yes" } else { "no" };
    let digest = view.digest.as_deref().unwrap_or("none");
    let digest: String = digest.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    format!(
        "<!-- basement plan: valid-at={} digest={digest} truncated={truncated} -->\n### {}\n\n{}\n\n",
        view.at, view.verdict, view.heading
    )
}

/// Money and the summary.
fn tail(view: &PlanView) -> String {
    let lines = view.money.iter().chain(&view.budget);
    let lines: String = lines.flat_map(|line| ["- ", line, "\n"]).collect();
    let gap = if lines.is_empty() { "" } else { "\n" };
    format!("{lines}{gap}**{}**\n", view.summary)
}

/// Parts of a few rows that say why nothing may be done: they come first, so that there is room for them.
fn stops(part: Part) -> bool {
    matches!(part, Part::Stopped | Part::Objections)
}

fn warns(part: Part) -> bool {
    matches!(part, Part::Concerns | Part::Questions)
}

/// The page so far, and how much of it is left.
struct Page {
    body: String,
    left: usize,
    cut: usize,
}

impl Page {
    /// All of a plan that there is room for; first what is dangerous.
    fn of(view: &PlanView) -> Self {
        // Room for the head, and for the words about what is left out.
        let reserved = head(view, true).chars().count() + tail(view).chars().count() + 1_000;
        let mut page = Self { body: String::new(), left: LIMIT.saturating_sub(reserved), cut: 0 };
        let taken: Vec<Row> = view.steps().filter(|row| row.takes).cloned().collect();
        let parts = |wanted: fn(Part) -> bool| view.sections.iter().filter(move |s| wanted(s.part));
        for section in parts(stops) {
            page.alert("CAUTION", section);
        }
        page.alert("WARNING", &Section::new(Part::Steps, "This takes away", taken));
        for section in parts(warns) {
            page.alert("IMPORTANT", section);
        }
        for section in parts(|part| !stops(part) && !warns(part)) {
            page.details(section);
        }
        page
    }

    /// A coloured box that cannot be overlooked.
    fn alert(&mut self, kind: &str, section: &Section) {
        let open = format!("> [!{kind}]\n> {}:\n>\n> ```diff\n", section.title);
        self.block(&open, section, "> ", "> ```\n\n");
    }

    /// A section that opens when it is clicked on.
    fn details(&mut self, section: &Section) {
        let n = section.rows.len();
        let is_counted = section.title.ends_with(')');
        let title = if is_counted { section.title.clone() } else { format!("{} ({n})", section.title) };
        let open = format!("<details><summary>{title}</summary>\n\n```diff\n");
        self.block(&open, section, "", "```\n\n</details>\n\n");
    }

    /// As many rows as there is room for, between an opening and a closing.
    fn block(&mut self, open: &str, section: &Section, before: &str, close: &str) {
        let rows = &section.rows;
        let frame = open.chars().count() + close.chars().count();
        let Some(mut left) = self.left.checked_sub(frame).filter(|_| !rows.is_empty()) else {
            self.cut += rows.len();
            return;
        };
        let (mut inside, mut shown) = (String::new(), 0);
        for row in text::rows(section, STYLE) {
            let lines: String = inert(&row).lines().flat_map(|line| [before, line, "\n"]).collect();
            let Some(less) = left.checked_sub(lines.chars().count()) else { break };
            left = less;
            inside.push_str(&lines);
            shown += 1;
        }
        self.cut += rows.len() - shown;
        if shown > 0 {
            self.body.extend([open, &inside, close]);
            self.left = left;
        }
    }
}

/// A text that cannot end the code block it stands in.
fn inert(text: &str) -> String {
    text.replace("```", "'''")
}
