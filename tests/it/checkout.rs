//! The fleet repository under git: who wrote a line, the files of another revision, and where git knows less.

use std::fs;
use std::path::{Path, PathBuf};

use basement::adapters::checkout::{Checkout, NoRevision, declared};
use basement::model::insight::Written;
use basement::model::moment::Moment;
use git2::{BranchType, IndexAddOption, Repository, Signature, Time};
use tempfile::TempDir;

/// A folder under git, whose commits are made at fixed times.
pub struct Shelf {
    pub root: PathBuf,
    repo: Repository,
}

impl Shelf {
    /// Puts a folder under git, on the branch `main`.
    pub fn new(root: &Path) -> Self {
        let mut how = git2::RepositoryInitOptions::new();
        let repo = Repository::init_opts(root, how.initial_head("main")).expect("a repository");
        Self { root: root.to_owned(), repo }
    }

    /// Commits everything, at a moment.
    pub fn commit(&self, at: &str, author: &str, message: &str) -> git2::Oid {
        let seconds = Moment::parse(at).expect("a moment").unix();
        let who = Signature::new(author, "ops@example.com", &Time::new(seconds, 0)).expect("a name");
        let mut index = self.repo.index().expect("an index");
        index.add_all(["."], IndexAddOption::DEFAULT, None).expect("added");
        index.write().expect("written");
        let tree = self.repo.find_tree(index.write_tree().expect("a tree")).expect("a tree");
        let parent = self.repo.head().ok().map(|head| head.peel_to_commit().expect("a commit"));
        let parents: Vec<&git2::Commit> = parent.iter().collect();
        self.repo.commit(Some("HEAD"), &who, &who, message, &tree, &parents).expect("a commit")
    }

