//! A terminal that is read back as text: tmux, with a shell in it.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// What the shell in it asks for commands with.
const PROMPT: &str = "ready> ";

/// A terminal of its own, gone when dropped.
pub(super) struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    /// One of this size; `None`, said so, where there is no tmux, which fails
    /// where everything must be there.
    pub(super) fn open(test: &str, width: u16, height: u16) -> Option<Self> {
        let there = Command::new("tmux").arg("-V").output();
        if !there.is_ok_and(|output| output.status.success()) {
            assert!(
                std::env::var_os("PARLAB_REQUIRE_DOCKER").is_none(),
                "there is no tmux for: {test}"
            );
            eprintln!("left out, since there is no tmux: {test}");
            return None;
        }
        let terminal = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (width, height) = (width.to_string(), height.to_string());
        let shell = format!("env PS1='{PROMPT}' sh");
        terminal.tmux(&["new-session", "-d", "-x", &width, "-y", &height, &shell]);
        terminal.until("the shell", |text| text.contains(PROMPT.trim_end()));
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let output = Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(self.folder.path().join("socket"))
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("TMUX")
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .env_remove("RUST_BACKTRACE")
            .env_remove("NO_COLOR")
            .env_remove("LAB_STATIONS")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {error}");
        output
    }

    /// What stands in it.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).unwrap()
    }

    /// What tmux knows of it.
    fn known(&self, of: &str) -> String {
        let output = self.tmux(&["display-message", "-p", of]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A key, by tmux's name for it.
    pub(super) fn keys(&mut self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// A command for the shell.
    pub(super) fn line(&mut self, command: &str) {
        self.tmux(&["send-keys", "-l", command]);
        self.keys("Enter");
    }

    pub(super) fn resize(&mut self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height]);
    }

    /// Sends a signal to what the shell runs.
    pub(super) fn signal_child(&mut self, signal: &str) {
        let shell = self.known("#{pane_pid}");
        let status = Command::new("pkill")
            .args([&format!("-{signal}"), "-P", &shell])
            .status()
            .unwrap();
        assert!(status.success(), "the shell {shell} runs nothing");
    }

    /// Waits until what stands in it is as wanted.
    pub(super) fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(began.elapsed() < DEADLINE, "not in time: {what}\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The shell has the terminal back as it was: its own screen, a cursor,
    /// echo and whole lines; and what it ran ended with this status.
    pub(super) fn is_clean(&mut self, status: &str) {
        self.line("echo ended $?; stty -a");
        let text = self.until("the shell is back", |text| {
            text.contains(&format!("\nended {status}\n")) && text.contains("icanon")
        });
        for setting in ["icanon", "echo", "isig", "icrnl", "opost"] {
            assert!(
                !text.contains(&format!("-{setting} ")),
                "{setting} is off: {text}"
            );
        }
        assert!(text.contains(" echo "), "{text}");
        assert_eq!(
            self.known("#{alternate_on} #{cursor_flag}"),
            "0 1",
            "{text}"
        );
        self.line("clear");
        self.until("an empty screen", |text| !text.contains("icanon"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket"));
        let _ = tmux.arg("kill-server").output();
    }
}
