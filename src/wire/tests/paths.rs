//! The throughput of one connection over bad paths, in virtual time: the figures are the same on every machine.

mod support;

use midwire_wire::Duration;
use midwire_wire::tcp::congestion::Algorithm;
use support::link::Faults;
use support::pair::{Pair, Settings};

const WEB: &str = "192.0.2.80:80";

/// MB a second over so many seconds of a download, at 50 ms round trip.
fn rate(faults: Faults, seed: u64, congestion: Algorithm, seconds: u64) -> f64 {
    let mut pair = Pair::new(Settings {
        faults: Faults {
            delay: Duration::from_millis(25),
            ..Faults::default()
        },
        seed,
        congestion,
        buffer: 6 << 20,
        ..Settings::default()
    });
    let (ours, theirs) = pair.established(WEB);
    pair.set_faults(Faults {
        delay: Duration::from_millis(25),
        ..faults
    });
    let mut granted = 256 * 1024;
    let end = pair.now + Duration::from_secs(seconds);
    let zeros = vec![0; 1 << 20];
    while pair.now < end {
        while granted > 0 {
            let piece = granted.min(zeros.len());
            pair.server.stack.write(theirs, &zeros[..piece]);
            granted -= piece;
        }
        pair.pass(Duration::from_millis(5));
        granted += pair.server.owner.writable.remove(&theirs).unwrap_or(0);
    }
    pair.client.owner.received(ours) as f64 / seconds as f64 / 1e6
}

/// The middle one of five seeds.
fn middle(faults: Faults, congestion: Algorithm, seconds: u64) -> f64 {
    let mut rates: Vec<f64> = (1..=5).map(|seed| rate(faults, seed, congestion, seconds)).collect();
    rates.sort_by(f64::total_cmp);
    rates[2]
}

#[test]
fn what_comes_late_is_not_lost() {
    let late = Faults {
        reorder: 20,
        ..Faults::default()
    };
    for congestion in [Algorithm::Cubic, Algorithm::Bbr] {
        let rate = middle(late, congestion, 2);
        assert!(rate > 10.0, "{congestion:?}: {rate} MB/s");
    }
}

#[test]
fn loss_costs_cubic_what_it_must_and_bbr_next_to_nothing() {
    // The Reno window at 1 % is 12 segments: 0.33 MB/s (Mathis et al., 1997).
    let lossy = Faults {
        lose: 10,
        ..Faults::default()
    };
    let cubic = middle(lossy, Algorithm::Cubic, 5);
    assert!(cubic > 0.33, "{cubic} MB/s");
    let bbr = middle(lossy, Algorithm::Bbr, 2);
    assert!(bbr > 20.0 * cubic, "{bbr} MB/s");
}

#[test]
#[ignore = "a table for people"]
fn table() {
    for (name, lose, reorder) in [
        ("0.5 %", 5, 0),
        ("1 %", 10, 0),
        ("3 %", 30, 0),
        ("5 %", 50, 0),
        ("late", 0, 20),
    ] {
        for congestion in [Algorithm::Cubic, Algorithm::Bbr] {
            let faults = Faults {
                lose,
                reorder,
                ..Faults::default()
            };
            let mut rates: Vec<f64> = (1..=7).map(|seed| rate(faults, seed, congestion, 5)).collect();
            rates.sort_by(f64::total_cmp);
            println!("{name:6} {congestion:?}: {rates:.2?}");
        }
    }
}
