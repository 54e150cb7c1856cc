//! The service on one connection: answers received data as far as the stack has room, and gives credit for data it has
//! read.

use std::collections::VecDeque;
use std::net::SocketAddr;

use midwire_wire::{Duration, Instant};

use crate::pattern::{Fingerprint, Pattern};

/// The longest piece in one command.
const CHUNK: usize = 64 * 1024;
/// Bytes that port 7006 sends without reading anything.
const SPEECH: u64 = 300_000;
/// Longer than a minimal retransmission timeout: the other end has to ask whether the window is still closed.
const PAUSE: Duration = Duration::from_millis(1000);

enum Service {
    /// Port 7000, and connections from here: sends back the received data, and reads no faster than it can send.
    Echo,
    /// Port 7001: receives a length, then that many bytes, and answers with one byte.
    Sink,
    /// Port 7002: receives a length, sends that many bytes, and ends. Other received data is ignored.
    Source,
    /// Port 7003: reads to the end, and answers with the fingerprint and the length.
    Hash,
    /// Port 7004: receives a length, then that many bytes go each way at once, and it answers with the fingerprint.
    /// Port 7008 does the same, and pauses when half is read.
    BothWays { pauses: bool },
    /// Ports 7005 and 7006: read nothing. Port 7006 sends.
    Deaf,
    /// Port 7009: receives a line with the address to connect to.
    Back { line: Vec<u8> },
}

enum Part {
    Bytes(VecDeque<u8>),
    Pattern(Pattern, u64),
}

pub struct Conversation {
    service: Service,
    /// Bytes that the stack takes now.
    room: usize,
    out: VecDeque<Part>,
    /// The bytes of the length in front that have been received.
    head: Vec<u8>,
    expected: Option<u64>,
    received: u64,
    fingerprint: Fingerprint,
    /// Bytes that were read and are to be credited.
    credit: usize,
    paused_until: Option<Instant>,
    input_ended: bool,
    ended: bool,
    wish: Option<String>,
}

impl Conversation {
    /// `None` for a port without a service.
    pub fn on(port: u16, room: usize) -> Option<Conversation> {
        let service = match port {
            7000 => Service::Echo,
            7001 => Service::Sink,
            7002 => Service::Source,
            7003 => Service::Hash,
            7004 => Service::BothWays { pauses: false },
            7005 | 7006 => Service::Deaf,
            7008 => Service::BothWays { pauses: true },
            7009 => Service::Back { line: Vec::new() },
            _ => return None,
        };
        let mut conversation = Conversation {
            service,
            room,
            out: VecDeque::new(),
            head: Vec::new(),
            expected: None,
            received: 0,
            fingerprint: Fingerprint::default(),
            credit: 0,
            paused_until: None,
            input_ended: false,
            ended: false,
            wish: None,
        };
        if port == 7006 {
            conversation.say_pattern(SPEECH);
        }
        Some(conversation)
    }

    pub fn handle_data(&mut self, now: Instant, mut bytes: &[u8]) {
        match &mut self.service {
            Service::Echo => return self.say(bytes),
            Service::Deaf => return,
            _ => self.credit += bytes.len(),
        }
        match &mut self.service {
            Service::Hash => self.count(now, bytes),
            Service::Back { line } => {
                line.extend_from_slice(bytes);
                if line.ends_with(b"\n") {
                    self.wish = Some(String::from_utf8_lossy(line).trim_end().to_owned());
                    line.clear();
                }
            }
            _ => {
                if self.expected.is_none() {
                    let (head, rest) = bytes.split_at(bytes.len().min(8 - self.head.len()));
                    self.head.extend_from_slice(head);
                    bytes = rest;
                    let Ok(length) = self.head.as_slice().try_into() else {
                        return;
                    };
                    self.begin(u64::from_be_bytes(length));
                }
                self.count(now, bytes);
            }
        }
    }

    /// Called when the length is known.
    fn begin(&mut self, length: u64) {
        self.expected = Some(length);
        if matches!(self.service, Service::Source | Service::BothWays { .. }) {
            self.say_pattern(length);
        }
    }

    fn count(&mut self, now: Instant, bytes: &[u8]) {
        let before = self.received;
        self.received += bytes.len() as u64;
        self.fingerprint.add(bytes);
        let Some(expected) = self.expected else { return };
        let passes = |point: u64| before < point && self.received >= point;
        if matches!(self.service, Service::BothWays { pauses: true }) && passes(expected / 2) {
            self.paused_until = Some(now + PAUSE);
        }
        if passes(expected) {
            match self.service {
                Service::Sink => self.say(b"."),
                Service::BothWays { .. } => self.say(&self.fingerprint.0.to_be_bytes()),
                _ => {}
            }
        }
    }

    pub fn handle_end(&mut self) {
        self.input_ended = true;
        if matches!(self.service, Service::Hash) {
            let answer = format!("{:016x} {}\n", self.fingerprint.0, self.received);
            self.say(answer.as_bytes());
        }
    }

    pub fn handle_writable(&mut self, bytes: usize) {
        self.room += bytes;
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        self.paused_until = self.paused_until.filter(|until| *until > now);
    }

    pub fn say(&mut self, bytes: &[u8]) {
        if let Some(Part::Bytes(last)) = self.out.back_mut() {
            return last.extend(bytes);
        }
        self.out.push_back(Part::Bytes(bytes.iter().copied().collect()));
    }

    fn say_pattern(&mut self, length: u64) {
        self.out.push_back(Part::Pattern(Pattern::default(), length));
    }

    /// The bytes to write next; empty when there are none, or no room for them.
    pub fn poll_write(&mut self) -> Vec<u8> {
        let most = self.room.min(CHUNK);
        let Some(part) = self.out.front_mut() else {
            return Vec::new();
        };
        let (bytes, left): (Vec<u8>, bool) = match part {
            Part::Bytes(bytes) => (bytes.drain(..most.min(bytes.len())).collect(), !bytes.is_empty()),
            Part::Pattern(pattern, left) => {
                let bytes: Vec<u8> = pattern.take(most.min(*left as usize)).collect();
                *left -= bytes.len() as u64;
                (bytes, *left > 0)
            }
        };
        if !left {
            self.out.pop_front();
        }
        self.room -= bytes.len();
        if matches!(self.service, Service::Echo) {
            self.credit += bytes.len();
        }
        bytes
    }

    /// Bytes that the service has read since it was last asked.
    pub fn poll_credit(&mut self) -> usize {
        if self.paused_until.is_some() {
            return 0;
        }
        std::mem::take(&mut self.credit)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.paused_until
    }

    /// True once, when this side has sent all its output and got all the input that it waits for.
    pub fn poll_end(&mut self) -> bool {
        let done = self.input_ended || matches!(self.service, Service::Source) && self.expected.is_some();
        let over = done && self.out.is_empty() && !self.ended;
        self.ended |= over;
        over
    }

    /// The address that the other end wants a connection to, or the mistake in it.
    pub fn poll_wish(&mut self) -> Option<Result<SocketAddr, String>> {
        let wish = self.wish.take()?;
        let place = wish
            .split_once(' ')
            .and_then(|(address, port)| Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?)));
        Some(place.ok_or(wish))
    }
}
