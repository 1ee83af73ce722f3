//! `lookup`: a set wait per item, as for a database's answer.

use std::time::Duration;

/// Waits, on no CPU.
pub fn wait(wait: Duration) {
    if !wait.is_zero() {
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::{Duration, Instant};

    #[test]
    fn it_waits() {
        let began = Instant::now();
        super::wait(Duration::from_millis(20));
        assert!(began.elapsed() >= Duration::from_millis(20));
    }
}
