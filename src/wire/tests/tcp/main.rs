//! The corners of TCP as conversations with one stack, after the lists of gVisor's packetimpact and of packetdrill.
//!
//! SYN cookies have no story: half-open connections cost little, and a flood of them meets a bound (`tests/floods.rs`).
#![expect(clippy::unwrap_used, reason = "a test says so when it is wrong")]

mod acks;
mod closing;
mod duplicates;
mod full;
mod handshake;
mod let_go;
mod limits;
mod loss;
mod options;
mod path;
mod probes;
mod resets;
mod spurious;
#[path = "../support/mod.rs"]
mod support;
mod tail;
mod windows;
