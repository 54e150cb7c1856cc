//! Fuzz target: sequences of TCP segments.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::segments(input));
