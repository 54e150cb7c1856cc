//! Runs a conversation of two sides: carries their packets, serves their timers, and checks the properties at every
//! step.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use midwire_wire::packet::Packet;
use midwire_wire::tcp::connection::Connection;
use midwire_wire::tcp::segment::{ACK, FIN, Outgoing, PSH, SYN, Segment};
use midwire_wire::{Duration, Instant};

use super::plan::{Closing, Opening, Plan};
use super::side::Side;
use super::watcher::{Check, ensure, line};

/// Lines of the trace that are kept.
const TRACE: usize = 80;
/// Packets in one go; more is a storm.
const MOST_AT_ONCE: usize = 20_000;
/// Turns of a timer in a virtual millisecond that bring no segment.
const IDLE_TURNS: u32 = 60;

pub struct Conversation {
    plan: Plan,
    now: Instant,
    sides: [Side; 2],
    trace: VecDeque<String>,
    /// The millisecond that is counted, and its idle turns.
    idle: (i64, u32),
    /// Reads and turns of timers: each may bring one bare ACK.
    occasions: [u64; 2],
    /// Turns since the time has moved.
    still: usize,
}

/// Runs a conversation to its end. The error says which property is broken, and has the trace before that.
pub fn run(plan: &Plan) -> Result<Duration, String> {
    let mut conversation = Conversation::new(plan.clone());
    let result = catch_unwind(AssertUnwindSafe(|| conversation.run())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", text.unwrap_or_default()))
    });
    result
        .map(|()| conversation.now - Instant::ZERO)
        .map_err(|what| conversation.report(&what))
}

impl Conversation {
    fn new(plan: Plan) -> Self {
        let (one, other): ([u8; 4], [u8; 4]) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let address = |octets: [u8; 4], port| -> SocketAddr {
            if plan.ipv6 {
                ([0xfd00, 0, 0, 0, 0, 0, 0, octets[3].into()], port).into()
            } else {
                (octets, port).into()
            }
        };
        let side = |at: usize, address| {
            let last = plan.closing == Closing::Last(at);
            let seed = plan.seed.rotate_left(at as u32 * 32).wrapping_add(at as u64);
            Side::new(plan.sides[at].clone(), address, seed, last)
        };
        let mut sides = [side(0, address(one, 40_000)), side(1, address(other, 80))];
        for side in &mut sides {
            if side.address.port() == 40_000 || plan.opening == Opening::Simultaneous {
                side.connection = Some(Connection::open(Instant::ZERO, side.config()));
            }
        }
        Conversation {
            now: Instant::ZERO,
            sides,
            trace: VecDeque::new(),
            idle: (0, 0),
            occasions: [0; 2],
            still: 0,
            plan,
        }
    }

    fn run(&mut self) -> Check {
        let patience = self.plan.patience();
        loop {
            for at in 0..2 {
                self.turn(at)?;
            }
            if self.sides.iter().all(Side::is_over) {
                return self.check_end();
            }
            let next = self.sides.iter().filter_map(|side| side.wake_at(self.now)).min();
            let next = next.ok_or("nobody waits for anything, and it is not over")?;
            ensure(next <= Instant::ZERO + patience, || {
                format!("not over after {patience}")
            })?;
            self.still = if next > self.now { 0 } else { self.still + 1 };
            ensure(self.still < MOST_AT_ONCE, || "the time stands still".into())?;
            self.now = next.max(self.now);
        }
    }

    fn turn(&mut self, at: usize) -> Check {
        let other = 1 - at;
        while let Some(datagram) = self.sides[other].out.receive(self.now) {
            self.deliver(at, &datagram)?;
        }
        let now = self.now;
        let due = self.sides[at].timer.is_some_and(|(_, served)| served <= now);
        if let Some(connection) = self.sides[at].connection.as_mut().filter(|_| due) {
            connection.handle_timeout(now);
            self.sides[at].timer = None;
            self.occasions[at] += 1;
        }
        let read = self.sides[at].read;
        self.sides[at].act(now, &self.plan.sides[other])?;
        self.occasions[at] += u64::from(self.sides[at].read > read);
        if now < self.sides[at].shut_until {
            return Ok(());
        }
        let left = self.drain(at)?;
        if due && left == 0 {
            self.count_idle_turn()?;
        }
        self.sides[at].check(&self.plan.sides[other])?;
        self.set_timer(at)
    }

    fn deliver(&mut self, at: usize, datagram: &[u8]) -> Check {
        // What the link has spoilt is dropped here: by a length, or by a checksum.
        let Ok(packet) = Packet::parse(datagram) else {
            return Ok(());
        };
        let Ok(segment) = Segment::parse(&packet) else {
            return Ok(());
        };
        self.note(at, "hears", &segment);
        let default_mss = if self.plan.ipv6 { 1220 } else { 536 };
        let now = self.now;
        let side = &mut self.sides[at];
        side.watcher.handle_heard(&segment, default_mss);
        match &mut side.connection {
            Some(connection) => connection.handle_segment(now, &segment, &mut side.pool),
            None if segment.flags & (SYN | ACK) == SYN => {
                side.connection = Some(Connection::answer(now, side.config(), &segment));
            }
            None => {}
        }
        side.check(&self.plan.sides[1 - at])
    }

