//! The fleet repository under git (git2), only read: who wrote a line, and the files as of another revision.
//! Invariant: the working tree and the index are never touched; where git knows less, less is said.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use git2::{
    BlameOptions, Commit as Git, ErrorCode, ObjectType, Oid, Repository, Tree, TreeWalkMode, TreeWalkResult,
};

use crate::fleet::line_of;
use crate::fleet::yaml::{EXTRA, MAX_BYTES, OVERRIDES, SERVERS, SourceFile};
use crate::model::insight::{Commit, Declared, Written};
use crate::model::moment::Moment;

/// A commit's subject is cut after so many characters.
const SUBJECT: usize = 100;

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

/// Where a key of a file is declared; the file is relative to `root`, and to be read without `checkout` too.
pub fn declared(checkout: Option<&Checkout>, root: &Path, file: &str, key: &str) -> Option<Declared> {
    let bytes = std::fs::read(root.join(file)).ok().filter(|bytes| bytes.len() <= MAX_BYTES)?;
    let text = String::from_utf8(bytes).ok()?;
    let line = line_of(&text, key)?;
    let written = checkout.map_or(Written::Unknown, |checkout| checkout.written(file, key, nth(&text, line)));
    Some(Declared { file: file.to_owned(), line: u32::try_from(line).ok(), written })
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
        let config = home.get_name("basement.toml").and_then(|entry| self.blob(entry.id()));
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

    /// Who wrote the line of a key, which reads `now` in the working tree.
    fn written(&self, file: &str, key: &str, now: &str) -> Written {
        let path = self.inside.join(file);
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        match self.committed(&path, key).filter(|_| is_plain) {
            Some((line, text)) if text == now => {
                self.blame(&path, line).map_or(Written::Unknown, Written::By)
            }
            Some(_) => Written::NotCommitted,
            None if is_plain => Written::NotCommitted,
            None => Written::Unknown,
        }
    }

    /// The line of a key as it is committed: its number and its text.
    fn committed(&self, path: &Path, key: &str) -> Option<(usize, String)> {
        let tree = self.repo.head().ok()?.peel_to_tree().ok()?;
        let bytes = self.blob(tree.get_path(path).ok()?.id())?;
        let text = String::from_utf8(bytes).ok()?;
        let line = line_of(&text, key)?;
        Some((line, nth(&text, line).to_owned()))
    }

    /// The commit that wrote a committed line; `None` if the history does not reach back so far.
    fn blame(&self, path: &Path, line: usize) -> Option<Commit> {
        let mut only = BlameOptions::new();
        only.min_line(line).max_line(line);
        let blame = self.repo.blame_file(path, Some(&mut only)).ok()?;
        let id = blame.get_line(line)?.final_commit_id();
        if self.cut.contains(&id) {
            return None;
        }
        commit(&self.repo.find_commit(id).ok()?)
    }

    fn subtree<'r>(&'r self, tree: &Tree<'r>, path: &Path) -> Option<Tree<'r>> {
        self.repo.find_tree(tree.get_path(path).ok()?.id()).ok()
    }

    /// A file's bytes; of one that is too large just enough to be refused.
    fn blob(&self, id: Oid) -> Option<Vec<u8>> {
        let blob = self.repo.find_blob(id).ok()?;
        let bytes = blob.content();
        Some(bytes[..bytes.len().min(MAX_BYTES + 1)].to_vec())
    }
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
