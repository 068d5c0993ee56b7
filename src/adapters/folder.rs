//! The fleet's files on a disk: read in order and never from outside the folder, written whole or not at all.
//! Invariant: whoever is stopped half way leaves every file either old or new.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use crate::fleet::approval::FOLDER;
use crate::fleet::complaint::{Complaint, nearest, sorted};
use crate::fleet::yaml::{MAX_BYTES, SourceFile};

/// The folders of a fleet. Approvals are read by another.
const FOLDERS: [&str; 4] = ["servers", "overrides", "extra", "approvals"];

/// All files of the fleet under `root`, sorted by path; or what is wrong with the folders.
pub fn read(root: &Path) -> Result<Vec<SourceFile>, Vec<Complaint>> {
    let (files, complaints) = survey(root);
    if complaints.is_empty() { Ok(files) } else { Err(complaints) }
}

/// All files that could be read, and what is wrong with the others.
pub fn survey(root: &Path) -> (Vec<SourceFile>, Vec<Complaint>) {
    let mut survey = Survey { files: Vec::new(), complaints: Vec::new() };
    match root.canonicalize().and_then(|home| Ok((home.join("fleet"), root.join("fleet").canonicalize()?))) {
        Ok((home, found)) if home == found && home.is_dir() => survey.fleet(&home),
        Ok((home, found)) if home == found => {
            survey.say("fleet", "this is not a folder", "run `basement init`");
        }
        Ok(_) => survey.say("fleet", "this is a link to another folder", "put the folder itself here"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            survey.say("fleet", "there is no such folder", "run `basement init`, or say where it is");
        }
        Err(error) => survey.say("fleet", &format!("cannot be read: {error}"), "look at its permissions"),
    }
    survey.files.sort_by(|a, b| a.path.cmp(&b.path));
    (survey.files, sorted(survey.complaints))
}

/// The approvals under `root`, sorted by path. What is no plain file is not one of them.
pub fn approvals(root: &Path) -> io::Result<Vec<SourceFile>> {
    let entries = match fs::read_dir(root.join("fleet/approvals")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file()
            && !name.starts_with('.')
            && Path::new(&name).extension().is_some_and(|ext| ext == "yaml")
        {
            found.push(SourceFile { path: format!("{FOLDER}{name}"), bytes: bytes(&entry.path())? });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// A file that a person names, if it is not larger than that.
pub fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}

/// Writes a file that a person names, at once.
pub fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let aside = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    put(&aside, path, text).inspect_err(|_| {
        let _ = fs::remove_file(&aside);
    })
}

/// Writes files by their paths relative to `root`, each at once: beside it, to the disk, then over it.
pub fn write(root: &Path, changes: &BTreeMap<String, String>) -> io::Result<()> {
    let home = root.canonicalize()?;
    let mut folders = BTreeMap::new();
    for (path, text) in changes {
        let target = Path::new(path);
        let plain = target.components().all(|part| matches!(part, Component::Normal(_)));
        let (Some(folder), Some(name), true) = (target.parent(), target.file_name(), plain) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{path}` is not a path inside here"),
            ));
        };
        let wrong = |error: io::Error| io::Error::new(error.kind(), format!("`{path}`: {error}"));
        if !folders.contains_key(folder) {
            fs::create_dir_all(home.join(folder)).map_err(wrong)?;
            let real = home.join(folder).canonicalize().map_err(wrong)?;
            if real != home.join(folder) {
                return Err(wrong(io::Error::other("its folder is a link to another one")));
            }
            folders.insert(folder, real);
        }
        let real = &folders[folder];
        let aside = real.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        put(&aside, &real.join(name), text).map_err(|error| {
            let _ = fs::remove_file(&aside);
            wrong(error)
        })?;
    }
    // A rename is on the disk when its folder is.
    folders.values().try_for_each(|folder| File::open(folder)?.sync_all())
}

struct Survey {
    files: Vec<SourceFile>,
    complaints: Vec<Complaint>,
}

impl Survey {
    fn fleet(&mut self, home: &Path) {
        for name in self.names(home, "fleet") {
            let path = home.join(&name);
            let shown = format!("fleet/{name}");
            let known = FOLDERS.contains(&name.as_str());
            if !path.is_dir() {
                let yaml = path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
                if known || yaml {
                    self.say(
                        &shown,
                        "a file stands where none is read",
                        "files stand in `fleet/servers`, `fleet/overrides` or `fleet/extra`",
                    );
                }
            } else if !known {
                let cure = match nearest(&name, FOLDERS) {
                    Some(meant) => format!("did you mean `fleet/{meant}`?"),
                    None => "the folders of a fleet are `servers`, `overrides`, `extra` and `approvals`"
                        .to_owned(),
                };
                self.say(&shown, "unknown folder", &cure);
            } else if path.canonicalize().is_ok_and(|real| real != path) {
                self.say(&shown, "this is a link to another folder", "put the folder itself here");
            } else if name != "approvals" {
                self.folder(&path, &shown);
            }
        }
    }

    fn folder(&mut self, folder: &Path, shown: &str) {
        for name in self.names(folder, shown) {
            let (path, shown) = (folder.join(&name), format!("{shown}/{name}"));
            if path.extension().is_none_or(|ext| ext != "yaml") {
                self.say(&shown, "not a `.yaml` file", "name it `….yaml`, or put it elsewhere");
                continue;
            }
            match path.canonicalize() {
                Ok(real) if !real.starts_with(folder) => {
                    self.say(&shown, "this is a link out of the folder", "put the file itself here");
                }
                Ok(real) if !real.is_file() => self.say(&shown, "this is not a file", "take it out"),
                Ok(real) => match bytes(&real) {
                    Ok(bytes) => self.files.push(SourceFile { path: shown, bytes }),
                    Err(error) => {
                        self.say(&shown, &format!("cannot be read: {error}"), "look at its permissions");
                    }
                },
                Err(error) => self.say(&shown, &format!("cannot be read: {error}"), "is it a broken link?"),
            }
        }
    }

    /// The names in a folder, sorted. Those with a dot in front are nobody's: `.gitkeep`, editors' files.
    fn names(&mut self, folder: &Path, shown: &str) -> Vec<String> {
        let entries = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>());
        let mut names = Vec::new();
        match entries {
            Ok(entries) => {
                for entry in entries {
                    match entry.into_string() {
                        Ok(name) if name.starts_with('.') => {}
                        Ok(name) => names.push(name),
                        Err(name) => {
                            let shown = format!("{shown}/{}", name.to_string_lossy());
                            self.say(&shown, "its name is not UTF-8", "name it with a-z, 0-9 and -");
                        }
                    }
                }
            }
            Err(error) => self.say(shown, &format!("cannot be read: {error}"), "look at its permissions"),
        }
        names.sort();
        names
    }

    fn say(&mut self, file: &str, message: &str, cure: &str) {
        self.complaints.push(Complaint::new(file, message, cure));
    }
}

/// One byte more than is allowed is enough to see that a file is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn put(aside: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(aside, target)
}
