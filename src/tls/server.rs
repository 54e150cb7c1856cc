//! How a session answers a client: a chain and its key, and what is allowed. One configuration serves many sessions.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, InconsistentKeys, ServerConfig, SignatureScheme,
    SupportedProtocolVersion, pki_types::UnixTime,
};

use crate::failure::Failure;
use crate::key_log::Lines;

pub struct ServerSettings {
    /// DER, the end entity's first.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Arc<dyn SigningKey>,
    /// The one protocol to agree on; empty for none.
    pub alpn: Vec<u8>,
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// The client is asked for a certificate, which is shown and not verified.
    pub asks: bool,
    /// Makes tickets by which clients resume sessions; without one there are none. One serves all configurations, so that tickets outlive them.
    pub ticketer: Option<Arc<dyn ProducesTickets>>,
    /// A ticket is good for configurations of this scope alone, so that a resumed session never stands for another certificate.
    pub scope: Vec<u8>,
    pub logs_keys: bool,
}

/// A configuration for sessions. Fails where the key is of no kind that ring signs with, or not that of the chain.
pub fn configure(
    provider: &Arc<CryptoProvider>,
    time: &Arc<dyn TimeProvider>,
    settings: ServerSettings,
) -> Result<Arc<ServerConfig>, Failure> {
    let builder = ServerConfig::builder_with_details(provider.clone(), time.clone())
        .with_protocol_versions(&settings.versions)?;
    let builder = if settings.asks {
        builder.with_client_cert_verifier(Arc::new(Anybody(provider.clone())))
    } else {
        builder.with_no_client_auth()
    };
    let certified = CertifiedKey::new(settings.chain, settings.key);
    // A pair whose kinds cannot be compared is taken: the client will see.
    if let Err(error) = certified.keys_match()
        && !matches!(error, Error::InconsistentKeys(InconsistentKeys::Unknown))
    {
        return Err(error.into());
    }
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    if !settings.alpn.is_empty() {
        config.alpn_protocols = vec![settings.alpn];
    }
    config.ignore_client_order = true;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if let Some(ticketer) = settings.ticketer {
        config.ticketer = Arc::new(Scoped {
            ticketer,
            scope: settings.scope,
        });
        // Node sends two as well, for clients that open several connections.
        config.send_tls13_tickets = 2;
    } else {
        config.send_tls13_tickets = 0;
    }
    if settings.logs_keys {
        config.key_log = Arc::new(Lines);
    }
    Ok(Arc::new(config))
}

/// A key that signs. Fails where it is of no kind that ring signs with. It serves many configurations: reading it takes as long as a signature.
pub fn signing_key(
    provider: &Arc<CryptoProvider>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<dyn SigningKey>, Failure> {
    Ok(provider.key_provider.load_private_key(key)?)
}

/// Tickets that say for which scope they are.
#[derive(Debug)]
struct Scoped {
    ticketer: Arc<dyn ProducesTickets>,
    scope: Vec<u8>,
}

impl ProducesTickets for Scoped {
    fn enabled(&self) -> bool {
        self.ticketer.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.ticketer.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.ticketer.encrypt(&[plain, &self.scope].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let mut plain = self.ticketer.decrypt(cipher)?;
        let length = plain.strip_suffix(self.scope.as_slice())?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// Takes any client's certificate, and none: it is for addons to look at. That the client has its key is verified.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
