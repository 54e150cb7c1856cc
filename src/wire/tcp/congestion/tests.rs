//! Tests of both algorithms, and the helpers for the tests of each.

use super::*;

pub mod path;

use path::{Bulk, MSS, Path, USUAL};

/// An ACK of one segment in the open phase, with a window full of segments before it.
pub fn ack(now: Instant, in_flight: u64) -> Ack {
    Ack {
        now,
        delivered: MSS,
        total_delivered: 0,
        lost: 0,
        in_flight,
        prior_in_flight: in_flight + MSS,
        advanced: true,
        phase: Phase::Open,
        rtt: None,
        smoothed_rtt: Some(Duration::from_millis(50)),
        min_rtt: Some(Duration::from_millis(50)),
        round: false,
        window_limited: true,
        rate: None,
    }
}

#[test]
fn the_initial_window_is_that_of_rfc_6928() {
    for (mss, window) in [
        (536, 5360),
        (1380, 13_800),
        (1460, 14_600),
        (4000, 14_600),
        (9000, 18_000),
    ] {
        assert_eq!(initial_window(mss), window);
        for algorithm in [Algorithm::Cubic, Algorithm::Bbr] {
            assert_eq!(algorithm.start(mss).window(), window);
            // The MSS may be known later.
            let mut control = algorithm.start(1200);
            control.set_mss(mss);
            assert_eq!(control.window(), window);
        }
    }
}

#[test]
#[ignore = "a table for people: cargo test -p midwire-wire throughput -- --ignored --nocapture"]
fn throughput_by_loss() {
    for algorithm in [Algorithm::Cubic, Algorithm::Bbr] {
        for loss in [0.0, 0.001, 0.005, 0.01, 0.02, 0.05] {
            for gather in [0, 2] {
                let gather = Duration::from_millis(gather);
                let mut bulk = Bulk::new(algorithm, Path { loss, gather, ..USUAL });
                let (rate, window) = bulk.run(Duration::from_secs(60));
                println!(
                    "{algorithm:?} loss {loss} gather {gather}: {:.2} Mbit/s, window {:.1} segments, {} recoveries, {} time-outs, most in flight {}, longest rtt {}",
                    rate * 8e-6,
                    window / MSS as f64,
                    bulk.losses,
                    bulk.timeouts,
                    bulk.most_in_flight / MSS,
                    bulk.longest_rtt
                );
            }
        }
    }
}

#[test]
fn a_path_without_loss_is_filled() {
    for algorithm in [Algorithm::Cubic, Algorithm::Bbr] {
        for gather in [0, 5] {
            let gather = Duration::from_millis(gather);
            let mut bulk = Bulk::new(algorithm, Path { gather, ..USUAL });
            bulk.run(Duration::from_secs(3));
            let (rate, _) = bulk.run(Duration::from_secs(20));
            assert!(rate > 0.93 * USUAL.rate as f64, "{algorithm:?} {gather}: {rate}");
        }
    }
}
