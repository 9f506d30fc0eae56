//! TLS towards servers (RFC 8656 section 3.1): the system's authorities judge the certificate.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// A client's end, which accepts a server that proves to have this name or IP address.
///
/// The authorities are those of the machine, or of the file that the environment's SSL_CERT_FILE names, as for OpenSSL;
/// they are read once.
pub(crate) fn client(name: &str) -> io::Result<ClientConnection> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = match CONFIG.get() {
        Some(config) => config,
        None => {
            let made = Arc::new(config(system_authorities())?);
            CONFIG.get_or_init(|| made)
        }
    };
    connection(Arc::clone(config), name)
}

fn system_authorities() -> RootCertStore {
    let mut authorities = RootCertStore::empty();
    // What cannot be read is no authority: then no server's certificate is accepted.
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    authorities
}

fn config(authorities: RootCertStore) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(versions.with_root_certificates(authorities).with_no_client_auth())
}

fn connection(config: Arc<ClientConfig>, name: &str) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    ClientConnection::new(config, name).map_err(io::Error::other)
}
