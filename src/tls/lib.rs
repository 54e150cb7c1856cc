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

pub use rustls::crypto::CryptoProvider;
pub use rustls::pki_types;
