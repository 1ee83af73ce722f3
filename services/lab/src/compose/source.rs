//! The files of the Compose folder, each read once.

use super::finding::{Finding, Place};
use super::interpolate::{Environment, interpolate};
use super::node::Node;
use super::yaml;
use service_kit::problem::nearest;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

/// A large Compose file has some 50 KiB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Reads files of one folder, variables put in, and gathers what is wrong.
pub(super) struct Sources<'e> {
    /// The folder, absolute.
    pub folder: PathBuf,
    pub env: &'e Environment,
    pub findings: Vec<Finding>,
    /// `None`: it could not be read, which has been said.
    files: BTreeMap<String, Option<Rc<Node>>>,
}

impl<'e> Sources<'e> {
    pub(super) fn new(folder: &Path, env: &'e Environment) -> Self {
        Self {
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            env,
            findings: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// The tree of this file, named relative to the folder. `asked_by`: what
    /// names it, for the finding when it is not there.
    pub(super) fn file(&mut self, name: &str, asked_by: Option<&Place>) -> Option<Rc<Node>> {
        if let Some(known) = self.files.get(name) {
            return known.clone();
        }
        let tree = match self.read(name, asked_by) {
            Ok(text) => self.parse(&text, name),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        };
        self.files.insert(name.to_owned(), tree.clone());
        tree
    }

    fn parse(&mut self, text: &str, name: &str) -> Option<Rc<Node>> {
        match yaml::parse(text, name) {
            Ok(mut root) => {
                interpolate(&mut root, self.env, &mut self.findings);
                Some(Rc::new(root))
            }
            Err(findings) => {
                self.findings.extend(findings);
                None
            }
        }
    }

    fn read(&self, name: &str, asked_by: Option<&Place>) -> Result<String, Finding> {
        let whole = Place::whole(name);
        let path = self.folder.join(name);
        let cannot = |error: &std::io::Error| {
            let why = match error.kind() {
                ErrorKind::NotFound => "it does not exist".to_owned(),
                ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            let place = asked_by.unwrap_or(&whole);
            Finding::error(
                place,
                format!("cannot read {name}: {why}"),
                self.other_file(name),
            )
        };
        let file = std::fs::File::open(&path).map_err(|error| cannot(&error))?;
        self.inside(&path).map_err(|error| cannot(&error))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| cannot(&error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Finding::error(
                &whole,
                "is larger than 1 MiB",
                "this is no Compose file: restore it with git checkout",
            ));
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.split(|byte| *byte == b'\n').count();
            let place = Place { line, ..whole };
            Finding::error(
                &place,
                "holds bytes that are not UTF-8 text",
                "save the file as UTF-8",
            )
        })
    }

    /// A link could lead out of the folder; what is read must not.
    fn inside(&self, path: &Path) -> std::io::Result<()> {
        if path
            .canonicalize()?
            .starts_with(self.folder.canonicalize()?)
        {
            return Ok(());
        }
        Err(std::io::Error::other(
            "it links to a file outside the Compose folder",
        ))
    }

    /// What may have been meant by a name that is not there.
    fn other_file(&self, name: &str) -> String {
        let Ok(files) = std::fs::read_dir(&self.folder) else {
            return format!("there is no folder {}", self.folder.display());
        };
        let names: Vec<String> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter(|file| matches!(file.rsplit_once('.'), Some((_, "yml" | "yaml"))))
            .collect();
        let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
        known.sort_unstable();
        match nearest(name, known.iter().copied()) {
            Some(near) if near != name => format!("did you mean {near}?"),
            _ if known.is_empty() => "the folder holds no Compose files".to_owned(),
            _ => format!("there are: {}", known.join(", ")),
        }
    }
}

/// The name, relative to the folder, of a file that `from` names as `name`;
/// `None` where that leads out of the folder.
pub(super) fn beside(from: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn a_file_is_named_from_the_one_that_names_it() {
        let named = |from, name| beside(from, name);
        assert_eq!(
            named("lab.yml", "services.yml").as_deref(),
            Some("services.yml")
        );
        assert_eq!(
            named("lab.yml", "./sub/x.yml").as_deref(),
            Some("sub/x.yml")
        );
        assert_eq!(named("sub/x.yml", "../y.yml").as_deref(), Some("y.yml"));
    }

    #[test]
    fn none_leads_out_of_the_folder() {
        for name in ["../x.yml", "/etc/passwd", "sub/../../x.yml"] {
            assert_eq!(beside("lab.yml", name), None, "{name}");
        }
    }
}
