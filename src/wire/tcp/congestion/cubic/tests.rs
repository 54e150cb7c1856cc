//! CUBIC's windows against the RFC's formulas, and on a simulated path.

use super::super::tests::ack;
use super::super::tests::path::{Bulk, MSS, Path, USUAL};
use super::super::{Ack, Algorithm, Congestion};
use super::Cubic;
use super::curve::{C, Curve};
use crate::{Duration, Instant};

mod reductions;

const RTT: Duration = Duration::from_millis(50);

fn at(ms: i64) -> Instant {
    Instant::from_millis(ms)
}

fn segments(cubic: &Cubic) -> f64 {
    cubic.window / MSS as f64
}

/// In congestion avoidance at seven tenths of so many segments, after a loss at 0 ms.
fn after_loss(count: u64) -> Cubic {
    let mut cubic = Cubic::new(MSS);
    cubic.window = (count * MSS) as f64;
    cubic.handle_loss(at(0), count * MSS, (count - 1) * MSS);
    cubic.handle_recovered(at(0), 0);
    cubic
}

/// A round trip in which all of the window is delivered, in ten ACKs.
fn round(cubic: &mut Cubic, start: Instant) {
    let window = cubic.window();
    for tenth in 1..=10 {
        let delivered = window * tenth / 10 - window * (tenth - 1) / 10;
        let now = start + RTT * tenth as u32 / 10;
        cubic.handle_ack(&Ack {
            delivered,
            ..ack(now, window)
        });
    }
}

#[test]
fn slow_start_doubles_in_a_round() {
    let mut cubic = Cubic::new(MSS);
    for count in 0..5 {
        assert_eq!(cubic.window(), (10 * MSS) << count);
        round(&mut cubic, at(50 * count));
    }
}

#[test]
fn slow_start_ends_before_the_queue_is_full_when_the_round_trips_grow() {
    // Conservative slow start lasts five rounds and so may triple the window.
    for gather in [0, 1] {
        let path = Path {
            buffer: 8 * USUAL.buffer,
            gather: Duration::from_millis(gather),
            ..USUAL
        };
        let mut bulk = Bulk::new(Algorithm::Cubic, path);
        let (rate, _) = bulk.run(Duration::from_millis(1500));
        assert_eq!(bulk.losses, 0);
        assert!(bulk.longest_rtt < Duration::from_millis(400), "{}", bulk.longest_rtt);
        assert!(rate > 0.7 * USUAL.rate as f64, "{rate}");
    }
}

/// RFC 9438, 4.1 and 4.4: a plateau at the old window, K seconds after the loss.
#[test]
fn the_window_returns_to_where_it_was_on_a_concave_curve_and_then_probes_beyond() {
    let mut cubic = after_loss(1000);
    let k = (300.0 / C).cbrt();
    let mut gains = Vec::new();
    let mut reached = None;
    for count in 0..280 {
        let before = segments(&cubic);
        round(&mut cubic, at(50 * count));
        gains.push(segments(&cubic) - before);
        // The epoch begins with the first ACK, a tenth of a round trip after the loss.
        let t = 0.05 * (count + 1) as f64 - 0.005;
        let expected = 1000.0 + C * (t - k).powi(3);
        assert!(
            (segments(&cubic) / expected - 1.0).abs() < 0.02,
            "{t}: {} {expected}",
            segments(&cubic)
        );
        if segments(&cubic) > 999.0 {
            reached.get_or_insert(t);
        }
    }
    // The curve is read a round trip ahead, and is within one segment of the plateau 1.4 s before K.
    let reached = reached.unwrap_or(f64::MAX);
    assert!(reached > k - 1.5 && reached < k + 0.1, "{reached} {k}");
    let mean =
        |range: std::ops::Range<usize>| range.clone().map(|index| gains[index]).sum::<f64>() / range.len() as f64;
    assert!(mean(2..40) > mean(60..100) && mean(60..100) > mean(140..180));
    assert!(mean(240..280) > mean(200..240) && mean(200..240) > mean(160..200));
}

#[test]
fn a_flow_whose_windows_fall_makes_room_for_others() {
    let mss = MSS as f64;
    let reaches = |losses: &[f64]| {
        let mut curve = Curve::default();
        for window in losses {
            curve.handle_loss(window * mss);
        }
        let mut window = 560.0 * mss;
        for count in 0..134 {
            window = curve.grow(at(50 * count), RTT, window, window, mss);
        }
        window / mss
    };
    // K is 6.7 s to the plateau of 0.85 * 800, and 8.4 s to that of 800.
    assert!((reaches(&[1000.0, 800.0]) - 680.0).abs() < 5.0);
    assert!((reaches(&[800.0]) - 798.0).abs() < 5.0);
}

#[test]
fn growth_is_bounded_to_half_the_window_in_a_round_trip() {
    let mut cubic = after_loss(10);
    round(&mut cubic, at(0));
    for count in 0..5 {
        // The curve is far above by now.
        let start = at(100_000 + 50 * count);
        let before = segments(&cubic);
        round(&mut cubic, start);
        let growth = segments(&cubic) / before;
        assert!(growth > 1.4 && growth < 1.7, "{growth}");
    }
}

