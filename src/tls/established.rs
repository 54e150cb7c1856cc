//! What a handshake has agreed on.

use rustls::{CommonState, HandshakeKind, ProtocolVersion};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Established {
    /// As OpenSSL writes it: `TLSv1.3`.
    pub version: &'static str,
    /// The IANA name: `TLS_AES_128_GCM_SHA256`.
    pub cipher: String,
    /// Empty for none.
    pub alpn: Vec<u8>,
    /// A session was resumed: the peer has sent no certificates (RFC 8446, 2.2).
    pub resumed: bool,
    /// DER, the end entity's first.
    pub certificates: Vec<Vec<u8>>,
}

impl Established {
    pub(crate) fn of(state: &CommonState) -> Self {
        let suite = state.negotiated_cipher_suite().map(|suite| suite.suite());
        let certificates = state.peer_certificates().unwrap_or_default();
        Self {
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: suite.and_then(|suite| suite.as_str()).map(name_of).unwrap_or_default(),
            alpn: state.alpn_protocol().unwrap_or_default().to_vec(),
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            certificates: certificates.iter().map(|one| one.to_vec()).collect(),
        }
    }
}

/// rustls calls the suites of TLS 1.3 `TLS13_...`.
fn name_of(name: &str) -> String {
    name.replacen("TLS13_", "TLS_", 1)
}
