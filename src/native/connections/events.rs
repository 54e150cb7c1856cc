//! The records that connections and Node exchange, in the layout of `messages.rs`. `src/transports/connections/records.ts` has the same numbers.

use std::net::SocketAddr;

use midwire_tls::established::Established;
use midwire_tls::failure::Failure;

use crate::messages;

/// The kinds of events, which rise.
pub mod event {
    /// A listener has accepted a connection: its id, then the two addresses.
    pub const OPENED: u32 = 1;
    pub const DATA: u32 = 2;
    pub const END: u32 = 3;
    /// The connection is lost: the number of the system's error.
    pub const LOST: u32 = 4;
    /// So many bytes that were written have left.
    pub const WRITABLE: u32 = 5;
    /// Both directions have ended, or the connection was closed as Node has asked.
    pub const CLOSED: u32 = 6;
    /// A connection that Node has asked for is open: the two addresses.
    pub const CONNECTED: u32 = 12;
    /// A TLS handshake is over.
    pub const SECURED: u32 = 20;
    /// A TLS session has failed.
    pub const FAILED: u32 = 21;
    /// A line of a key log.
    pub const SECRET: u32 = 22;
    /// Of a session over a transport of Node's: ciphertext to send there.
    pub const CIPHER: u32 = 23;
    /// Of a session over a transport of Node's: that is to end, behind the ciphertext.
    pub const CIPHER_END: u32 = 24;
    /// So many bytes of the connection have gone to the one that it is spliced with; 0 where that alone has got on with sending.
    pub const PASSED: u32 = 25;
}

/// The kinds of commands, which fall.
pub mod command {
    pub const WRITE: u32 = 3;
    pub const END: u32 = 5;
    pub const RESET: u32 = 6;
    pub const CLOSE: u32 = 10;
    pub const PAUSE: u32 = 20;
    pub const RESUME: u32 = 21;
    /// Ciphertext that Node has got: from its own transport, or before the handshake began.
    pub const CIPHER: u32 = 22;
    /// Node's transport below a session has ended.
    pub const CIPHER_END: u32 = 23;
    /// Joins the connection with another, whose id this is: what is read from either is sent to the other.
    pub const SPLICE: u32 = 24;
    /// Ends that.
    pub const PART: u32 = 25;
}

pub fn push_addresses(records: &mut Vec<u8>, kind: u32, id: u32, listener: u32, local: SocketAddr, remote: SocketAddr) {
    let header = messages::address_header(listener, false, plain(remote), plain(local));
    messages::push(records, kind, id, &[&header]);
}

/// An IPv4 address that is mapped into IPv6 is that address.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Version, cipher, ALPN, each behind its length; whether the session was resumed; the certificates, each behind its length.
pub fn push_secured(records: &mut Vec<u8>, id: u32, what: &Established) {
    let mut payload = Vec::new();
    put(&mut payload, what.version.as_bytes());
    put(&mut payload, what.cipher.as_bytes());
    put(&mut payload, &what.alpn);
    payload.extend_from_slice(&u32::from(what.resumed).to_le_bytes());
    for certificate in &what.certificates {
        put(&mut payload, certificate);
    }
    messages::push(records, event::SECURED, id, &[&payload]);
}

fn put(payload: &mut Vec<u8>, bytes: &[u8]) {
    payload.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    payload.extend_from_slice(bytes);
}

/// A word for the kind of the failure, a number, and a text.
pub fn push_failed(records: &mut Vec<u8>, id: u32, failure: &Failure) {
    let mut payload = Vec::new();
    let (kind, number, text) = match failure {
        Failure::Alert(number) => ("alert", *number, ""),
        Failure::Certificate(refusal) => ("certificate", 0, refusal.word()),
        Failure::Incompatible(what) => ("incompatible", 0, *what),
        Failure::NoProtocol => ("protocol", 0, ""),
        Failure::Truncated => ("truncated", 0, ""),
        Failure::Invalid(text) => ("invalid", 0, text.as_str()),
    };
    put(&mut payload, kind.as_bytes());
    payload.extend_from_slice(&u32::from(number).to_le_bytes());
    put(&mut payload, text.as_bytes());
    messages::push(records, event::FAILED, id, &[&payload]);
}
