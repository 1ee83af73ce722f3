//! `lab-top`: what `lab top` and `make top` become.

use service_kit::config::{self, EXIT_BAD_CONFIG};
use std::io::IsTerminal;
use std::process::ExitCode;
use top::config::Cli;
use top::{print, screen};

fn main() -> ExitCode {
    let cli: Cli = config::parse();
    let text = cli.once || cli.json;
    if !text && !std::io::stdout().is_terminal() {
        eprintln!(
            "✗ this is no terminal: --once prints one frame as text, --json a stream of objects"
        );
        return ExitCode::from(EXIT_BAD_CONFIG);
    }
    // One thread: beside labs that measure, little is to run.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(async {
            if text {
                print::print(&cli).await
            } else {
                screen::show(&cli).await
            }
        });
        // A resolver that does not answer is not waited for.
        runtime.shutdown_background();
        ended
    });
    ended.unwrap_or_else(|error| {
        eprintln!("✗ {error:#}");
        ExitCode::FAILURE
    })
}
