//! Two TCP machines and a link that misbehaves: in any conversation, each byte arrives once and in order.
#![expect(clippy::panic, clippy::expect_used, reason = "a test says so when it is wrong")]

mod conversation;
mod found;
mod plan;
mod side;
#[path = "../support/mod.rs"]
mod support;
mod watcher;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};

/// Conversations in a run of all tests. PROPTEST_CASES asks for more, PROPTEST_RNG_SEED for others.
const CASES: u32 = 3000;

#[test]
fn two_machines_understand_each_other_over_any_link() {
    let asked = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = asked("PROPTEST_RNG_SEED").unwrap_or(1);
    let config = ProptestConfig {
        cases: asked("PROPTEST_CASES").map_or(CASES, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(seed),
        // A conversation that has failed is printed whole; it is kept as a test below, and not as a file of seeds.
        failure_persistence: None,
        max_shrink_iters: 2000,
        max_shrink_time: 20_000,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&plan::plan(), |plan| {
        conversation::run(&plan).map(|_| ()).map_err(TestCaseError::fail)
    });
    if let Err(error) = outcome {
        panic!("PROPTEST_RNG_SEED={seed}: {error}");
    }
}
