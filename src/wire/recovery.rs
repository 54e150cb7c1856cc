//! Loss recovery beyond the first hole: NewReno's partial acknowledgements (RFC 6582), which smoltcp lacks.
//!
//! smoltcp sends the first lost segment again after three duplicate ACKs, and leaves the next holes of the same window
//! to a timer of a second and more. It also takes no ACK for a duplicate that opens the window, as Linux's do while they
//! report a hole by SACK. This file sees both from outside; the flow then shows smoltcp the ACK often enough to make it
//! send the oldest unacknowledged segment at once.

/// What a segment acknowledges.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledgement {
    pub number: u32,
    pub window: u16,
    /// No data, no SYN, no FIN, no RST.
    pub bare: bool,
    /// With SACK blocks (RFC 2018): something behind a hole has arrived.
    pub sacked: bool,
}

/// Copies of an ACK that make smoltcp send again.
pub const DUPLICATES: u8 = 3;

#[derive(Default)]
pub struct Recovery {
    last: Option<(u32, u16)>,
    duplicates: u8,
    /// One of the duplicates was none to smoltcp.
    unseen: bool,
    /// What had been sent when the loss was found (RFC 6582, 3.2: recover).
    recover: Option<u32>,
}

impl Recovery {
    /// True when the oldest unacknowledged segment is to be sent again now, and smoltcp would wait.
    pub fn handle_acknowledgement(&mut self, ack: Acknowledgement, snd_max: u32) -> bool {
        let Some((last, window)) = self.last.replace((ack.number, ack.window)) else {
            return false;
        };
        let after = |one: u32, other: u32| (one.wrapping_sub(other) as i32) > 0;
        if after(ack.number, last) {
            self.duplicates = 0;
            self.unseen = false;
            return match self.recover {
                Some(recover) if after(recover, ack.number) => ack.bare,
                _ => {
                    self.recover = None;
                    false
                }
            };
        }
        let outstanding = after(snd_max, ack.number);
        let is_duplicate = ack.bare && ack.number == last && outstanding && (ack.window == window || ack.sacked);
        if !is_duplicate {
            return false;
        }
        self.unseen |= ack.window != window;
        self.duplicates = self.duplicates.saturating_add(1);
        if self.duplicates != DUPLICATES || self.recover.is_some() {
            return false;
        }
        self.recover = Some(snd_max);
        self.unseen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(number: u32, window: u16, sacked: bool) -> Acknowledgement {
        Acknowledgement {
            number,
            window,
            bare: true,
            sacked,
        }
    }

    #[test]
    fn a_partial_acknowledgement_asks_for_the_next_hole_and_a_full_one_ends_it() {
        let mut recovery = Recovery::default();
        let mut ack = |number| recovery.handle_acknowledgement(bare(number, 100, false), 10_000);
        // smoltcp counts these three itself.
        assert!(![1000, 1000, 1000, 1000].map(&mut ack).contains(&true));
        assert!(ack(2000));
        assert!(ack(3000));
        assert!(!ack(10_000));
        assert!(!ack(11_000));
    }

    #[test]
    fn duplicates_that_open_the_window_count_when_they_report_a_hole() {
        for (sacked, asks) in [(true, true), (false, false)] {
            let mut recovery = Recovery::default();
            let mut ack = |window| recovery.handle_acknowledgement(bare(1000, window, sacked), 10_000);
            assert_eq!([100, 110, 120, 130].map(&mut ack), [false, false, false, asks]);
        }
    }

    #[test]
    fn nothing_outstanding_nothing_lost() {
        let mut recovery = Recovery::default();
        assert!((0..9).all(|_| !recovery.handle_acknowledgement(bare(1000, 100, true), 1000)));
        assert_eq!(recovery.recover, None);
    }

    #[test]
    fn numbers_go_round() {
        let mut recovery = Recovery::default();
        let mut ack = |number| recovery.handle_acknowledgement(bare(number, 100, false), 5000);
        let before = u32::MAX - 1000;
        for _ in 0..4 {
            assert!(!ack(before));
        }
        assert!(ack(200));
    }
}
