//! The fleet repository under git (git2), only read: who wrote a line, and the files as of another revision.
//! Invariant: the working tree and the index are never touched; where git knows less, less is said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use git2::{Commit as Git, ErrorCode, ObjectType, Oid, Repository, Sort, Tree, TreeWalkMode, TreeWalkResult};

use crate::fleet::line_of;
use crate::fleet::yaml::{EXTRA, MAX_BYTES, OVERRIDES, SERVERS, SourceFile};
use crate::model::insight::{Commit, Declared, Written};
use crate::model::moment::Moment;

/// A commit's subject is cut after so many characters.
const SUBJECT: usize = 100;

/// So many commits are looked through; older lines are nobody's.
const COMMITS: usize = 10_000;

/// Lines by their place in a list: those a commit wrote itself, and those it has from each parent.
type Passed = (BTreeSet<usize>, Vec<(Oid, BTreeSet<usize>)>);

/// Lines by their file.
type Places<'a> = BTreeMap<&'a Path, Vec<usize>>;

/// A folder under git.
pub struct Checkout {
    repo: Repository,
    /// Where the folder is within the working tree; empty for its root.
    inside: PathBuf,
    /// The commits whose parents were not fetched: what they seem to have written may be older.
    cut: BTreeSet<Oid>,
}

/// The files of a fleet's repository as of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The text of `basement.toml`, if there is one.
    pub config: Option<Vec<u8>>,
    /// The files of the fleet, sorted by path.
    pub files: Vec<SourceFile>,
}

/// Why there is no such revision.
#[derive(Debug, thiserror::Error)]
pub enum NoRevision {
    /// No git, or not for this folder.
    #[error(
        "`{0}` is not in a git working tree ({1}); hint: run it in a clone of the fleet's repository, or leave out `--base`"
    )]
    NoGit(String, String),
    /// It is not known.
    #[error(
        "there is no revision `{0}` here ({1}); hint: `git fetch` it first (in CI fetch more than the newest commit, `fetch-depth: 0`), or name another, for example `origin/main`"
    )]
    Unknown(String, String),
    /// It has no such folder.
    #[error(
        "the revision `{0}` has no fleet in `{1}`; hint: name a later revision, or leave out `--base`: then all is new"
    )]
    NoFleet(String, String),
}

/// A key's line, as it reads in the working tree.
struct Line<'a> {
    /// The file within `fleet/`.
    path: &'a Path,
    key: &'a str,
    number: usize,
    text: String,
}

