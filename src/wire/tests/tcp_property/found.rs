//! What two machines have shown to be wrong, each by itself, against one machine and segments by hand.

use std::collections::VecDeque;

use midwire_wire::buffers::{HeapBuffers, Pool};
use midwire_wire::tcp::ROUNDING;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tcp::connection::{Config, Connection, State};
use midwire_wire::tcp::options::Options;
use midwire_wire::tcp::segment::{ACK, FIN, Outgoing, SYN, Segment};
use midwire_wire::tcp::seq::{Range, Seq};
use midwire_wire::{Duration, Instant};

/// The other side's ISN and ours.
const THEIRS: u32 = 1000;
const OURS: u32 = 5000;

struct Hand {
    now: Instant,
    connection: Connection,
    pool: Pool,
}

fn segment(flags: u8, seq: u32, ack: Option<u32>, payload: &[u8]) -> Segment<'_> {
    Segment {
        source_port: 1,
        destination_port: 2,
        seq: Seq(THEIRS + seq),
        ack: ack.map(|ack| Seq(OURS + ack)),
        flags: flags | if ack.is_some() { ACK } else { 0 },
        window: 65_000,
        options: Options::default(),
        payload,
    }
}

fn config(max_window: usize) -> Config {
    Config {
        mtu: 1040,
        headers: 40,
        max_window,
        congestion: Algorithm::Cubic,
        iss: Seq(OURS),
        clock: 0,
    }
}

impl Hand {
    /// Answers a SYN with these options.
    fn answered(max_window: usize, options: Options) -> Self {
        let syn = Segment {
            options,
            ..segment(SYN, 0, None, b"")
        };
        let mut hand = Hand {
            now: Instant::ZERO,
            connection: Connection::answer(Instant::ZERO, config(max_window), &syn),
            pool: Pool::new(Box::new(HeapBuffers), 64 << 20),
        };
        hand.drain();
        hand.hears(&segment(0, 1, Some(1), b""));
        assert_eq!(hand.connection.state(), State::Established);
        hand
    }

    fn opening(max_window: usize) -> Self {
        let mut hand = Hand {
            now: Instant::ZERO,
            connection: Connection::open(Instant::ZERO, config(max_window)),
            pool: Pool::new(Box::new(HeapBuffers), 64 << 20),
        };
        hand.drain();
        hand
    }

    fn hears(&mut self, segment: &Segment<'_>) -> Vec<Outgoing> {
        self.connection.handle_segment(self.now, segment, &mut self.pool);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Outgoing> {
        let said: Vec<Outgoing> = std::iter::from_fn(|| self.connection.poll_transmit(self.now, &self.pool))
            .take(1000)
            .collect();
        assert!(said.len() < 1000, "a storm");
        said
    }

    /// Time goes on until something leaves.
    fn wait(&mut self) -> Vec<Outgoing> {
        loop {
            self.now = self.connection.poll_timeout().expect("something is to come");
            self.connection.handle_timeout(self.now);
            let left = self.drain();
            if !left.is_empty() {
                return left;
            }
        }
    }
}

#[test]
fn two_sides_that_open_at_once_are_connected_by_the_syn_that_comes_again_with_an_ack() {
    let mut hand = Hand::opening(65_536);
    let answer = hand.hears(&segment(SYN, 0, None, b""));
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0].flags, SYN | ACK);
    let answer = hand.hears(&segment(SYN, 0, Some(1), b""));
    assert_eq!(hand.connection.state(), State::Established);
    assert_eq!((answer.len(), answer[0].flags), (1, ACK));
}

#[test]
fn the_window_of_a_syn_is_not_scaled() {
    let mut hand = Hand::opening(1 << 20);
    assert!(hand.connection.write(&[7; 100_000], &mut hand.pool));
    let mut answer = segment(SYN, 0, Some(1), b"");
    answer.window = 3000;
    answer.options.mss = Some(1000);
    answer.options.window_scale = Some(7);
    let bytes: usize = hand.hears(&answer).iter().map(|said| said.length).sum();
    assert_eq!(bytes, 3000);
}

#[test]
fn an_old_segment_brings_one_ack() {
    let mut hand = Hand::answered(65_536, Options::default());
    hand.hears(&segment(0, 1, Some(1), &[1; 600]));
    hand.drain();
    for flags in [0, FIN] {
        assert_eq!(hand.hears(&segment(flags, 1, Some(1), &[1; 500])).len(), 1);
        assert_eq!(
            hand.hears(&segment(flags, 700, Some(1), &[1; 600])).len(),
            1,
            "behind a hole"
        );
    }
}

#[test]
fn a_fin_before_what_has_come_is_none() {
    let mut hand = Hand::answered(65_536, Options::default());
    hand.hears(&segment(0, 1, Some(1), &[1; 600]));
    hand.hears(&segment(FIN, 300, Some(1), b""));
    assert!(!hand.connection.has_finished());
    assert_eq!(hand.connection.state(), State::Established);
    hand.hears(&segment(FIN, 601, Some(1), b""));
    assert!(hand.connection.has_finished());
    assert_eq!(hand.connection.state(), State::CloseWait);
}

