//! Why a session ended. Each reason is a word that the caller can tell apart without reading the text.

use rustls::{CertificateError, Error, PeerIncompatible};

use crate::verdict::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The peer has sent this alert (RFC 8446, 6), by its number.
    Alert(u8),
    /// The peer's certificate is not trusted.
    Certificate(Refusal),
    /// Nothing that both sides can do: versions, ciphers, groups or signatures. Another implementation may find something.
    Incompatible(&'static str),
    /// Both sides have application protocols, and none in common.
    NoProtocol,
    /// The connection has ended without close_notify (RFC 8446, 6.1).
    Truncated,
    /// The bytes are no TLS, or break its rules.
    Invalid(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::AlertReceived(alert) => Self::Alert(u8::from(alert)),
            Error::NoApplicationProtocol => Self::NoProtocol,
            Error::InvalidCertificate(error) => Self::Certificate(Refusal::from(error)),
            Error::NoCertificatesPresented => Self::Certificate(Refusal::from(CertificateError::BadEncoding)),
            Error::PeerIncompatible(why) => Self::Incompatible(incompatible(&why)),
            other => Self::Invalid(other.to_string()),
        }
    }
}

fn incompatible(why: &PeerIncompatible) -> &'static str {
    match why {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => "version",
        PeerIncompatible::NoCipherSuitesInCommon => "cipher",
        PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::EcPointsExtensionRequired
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::UncompressedEcPointsRequired => "group",
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => "signature",
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => "extended master secret",
        PeerIncompatible::NullCompressionRequired => "compression",
        _ => "something",
    }
}
