//! The fleet's files, from bytes to a `Fleet`: strict, all complaints at once, nothing half read.
//! Invariant: a file that is in any way odd gives a complaint, never a guess.

use serde_yaml::{Mapping, Value};

use super::aliases;
use super::check;
use super::complaint::{Complaint, sorted};
use super::reader::{Key, Page, Reader};
use crate::model::desired::{Because, DesiredState, Fleet, Hold, Price};
use crate::model::ids::{CustomerId, PlanName, ServerName, Slug, SubscriptionId, UserSlug};
use crate::model::moment::Moment;
use crate::model::policy::Catalogue;

/// No file of a fleet is larger: a server's file has some 400 bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Where `generate` writes.
pub const SERVERS: &str = "fleet/servers/";
/// Where a person changes single servers.
pub const OVERRIDES: &str = "fleet/overrides/";
/// Where servers without a subscription stand.
pub const EXTRA: &str = "fleet/extra/";

/// A file as it was found. More than `MAX_BYTES` need not be read: one byte more is enough to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the repository, with `/`: `fleet/servers/ada-w9rm9sh6.yaml`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What a file in `fleet/servers` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub server: ServerName,
    /// Whose it is.
    pub user: UserSlug,
    /// Who pays.
    pub customer: CustomerId,
    /// What is paid.
    pub subscription: SubscriptionId,
    /// Which plan.
    pub plan: PlanName,
    /// How much.
    pub price: Price,
    /// The state asked for.
    pub state: DesiredState,
    /// Why.
    pub because: Because,
    /// Since when.
    pub since: Moment,
    /// When the subscription of a running server will end.
    pub ends_on: Option<Moment>,
    /// From when on `stopped` means `destroyed`.
    pub destroy_after: Option<Moment>,
    /// A freeze, written for a status that is not known.
    pub hold: Option<Hold>,
}

/// A file in `fleet/servers`, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFile {
    /// Its path.
    pub path: String,
    /// Its text, byte for byte.
    pub text: String,
    /// What it says.
    pub declared: Declared,
}

/// A file in `fleet/extra`, read.
pub(super) struct ExtraFile<'a> {
    pub page: Page<'a>,
    pub server: ServerName,
    pub user: UserSlug,
    pub plan: PlanName,
    pub state: DesiredState,
    pub because: Because,
    pub since: Moment,
    pub destroy_after: Option<Moment>,
    pub hold: Option<Hold>,
}

/// A file in `fleet/overrides`, read.
pub(super) struct OverrideFile<'a> {
    pub page: Page<'a>,
    pub region: Option<Slug>,
    pub size: Option<Slug>,
    pub hold: Option<Hold>,
}

/// All files that could be read.
#[derive(Default)]
pub(super) struct Files<'a> {
    pub servers: Vec<ServerFile>,
    pub extras: Vec<ExtraFile<'a>>,
    pub overrides: Vec<OverrideFile<'a>>,
    /// The names of all server and extra files, also of those that could not be read.
    pub stems: Vec<String>,
}

const SERVER_KEYS: &[Key] = &[
    ("server", "ada-w9rm9sh6"),
    ("user", "ada"),
    ("customer", "cus_QX1"),
    ("subscription", "sub_1PqXyZ"),
    ("plan", "pro"),
    ("price", "{ amount: 3500, currency: usd, every: month }"),
    ("state", "running"),
    ("because", "subscription active"),
    ("since", "2026-11-02T09:14:00Z"),
    ("ends_on", "2026-12-02T09:14:00Z"),
    ("destroy_after", "2026-12-01T00:00:00Z"),
    ("hold", "{ reason: \"a look at it first\" }"),
];
const PRICE_KEYS: &[Key] = &[("amount", "3500"), ("currency", "usd"), ("every", "month")];
const HOLD_KEYS: &[Key] =
    &[("until", "2026-12-01T00:00:00Z"), ("reason", "\"the customer is moving house\"")];
const EXTRA_KEYS: &[Key] = &[
    ("server", "wiki"),
    ("user", "staff"),
    ("plan", "basic"),
    ("state", "running"),
    ("because", "our own wiki"),
    ("since", "2026-11-02T09:14:00Z"),
    ("destroy_after", "2026-12-01T00:00:00Z"),
    ("hold", "{ reason: \"a look at it first\" }"),
];
const OVERRIDE_KEYS: &[Key] = &[
    ("region", "fra1"),
    ("size", "s-2vcpu-4gb"),
    ("hold", "{ until: 2026-12-01T00:00:00Z, reason: \"a look at it first\" }"),
];

/// The whole fleet, or everything that is wrong with its files.
pub fn parse(files: &[SourceFile], catalogue: &Catalogue) -> Result<Fleet, Vec<Complaint>> {
    parse_with_servers(files, catalogue).map(|(fleet, _)| fleet)
}

