//! A plan as text for a terminal, a pipe or a mail: wrapped to a width, coloured if asked.
//! The summary is always the last line.

use anstyle::{AnsiColor, Style as Paint};

use super::sections::label_unsaid;
use super::tables::{length, wrap};
use super::verdict::Danger;
use super::view::{PlanView, Row, Section};
use super::words::Sign;

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// At most so many characters a line, `usize::MAX` for pipes; long names may exceed it.
    pub width: usize,
}

impl Style {
    /// No colours, no wrapping: for pipes and files.
    pub const PLAIN: Self = Self { colour: false, width: usize::MAX };
}

/// Writes a plan; ends with the summary and a line break.
pub fn text(view: &PlanView, style: Style) -> String {
    let PlanView { verdict, danger, heading, sections, money, budget, summary, .. } = view;
    let bold = Paint::new().bold();
    let mut out = String::new();
    for line in wrap(verdict, style.width) {
        out.push_str(&paint(&line, mood(*danger), style));
        out.push('\n');
    }
    out.push_str(&paragraph(heading, style));
    for section in sections {
        out.push('\n');
        out.push_str(&paint(&section.title, bold, style));
        out.push('\n');
        out.extend(rows(section, style));
    }
    out.push('\n');
    for line in money.iter().chain(budget) {
        out.push_str(&paragraph(line, style));
    }
    // Never wrapped: whoever asks for the last line gets all of it.
    out.push_str(&paint(summary, bold, style));
    out.push('\n');
    out
}

/// Each row of a section in its lines, which end with a line break.
pub(super) fn rows(section: &Section, style: Style) -> impl Iterator<Item = String> {
    let columns = Columns::of(&section.rows, style);
    section.rows.iter().map(move |row| columns.row(row, label_unsaid(row, section), style))
}

/// How wide the verbs and the subjects of a section are, and where the rest of a row begins.
struct Columns {
    verb: usize,
    /// `None`: too narrow, the rest goes below.
    rest: Option<usize>,
}

impl Columns {
    fn of(rows: &[Row], style: Style) -> Self {
        let widest = |of: fn(&Row) -> &str| rows.iter().map(|r| length(of(r))).max().unwrap_or(0);
        let (verb, subject) = (widest(|r| &r.verb), widest(|r| &r.subject));
        let rest = 2 + verb + 2 + if subject > 0 { subject + 2 } else { 0 };
        // Less than 40 characters for the rest read worse than a line of its own.
        Self { verb, rest: (style.width.saturating_sub(rest) >= 40).then_some(rest) }
    }

    fn row(&self, row: &Row, label: Option<&str>, style: Style) -> String {
        let Row { sign, verb, subject, what, why, details, money, .. } = row;
        let first = format!("{sign} {verb}");
        let mut head = paint(&first, colour(*sign), style);
        let mut used = length(&first);
        if !subject.is_empty() {
            let gap = 2 + self.verb + 2 - used;
            head.push_str(&" ".repeat(gap));
            head.push_str(subject);
            used += gap + length(subject);
        }
        let mut rest = label.map(|label| format!("[{label}] ")).unwrap_or_default();
        rest.push_str(what);
        if let Some(money) = money {
            rest.extend([", ", money]);
        }
        if !why.is_empty() {
            rest.push_str(" — ");
            rest.push_str(why);
        }
        let indent = self.rest.unwrap_or(4);
        let lines = wrap(&rest, style.width.saturating_sub(indent).max(20));
        for (n, line) in lines.iter().enumerate() {
            match self.rest {
                Some(rest) if n == 0 => head.push_str(&" ".repeat(rest - used)),
                _ => head.extend(["\n", &" ".repeat(indent)]),
            }
            head.push_str(line);
        }
        head.push('\n');
        for line in details.iter().flat_map(|text| wrap(text, style.width.saturating_sub(indent).max(20))) {
            head.push_str(&" ".repeat(indent));
            head.push_str(&paint(&line, Paint::new().dimmed(), style));
            head.push('\n');
        }
        head
    }
}

fn paragraph(text: &str, style: Style) -> String {
    wrap(text, style.width).into_iter().map(|line| line + "\n").collect()
}

fn paint(text: &str, paint: Paint, style: Style) -> String {
    if style.colour { format!("{paint}{text}{paint:#}") } else { text.to_owned() }
}

fn mood(danger: Danger) -> Paint {
    let colour = match danger {
        Danger::Nothing => return Paint::new().bold(),
        Danger::Safe => AnsiColor::Green,
        Danger::Careful => AnsiColor::Yellow,
        Danger::Blocked => AnsiColor::Red,
    };
    Paint::new().bold().fg_color(Some(colour.into()))
}

fn colour(sign: Sign) -> Paint {
    let colour = match sign {
        Sign::Create => AnsiColor::Green,
        Sign::Destroy => AnsiColor::Red,
        Sign::Power => AnsiColor::Yellow,
        Sign::Money => AnsiColor::Magenta,
        Sign::Letter => AnsiColor::Cyan,
        Sign::Note => AnsiColor::Blue,
        Sign::Record => return Paint::new().dimmed(),
    };
    Paint::new().fg_color(Some(colour.into()))
}