    /// Goes on on a new branch.
    pub fn branch(&self, name: &str) {
        let head = self.repo.head().and_then(|head| head.peel_to_commit()).expect("a commit");
        self.repo.branch(name, &head, false).expect("a branch");
        self.repo.set_head(&format!("refs/heads/{name}")).expect("a branch");
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

const FILE: &str = "fleet/servers/ada.yaml";

fn text(state: &str) -> String {
    format!("server: ada\nprice: {{ amount: 1, currency: usd }}\nstate: {state}\nbecause: x\n")
}

/// Two commits: Ada made the file, Bob stopped it.
fn stopped() -> (TempDir, Shelf) {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path());
    shelf.write(FILE, &text("running"));
    shelf.commit("2026-11-02T09:00:00Z", "Ada", "the first server");
    shelf.write(FILE, &text("stopped"));
    shelf.commit("2026-12-03T09:00:00Z", "Bob", "ada has cancelled\n\nat length");
    (folder, shelf)
}

/// Author and subject of the commit behind a key, or the word for why there is none.
fn who(root: &Path, key: &'static str) -> String {
    let checkout = Checkout::open(root).ok();
    let found = declared(checkout.as_ref(), root, &[(FILE.to_owned(), key)]).remove(0);
    match found.map(|found| (found.line, found.written)) {
        Some((Some(line), Written::By(commit))) => {
            assert!(commit.hash.len() >= 7, "{commit:?}");
            format!("{line}: {} on {}: {}", commit.author, commit.at.date(), commit.subject)
        }
        Some((Some(line), other)) => format!("{line}: {other:?}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_line_has_its_own_author() {
    let (_folder, shelf) = stopped();
    assert_eq!(who(&shelf.root, "state"), "3: Bob on 2026-12-03: ada has cancelled");
    assert_eq!(who(&shelf.root, "because"), "4: Ada on 2026-11-02: the first server");
    assert_eq!(who(&shelf.root, "destroy_after"), "None", "no such key");
    // A line above it moves it, and is of nobody yet.
    shelf.write(FILE, &format!("# a remark\n{}", text("stopped")));
    assert_eq!(who(&shelf.root, "state"), "4: Bob on 2026-12-03: ada has cancelled");
    shelf.write(FILE, &text("destroyed"));
    assert_eq!(who(&shelf.root, "state"), "3: NotCommitted");
}

#[test]
fn where_git_knows_less_less_is_said() {
    let plain = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(plain.path().join("fleet/servers")).expect("a folder");
    fs::write(plain.path().join(FILE), text("running")).expect("a file");
    // A temporary folder may itself lie in a working tree; then the file is of nobody yet.
    let said = who(plain.path(), "state");
    assert!(["3: Unknown", "3: NotCommitted"].contains(&&*said), "{said}");
    Repository::init_bare(plain.path().join(".git")).expect("a bare repository");
    assert_eq!(who(plain.path(), "state"), "3: Unknown", "a bare repository");

    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path());
    shelf.write(FILE, &text("running"));
    assert_eq!(who(&shelf.root, "state"), "3: NotCommitted", "nothing is committed yet");
}

#[test]
fn a_shallow_clone_blames_nobody_for_what_may_be_older() {
    let (_folder, shelf) = stopped();
    let head = shelf.repo.head().and_then(|head| head.peel_to_commit()).expect("a commit").id();
    fs::write(shelf.repo.path().join("shallow"), format!("{head}\n")).expect("a file");
    assert_eq!(who(&shelf.root, "state"), "3: Unknown");
    shelf.write(FILE, &text("running"));
    shelf.commit("2026-12-04T09:00:00Z", "Cleo", "ada is back");
    assert_eq!(who(&shelf.root, "state"), "3: Cleo on 2026-12-04: ada is back");
}

#[test]
fn a_revision_is_read_without_touching_the_working_tree() {
    let (_folder, shelf) = stopped();
    shelf.write("basement.toml", "x = 1\n");
    shelf.write("fleet/.gitkeep", "");
    shelf.write("fleet/approvals/a.yaml", "x: 1\n");
    shelf.write("fleet/extra/wiki.yaml", "server: wiki\n");
    let id = shelf.commit("2026-12-05T09:00:00Z", "Ada", "more");
    shelf.write("basement.toml", "x = 2\n");
    fs::remove_file(shelf.root.join(FILE)).expect("it is there");
    let before = crate::commands::files(&shelf.root);
    let checkout = Checkout::open(&shelf.root).expect("it is under git");
    for name in ["main", "HEAD", &id.to_string(), &id.to_string()[..8]] {
        let found = checkout.at(name).expect("it is there");
        assert_eq!(found.config.as_deref(), Some(&b"x = 1\n"[..]));
        let paths: Vec<&str> = found.files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["fleet/extra/wiki.yaml", FILE]);
        assert_eq!(found.files[1].bytes, text("stopped").as_bytes());
    }
    let first = checkout.at("main~2").expect("it is there");
    assert_eq!((first.config, first.files.len()), (None, 1));
    assert_eq!(first.files[0].bytes, text("running").as_bytes());
    assert!(crate::commands::files(&shelf.root) == before, "something was written");
}

#[test]
fn a_fleet_may_lie_within_a_larger_repository() {
    let (_folder, shelf) = stopped();
    shelf.write(&format!("hosting/{FILE}"), &text("running"));
    shelf.commit("2026-12-06T09:00:00Z", "Dora", "another fleet");
    let root = shelf.root.join("hosting");
    assert_eq!(who(&root, "state"), "3: Dora on 2026-12-06: another fleet");
    let checkout = Checkout::open(&root).expect("it is under git");
    let found = checkout.at("main").expect("it is there");
    assert_eq!(found.files.len(), 1);
    assert_eq!(found.files[0].bytes, text("running").as_bytes());
    assert!(matches!(checkout.at("main~1"), Err(NoRevision::NoFleet(..))));
    assert!(matches!(checkout.at("nothing"), Err(NoRevision::Unknown(..))));
    assert!(shelf.repo.find_branch("main", BranchType::Local).is_ok());
}