/// Where keys of files are declared, each a path relative to `root` and a key; without a checkout it is not
/// known by whom.
pub fn declared(
    checkout: Option<&Checkout>,
    root: &Path,
    places: &[(String, &'static str)],
) -> Vec<Option<Declared>> {
    let lines: Vec<Option<Line>> = places.iter().map(|(file, key)| read(root, file, key)).collect();
    let known: Vec<&Line> = lines.iter().flatten().collect();
    let mut written = match checkout {
        Some(checkout) => checkout.written(&known),
        None => vec![Written::Unknown; known.len()],
    }
    .into_iter();
    let declare = |(line, (file, _)): (&Option<Line>, &(String, &str))| {
        let (line, written) = (line.as_ref()?, written.next()?);
        Some(Declared { file: file.clone(), line: u32::try_from(line.number).ok(), written })
    };
    lines.iter().zip(places).map(declare).collect()
}

impl Checkout {
    /// The repository that holds a folder. An error says why there is none.
    pub fn open(root: &Path) -> Result<Self, NoRevision> {
        let no = |why: String| NoRevision::NoGit(root.display().to_string(), why);
        let home = root.canonicalize().map_err(|error| no(error.to_string()))?;
        let repo = Repository::discover(&home).map_err(|error| no(said(&error)))?;
        let tree = repo.workdir().ok_or_else(|| no("the repository is bare".to_owned()))?;
        let tree = tree.canonicalize().map_err(|error| no(error.to_string()))?;
        let inside = home.strip_prefix(&tree).map_err(|_| no("it is outside the working tree".to_owned()))?;
        let inside = inside.to_owned();
        let cut = cut(&repo);
        Ok(Self { repo, inside, cut })
    }

    /// The files as of a revision, however it is named: a branch, a tag, a hash.
    pub fn at(&self, revision: &str) -> Result<Revision, NoRevision> {
        let unknown = |error: git2::Error| NoRevision::Unknown(revision.to_owned(), said(&error));
        let found = self.repo.revparse_single(revision).map_err(unknown)?;
        let root = found.peel_to_tree().map_err(unknown)?;
        let missing =
            || NoRevision::NoFleet(revision.to_owned(), self.inside.join("fleet").display().to_string());
        let home = if self.inside.as_os_str().is_empty() {
            root
        } else {
            self.subtree(&root, &self.inside).ok_or_else(missing)?
        };
        let whole = |id: Oid| Some(self.repo.find_blob(id).ok()?.content().to_vec());
        let config = home.get_name("basement.toml").and_then(|entry| whole(entry.id()));
        let fleet = self.subtree(&home, Path::new("fleet")).ok_or_else(missing)?;
        let mut files = Vec::new();
        fleet
            .walk(TreeWalkMode::PreOrder, |folder, entry| {
                let name = String::from_utf8_lossy(entry.name_bytes());
                let path = format!("fleet/{folder}{name}");
                let is_ours = [SERVERS, OVERRIDES, EXTRA].iter().any(|folder| path.starts_with(folder));
                let is_file = entry.kind() == Some(ObjectType::Blob) && !name.starts_with('.');
                if let Some(bytes) = (is_ours && is_file).then(|| self.blob(entry.id())).flatten() {
                    files.push(SourceFile { path, bytes });
                }
                TreeWalkResult::Ok
            })
            .map_err(unknown)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Revision { config, files })
    }

    /// Who wrote each of these lines. One walk for all: libgit2's own blame walks the history once a file, which
    /// takes minutes for 2,000 files. A key stands once in a file, so that its line is found without a diff.
    fn written(&self, lines: &[&Line<'_>]) -> Vec<Written> {
        let mut written = vec![Written::NotCommitted; lines.len()];
        let Ok(head) = self.repo.head().and_then(|head| head.peel_to_commit()) else { return written };
        let alive = (0..lines.len()).filter(|n| self.holds(self.fleet(&head).as_ref(), lines[*n])).collect();
        let mut waiting: BTreeMap<Oid, BTreeSet<usize>> = BTreeMap::from([(head.id(), alive)]);
        let mut places = Places::new();
        for (n, line) in lines.iter().enumerate() {
            places.entry(line.path).or_default().push(n);
        }
        for id in self.history().take(COMMITS) {
            if waiting.is_empty() {
                break;
            }
            let Some(mine) = waiting.remove(&id).filter(|mine| !mine.is_empty()) else { continue };
            let git = self.repo.find_commit(id).ok();
            let told = git.as_ref().and_then(|git| self.pass_on(git, mine.clone(), lines, &places));
            // A parent that is not there may have had any of them.
            let is_told = told.is_some() && !self.cut.contains(&id);
            let (own, passed) = told.unwrap_or((mine, Vec::new()));
            let by = git.as_ref().filter(|_| is_told).and_then(commit);
            for n in own {
                written[n] = by.clone().map_or(Written::Unknown, Written::By);
            }
            for (parent, these) in passed {
                waiting.entry(parent).or_default().extend(these);
            }
        }
        for n in waiting.into_values().flatten() {
            written[n] = Written::Unknown;
        }
        written
    }

    /// Which of these lines a commit wrote itself, and which it has from which parent; `None` if a parent is not
    /// there to be read.
    fn pass_on(
        &self,
        git: &Git<'_>,
        mut own: BTreeSet<usize>,
        lines: &[&Line<'_>],
        places: &Places<'_>,
    ) -> Option<Passed> {
        let (now, mut passed) = (self.fleet(git), Vec::new());
        if self.cut.contains(&git.id()) {
            return Some((own, passed));
        }
        for n in 0..git.parent_count() {
            let parent = git.parent(n).ok()?;
            let before = self.fleet(&parent);
            let changed = self.changed(before.as_ref(), now.as_ref())?;
            // A commit changes few files: those are looked at, and all others are the parent's.
            let touched = changed.iter().flat_map(|path| places.get(path.as_path()).into_iter().flatten());
            let lacks = |n: &&usize| own.contains(n) && !self.holds(before.as_ref(), lines[**n]);
            let left: BTreeSet<usize> = touched.filter(lacks).copied().collect();
            let mut these = std::mem::replace(&mut own, left);
            these.retain(|n| !own.contains(n));
            passed.push((parent.id(), these));
        }
        Some((own, passed))
    }

    /// The files that differ between two trees of the fleet.
    fn changed(&self, before: Option<&Tree<'_>>, now: Option<&Tree<'_>>) -> Option<BTreeSet<PathBuf>> {
        if before.map(Tree::id) == now.map(Tree::id) {
            return Some(BTreeSet::new());
        }
        let diff = self.repo.diff_tree_to_tree(before, now, None).ok()?;
        Some(diff.deltas().filter_map(|delta| Some(delta.new_file().path()?.to_owned())).collect())
    }

    /// Whether a file of this tree has this line.
    fn holds(&self, fleet: Option<&Tree<'_>>, line: &Line<'_>) -> bool {
        let read = || String::from_utf8(self.blob(fleet?.get_path(line.path).ok()?.id())?).ok();
        read().is_some_and(|text| line_of(&text, line.key).is_some_and(|n| nth(&text, n) == line.text))
    }

    /// The commits from the newest on, children before parents.
    fn history(&self) -> impl Iterator<Item = Oid> {
        let walk = self.repo.revwalk().and_then(|mut walk| {
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
            walk.push_head().map(|()| walk)
        });
        walk.into_iter().flatten().map_while(Result::ok)
    }

    /// The fleet as of a commit.
    fn fleet<'r>(&'r self, git: &Git<'_>) -> Option<Tree<'r>> {
        self.subtree(&git.tree().ok()?, &self.inside.join("fleet"))
    }

    fn subtree<'r>(&'r self, tree: &Tree<'_>, path: &Path) -> Option<Tree<'r>> {
        self.repo.find_tree(tree.get_path(path).ok()?.id()).ok()
    }

    /// A file's bytes; of one that is too large just enough to be refused.
    fn blob(&self, id: Oid) -> Option<Vec<u8>> {
        let blob = self.repo.find_blob(id).ok()?;
        let bytes = blob.content();
        Some(bytes[..bytes.len().min(MAX_BYTES + 1)].to_vec())
    }
}

/// A key's line in the working tree, if the file has it.
fn read<'a>(root: &Path, file: &'a str, key: &'a str) -> Option<Line<'a>> {
    let bytes = std::fs::read(root.join(file)).ok().filter(|bytes| bytes.len() <= MAX_BYTES)?;
    let text = String::from_utf8(bytes).ok()?;
    let number = line_of(&text, key)?;
    Some(Line {
        path: Path::new(file.strip_prefix("fleet/")?),
        key,
        number,
        text: nth(&text, number).to_owned(),
    })
}

fn commit(git: &Git<'_>) -> Option<Commit> {
    let author = git.author();
    let hash = git.as_object().short_id().ok()?;
    let subject = String::from_utf8_lossy(git.summary_bytes().unwrap_or_default()).into_owned();
    Some(Commit {
        hash: String::from_utf8_lossy(&hash).into_owned(),
        at: Moment::from_unix(author.when().seconds()),
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        subject: subject.chars().take(SUBJECT).collect(),
    })
}

/// Where a shallow clone was cut off. Source: git, `Documentation/technical/shallow`.
fn cut(repo: &Repository) -> BTreeSet<Oid> {
    let list = std::fs::read_to_string(repo.commondir().join("shallow")).unwrap_or_default();
    list.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
}

/// A line by its number, from 1.
fn nth(text: &str, line: usize) -> &str {
    text.lines().nth(line.saturating_sub(1)).unwrap_or_default()
}

/// What git said, in its words.
fn said(error: &git2::Error) -> String {
    match error.code() {
        ErrorCode::Owner => {
            "the repository belongs to another user: see `git config safe.directory`".to_owned()
        }
        _ => error.message().to_owned(),
    }
}
