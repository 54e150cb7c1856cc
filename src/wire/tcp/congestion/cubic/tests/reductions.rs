//! Tests of CUBIC's reductions after a loss and after a time-out, and of how the window comes back.

use super::super::super::Phase;
use super::*;

#[test]
fn a_loss_costs_three_tenths() {
    for (before, after) in [(100, 70 * MSS), (10, 7 * MSS), (3, 21 * MSS / 10), (2, 2 * MSS)] {
        assert_eq!(after_loss(before).window(), after);
    }
}

#[test]
fn a_recovery_begins_with_a_retransmission_and_ends_at_the_threshold() {
    let mut cubic = Cubic::new(MSS);
    cubic.window = (100 * MSS) as f64;
    cubic.handle_loss(at(0), 100 * MSS, 98 * MSS);
    assert!(cubic.window() >= 99 * MSS);
    let mut in_flight = 98 * MSS;
    for _ in 0..95 {
        in_flight -= MSS;
        cubic.handle_ack(&Ack {
            phase: Phase::Recovery,
            advanced: false,
            ..ack(at(10), in_flight)
        });
        while in_flight + MSS <= cubic.window() {
            cubic.handle_sent(at(10), MSS, in_flight);
            in_flight += MSS;
        }
    }
    assert!((69..=71).contains(&(in_flight / MSS)), "{}", in_flight / MSS);
    cubic.handle_recovered(at(50), in_flight);
    assert_eq!(cubic.window(), 70 * MSS);
}

#[test]
fn a_time_out_leads_to_slow_start_and_lowers_the_threshold_once() {
    let mut cubic = Cubic::new(MSS);
    cubic.window = (100 * MSS) as f64;
    cubic.handle_timeout(at(0), 3 * MSS, true);
    assert_eq!((cubic.window(), cubic.ssthresh), (4 * MSS, 70.0 * MSS as f64));
    cubic.handle_timeout(at(600), 0, false);
    assert_eq!((cubic.window(), cubic.ssthresh), (MSS, 70.0 * MSS as f64));
    for count in 0..20u64 {
        assert_eq!(cubic.window(), (count + 1) * MSS);
        cubic.handle_ack(&Ack {
            phase: Phase::Loss,
            ..ack(at(700), 0)
        });
    }
    // The end of the phase is none of slow start.
    cubic.handle_recovered(at(750), 0);
    assert_eq!(cubic.window(), 21 * MSS);
    cubic.handle_ack(&ack(at(751), 0));
    assert_eq!(cubic.window(), 22 * MSS);
}

#[test]
fn a_time_out_in_a_recovery_lowers_the_threshold_no_further() {
    let mut cubic = Cubic::new(MSS);
    cubic.window = (100 * MSS) as f64;
    cubic.handle_loss(at(0), 100 * MSS, 90 * MSS);
    cubic.handle_ack(&Ack {
        phase: Phase::Recovery,
        lost: 60 * MSS,
        ..ack(at(1), 29 * MSS)
    });
    cubic.handle_timeout(at(300), 0, true);
    assert_eq!((cubic.window(), cubic.ssthresh), (MSS, 70.0 * MSS as f64));
    // And both reductions come back at once.
    cubic.handle_undo(at(301));
    assert_eq!((cubic.window(), cubic.ssthresh), (100 * MSS, f64::INFINITY));
}

#[test]
fn a_spurious_reduction_is_taken_back_exactly() {
    let reductions: [fn(&mut Cubic); 2] = [
        |cubic| cubic.handle_loss(at(2000), 700 * MSS, 600 * MSS),
        |cubic| {
            cubic.handle_timeout(at(2000), 0, true);
            cubic.handle_timeout(at(2400), 0, false);
        },
    ];
    for reduce in reductions {
        let (mut undone, mut spared) = (after_loss(1000), after_loss(1000));
        for cubic in [&mut undone, &mut spared] {
            for count in 0..40 {
                round(cubic, at(50 * count));
            }
        }
        let before = (undone.window, undone.ssthresh, undone.curve);
        reduce(&mut undone);
        assert!(undone.window < before.0);
        undone.handle_undo(at(2010));
        assert_eq!((undone.window, undone.ssthresh, undone.curve), before);
        for cubic in [&mut undone, &mut spared] {
            round(cubic, at(2050));
        }
        assert_eq!(undone.window, spared.window);
        // There is nothing left to take back.
        undone.window = 5.0;
        undone.handle_undo(at(2200));
        assert_eq!(undone.window, 5.0);
    }
}
