//! TLS without a socket: ciphertext in, plaintext out, and the other way. A session is a machine like those of `wire`.
//!
//! Verbs: `handle_*` takes what has come, and gives what the peer has said; what is to be sent is appended to the caller's bytes, so that all that one turn
//! has to say leaves in one write. The clock and the random numbers are the provider's: a test gives its own.

pub mod client;
pub mod established;
pub mod failure;
pub mod key_log;
pub mod server;
pub mod session;
pub mod verdict;

pub use rustls::client::ClientSessionStore;
pub use rustls::crypto::CryptoProvider;
pub use rustls::pki_types;
pub use rustls::server::ProducesTickets;
pub use rustls::sign::SigningKey;
pub use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
pub use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion, version};

/// ring, as rustls uses it.
pub fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The same for servers, which prefer AES-128: it is the fastest, and no weaker where it matters.
pub fn server_provider() -> CryptoProvider {
    let mut provider = provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| !format!("{:?}", suite.suite()).contains("AES_128"));
    provider
}

/// Makes tickets with keys that change. `None` where there is no randomness.
pub fn ticketer() -> Option<std::sync::Arc<dyn ProducesTickets>> {
    rustls::crypto::ring::Ticketer::new().ok()
}
