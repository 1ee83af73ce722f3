//! The least that a server of several processes can be with hyper: one socket,
//! so many children that inherit it, and an answer out of memory. What `cluster`
//! is held against.
//!
//! `bare-hyper WORKERS` prints the port when it listens; its children end with it.

use anyhow::Context as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::convert::Infallible;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("child") => child(),
        Some(workers) => parent(workers.parse().context("WORKERS is a number")?),
        None => anyhow::bail!("usage: bare-hyper WORKERS"),
    }
}

fn parent(workers: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let children: Vec<Child> = (0..workers)
        .map(|_| {
            Command::new(std::env::current_exe()?)
                .arg("child")
                .stdin(Stdio::from(OwnedFd::from(listener.try_clone()?)))
                .stdout(Stdio::null())
                .spawn()
        })
        .collect::<Result<_, _>>()?;
    println!("{port}");
    for mut child in children {
        child.wait()?;
    }
    Ok(())
}

fn child() -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let listener = TcpListener::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    let body = Bytes::from(format!(
        "{{\"message\":\"Hello World\",\"worker\":{},\"result\":0}}",
        std::process::id()
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(listener, body))
}

async fn serve(listener: TcpListener, body: Bytes) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            async { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}
