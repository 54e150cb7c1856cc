//! How a session asks a server: whom it trusts, what it offers, whom it says it is. One configuration serves many sessions, which resume each other's.

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::failure::Failure;
use crate::key_log::Lines;
use crate::verdict::Judge;

/// Sessions that are kept to be resumed, of all servers of a configuration.
const SESSIONS: usize = 1_000;

pub struct ClientSettings {
    /// Trusted authorities, DER; undefined: the certificate is not verified. Those that cannot be read are passed over.
    pub roots: Option<Vec<CertificateDer<'static>>>,
    /// A name that stands in the certificate's subject alone is held for the caller, and not refused.
    pub holds_names: bool,
    /// In the order of preference.
    pub alpn: Vec<Vec<u8>>,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// The certificate by which the client is known, and its key.
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    /// The name of the server is said to it (RFC 6066, 3).
    pub sends_name: bool,
    pub logs_keys: bool,
}

/// A configuration for sessions. Fails where the identity's key is of no kind that ring signs with.
pub fn configure(
    provider: &Arc<CryptoProvider>,
    time: &Arc<dyn TimeProvider>,
    settings: ClientSettings,
) -> Result<Arc<ClientConfig>, Failure> {
    let webpki = match settings.roots {
        Some(roots) => Some(verifier(provider, roots)?),
        None => None,
    };
    let signatures = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_details(provider.clone(), time.clone())
        .with_protocol_versions(&settings.versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Judge {
            webpki,
            holds_names: settings.holds_names,
            signatures,
        }));
    let mut config = match settings.identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = settings.alpn;
    config.enable_sni = settings.sends_name;
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    if settings.logs_keys {
        config.key_log = Arc::new(Lines);
    }
    Ok(Arc::new(config))
}

fn verifier(
    provider: &Arc<CryptoProvider>,
    roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| Failure::Invalid(error.to_string()))
}
