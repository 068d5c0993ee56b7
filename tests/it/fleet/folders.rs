//! Files on a disk: links out of the folder, stray files, and writing that loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use basement::adapters::folder;
use basement::cli::init::{self, InitArgs};
use basement::cli::validate::{self, ValidateArgs};
use basement::fleet::complaint;
use basement::fleet::yaml::MAX_BYTES;

use super::GOOD;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn validated(root: &Path) -> (u8, String) {
    let (mut out, mut talk) = (Vec::new(), Vec::new());
    let code = validate::run(&ValidateArgs {}, root, &mut out, &mut talk).unwrap();
    out.extend(talk);
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn files_come_sorted_and_only_from_their_folders() {
    let root = tempfile::tempdir().unwrap();
    for path in ["servers/b.yaml", "servers/a.yaml", "servers/.gitkeep", "extra/c.yaml", "README.md"] {
        put(root.path(), &format!("fleet/{path}"), "x: 1\n");
    }
    put(root.path(), "fleet/approvals/1f2e.yaml", "digest: 1f2e\n");
    let paths: Vec<String> = folder::read(root.path()).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["fleet/extra/c.yaml", "fleet/servers/a.yaml", "fleet/servers/b.yaml"]);
}

#[test]
fn no_more_is_read_of_a_large_file_than_shows_that_it_is_too_large() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "fleet/servers/a.yaml", &"x".repeat(2 * 1024 * 1024));
    assert_eq!(folder::read(root.path()).unwrap()[0].bytes.len(), MAX_BYTES + 1);
}

