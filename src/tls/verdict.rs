//! Whether a server's certificate is trusted. What webpki refuses is for the caller to judge, who knows OpenSSL's rules and words: the handshake goes on, and
//! no plaintext is released or written before the caller's word.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Expired,
    NotYetValid,
    UnknownIssuer,
    WrongName,
    Revoked,
    /// An authority of the issuer's name is trusted, and has not signed it.
    BadSignature,
    /// What webpki has against it, and other judges may not: old versions, an authority as a server, extensions that it does not know.
    Other(String),
}

impl Refusal {
    /// A word for each kind, and what webpki says of it.
    pub fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Expired => ("expired", ""),
            Self::NotYetValid => ("not yet valid", ""),
            Self::UnknownIssuer => ("unknown issuer", ""),
            Self::WrongName => ("wrong name", ""),
            Self::Revoked => ("revoked", ""),
            Self::BadSignature => ("bad signature", ""),
            Self::Other(text) => ("other", text),
        }
    }
}

impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::BadSignature => Self::BadSignature,
            other => Self::Other(other.to_string()),
        }
    }
}

thread_local! {
    /// The verifier belongs to a configuration, which many sessions share: it leaves its word here for the session that is being handled.
    static SAID: RefCell<Option<Refusal>> = const { RefCell::new(None) };
}

/// What the verifier has refused since the last call, on this thread.
pub(crate) fn take_refusal() -> Option<Refusal> {
    SAID.with_borrow_mut(Option::take)
}

/// Asks webpki, if there are roots. Signatures of the handshake are always verified.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) webpki: Option<Arc<WebPkiServerVerifier>>,
    pub(crate) signatures: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(webpki) = &self.webpki else {
            return Ok(ServerCertVerified::assertion());
        };
        match webpki.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(error)) => {
                SAID.set(Some(Refusal::from(error)));
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}
