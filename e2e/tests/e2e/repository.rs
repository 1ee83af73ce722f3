//! What must stand in the repository: every lab has its parts, every Compose
//! file is one, every command in the documents runs.

use crate::support::{Docker, root, said};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The names of all labs.
pub(crate) fn labs() -> Vec<String> {
    let mut labs: Vec<_> = std::fs::read_dir(root().join("compose"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let stem = path.file_stem()?.to_str()?;
            stem.starts_with("lab-").then(|| stem.to_owned())
        })
        .collect();
    labs.sort();
    assert!(!labs.is_empty());
    labs
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_lab_has_its_module_its_sheet_and_its_row() {
    let readme = read("README.md");
    for lab in labs() {
        let topic = lab.strip_prefix("lab-").unwrap();
        let module = read(format!(
            "services/lab/src/labs/{}.rs",
            topic.replace('-', "_")
        ));
        assert!(
            module.contains(&format!("\"{lab}\"")),
            "{lab}: its module does not name it"
        );
        let sheet = read(format!("docs/labs/{topic}.md"));
        for part in [
            "## Concept",
            "## Run",
            "## Observe",
            "## Edit",
            "## Exercises",
        ] {
            assert!(sheet.contains(part), "docs/labs/{topic}.md has no {part:?}");
        }
        let row = format!("| [`{lab}`](docs/labs/{topic}.md)");
        assert!(readme.contains(&row), "README has no row {row:?}");
        let compose = read(format!("compose/{lab}.yml"));
        let head: String = compose
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        for part in ["Question", &format!("make {lab}"), "Watch"] {
            assert!(
                head.contains(part),
                "compose/{lab}.yml does not begin with its {part:?}"
            );
        }
    }
}

#[test]
fn every_compose_file_is_one() {
    let Some(docker) = Docker::take("docker compose config") else {
        return;
    };
    for entry in std::fs::read_dir(root().join("compose")).unwrap() {
        let path = entry.unwrap().path();
        docker.output(&["compose", "-f", path.to_str().unwrap(), "config", "-q"]);
    }
}

#[test]
fn every_lab_has_what_watches_it() {
    for lab in labs() {
        let compose = read(format!("compose/{lab}.yml"));
        assert!(
            compose.contains("\ninclude: [observability.yml]\n"),
            "compose/{lab}.yml does not include observability.yml"
        );
    }
}

/// The stations of all labs, by the service that they extend.
fn stations() -> BTreeMap<String, BTreeSet<String>> {
    let mut stations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for lab in labs() {
        let mut name = String::new();
        for line in read(format!("compose/{lab}.yml")).lines() {
            match line
                .strip_prefix("  ")
                .and_then(|line| line.strip_suffix(':'))
            {
                Some(key) if !key.starts_with(' ') => key.clone_into(&mut name),
                _ => {}
            }
            let extends = line
                .trim()
                .strip_prefix("extends: {file: services.yml, service: ");
            match extends.and_then(|rest| rest.strip_suffix('}')) {
                Some("lab") | None => {}
                Some(service) => {
                    let of_service = stations.entry(service.to_owned()).or_default();
                    of_service.insert(name.clone());
                }
            }
        }
    }
    stations
}

#[test]
fn prometheus_and_the_monitor_ask_every_station_of_every_lab() {
    let stations = stations();
    assert!(stations["primes"].len() >= 6, "{stations:?}");
    let config = read("prometheus/prometheus.yml");
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut job = "";
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- job_name: ") {
            job = name;
        } else if let Some(name) = line
            .strip_prefix("- ")
            .filter(|rest| !rest.contains([':', '/']))
        {
            asked
                .entry(job.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    assert_eq!(asked, stations, "prometheus/prometheus.yml, names by job");

    let watchers = read("compose/observability.yml");
    let named = watchers
        .lines()
        .find_map(|line| line.trim().strip_prefix("METRICS_STATIONS: "));
    let named: BTreeSet<String> = named.unwrap().split(',').map(str::to_owned).collect();
    let all: BTreeSet<String> = stations.into_values().flatten().collect();
    assert_eq!(named, all, "compose/observability.yml, METRICS_STATIONS");
}

#[test]
fn the_recording_rules_are_those_of_the_documentation() {
    let rules = read("prometheus/rules/stations.yml");
    let recorded: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- record: "))
        .collect();
    let document = read("docs/metrics.md");
    let (_, section) = document.split_once("\n## Recording rules\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let documented: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(recorded, documented);
}

/// Prometheus' own tool: installed here, or in its image where there is one.
fn promtool() -> Option<Command> {
    let ended_well = |command: &mut Command| {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    if ended_well(Command::new("promtool").arg("--version")) {
        let mut tool = Command::new("promtool");
        tool.current_dir(root().join("prometheus"));
        return Some(tool);
    }
    let watchers = read("compose/observability.yml");
    let image = watchers
        .lines()
        .find_map(|line| line.trim().strip_prefix("image: prom/"));
    let image = format!("prom/{}", image.unwrap());
    ended_well(Command::new("docker").args(["image", "inspect", &image])).then(|| {
        let mount = format!(
            "{}:/prometheus-files:ro",
            root().join("prometheus").display()
        );
        let mut tool = Command::new("docker");
        tool.args(["run", "--rm", "--network", "none", "-v", &mount])
            .args([
                "-w",
                "/prometheus-files",
                "--entrypoint",
                "promtool",
                &image,
            ]);
        tool
    })
}

#[test]
fn prometheus_takes_its_files_and_the_rules_do_what_their_tests_say() {
    if promtool().is_none() {
        assert!(
            std::env::var_os("PARLAB_REQUIRE_DOCKER").is_none(),
            "there is neither promtool nor the image of Prometheus"
        );
        eprintln!("left out: prometheus/, since there is neither promtool nor Prometheus' image");
        return;
    }
    let files = |folder: &str| {
        let entries = std::fs::read_dir(root().join("prometheus").join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
        names.sort();
        assert!(!names.is_empty(), "{folder}");
        names
    };
    // It checks the rules that it names too.
    let config = vec!["check".into(), "config".into(), "prometheus.yml".into()];
    let rules = [vec!["check".into(), "rules".into()], files("rules")].concat();
    let tests = [vec!["test".into(), "rules".into()], files("tests")].concat();
    for arguments in [config, rules, tests] {
        let output = promtool().unwrap().args(&arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }
}

/// The documents a person follows.
pub(crate) fn documents() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .map(|name| root().join(name))
    .into();
    for folder in ["docs", "docs/labs"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        all.extend(files.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    all
}

/// What names of stations begin with.
const OF_STATIONS: [&str; 4] = ["primes-", "scraper-", "cluster-", "throttle-"];

/// The lines of a document's `sh` blocks.
fn commands(document: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(document).unwrap();
    let mut commands = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() && !line.starts_with('#') => {
                commands.push(line.to_owned());
            }
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_in_the_documents_names_what_exists() {
    let targets = make_targets();
    let labs = labs();
    let files = labs.iter().map(|lab| read(format!("compose/{lab}.yml")));
    let stations = files.collect::<Vec<_>>().concat();
    for document in documents() {
        for command in commands(&document) {
            let place = format!("{}: {command}", document.display());
            let mut words = command
                .split_whitespace()
                .skip_while(|word| word.contains('=') && !word.starts_with('-'));
            match words.next() {
                Some("make") => {
                    let goals = words.take_while(|word| *word != "#");
                    for goal in goals.filter(|word| !word.contains('=')) {
                        let known = targets.contains(goal) || labs.iter().any(|lab| lab == goal);
                        assert!(known, "{place}: make has no {goal}");
                    }
                }
                Some("docker") => {
                    for word in
                        words.filter(|word| OF_STATIONS.iter().any(|begin| word.starts_with(begin)))
                    {
                        assert!(stations.contains(&format!("  {word}:")), "{place}: {word}");
                    }
                }
                Some("cargo") => {
                    if let Some(package) = words.skip_while(|word| *word != "-p").nth(1) {
                        let exists = ["services", "crates", "."].iter().any(|folder| {
                            root()
                                .join(folder)
                                .join(package)
                                .join("Cargo.toml")
                                .exists()
                        });
                        assert!(exists, "{place}: there is no package {package}");
                    }
                }
                None
                | Some("git" | "cd" | "$EDITOR" | "cat" | "tmux" | "cp" | "curl" | "primesieve") => {
                }
                Some(other) => panic!("{place}: {other} is not known to this test"),
            }
        }
    }
}

#[test]
fn every_link_in_the_documents_leads_to_a_file_and_a_heading() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in links(&text) {
            if target.contains("://") {
                continue;
            }
            let place = format!("{}: {target}", document.display());
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                document.clone()
            } else {
                document.with_file_name(file)
            };
            assert!(path.exists(), "{place}: there is no such file");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let known = headings(&text).any(|known| known == heading);
                assert!(known, "{place}: there is no such heading");
            }
        }
    }
}

/// Where the links and pictures of a document lead.
fn links(text: &str) -> Vec<&str> {
    let behind = text.split("](").skip(1);
    behind
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

/// The headings of a document as links name them.
fn headings(text: &str) -> impl Iterator<Item = String> + '_ {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.replace(|c: char| !c.is_alphanumeric() && c != ' ' && c != '-', "");
        kept.replace(' ', "-")
    })
}

/// The targets that the Makefile documents.
fn make_targets() -> BTreeSet<String> {
    let help = Command::new("make")
        .arg("help")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    let words = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("make "));
    let targets: BTreeSet<_> = words
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    for target in [
        "help",
        "down",
        "clean",
        "stats",
        "top",
        "logs",
        "doctor",
        "offline-images",
        "test",
        "e2e",
        "bench",
        "fmt",
        "lint",
    ] {
        assert!(
            targets.contains(target),
            "make help does not show {target}: {text}"
        );
    }
    targets
}

#[test]
fn no_file_names_a_machine_or_a_mirror() {
    let listing = Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output()
        .unwrap();
    for file in String::from_utf8(listing.stdout).unwrap().lines() {
        let Ok(text) = std::fs::read_to_string(root().join(file)) else {
            continue; // no text
        };
        let here = root().display().to_string();
        assert!(
            !text.contains(&format!("{here}/")),
            "{file} names this checkout's path"
        );
    }
}