#[cfg(unix)]
#[test]
fn links_and_strays_are_complaints() {
    use std::os::unix::fs::symlink;
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(outside.path(), "secret.yaml", "secret: 1\n");
    put(root.path(), "fleet/servers/a.yml", GOOD);
    put(root.path(), "fleet/servers/b.yaml/c.yaml", GOOD);
    put(root.path(), "fleet/server/d.yaml", GOOD);
    put(root.path(), "fleet/e.yaml", GOOD);
    symlink(outside.path().join("secret.yaml"), root.path().join("fleet/servers/out.yaml")).unwrap();
    symlink("nowhere.yaml", root.path().join("fleet/servers/broken.yaml")).unwrap();
    symlink(outside.path(), root.path().join("fleet/extra")).unwrap();
    let said = complaint::page(&folder::read(root.path()).unwrap_err());
    insta::assert_snapshot!(said, @r#"
    fleet/e.yaml: a file stands where none is read
      hint: files stand in `fleet/servers`, `fleet/overrides` or `fleet/extra`

    fleet/extra: this is a link to another folder
      hint: put the folder itself here

    fleet/server: unknown folder
      hint: did you mean `fleet/servers`?

    fleet/servers/a.yml: not a `.yaml` file
      hint: name it `….yaml`, or put it elsewhere

    fleet/servers/b.yaml: this is not a file
      hint: take it out

    fleet/servers/broken.yaml: cannot be read: No such file or directory (os error 2)
      hint: is it a broken link?

    fleet/servers/out.yaml: this is a link out of the folder
      hint: put the file itself here

    7 complaints in 7 files
    "#);
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(root.path().join("fleet"), elsewhere.path().join("fleet")).unwrap();
    let said = complaint::page(&folder::read(elsewhere.path()).unwrap_err());
    insta::assert_snapshot!(said, @r#"
    fleet: this is a link to another folder
      hint: put the folder itself here

    1 complaint in 1 file
    "#);
}

#[test]
fn no_folder_is_a_complaint_with_a_cure() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(complaint::page(&folder::read(root.path()).unwrap_err()), @r#"
    fleet: there is no such folder
      hint: run `basement init`, or say where it is

    1 complaint in 1 file
    "#);
}

#[test]
fn writing_replaces_whole_files_and_leaves_nothing_beside_them() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "fleet/servers/a.yaml", "old\n");
    let changes = BTreeMap::from([
        ("fleet/servers/a.yaml".to_owned(), "new\n".to_owned()),
        ("fleet/servers/b.yaml".to_owned(), "b\n".to_owned()),
    ]);
    folder::write(root.path(), &changes).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(root.path().join("fleet/servers")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.yaml", "b.yaml"]);
    assert_eq!(fs::read_to_string(root.path().join("fleet/servers/a.yaml")).unwrap(), "new\n");
}

#[test]
fn writing_never_leaves_the_folder() {
    let root = tempfile::tempdir().unwrap();
    for path in ["../a.yaml", "/tmp/a.yaml", "fleet/../../a.yaml", ""] {
        let changes = BTreeMap::from([(path.to_owned(), "x".to_owned())]);
        assert!(folder::write(root.path(), &changes).is_err(), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_keeps_the_old_file_and_no_remains() {
    let root = tempfile::tempdir().unwrap();
    // A folder where the file should go: the rename fails after the text was written aside.
    put(root.path(), "fleet/servers/a.yaml/keep", "x");
    let changes = BTreeMap::from([("fleet/servers/a.yaml".to_owned(), "new\n".to_owned())]);
    let error = folder::write(root.path(), &changes).unwrap_err().to_string();
    assert!(error.starts_with("`fleet/servers/a.yaml`"), "{error}");
    assert_eq!(fs::read_dir(root.path().join("fleet/servers")).unwrap().count(), 1);
}

#[test]
fn init_lays_out_a_good_repository_and_touches_nothing_twice() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path().join("new");
    let templates = [(
        "cloud-init/base.yaml",
        "#cloud-config\npassword: \"{{root_hash}}\"\nhostname: \"{{server_id}}\"\n",
    )];
    let mut out = Vec::new();
    init::run(&InitArgs {}, &home, &templates, &mut out).unwrap();
    assert_eq!(validated(&home), (0, "0 servers, 0 overrides, 0 extras: all good\n".to_owned()));
    fs::write(home.join("cloud-init/base.yaml"), "mine\n").unwrap();
    out.clear();
    init::run(&InitArgs {}, &home, &templates, &mut out).unwrap();
    assert_eq!(fs::read_to_string(home.join("cloud-init/base.yaml")).unwrap(), "mine\n");
    assert!(!String::from_utf8(out).unwrap().contains("+ "));
}

#[test]
fn validate_says_all_of_it_and_no_key_that_was_pasted() {
    let root = tempfile::tempdir().unwrap();
    let key = format!("sk_test_{}", "1234567890abcdef");
    put(root.path(), "basement.toml", &format!("[stripe]\nmode = \"test\"\nkey = \"{key}\"\n"));
    put(root.path(), "fleet/servers/a.yaml", &GOOD.replace("user: ada", &format!("usr: {key}")));
    put(root.path(), "fleet/servers/b.txt", "");
    let (code, said) = validated(root.path());
    assert!(!said.contains(&key) && !said.contains("1234567890abcdef"), "{said}");
    insta::assert_snapshot!(said, @r#"
    basement.toml: missing table `[defaults]`
      hint: add `[defaults]` with `region = "nyc3"`

    basement.toml: missing table `[mail]`
      hint: add `[mail]` with `from = "Example <servers@example.com>"`

    basement.toml: missing table `[plans]`
      hint: add `[plans.basic]` with `size` and `stripe`

    basement.toml:3: unknown key `key` in `[stripe]`
      3 | key = "sk_test_…"
        | ^
      hint: the keys here are `mode`

    fleet/servers/a.yaml: missing key `user`
      hint: add a line such as `user: ada`

    fleet/servers/a.yaml:2: unknown key `usr`
      2 | usr: sk_test_…
        | ^
      hint: did you mean `user`?

    fleet/servers/b.txt: not a `.yaml` file
      hint: name it `….yaml`, or put it elsewhere

    7 complaints in 3 files
    "#);
    assert_eq!(code, 1);
}
