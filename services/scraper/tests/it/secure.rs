//! https: trust, and HTTP/2 where the server speaks it.

use crate::programs::{ended, run, summary};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server with a certificate of its own, and the versions that it was asked in.
struct Secure {
    address: SocketAddr,
    certificate: String,
    versions: Arc<Mutex<Vec<Version>>>,
}

impl Secure {
    async fn start(alpn: &[&str]) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = Self {
            address: listener.local_addr().unwrap(),
            certificate: cert.pem(),
            versions: Arc::default(),
        };
        tokio::spawn(accept(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            secure.versions.clone(),
        ));
        secure
    }

    /// Fetches ten pages of it with these certificates as the machine's own.
    async fn fetched(&self, certificates: &Path, name: &str) -> Output {
        let options = format!(
            "--origin https://{name}:{} --pages 10 --concurrency 4 --format json --attempts 1",
            self.address.port()
        );
        let certificates = certificates.to_owned();
        let fetching = move || ended(run(&options).env("SSL_CERT_FILE", certificates));
        tokio::task::spawn_blocking(fetching).await.unwrap()
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, versions: Arc<Mutex<Vec<Version>>>) {
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        let (tls, versions) = (tls.clone(), versions.clone());
        tokio::spawn(async move {
            let Ok(connection) = tls.accept(connection).await else {
                return; // not trusted
            };
            let is_second = connection.get_ref().1.alpn_protocol() == Some(b"h2");
            let answer = service_fn(move |request: Request<_>| {
                let _: &Request<hyper::body::Incoming> = &request;
                versions.lock().unwrap().push(request.version());
                async { Ok::<_, Infallible>(Response::new("<title>safe</title>".to_owned())) }
            });
            let io = TokioIo::new(connection);
            if is_second {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(io, answer).await;
            } else {
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(io, answer).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_server_is_asked_in_the_best_version_that_it_speaks() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let secure = Secure::start(alpn).await;
        std::fs::write(&trusted, &secure.certificate).unwrap();

        let output = secure.fetched(&trusted, "localhost").await;

        assert_eq!(summary(&output)["pages"], 10, "{output:?}");
        let versions = secure.versions.lock().unwrap();
        assert!(
            versions.iter().all(|asked| *asked == version),
            "{versions:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_trusted_or_has_another_name_is_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, none) = (
        folder.path().join("trusted.pem"),
        folder.path().join("none.pem"),
    );
    let secure = Secure::start(&[]).await;
    std::fs::write(&trusted, &secure.certificate).unwrap();
    std::fs::write(&none, "").unwrap();

    for (certificates, name) in [(&none, "localhost"), (&trusted, "127.0.0.1")] {
        let output = secure.fetched(certificates, name).await;

        assert!(output.status.success(), "{output:?}");
        assert_eq!(summary(&output)["failed"]["tls"], 10, "{output:?}");
    }
    assert!(secure.versions.lock().unwrap().is_empty());
}
