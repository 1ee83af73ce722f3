//! TLS with the platform's roots, read once.

use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, LazyLock};

/// What all connections share. Where the machine has no certificates nothing is
/// trusted: each https URL then fails with the kind `tls`, and http ones do not.
pub(super) fn config() -> ClientConfig {
    static SHARED: LazyLock<ClientConfig> = LazyLock::new(read);
    SHARED.clone()
}

fn read() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(
            "this machine has no certificate authorities, so no https URL can be fetched; \
             the package ca-certificates has them, or SSL_CERT_FILE names a file"
        );
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
