//! BBR on simulated paths, and its answers to loss, time-outs and silence.

use super::super::tests::ack;
use super::super::tests::path::{Bulk, MSS, Path, USUAL};
use super::super::{Ack, Algorithm, Congestion, Phase, RateSample};
use super::{Bbr, Mode};
use crate::{Duration, Instant};

const RTT: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
/// Bytes in flight that fill `USUAL`.
const BDP: u64 = 625_000;

fn at(ms: i64) -> Instant {
    Instant::from_millis(ms)
}

/// A second of a flow of 10 MB/s, an ACK a millisecond, 50 ms after the data; BBR knows the path after it.
fn settled() -> Bbr {
    let mut bbr = Bbr::new(MSS);
    for count in 0..1000 {
        bbr.handle_ack(&steady(count, 10_000));
    }
    assert_eq!(bbr.mode, Mode::ProbeBw);
    bbr
}

/// The ACK of that flow in a millisecond; it delivers `delivered` bytes.
fn steady(ms: i64, delivered: u64) -> Ack {
    Ack {
        delivered,
        total_delivered: 10_000 * (ms as u64 + 1),
        rtt: Some(RTT),
        round: ms % 50 == 0,
        rate: Some(RateSample {
            delivered: delivered * 50,
            interval: RTT,
            app_limited: false,
        }),
        ..ack(at(ms), 500_000)
    }
}

#[test]
fn it_fills_a_path_that_loses_five_of_a_hundred() {
    for seed in 1..6 {
        for (loss, gather) in [(0.0, 0), (0.01, 0), (0.05, 0), (0.05, 5)] {
            let gather = Duration::from_millis(gather);
            let path = Path {
                loss,
                seed,
                gather,
                ..USUAL
            };
            let mut bulk = Bulk::new(Algorithm::Bbr, path);
            bulk.run(SECOND * 2);
            bulk.most_in_flight = 0;
            let (rate, _) = bulk.run(SECOND * 28);
            // What is lost never comes to the bottleneck.
            let sent = rate / (1.0 - loss);
            assert!(sent > 0.91 * USUAL.rate as f64, "{loss} {seed}: {sent}");
            assert!(
                bulk.most_in_flight < BDP * 23 / 10,
                "{loss} {seed}: {}",
                bulk.most_in_flight
            );
            assert_eq!(bulk.timeouts, 0);
        }
    }
}

/// Losses hold a startup back, and are no sign that the pipe is full.
#[test]
fn startup_is_not_over_before_the_path_is_full() {
    for seed in 1..60 {
        for loss in [0.05, 0.1] {
            let mut bulk = Bulk::new(Algorithm::Bbr, Path { loss, seed, ..USUAL });
            let (rate, _) = bulk.run(SECOND * 5);
            assert!(rate / (1.0 - loss) > 0.7 * USUAL.rate as f64, "{loss} {seed}: {rate}");
        }
    }
}

#[test]
fn it_fills_slow_short_and_shallow_paths() {
    for (rate, rtt, buffer) in [
        (250_000, 200, 50_000),
        (125_000, 20, 10_000),
        (12_500_000, 5, 30_000),
        (50_000_000, 100, 500_000),
    ] {
        for loss in [0.0, 0.02] {
            let path = Path {
                rate,
                rtt: Duration::from_millis(rtt),
                buffer,
                loss,
                ..USUAL
            };
            let mut bulk = Bulk::new(Algorithm::Bbr, path);
            bulk.run(SECOND * 4);
            let (got, _) = bulk.run(SECOND * 20);
            assert!(got > 0.8 * rate as f64, "{rate} {rtt} {loss}: {got}");
        }
    }
}

#[test]
fn startup_doubles_the_rate_each_round() {
    let mut bulk = Bulk::new(Algorithm::Bbr, USUAL);
    // Ten segments, and six doublings, are more than the path's 453.
    bulk.run(RTT * 8);
    let (rate, _) = bulk.run(RTT * 2);
    assert!(rate > 0.95 * USUAL.rate as f64, "{rate}");
    // And the queue that it made is drained.
    bulk.run(SECOND);
    bulk.longest_rtt = Duration::ZERO;
    bulk.run(SECOND);
    assert!(bulk.longest_rtt < RTT * 4 / 3, "{}", bulk.longest_rtt);
}

