//! Logs: tracing to stderr, for people or as JSON.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config;

/// Starts logging to stderr; stdout stays free for results.
///
/// `LOG_FORMAT` is `human` (the default) or `json`; `RUST_LOG` holds the
/// usual filter directives and defaults to `info`. A value that cannot be
/// understood ends the process with one line and exit code 64, as any other
/// bad configuration does. A second call changes nothing.
pub fn init() {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let format = variable("LOG_FORMAT");
    let Some(format) = LogFormat::parse(&format) else {
        config::refuse("LOG_FORMAT", &format, "human or json");
    };
    let directives = variable("RUST_LOG");
    let filter = match filter(&directives) {
        Ok(filter) => filter,
        Err(error) => config::refuse(
            "RUST_LOG",
            &directives,
            &format!("directives such as info or primes=debug,info ({error})"),
        ),
    };
    let colours = std::io::stderr().is_terminal() && variable("NO_COLOR").is_empty();
    let subscriber = subscriber(format, filter, colours, std::io::stderr);
    // It fails when a subscriber is set already: then that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogFormat {
    Human,
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "human" => Some(Self::Human),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// By level and module. `EnvFilter` can tell spans' fields apart as well, which
/// nobody here needs, and brings a regular-expression engine into every build.
fn filter(directives: &str) -> Result<Targets, ParseError> {
    match directives {
        "" => "info".parse(),
        given => given.parse(),
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: Targets,
    colours: bool,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(writer);
    match format {
        LogFormat::Human => Box::new(registry.with(lines.with_ansi(colours))),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, directives: &str) -> String {
        let captured = Captured::default();
        let sink = captured.clone();
        let subscriber = subscriber(format, filter(directives).unwrap(), false, move || {
            sink.clone()
        });
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", request_id = "r1").entered();
            tracing::info!(workers = 2, "run started");
            tracing::debug!("hidden by default");
        });
        let bytes = captured.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_is_one_object_per_line_with_the_request_id() {
        let text = logged(LogFormat::Json, "");

        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "run started");
        assert_eq!(lines[0]["workers"], 2);
        assert_eq!(lines[0]["span"]["request_id"], "r1");
    }

    #[test]
    fn human_lines_carry_no_colours_unless_asked() {
        let text = logged(LogFormat::Human, "");

        assert!(text.contains("run started"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn rust_log_chooses_the_level() {
        assert!(logged(LogFormat::Human, "debug").contains("hidden by default"));
        assert!(!logged(LogFormat::Human, "error").contains("run started"));
    }

    #[test]
    fn unknown_formats_and_directives_are_refused() {
        assert_eq!(LogFormat::parse("yaml"), None);
        assert!(filter("primes=loud").is_err());
    }
}