/// The same with the files of `fleet/servers`, each read once.
pub fn parse_with_servers(
    files: &[SourceFile],
    catalogue: &Catalogue,
) -> Result<(Fleet, Vec<ServerFile>), Vec<Complaint>> {
    let (files, mut complaints) = read_all(files);
    let (fleet, more) = check::assemble(&files, catalogue);
    complaints.extend(more);
    if complaints.is_empty() { Ok((fleet, files.servers)) } else { Err(sorted(complaints)) }
}

/// The files of `fleet/servers` alone, as `generate` needs them: their plans may have left the catalogue.
pub fn servers(files: &[SourceFile]) -> Result<Vec<ServerFile>, Vec<Complaint>> {
    let ours: Vec<SourceFile> = files.iter().filter(|file| file.path.starts_with(SERVERS)).cloned().collect();
    let (read, mut complaints) = read_all(&ours);
    complaints.extend(check::names(&read));
    if complaints.is_empty() { Ok(read.servers) } else { Err(sorted(complaints)) }
}

/// What is wrong with the files by themselves, when there is no catalogue to hold them against.
pub fn complaints(files: &[SourceFile]) -> Vec<Complaint> {
    let (read, mut complaints) = read_all(files);
    complaints.extend(check::names(&read));
    sorted(complaints)
}

/// How many files of each kind there are: servers, overrides, extras.
pub fn count(files: &[SourceFile]) -> [usize; 3] {
    [SERVERS, OVERRIDES, EXTRA].map(|folder| files.iter().filter(|f| f.path.starts_with(folder)).count())
}

fn read_all(sources: &[SourceFile]) -> (Files<'_>, Vec<Complaint>) {
    let (mut files, mut complaints) = (Files::default(), Vec::new());
    let mut sources: Vec<&SourceFile> = sources.iter().collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    for source in sources {
        if !source.path.starts_with(OVERRIDES) {
            files.stems.push(check::stem(&source.path).to_owned());
        }
        match read_one(source, &mut files) {
            Ok(()) => {}
            Err(wrong) => complaints.extend(wrong),
        }
    }
    (files, complaints)
}

fn read_one<'a>(source: &'a SourceFile, files: &mut Files<'a>) -> Result<(), Vec<Complaint>> {
    let page = text_of(source)?;
    let map = mapping(page)?;
    if source.path.starts_with(SERVERS) {
        let declared = server(page, map)?;
        files.servers.push(ServerFile { path: source.path.clone(), text: page.text.to_owned(), declared });
    } else if source.path.starts_with(EXTRA) {
        files.extras.push(extra(page, map)?);
    } else if source.path.starts_with(OVERRIDES) {
        files.overrides.push(over(page, map)?);
    } else {
        let cure = format!("files of a fleet stand in `{SERVERS}`, `{OVERRIDES}` or `{EXTRA}`");
        return Err(vec![Complaint::new(&source.path, "this is no place for a file of the fleet", cure)]);
    }
    Ok(())
}

fn text_of(source: &SourceFile) -> Result<Page<'_>, Vec<Complaint>> {
    let file = &source.path;
    if source.bytes.len() > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        return Err(vec![Complaint::new(
            file,
            message,
            "a file of the fleet has some ten lines: is this the right one?",
        )]);
    }
    match std::str::from_utf8(&source.bytes) {
        Ok(text) => Ok(Page { file, text }),
        Err(error) => {
            let text = String::from_utf8_lossy(&source.bytes);
            let complaint = Complaint::new(file, "the file is not UTF-8", "save it as UTF-8 text");
            Err(vec![complaint.at_byte(&text, error.valid_up_to())])
        }
    }
}