    /// Sends the packets that are to leave, unless the way out is shut meanwhile. Gives their number.
    fn drain(&mut self, at: usize) -> Result<usize, String> {
        for count in 0..MOST_AT_ONCE {
            let side = &mut self.sides[at];
            let Some(connection) = &mut side.connection else {
                return Ok(count);
            };
            if side.out.chance(side.plan.blocked) {
                side.shut_until = self.now + Duration::from_micros(1 + side.out.next() % 5_000);
                return Ok(count);
            }
            let Some(mut outgoing) = connection.poll_transmit(self.now, &side.pool) else {
                return Ok(count);
            };
            if outgoing.flags & SYN != 0 {
                self.plan.middlebox.rewrite(&mut outgoing.options);
            }
            let bytes = self.emit(at, &outgoing)?;
            let packet = Packet::parse(&bytes).map_err(|error| format!("our own packet: {error:?}"))?;
            let segment = Segment::parse(&packet).map_err(|error| format!("our own segment: {error:?}"))?;
            self.note(at, "says", &segment);
            let side = &mut self.sides[at];
            let readable = side.connection.as_ref().map_or(0, Connection::readable);
            let full = |window| readable + window > side.plan.max_window;
            side.watcher.handle_said(&segment, bytes.len(), side.plan.mtu, full)?;
            let (bare, heard) = (side.watcher.bare, side.watcher.heard);
            ensure(bare <= heard + self.occasions[at] + 1, || {
                format!("{bare} bare ACKs for {heard} segments")
            })?;
            let cut = outgoing.length > 1 && side.out.chance(self.plan.middlebox.cut);
            if !cut {
                side.out.send(self.now, &bytes);
                continue;
            }
            let first = 1 + side.out.next() as usize % (outgoing.length - 1);
            let (head, tail) = halves(&outgoing, first);
            for half in [head, tail] {
                let bytes = self.emit(at, &half)?;
                self.sides[at].out.send(self.now, &bytes);
            }
        }
        Err("a storm".into())
    }

    fn emit(&self, at: usize, outgoing: &Outgoing) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let side = &self.sides[at];
        let queue = side.connection.as_ref().ok_or("a segment of nobody's")?.queue();
        let to = self.sides[1 - at].address;
        let written = outgoing.emit(side.address, to, &mut bytes, |packet| {
            queue.copy(outgoing.offset, outgoing.length, packet);
        });
        ensure(written, || "a segment that is no packet".into())?;
        Ok(bytes)
    }

    fn count_idle_turn(&mut self) -> Check {
        let millisecond = self.now.total_millis();
        self.idle = match self.idle {
            (known, count) if known == millisecond => (known, count + 1),
            _ => (millisecond, 1),
        };
        ensure(self.idle.1 <= IDLE_TURNS, || {
            "timers run down, and nothing comes of it".into()
        })
    }

    /// A deadline that has passed is none: its owner would come back at once, again and again.
    fn set_timer(&mut self, at: usize) -> Check {
        let now = self.now;
        let side = &mut self.sides[at];
        if now < side.shut_until {
            return Ok(());
        }
        let deadline = side.connection.as_ref().and_then(Connection::poll_timeout);
        match (deadline, side.timer) {
            (None, _) => side.timer = None,
            (Some(deadline), Some((known, served))) if deadline == known && served > now => {}
            (Some(deadline), _) => {
                let late = Duration::from_micros(side.out.next() % (side.plan.lateness + 1));
                if deadline <= now {
                    side.timer = Some((deadline, now));
                    let connection = side.connection.as_mut().ok_or("a deadline of nobody's")?;
                    connection.handle_timeout(now);
                    let left = self.drain(at)?;
                    let deadline = self.sides[at].connection.as_ref().and_then(Connection::poll_timeout);
                    let passed = deadline.is_some_and(|deadline| deadline <= now);
                    let shut = now < self.sides[at].shut_until;
                    ensure(!passed || left > 0 || shut, || {
                        format!("the deadline {deadline:?} has passed, and nothing leaves")
                    })?;
                    self.sides[at].timer = deadline.map(|deadline| (deadline, deadline.max(now)));
                } else {
                    side.timer = Some((deadline, deadline + late));
                }
            }
        }
        Ok(())
    }

    fn check_end(&self) -> Check {
        for (at, side) in self.sides.iter().enumerate() {
            let other = &self.plan.sides[1 - at];
            let end = side.connection.as_ref().and_then(Connection::end);
            ensure(side.written == side.plan.bytes, || format!("it ended early: {end:?}"))?;
            ensure(side.read == other.bytes, || {
                format!("read {} of {}: {end:?}", side.read, other.bytes)
            })?;
            ensure(side.pool.used() == 0, || format!("{} bytes are kept", side.pool.used()))?;
        }
        Ok(())
    }

    fn note(&mut self, at: usize, what: &str, segment: &Segment<'_>) {
        if self.trace.len() == TRACE {
            self.trace.pop_front();
        }
        let iss = |side: usize| self.plan.sides[side].iss;
        let speaker = if what == "says" { at } else { 1 - at };
        let line = line(segment, (iss(speaker), iss(1 - speaker)));
        let micros = self.now.total_micros();
        self.trace
            .push_back(format!("{:>12} us  {at} {what:<5} {line}", micros));
    }

    fn report(&self, what: &str) -> String {
        let trace: Vec<&str> = self.trace.iter().map(String::as_str).collect();
        let [one, other] = &self.sides;
        format!(
            "{what}\nat {} us; numbers count from each side's ISN\n{}\n0 {}\n1 {}",
            self.now.total_micros(),
            trace.join("\n"),
            one.describe(),
            other.describe()
        )
    }
}

/// The segment cut behind its first `length` bytes.
fn halves(outgoing: &Outgoing, length: usize) -> (Outgoing, Outgoing) {
    let (mut head, mut tail) = (*outgoing, *outgoing);
    head.length = length;
    head.flags &= !(FIN | PSH);
    tail.seq += length as u32;
    tail.offset += length;
    tail.length -= length;
    (head, tail)
}
