//! What lies between the stages, asked for its own account.

use crate::compose::Component;
use crate::station::Around;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The fields of `INFO cpu` that are the server's own CPU time, in seconds
/// (redis.io, INFO).
const OWN: [&str; 2] = ["used_cpu_sys", "used_cpu_user"];

/// CPU seconds that the Redis between the stages has used since it was started;
/// `None` where it is not there or does not say.
pub(super) async fn cpu_seconds(around: &Around) -> Option<f64> {
    let mut components = around.components.iter();
    let (_, address) = components.find(|(one, _)| *one == Component::Redis)?;
    let text = timeout(ANSWER, info(address)).await.ok()?.ok()?;
    own_seconds(&text)
}

/// What it says of its CPU time.
async fn info(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    // It hangs up after the second one.
    stream.write_all(b"INFO cpu\r\nQUIT\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

fn own_seconds(info: &str) -> Option<f64> {
    let field = |name: &str| -> Option<f64> {
        let mut lines = info.lines();
        lines.find_map(|line| {
            line.trim()
                .strip_prefix(name)?
                .strip_prefix(':')?
                .parse()
                .ok()
        })
    };
    OWN.iter().map(|name| field(name)).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::own_seconds;

    #[test]
    fn its_own_seconds_are_added_and_those_of_its_children_are_not() {
        let info = "$150\r\n# CPU\r\nused_cpu_sys:1.25\r\nused_cpu_user:2.5\r\n\
                    used_cpu_sys_children:40.0\r\nused_cpu_user_children:50.0\r\n\r\n+OK\r\n";
        assert!((own_seconds(info).unwrap() - 3.75).abs() < 1e-9);
        assert_eq!(own_seconds("-ERR unknown command\r\n"), None);
    }
}