/// RFC 9438, 4.3, to fractions of a byte: no growth is rounded away where the window is two segments.
#[test]
fn small_windows_grow_as_reno_would() {
    let mss = MSS as f64;
    for count in [2, 3, 5, 10] {
        let mut cubic = after_loss(count);
        for turn in 0..40 {
            let before = cubic.window;
            cubic.handle_ack(&ack(at(10 * turn), 0));
            let alpha = if before < count as f64 * mss { 9.0 / 17.0 } else { 1.0 };
            let expected = before + alpha * mss * mss / before;
            assert!((cubic.window - expected).abs() < 1e-6, "{count} {turn}: {expected}");
        }
    }
}

#[test]
fn an_ack_of_two_segments_counts_for_two() {
    let (mut one, mut two) = (after_loss(100), after_loss(100));
    for count in 0..500 {
        let now = at(count);
        one.handle_ack(&ack(now, 0));
        one.handle_ack(&ack(now, 0));
        two.handle_ack(&Ack {
            delivered: 2 * MSS,
            ..ack(now, 0)
        });
    }
    assert!(two.window > 72.0 * MSS as f64);
    assert!((one.window / two.window - 1.0).abs() < 0.001);
}

/// Mathis et al.: Reno's mean window is sqrt(1.5 / p) segments.
#[test]
fn random_loss_leaves_at_least_renos_window() {
    for (loss, gather) in [(0.005, 0), (0.01, 0), (0.01, 3), (0.02, 0), (0.02, 3), (0.05, 3)] {
        let gather = Duration::from_millis(gather);
        let mut windows = 0.0;
        let mut rates = 0.0;
        for seed in 1..6 {
            let path = Path {
                loss,
                seed,
                gather,
                ..USUAL
            };
            let mut bulk = Bulk::new(Algorithm::Cubic, path);
            bulk.run(Duration::from_secs(5));
            let (rate, window) = bulk.run(Duration::from_secs(100));
            rates += rate / 5.0;
            windows += window / 5.0 / MSS as f64;
        }
        let reno = (1.5f64 / loss).sqrt();
        assert!(windows > reno, "{loss}: {windows} {reno}");
        let round_trip = (RTT + gather).total_micros() as f64 / 1e6;
        assert!(rates > 0.9 * reno * MSS as f64 / round_trip, "{loss}: {rates}");
    }
}

#[test]
fn a_sender_that_the_window_does_not_hold_back_does_not_grow() {
    for mut cubic in [Cubic::new(MSS), after_loss(100)] {
        let before = cubic.window();
        for count in 0..1000 {
            cubic.handle_ack(&Ack {
                window_limited: false,
                ..ack(at(count), 2 * MSS)
            });
        }
        assert_eq!(cubic.window(), before);
    }
}

#[test]
fn time_without_need_for_the_window_does_not_count_for_the_curve() {
    let (mut busy, mut idle, mut modest) = (after_loss(1000), after_loss(1000), after_loss(1000));
    for count in 0..40 {
        for cubic in [&mut busy, &mut idle, &mut modest] {
            round(cubic, at(50 * count));
        }
    }
    // A minute of silence, with a lonely segment after it; and a minute of a segment now and then.
    idle.handle_sent(at(61_950), MSS, 0);
    idle.handle_ack(&Ack {
        window_limited: false,
        ..ack(at(62_000), 0)
    });
    for count in 0..=600 {
        modest.handle_ack(&Ack {
            window_limited: false,
            ..ack(at(2_000 + 100 * count), MSS)
        });
    }
    for count in 40..80 {
        round(&mut busy, at(50 * count));
        round(&mut idle, at(60_000 + 50 * count));
        round(&mut modest, at(60_000 + 50 * count));
    }
    assert!(busy.window > 780.0 * MSS as f64);
    assert!((idle.window - busy.window).abs() < 1.0);
    assert!((modest.window - busy.window).abs() < 1.0);
}

#[test]
fn an_idle_flow_begins_anew_from_a_smaller_window() {
    let second = Duration::from_secs(1);
    let window = |idle: u32| {
        let mut cubic = after_loss(1000);
        cubic.handle_idle(at(60_000), second * idle, second);
        cubic
    };
    assert_eq!(window(1).window(), 350 * MSS);
    assert_eq!(window(3).window(), 87 * MSS + MSS / 2);
    assert_eq!(window(60).window(), 10 * MSS);
    assert_eq!(window(60).ssthresh, 700.0 * MSS as f64);
    // A window that was smaller than the initial one stays.
    let mut small = after_loss(5);
    small.handle_idle(at(60_000), second * 60, second);
    assert_eq!(small.window(), 7 * MSS / 2);
    // And slow start leads back.
    let mut again = window(60);
    for count in 0..9 {
        round(&mut again, at(60_000 + 50 * count));
    }
    assert!(segments(&again) >= 700.0 && segments(&again) < 1100.0);
}