#[test]
fn it_follows_a_path_that_becomes_slower_and_faster() {
    let mut bulk = Bulk::new(Algorithm::Bbr, Path { loss: 0.01, ..USUAL });
    bulk.run(SECOND * 3);
    for rate in [3_000_000, 12_500_000] {
        bulk.path.rate = rate;
        bulk.run(SECOND * 5);
        let (got, _) = bulk.run(SECOND * 4);
        let share = got / rate as f64;
        assert!(share > 0.85 && share < 1.0, "{rate}: {got}");
        let pace = bulk.control.pacing_rate().unwrap_or(0) as f64 / rate as f64;
        assert!(pace > 0.7 && pace < 1.35, "{rate}: {pace}");
    }
}

#[test]
fn every_ten_seconds_it_empties_the_path_to_look_at_the_round_trip() {
    let mut bulk = Bulk::new(Algorithm::Bbr, USUAL);
    let mut probes = Vec::new();
    let mut low = false;
    while bulk.step(Instant::from_secs(35)) {
        if (bulk.control.window() == 4 * MSS) != low {
            low = !low;
            probes.push(bulk.now);
        }
    }
    assert_eq!(probes.len(), 6, "{probes:?}");
    for pair in probes.chunks(2) {
        let length = pair[1] - pair[0];
        // The path has to drain first, and then hold still for 200 ms.
        assert!(
            length >= Duration::from_millis(200) && length < Duration::from_millis(330),
            "{length}"
        );
    }
    for pair in probes.chunks(2).collect::<Vec<_>>().windows(2) {
        let apart = pair[1][0] - pair[0][1];
        assert!(apart >= SECOND * 10 && apart < SECOND * 10 + RTT * 2, "{apart}");
    }
    // The known bandwidth outlasts the pause.
    bulk.run(RTT * 2);
    let (rate, _) = bulk.run(RTT * 10);
    assert!(rate > 0.9 * USUAL.rate as f64);
}

#[test]
fn a_short_path_is_not_forgotten_over_the_pause() {
    let path = Path {
        rtt: Duration::from_millis(4),
        ..USUAL
    };
    let mut bulk = Bulk::new(Algorithm::Bbr, path);
    let mut low = false;
    while bulk.step(Instant::from_secs(20)) {
        let probing = bulk.control.window() == 4 * MSS;
        if low && !probing {
            break;
        }
        low |= probing;
    }
    // Fifty rounds at four segments lie behind it, and the filter of the bandwidth is ten rounds long.
    let pace = bulk.control.pacing_rate().unwrap_or(0) as f64 / USUAL.rate as f64;
    assert!(low && pace > 0.7 && pace < 1.35, "{pace}");
    bulk.run(RTT / 2);
    let (rate, _) = bulk.run(RTT * 4);
    assert!(rate > 0.9 * USUAL.rate as f64, "{rate}");
}

#[test]
fn the_first_pace_is_a_startup_of_the_initial_window() {
    let mut bbr = Bbr::new(MSS);
    assert_eq!(bbr.pacing_rate(), Some(39_813_000));
    bbr.handle_ack(&ack(at(50), 0));
    assert_eq!(bbr.pacing_rate(), Some(796_260));
}

#[test]
fn it_paces_a_little_below_the_bandwidth_and_for_one_round_of_eight_above() {
    let mut bbr = settled();
    // More is in flight all the time than a fourth above the path's 500,000 bytes.
    let mut paces = Vec::new();
    for count in 1000..1800 {
        bbr.handle_ack(&Ack {
            prior_in_flight: 700_000,
            ..steady(count, 10_000)
        });
        paces.push(bbr.pacing_rate().unwrap_or(0));
    }
    let share = |pace: u64| paces.iter().filter(|&&other| other == pace).count();
    let [fast, even, slow] = [12_375_000, 9_900_000, 7_425_000].map(share);
    assert_eq!(fast + even + slow, 800);
    assert!(
        (80..120).contains(&fast) && (80..120).contains(&slow),
        "{fast} {even} {slow}"
    );
}

