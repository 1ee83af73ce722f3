//! The children as their parent sees them: started, listened to, waited for.

use super::super::super::Control;
use super::{ChildReport, ChildTask, Message};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use service_kit::sampling::{Roster, Watching};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The children that do one job.
pub(super) struct Children<'a> {
    children: Vec<Listened>,
    control: &'a Control,
}

/// One child and what it has said so far.
struct Listened {
    process: Child,
    /// `None` when all was read.
    stdout: Option<ChildStdout>,
    /// The beginning of a line.
    text: Vec<u8>,
    done: u64,
    report: Option<ChildReport>,
    /// Its place among the workers that are watched, until it has reported.
    watching: Option<Watching>,
}

impl<'a> Children<'a> {
    /// Starts one child per task; when one cannot be started, none is left.
    pub(super) fn start(
        program: &Path,
        tasks: impl Iterator<Item = ChildTask>,
        control: &'a Control,
        roster: &Roster,
    ) -> io::Result<Self> {
        let mut this = Self {
            children: Vec::new(),
            control,
        };
        for task in tasks {
            match Listened::start(program, &task, control, roster) {
                Ok(child) => this.children.push(child),
                Err(error) => {
                    control.cancel();
                    let _ = this.listen();
                    return Err(error);
                }
            }
        }
        Ok(this)
    }

    /// What each of them reported; of a cancelled job, those that did.
    pub(super) fn reports(mut self) -> io::Result<Vec<ChildReport>> {
        let failure = self.listen().err();
        self.control.release_children();
        if let Some(error) = failure.filter(|_| !self.control.is_cancelled()) {
            return Err(error);
        }
        let reports = self.children.into_iter().filter_map(|child| child.report);
        Ok(reports.collect())
    }

    /// Listens until all have ended; the first failure ends the others too,
    /// since their work is lost with it.
    fn listen(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        loop {
            let said = self.next_to_say_something()?;
            if said.is_empty() {
                return outcome;
            }
            for index in said {
                let heard = self.children[index].hear(self.control);
                if heard.is_err() && outcome.is_ok() {
                    self.control.release_children();
                    outcome = heard;
                }
            }
        }
    }

    /// Waits until some have said something or ended; none when all have.
    fn next_to_say_something(&self) -> io::Result<Vec<usize>> {
        let outputs = self.children.iter().enumerate();
        let (indices, mut outputs): (Vec<usize>, Vec<PollFd>) = outputs
            .filter_map(|(index, child)| {
                let stdout = child.stdout.as_ref()?;
                Some((index, PollFd::new(stdout, PollFlags::IN)))
            })
            .unzip();
        if outputs.is_empty() {
            return Ok(Vec::new());
        }
        while let Err(error) = poll(&mut outputs, None) {
            if error != Errno::INTR {
                return Err(error.into());
            }
        }
        let said = indices.into_iter().zip(&outputs);
        Ok(said
            .filter(|(_, output)| !output.revents().is_empty())
            .map(|(index, _)| index)
            .collect())
    }
}

impl Listened {
    fn start(
        program: &Path,
        task: &ChildTask,
        control: &Control,
        roster: &Roster,
    ) -> io::Result<Self> {
        let mut process = Command::new(program)
            .arg("child")
            .arg(serde_json::to_string(task)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of the terminal's reach: Ctrl-C is for the parent to handle,
            // and a child that died of it first would look like a fault.
            .process_group(0)
            .spawn()?;
        if let Some(stdin) = process.stdin.take() {
            control.hold_child(stdin);
        }
        Ok(Self {
            watching: roster.enter_child(process.id()),
            stdout: process.stdout.take(),
            process,
            text: Vec::new(),
            done: 0,
            report: None,
        })
    }

    /// Reads what it said, or how it ended.
    fn hear(&mut self, control: &Control) -> io::Result<()> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(());
        };
        let mut part = [0; 4096];
        match stdout.read(&mut part) {
            Ok(0) => {
                self.stdout = None;
                return self.ended();
            }
            Ok(length) => self.text.extend_from_slice(&part[..length]),
            Err(error) => {
                self.stdout = None;
                return Err(error);
            }
        }
        while let Some(end) = self.text.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.text.drain(..=end).collect();
            match serde_json::from_slice(&line)? {
                Message::Done(chunks) => {
                    self.done += chunks;
                    control.add_done(chunks);
                }
                Message::Report(report) => {
                    control.add_done(report.account.items.saturating_sub(self.done));
                    if let Some(mut watching) = self.watching.take() {
                        let account = &report.account;
                        watching.counted(account.on_cpu_seconds, account.waited_seconds);
                    }
                    self.report = Some(report);
                }
            }
        }
        Ok(())
    }

    fn ended(&mut self) -> io::Result<()> {
        let id = self.process.id();
        let status = self.process.wait()?;
        if status.success() && self.report.is_some() {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "child process {id} ended with {status}"
        )))
    }
}
