//! The thread on which all I/O jobs wait.

use super::hand::Held;
use super::settler::Finished;
use crossbeam_channel::Sender;
use std::io;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;

/// What it waits on.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

/// Waits for all that come, until none can come any more.
pub(super) fn wait(
    runtime: &Runtime,
    mut waiting: UnboundedReceiver<Arc<Held>>,
    finished: &Sender<Finished>,
) {
    runtime.block_on(async {
        while let Some(held) = waiting.recv().await {
            let finished = finished.clone();
            tokio::spawn(async move {
                let begun = held.begin();
                let end = held.task.wait(&held.control).await;
                let service = begun.elapsed();
                // The settler ends after this.
                let _ = finished.send(Finished::after(held, end, service));
            });
        }
        // Those that wait still go on as long as the process does.
        std::future::pending::<()>().await;
    });
}