#[test]
fn samples_of_a_sender_that_had_little_to_send_only_count_when_they_show_more() {
    let mut bbr = settled();
    let sample = |ms: i64, rate: u64, app_limited: bool| Ack {
        rate: Some(RateSample {
            delivered: rate / 20,
            interval: RTT,
            app_limited,
        }),
        round: true,
        ..steady(ms, MSS)
    };
    for count in 0..40 {
        bbr.handle_ack(&sample(1000 + 50 * count, 1_000_000, true));
    }
    assert_eq!(bbr.bandwidth.get(), 10_000_000);
    bbr.handle_ack(&sample(3000, 12_000_000, true));
    assert_eq!(bbr.bandwidth.get(), 12_000_000);
    // Those of one that had enough make the old maximum go, ten rounds after it.
    for count in 1..=10 {
        bbr.handle_ack(&sample(3000 + 50 * count, 5_000_000, false));
        assert_eq!(bbr.bandwidth.get(), 12_000_000);
    }
    bbr.handle_ack(&sample(3600, 5_000_000, false));
    assert_eq!(bbr.bandwidth.get(), 5_000_000);
}

#[test]
fn a_recovery_begins_with_a_round_in_which_no_more_leaves_than_arrives() {
    let mut bbr = settled();
    let before = bbr.window();
    assert!(before > 1_000_000);
    bbr.handle_loss(at(1000), 500_000, 400_000);
    assert_eq!(bbr.window(), 400_000 + MSS);
    let recovering = |ms: i64, lost: u64| Ack {
        phase: Phase::Recovery,
        lost,
        in_flight: 400_000,
        ..steady(ms, 10_000)
    };
    bbr.handle_ack(&recovering(1000, 50_000));
    for count in 1..40 {
        // `round` says nothing here: that round began before the recovery.
        bbr.handle_ack(&recovering(1000 + count, 0));
        assert_eq!(bbr.window(), 410_000);
    }
    for count in 40..60 {
        bbr.handle_ack(&recovering(1000 + count, 0));
    }
    let growing = bbr.window();
    assert!(growing > 500_000 && growing < before);
    bbr.handle_recovered(at(1100), 400_000);
    assert_eq!(bbr.window(), before);
}

#[test]
fn a_time_out_begins_with_one_segment_and_its_end_gives_the_window_back() {
    for undo in [false, true] {
        let mut bbr = settled();
        let before = bbr.window();
        bbr.handle_timeout(at(1300), 2 * MSS, true);
        assert_eq!(bbr.window(), 3 * MSS);
        bbr.handle_timeout(at(1900), 0, false);
        assert_eq!(bbr.window(), MSS);
        bbr.handle_ack(&Ack {
            phase: Phase::Loss,
            ..steady(1950, 20_000)
        });
        assert_eq!(bbr.window(), MSS + 20_000);
        if undo {
            bbr.handle_undo(at(1960));
        } else {
            bbr.handle_recovered(at(1960), 0);
        }
        assert_eq!(bbr.window(), before);
    }
}

#[test]
fn after_silence_it_goes_on_at_the_bandwidth_and_needs_no_probe() {
    let mut bbr = settled();
    let window = bbr.window();
    bbr.handle_idle(at(31_000), SECOND * 30, SECOND);
    assert_eq!(bbr.pacing_rate(), Some(9_900_000));
    bbr.handle_ack(&steady(31_050, 10_000));
    assert_eq!(bbr.mode, Mode::ProbeBw);
    assert_eq!(bbr.window(), window);
    // Without the silence the round trip would have been too old.
    let mut busy = settled();
    busy.handle_ack(&steady(31_050, 10_000));
    assert_eq!((busy.mode, busy.window()), (Mode::ProbeRtt, 4 * MSS));
}

#[test]
fn acks_in_bunches_widen_the_window() {
    let (mut even, mut bunched) = (settled(), settled());
    for count in 1000..2000 {
        even.handle_ack(&steady(count, 10_000));
        if count % 40 == 39 {
            bunched.handle_ack(&Ack {
                delivered: 400_000,
                round: count % 80 == 39,
                rate: Some(RateSample {
                    delivered: 500_000,
                    interval: RTT,
                    app_limited: false,
                }),
                ..steady(count, 400_000)
            });
        }
    }
    let extra = bunched.window() as i64 - even.window() as i64;
    assert!((300_000..=500_000).contains(&extra), "{extra}");
}