fn mapping(page: Page<'_>) -> Result<Mapping, Vec<Complaint>> {
    let complain = |message: &str, cure: &str| Complaint::new(page.file, message, cure);
    let lines = "write one `key: value` a line, with a space after the `:`";
    if let Some(at) = page.text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        let complaint = complain("a control character is in the file", "take it out, shown here as `·`");
        return Err(vec![complaint.at_byte(page.text, at)]);
    }
    if let Some(at) = aliases::find(page.text) {
        let cure = "write the value out in full; put it in quotes if it is meant as text";
        let complaint = complain("anchors, aliases and tags (`&a`, `*a`, `!a`) are not allowed", cure);
        return Err(vec![complaint.at_byte(page.text, at)]);
    }
    if let Some(line) = second_document(page.text) {
        let cure = "one file is one server: take out what follows `---`";
        let complaint = complain("the file holds more than one document", cure);
        return Err(vec![complaint.at(page.text, line, 1)]);
    }
    let error = match serde_yaml::from_str(page.text) {
        Ok(Value::Mapping(map)) => return Ok(map),
        Ok(Value::Null) => return Err(vec![complain("the file is empty", "fill it, or delete it")]),
        Ok(_) => {
            let complaint = complain("the file is not made of `key: value` lines", lines);
            return Err(vec![complaint.at(page.text, 1, 1)]);
        }
        Err(error) => error,
    };
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    if let Some(key) = message.split("duplicate entry with key ").nth(1) {
        let key = key.trim_matches('"');
        let complaint = complain(&format!("the key `{key}` is there twice"), "take one of them out");
        return Err(vec![match page.last(key) {
            Some(at) => complaint.at_byte(page.text, at),
            None => complaint,
        }]);
    }
    let complaint = complain(&format!("not YAML: {message}"), lines);
    Err(vec![match error.location() {
        Some(place) => complaint.at(page.text, place.line(), place.column()),
        None => complaint,
    }])
}

/// The line of a `---` or `...` that follows something.
fn second_document(text: &str) -> Option<usize> {
    let mut something = false;
    for (index, line) in text.lines().enumerate() {
        let marker = ["---", "..."].iter().any(|mark| {
            line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
        });
        if marker && something {
            return Some(index + 1);
        }
        something |= marker || !(line.trim().is_empty() || line.starts_with('#'));
    }
    None
}

fn server(page: Page<'_>, map: Mapping) -> Result<Declared, Vec<Complaint>> {
    let mut reader = Reader::new(page, map, SERVER_KEYS);
    let server = reader.required("server");
    let user = reader.required("user");
    let customer = reader.required("customer");
    let subscription = reader.required("subscription");
    let plan = reader.required("plan");
    let price = if reader.has("price") { price(&mut reader) } else { reader.required("price") };
    let state = reader.required("state");
    let because = reader.required("because");
    let since = reader.required("since");
    let (ends_on, destroy_after) = (reader.optional("ends_on"), reader.optional("destroy_after"));
    let hold = hold(&mut reader);
    let declared = (|| {
        Some(Declared {
            server: server?,
            user: user?,
            customer: customer?,
            subscription: subscription?,
            plan: plan?,
            price: price?,
            state: state?,
            because: because?,
            since: since?,
            ends_on,
            destroy_after,
            hold,
        })
    })();
    whole(declared, reader)
}

fn extra(page: Page<'_>, map: Mapping) -> Result<ExtraFile<'_>, Vec<Complaint>> {
    let mut reader = Reader::new(page, map, EXTRA_KEYS);
    let server = reader.required("server");
    let user = reader.required("user");
    let plan = reader.required("plan");
    let state = reader.optional("state").unwrap_or(DesiredState::Running);
    let because = reader.required("because");
    let since = reader.required("since");
    let destroy_after = reader.optional("destroy_after");
    let hold = hold(&mut reader);
    let extra = (|| {
        Some(ExtraFile {
            page,
            server: server?,
            user: user?,
            plan: plan?,
            state,
            because: because?,
            since: since?,
            destroy_after,
            hold,
        })
    })();
    whole(extra, reader)
}

fn over(page: Page<'_>, map: Mapping) -> Result<OverrideFile<'_>, Vec<Complaint>> {
    let mut reader = Reader::new(page, map, OVERRIDE_KEYS);
    let (region, size) = (reader.optional("region"), reader.optional("size"));
    let hold = hold(&mut reader);
    if hold.as_ref().is_some_and(|hold| hold.until.is_none()) {
        let cure = "a hold by hand needs its end: add `until: 2026-12-01T00:00:00Z`";
        reader.add(page.complain("hold", "`hold` has no `until`", cure));
    }
    whole(Some(OverrideFile { page, region, size, hold }), reader)
}

fn price(reader: &mut Reader<'_>) -> Option<Price> {
    let mut inner = reader.nested("price", PRICE_KEYS)?;
    let (amount, currency, every) =
        (inner.required("amount"), inner.required("currency"), inner.required("every"));
    reader.close(inner);
    Some(Price { amount: amount?, currency: currency?, every: every? })
}

fn hold(reader: &mut Reader<'_>) -> Option<Hold> {
    let mut inner = reader.nested("hold", HOLD_KEYS)?;
    let (until, reason) = (inner.optional("until"), inner.required("reason"));
    reader.close(inner);
    Some(Hold { until, reason: reason? })
}

fn whole<T>(value: Option<T>, reader: Reader<'_>) -> Result<T, Vec<Complaint>> {
    let complaints = reader.finish();
    match value {
        Some(value) if complaints.is_empty() => Ok(value),
        _ => Err(complaints),
    }
}
