//! One connection with a peer that knows its numbers: a few bytes a step make a segment near the windows, or an action
//! of the owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use midwire_wire::buffers::CHUNK;
use midwire_wire::packet::Packet;
use midwire_wire::stack::{Stack, StackConfig};
use midwire_wire::tcp::ROUNDING;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tcp::options::{Options, Timestamp};
use midwire_wire::tcp::segment::{ACK, FIN, Outgoing, PSH, RST, SYN};
use midwire_wire::tcp::seq::{Range, Seq};
use midwire_wire::{Duration, Instant, icmp};

use super::ends::{Counted, Heard, ISN, MTU, Owner, ends, speech};

/// The most flows that a conversation has at once: one, and one that is over and was not dropped yet.
const FLOWS: usize = 2;
/// Milliseconds before a step, by the first four bits of the step.
const TIMES: [u64; 16] = [
    0, 0, 0, 1, 3, 10, 40, 100, 200, 300, 1_000, 3_000, 10_000, 60_000, 130_000, 1_000_000,
];
const FLAGS: [u8; 8] = [ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST, RST | ACK, FIN];
const WINDOWS: [u16; 8] = [65_535, 0, 1, 40, 600, 3_000, 20_000, 65_535];
const BYTES_OF_A_STEP: usize = 6;

struct Conversation {
    now: Instant,
    stack: Stack,
    owner: Owner,
    heard: Heard,
    chunks: Arc<AtomicUsize>,
    max_window: usize,
    /// The options of the peer's SYN.
    options: Options,
    /// The end of the data that the peer has sent in order.
    nxt: Seq,
    /// The last acknowledgement number of the peer.
    una: Seq,
    last: Vec<u8>,
}

pub fn run(input: &[u8]) {
    let Some((&[setup, offer], steps)) = input.split_first_chunk() else {
        return;
    };
    let mut conversation = Conversation::new(setup, offer);
    for step in steps.chunks_exact(BYTES_OF_A_STEP) {
        if let &[head, a, b, c, d, e] = step {
            conversation.pass(TIMES[usize::from(head >> 4)]);
            conversation.step(head & 0x0f, [a, b, c, d, e]);
            conversation.settle();
        }
    }
    conversation.stack.reset_all(conversation.now);
    conversation.settle();
    assert_eq!(conversation.stack.flow_count(), 0, "a flow outlives its reset");
}

impl Conversation {
    fn new(setup: u8, offer: u8) -> Self {
        let max_window = [4_096, 20_000, 65_536, 1 << 18][usize::from(setup >> 6)];
        let chunks = Arc::new(AtomicUsize::new(0));
        let config = StackConfig {
            mtu: MTU,
            addresses: Vec::new(),
            hold_syn: setup & 2 != 0,
            raise_icmp: false,
            max_window,
            memory: if setup & 4 == 0 { 64 << 20 } else { 2 * CHUNK },
            congestion: if setup & 8 == 0 {
                Algorithm::Cubic
            } else {
                Algorithm::Bbr
            },
            seed: 7,
        };
        let mut conversation = Conversation {
            now: Instant::ZERO,
            stack: Stack::new(config, Box::new(Counted(chunks.clone()))),
            owner: Owner::default(),
            heard: Heard::default(),
            chunks,
            max_window,
            options: Options {
                mss: [None, Some(1460), Some(600), Some(1)][usize::from(offer & 3)],
                window_scale: (offer & 4 != 0).then_some(offer >> 5),
                sack_permitted: offer & 8 != 0,
                timestamp: (offer & 16 != 0).then_some(Timestamp { value: 1, echo: 0 }),
                ..Options::default()
            },
            nxt: ISN,
            una: Seq(0),
            last: Vec::new(),
        };
        conversation.owner.next = Some(ISN + 1);
        if setup & 1 != 0 {
            let (peer, ours) = ends();
            let now = conversation.now;
            if let Ok(id) = conversation.stack.connect(now, 1, ours.ip(), peer) {
                conversation.owner.begin(id);
            }
            conversation.settle();
        } else if setup & 16 != 0 {
            // Most conversations begin with a handshake.
            conversation.step(0, [3, 0, 0, 0, 0]);
            conversation.settle();
            conversation.step(11, [0; 5]);
            conversation.settle();
            conversation.step(0, [0; 5]);
            conversation.settle();
        }
        conversation
    }

    fn settle(&mut self) {
        self.heard.packets = 0;
        self.stack.poll_rise(&mut self.owner);
        self.stack.poll_fall(self.now, &mut self.heard);
        self.stack.poll_rise(&mut self.owner);
        let most = FLOWS * (2 * self.max_window.max(65_536) + 2 * ROUNDING + 4 * CHUNK);
        let held = self.chunks.load(Ordering::Relaxed) * CHUNK;
        assert!(held <= most, "{held} bytes for windows of {}", self.max_window);
    }