#[test]
fn what_waited_behind_a_hole_says_nothing_of_the_round_trip() {
    let mut hand = Hand::answered(65_536, Options::default());
    assert!(hand.connection.write(&[7; 200_000], &mut hand.pool));
    let mut next = 1;
    let mut waits = Vec::new();
    for _ in 0..8 {
        // A flight arrives.
        next = hand
            .drain()
            .last()
            .map_or(next, |last| last.seq.0 + last.length as u32 - OURS);
        hand.now += Duration::from_millis(10);
        hand.connection
            .handle_segment(hand.now, &segment(0, 1, Some(next), b""), &mut hand.pool);
        // The first segment of the next window is lost, and without SACK the others are not acknowledged before it has
        // come again.
        let from = hand
            .drain()
            .last()
            .map_or(next, |last| last.seq.0 + last.length as u32 - OURS);
        let since = hand.now;
        let again = hand.wait();
        assert_eq!(again[0].seq, Seq(OURS + next));
        waits.push(hand.now - since);
        next = from.max(next + again[0].length as u32);
        hand.now += Duration::from_millis(10);
        hand.connection
            .handle_segment(hand.now, &segment(0, 1, Some(next), b""), &mut hand.pool);
    }
    let longest = waits.iter().max().copied().unwrap_or_default();
    assert!(longest <= Duration::from_secs(2), "{waits:?}");
}

#[test]
fn what_waited_for_a_fast_retransmission_says_nothing_of_the_round_trip_either() {
    let mut hand = Hand::answered(65_536, Options::default());
    assert!(hand.connection.write(&[7; 20_000], &mut hand.pool));
    hand.drain();
    hand.now += Duration::from_millis(10);
    let mut said = hand.hears(&segment(0, 1, Some(1001), b""));
    for _ in 0..3 {
        said = hand.hears(&segment(0, 1, Some(1001), b""));
    }
    assert_eq!(said[0].seq, Seq(OURS + 1001));
    // The retransmission takes long, and its ACK acknowledges all segments that waited for it.
    hand.now += Duration::from_millis(150);
    hand.hears(&segment(0, 1, Some(8001), b""));
    let since = hand.now;
    hand.wait();
    assert!(hand.now - since < Duration::from_millis(220), "{}", hand.now - since);
}

#[test]
fn the_time_out_learns_that_the_path_has_become_slower() {
    let mut hand = Hand::answered(65_536, Options::default());
    let mut acks: VecDeque<(Instant, Seq)> = VecDeque::new();
    let mut again = Vec::new();
    let mut next = Seq(OURS + 1);
    for _ in 0..400 {
        hand.connection.write(&[7; 1000], &mut hand.pool);
        for said in hand.drain() {
            if said.seq < next {
                again.push(hand.now);
            }
            next = next.max(said.seq + said.length as u32);
            let rtt = if hand.now < Instant::from_secs(1) { 10 } else { 2000 };
            acks.push_back((hand.now + Duration::from_millis(rtt), next));
        }
        let arrival = acks.front().map(|(at, _)| *at);
        hand.now = [arrival, hand.connection.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(hand.now);
        hand.connection.handle_timeout(hand.now);
        while let Some((at, ack)) = acks.front().copied()
            && at <= hand.now
        {
            acks.pop_front();
            let ack = segment(0, 1, Some(ack - Seq(OURS)), b"");
            hand.connection.handle_segment(hand.now, &ack, &mut hand.pool);
        }
    }
    assert!(hand.now > Instant::from_secs(60), "{}", hand.now);
    assert!(
        !again.is_empty() && again.iter().all(|at| *at < Instant::from_secs(12)),
        "{again:?}"
    );
}

#[test]
fn a_tail_that_is_sacked_before_its_probe_could_leave_is_not_sent_again() {
    let options = Options {
        sack_permitted: true,
        mss: Some(1000),
        ..Options::default()
    };
    let mut hand = Hand::answered(65_536, options);
    assert!(hand.connection.write(&[7; 4000], &mut hand.pool));
    hand.drain();
    hand.now += Duration::from_millis(10);
    hand.hears(&segment(0, 1, Some(1001), b""));
    // The timer runs down, and nothing can leave.
    hand.now = hand.connection.poll_timeout().expect("a probe");
    hand.connection.handle_timeout(hand.now);
    let mut told = segment(0, 1, Some(1001), b"");
    told.options.sack.push(Range::new(Seq(OURS + 3001), 1000));
    let said = hand.hears(&told);
    assert!(said.iter().all(|said| said.seq != Seq(OURS + 3001)), "{said:?}");
    hand.hears(&segment(0, 1, Some(4001), b""));
    assert_eq!(hand.connection.queued(), 0);
    assert!(hand.connection.write(&[7; 3000], &mut hand.pool));
    assert_eq!(hand.drain().len(), 3);
}

#[test]
fn a_window_that_nobody_reads_closes_however_small_the_segments_are() {
    let options = Options {
        window_scale: Some(0),
        ..Options::default()
    };
    let max_window = 1 << 20;
    let mut hand = Hand::answered(max_window, options);
    let (mut seq, mut refused) = (1, 0);
    while refused < 3 && hand.connection.readable() < 3 * max_window {
        let before = hand.connection.readable();
        hand.hears(&segment(0, seq, Some(1), b"x"));
        hand.now += Duration::from_millis(50);
        hand.connection.handle_timeout(hand.now);
        hand.drain();
        let taken = hand.connection.readable() - before;
        seq += taken as u32;
        refused += u32::from(taken == 0);
    }
    assert!(
        hand.connection.readable() <= max_window + ROUNDING,
        "{}",
        hand.connection.readable()
    );
}
