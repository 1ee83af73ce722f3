//! `metrics watch`, into a pipe and on a terminal.

use crate::service::metrics;
use crate::tree::{Tree, id};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

fn ended(child: &mut Child) -> Option<i32> {
    serving::eventually("it ends", || child.try_wait().unwrap()).code()
}

#[test]
fn into_a_pipe_frames_come_one_after_another_until_told_to_end() {
    let tree = Tree::with_cpus(&[0, 1], 1000);
    tree.v2_group(&format!("docker/{}", id('1')), 5_000_000, 40);
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = metrics()
            .args(["watch", "--interval", "100ms"])
            .args(tree.arguments())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heads = 0;
        let mut seen = String::new();
        while heads < 3 {
            let line = lines.next().unwrap().unwrap();
            heads += usize::from(line.starts_with("CPU "));
            seen += &(line + "\n");
        }

        kill_process(Pid::from_child(&child), signal).unwrap();

        assert_eq!(ended(&mut child), Some(0), "{signal:?}");
        assert!(!seen.contains('\u{1b}'), "{seen}");
        assert!(seen.contains("111111111111"), "{seen}");
        assert!(!seen.contains("q ends"), "{seen}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let mut child = metrics()
        .args(["watch", "--interval", "100ms"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();

    assert_eq!(ended(&mut child), Some(0));
}

/// What the hypervisor took stands in cyan even where nothing runs.
const ALWAYS_COLORED: &str = "\u{1b}[36m";

/// On a terminal of its own, which `script` (of util-linux) makes and keeps what
/// is written to; it is ended as `end` says, a shell's command, once two frames
/// were drawn.
fn on_a_terminal(environment: &str, end: &str) -> Option<String> {
    let program = assert_cmd::cargo::cargo_bin!("metrics")
        .display()
        .to_string();
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    let frames = format!("$(grep -ao '.[[]H' {} | wc -l)", written.display());
    let command = format!(
        "stty cols 80 rows 24; before=$(stty -g); {environment} {program} watch --interval 100ms <&1 & \
         watch=$!; tries=0; \
         while [ {frames} -lt 2 ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done; \
         {end}; wait $watch; echo; echo \"code $?\"; \
         [ \"$before\" = \"$(stty -g)\" ] && echo unchanged"
    );
    let script = Command::new("script")
        .args(["-qfec", &command])
        .arg(&written)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut script) = script else {
        eprintln!("left out: there is no `script` (Debian package bsdutils)");
        return None;
    };
    // Open to the end: at the end of its input `script` presses Ctrl-D.
    let _keyboard = script.stdin.take();
    let output = script.wait_with_output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_terminal_is_left_as_it_was() {
    for end in ["kill -INT $watch", "kill -TERM $watch"] {
        let Some(text) = on_a_terminal("", end) else {
            return;
        };
        let (_, frames) = text.split_once("\u{1b}[?1049h\u{1b}[?25l").unwrap();
        let (frames, after) = frames.split_once("\u{1b}[?25h\u{1b}[?1049l").unwrap();
        assert!(frames.matches("\u{1b}[H").count() > 1, "{frames:?}");
        assert!(frames.contains(ALWAYS_COLORED), "{frames:?}");
        assert!(
            after.contains("code 0") && after.contains("unchanged"),
            "{after:?}"
        );
    }
}

#[test]
fn no_color_is_honoured() {
    let Some(text) = on_a_terminal("NO_COLOR=1", "kill -TERM $watch") else {
        return;
    };
    assert!(text.contains("\u{1b}[?1049h"), "{text:?}");
    assert!(!text.contains(ALWAYS_COLORED), "{text:?}");
}