    /// Lets time pass, and serves the deadlines in it.
    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        let mut turns = 0;
        while let Some(at) = self.stack.poll_timeout().filter(|at| *at <= end) {
            assert!(at >= self.now || turns == 0, "a deadline in the past");
            self.now = at.max(self.now);
            self.stack.handle_timeout(self.now, &mut self.owner);
            self.settle();
            turns += 1;
            assert!(turns <= 10_000, "timers run down again and again");
        }
        self.now = end;
    }

    fn step(&mut self, kind: u8, numbers: [u8; 5]) {
        let [a, b, c, d, e] = numbers;
        match (kind, self.owner.id) {
            (0..=8, _) => self.says(numbers),
            (9, _) => self.error(a, b),
            (10, Some(id)) => {
                let wish = usize::from(a) * usize::from(b);
                let length = wish.min(self.owner.granted + usize::from(c == 255));
                self.owner.granted -= length.min(self.owner.granted);
                self.stack.write(id, &vec![d; length]);
            }
            (11, Some(id)) if self.owner.held => {
                self.owner.held = false;
                self.stack.accept(self.now, id);
            }
            (11, Some(id)) => {
                let read = self.owner.unread.min(usize::from(a) * usize::from(b));
                self.owner.unread -= read;
                self.owner.full = c & 1 != 0;
                self.stack.credit(id, read);
            }
            (12, Some(id)) => self.stack.end(id),
            (13, Some(id)) if a < 128 => self.stack.close(self.now, id),
            (13, Some(id)) => self.stack.reset(self.now, id),
            // The last packet comes again, whole or spoilt.
            (14, _) => {
                let mut packet = self.last.clone();
                if let Some(byte) = packet.get_mut(usize::from(a)) {
                    *byte ^= e;
                }
                self.stack.handle_packet(self.now, 1, &packet, &mut self.owner);
            }
            _ => {}
        }
    }

    /// The peer sends a segment near the windows: each of its numbers is a place and a small distance from there.
    fn says(&mut self, [a, b, c, d, e]: [u8; 5]) {
        let flags = FLAGS[usize::from(a & 7)];
        let unit = if a & 8 == 0 { 1 } else { 500 };
        // The smallest distances come first: none, one forward, one back.
        let way = |byte: u8| {
            let length = u32::from(byte & 0x3f).div_ceil(2) * unit;
            if byte & 1 == 0 { length.wrapping_neg() } else { length }
        };
        let seq = [self.nxt, self.heard.ack, self.heard.edge, ISN][usize::from(b >> 6)] + way(b);
        let in_flight = self.heard.nxt - self.una;
        let middle = self.una + in_flight / 2;
        let ack = [self.heard.nxt, self.una, middle, self.heard.iss][usize::from(c >> 6)] + way(c);
        let length = usize::from(d & 0x7f) * if d < 128 { 1 } else { 11 };
        let mut says = Outgoing::bare(seq, (flags & ACK != 0).then_some(ack), flags);
        says.window = WINDOWS[usize::from(e & 7)];
        says.length = if flags & SYN == 0 { length } else { 0 };
        if flags & SYN != 0 {
            says.seq = ISN;
            says.options = self.options;
        } else {
            self.tell(&mut says.options, ack, e >> 3);
        }
        let (from, to) = ends();
        let mut packet = Vec::new();
        says.emit(from, to, &mut packet, |packet| {
            packet.extend((0..says.length as u32).map(|at| speech(seq + at)));
        });
        if flags & RST == 0 && (says.seq == self.nxt || flags & SYN != 0) {
            let taken = says.length as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
            self.nxt = says.seq + taken;
        }
        self.una = self.una.max(ack.min(self.heard.nxt));
        self.stack.handle_packet(self.now, 1, &packet, &mut self.owner);
        self.last = packet;
    }

    /// Adds timestamps and SACK blocks, by five bits.
    fn tell(&self, options: &mut Options, ack: Seq, bits: u8) {
        if self.options.timestamp.is_some() && bits & 3 != 3 {
            let now = self.now.total_millis() as u32;
            options.timestamp = Some(Timestamp {
                value: if bits & 3 == 2 {
                    now.wrapping_sub(5_000)
                } else {
                    now.wrapping_add(2)
                },
                echo: if bits & 3 == 1 {
                    self.heard.time.wrapping_sub(300)
                } else {
                    self.heard.time
                },
            });
        }
        if bits & 0x1c == 0x1c {
            // The block reports a duplicate of data that was acknowledged before.
            options.sack.push(Range::new(ack - 700, 700));
        }
        for block in 0..u32::from(bits >> 3) {
            let from = ack + 600 + block * 3_000 * u32::from(bits >> 2 & 1);
            options.sack.push(Range::new(from, 1_400));
        }
    }

    /// A router, or the peer's host, sends an ICMP error about the stack's last packet.
    fn error(&mut self, kind: u8, mtu: u8) {
        let Ok(quoted) = Packet::parse(&self.heard.last) else {
            return;
        };
        let packet = match kind % 5 {
            0 => icmp::unreachable(icmp::Unreachable::Network, &quoted),
            1 => icmp::unreachable(icmp::Unreachable::Port, &quoted),
            2 => icmp::unreachable(icmp::Unreachable::Host, &quoted),
            _ => {
                let [high, low] = (u16::from(mtu) * 8).to_be_bytes();
                let mut body = vec![3, 4, 0, 0, 0, 0, high, low];
                body.extend(self.heard.last.iter().take(28));
                icmp::message([10, 0, 0, 254].into(), quoted.source, &body)
            }
        };
        if let Some(packet) = packet {
            self.stack.handle_packet(self.now, 1, &packet, &mut self.owner);
        }
    }
}
