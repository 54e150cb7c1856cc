//! Fuzz target: a conversation on one TCP connection, its peer and its owner.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::connection(input));
