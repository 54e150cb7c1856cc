//! How a session asks a server: whom it trusts, what it offers, whom it says it is. One configuration serves many sessions; those that share a store resume
//! each other's.

use std::sync::Arc;

use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use crate::failure::Failure;
use crate::key_log::Lines;
use crate::verdict::Judge;

/// Tickets that a store keeps, as many as a server sends at once (rustls).
const TICKETS: usize = 8;

/// A store for the sessions of one route: another way to the same server must not be known again by its ticket.
pub fn sessions() -> Arc<dyn ClientSessionStore> {
    Arc::new(ClientSessionMemoryCache::new(TICKETS))
}

pub struct ClientSettings {
    /// Trusted authorities, DER; undefined: the certificate is not verified. Those that cannot be read are passed over.
    pub roots: Option<Vec<CertificateDer<'static>>>,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// The certificate by which the client is known, and its key.
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
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
        .with_custom_certificate_verifier(Arc::new(Judge { webpki, signatures }));
    let mut config = match settings.identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
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

/// The same configuration for a session that offers these protocols, and resumes and leaves sessions in this store.
pub fn with(
    config: &ClientConfig,
    alpn: Vec<Vec<u8>>,
    sends_name: bool,
    sessions: Arc<dyn ClientSessionStore>,
) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = alpn;
    config.enable_sni = sends_name;
    config.resumption = Resumption::store(sessions);
    Arc::new(config)
}
