//! Proportional Rate Reduction (RFC 6937): how much may leave for each ACK of a recovery.
//!
//! Below the threshold the bound is that of draft-ietf-tcpm-prr-rfc6937bis: one segment more than was delivered
//! (PRR-SSRB) for a safe ACK, which moves SND.UNA and reports no new loss; else only what was delivered (PRR-CRB).

use super::Ack;

#[derive(Clone, Copy, Debug)]
pub struct Prr {
    ssthresh: u64,
    /// RecoverFS: what was outstanding when recovery began.
    recover_fs: u64,
    /// prr_delivered: what was delivered since then.
    delivered: u64,
    /// prr_out: what was sent since then.
    out: u64,
}

impl Prr {
    pub fn new(ssthresh: u64, outstanding: u64) -> Self {
        Prr {
            ssthresh,
            recover_fs: outstanding.max(1),
            delivered: 0,
            out: 0,
        }
    }

    pub fn handle_sent(&mut self, bytes: u64) {
        self.out += bytes;
    }

    /// What may be sent now beyond what is in flight (SndCnt).
    pub fn handle_ack(&mut self, ack: &Ack, mss: u64) -> u64 {
        self.delivered += ack.delivered;
        let count = if ack.in_flight > self.ssthresh {
            let due = (u128::from(self.delivered) * u128::from(self.ssthresh)).div_ceil(u128::from(self.recover_fs));
            u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.out)
        } else {
            let safe = ack.advanced && ack.lost == 0;
            let bound = self.delivered.saturating_sub(self.out).max(ack.delivered);
            (bound + if safe { mss } else { 0 }).min(self.ssthresh - ack.in_flight)
        };
        // The first retransmission leaves at once. And where nothing is in flight no ACK will ever ask for more.
        if self.out == 0 || ack.in_flight == 0 {
            count.max(mss)
        } else {
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ack;
    use super::*;
    use crate::Instant;

    const MSS: u64 = 1000;

    /// A duplicate ACK that SACKs one segment.
    fn sack(in_flight: u64, lost: u64) -> Ack {
        Ack {
            delivered: MSS,
            lost,
            advanced: false,
            ..ack(Instant::ZERO, in_flight)
        }
    }

    /// RFC 6937's first example: one loss in 100 segments, and the window falls to 70.
    #[test]
    fn one_loss_is_answered_in_proportion() {
        let mut prr = Prr::new(70 * MSS, 100 * MSS);
        let mut in_flight = 99 * MSS;
        let mut sent = 0;
        for count in 1..=90 {
            in_flight -= MSS;
            let may = prr.handle_ack(&sack(in_flight, 0), MSS) / MSS * MSS;
            prr.handle_sent(may);
            in_flight += may;
            sent += may / MSS;
            assert_eq!(sent, (count * 70u64 / 100).max(1));
        }
        assert_eq!(in_flight, 72 * MSS);
        // At the threshold one leaves for one.
        for _ in 91..=98 {
            in_flight -= MSS;
            let may = prr.handle_ack(&sack(in_flight, 0), MSS) / MSS * MSS;
            prr.handle_sent(may);
            in_flight += may;
        }
        assert_eq!(in_flight, 70 * MSS);
    }

    /// Most of the window is lost: what leaves is bounded by what is delivered, and one segment more for a safe ACK.
    #[test]
    fn below_the_threshold_the_bound_is_what_was_delivered() {
        let mut prr = Prr::new(70 * MSS, 100 * MSS);
        // The first retransmission leaves whatever is in flight.
        assert_eq!(prr.handle_ack(&sack(90 * MSS, 0), MSS), MSS);
        prr.handle_sent(MSS);
        assert_eq!(prr.handle_ack(&sack(20 * MSS, 60 * MSS), MSS), MSS);
        prr.handle_sent(MSS);
        let safe = Ack {
            delivered: 2 * MSS,
            ..ack(Instant::ZERO, 20 * MSS)
        };
        assert_eq!(prr.handle_ack(&safe, MSS), 3 * MSS);
        assert_eq!(prr.handle_ack(&Ack { lost: MSS, ..safe }, MSS), 4 * MSS);
        // What was saved up is sent, up to the threshold.
        assert_eq!(
            prr.handle_ack(
                &Ack {
                    in_flight: 69 * MSS,
                    ..safe
                },
                MSS
            ),
            MSS
        );
    }

    #[test]
    fn an_empty_path_is_never_left_empty() {
        let mut prr = Prr::new(2 * MSS, 4 * MSS);
        prr.handle_sent(9 * MSS);
        let timer = Ack {
            delivered: 0,
            ..sack(0, 3 * MSS)
        };
        assert_eq!(prr.handle_ack(&timer, MSS), MSS);
    }
}
