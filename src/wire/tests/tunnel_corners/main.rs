//! The corners of the tunnel: fourteen kinds of junk, roaming, many peers, what waits, load, and the life of a session.
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod forge;
mod junk;
mod keepalives;
mod load;
mod peers;
mod roaming;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod waiting;
