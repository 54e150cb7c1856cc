//! One connection: a socket or a transport of Node's below, perhaps a TLS session over that, and what waits to be sent.

use std::io;
use std::sync::Arc;

use mio::net::TcpStream;

use midwire_tls::ServerConfig;
use midwire_tls::failure::Failure;
use midwire_tls::session::{Said, Session};

use crate::connections::events::{self, event};
use crate::connections::socket;
use crate::messages;

/// The most bytes of one read: other connections have their turns between two of them.
pub const PIECE: usize = 64 * 1024;
/// Node is told of bytes that have left when there are so many, and all that was written has left.
const WRITABLE_PIECE: u32 = 64 * 1024;
/// What waits to be sent keeps so much memory when it has left.
const KEPT: usize = 64 * 1024;

pub struct Connection {
    pub id: u32,
    /// `None`: the transport below is Node's.
    pub stream: Option<TcpStream>,
    session: Option<Session>,
    /// How a client is answered whose ClientHello is not whole yet.
    answer: Option<Arc<ServerConfig>>,
    is_secured: bool,
    /// The TLS session has failed: what still comes is nobody's.
    has_failed: bool,
    pub is_connecting: bool,
    pub is_readable: bool,
    is_writable: bool,
    /// The kernel has said that FIN or RST has come, so that a short read is not the last.
    pub is_ending: bool,
    is_paused: bool,
    /// The peer sends no more.
    has_ended: bool,
    /// Node wants FIN sent behind what waits.
    ends: bool,
    fin_sent: bool,
    /// Node wants to hear no more: the connection is over when what waits has left.
    closes: bool,
    /// After Node's close the peer goes on sending: its FIN is waited for, as long as Node likes.
    lingers: bool,
    out: Vec<u8>,
    sent: usize,
    /// Bytes that Node has written and was not told about.
    owed: u32,
    /// True while the connection stands in the engine's queue.
    pub is_queued: bool,
    pub is_dirty: bool,
    /// The engine counts it among those that keep Node alive.
    pub is_counted: bool,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
pub enum Life {
    Goes,
    Over,
}

impl Connection {
    pub fn new(id: u32, stream: Option<TcpStream>, is_connecting: bool) -> Self {
        Connection {
            id,
            stream,
            session: None,
            answer: None,
            is_secured: false,
            has_failed: false,
            is_connecting,
            is_readable: false,
            is_writable: !is_connecting,
            is_ending: false,
            // Node says when somebody listens.
            is_paused: true,
            has_ended: false,
            ends: false,
            fin_sent: false,
            closes: false,
            lingers: false,
            out: Vec::new(),
            sent: 0,
            owed: 0,
            is_queued: false,
            is_dirty: false,
            is_counted: false,
        }
    }

    pub fn set_writable(&mut self) {
        self.is_writable = true;
    }

    pub fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Whether there is something to do when its turn comes.
    pub fn has_work(&self) -> bool {
        self.is_connecting || self.may_read() || (self.is_writable && self.waits())
    }

    /// Whether Node has to wait for something of the connection. As in Node, one that nobody reads and that has sent all is nothing to wait for.
    pub fn is_alive(&self) -> bool {
        let reads = !self.is_paused && !self.has_ended;
        reads || self.is_connecting || self.is_in_handshake() || self.waits() || self.closes
    }

    fn may_read(&self) -> bool {
        let wants = self.closes || !self.is_paused || self.is_in_handshake();
        self.is_readable && wants && !self.has_ended && !self.is_connecting
    }

    fn is_in_handshake(&self) -> bool {
        self.session.is_some() && !self.is_secured
    }

    fn waits(&self) -> bool {
        self.sent < self.out.len() || (self.ends && !self.fin_sent)
    }

    /// The connection is done, or the answer says what the system has against it.
    pub fn connect(&mut self, records: &mut Vec<u8>) -> Life {
        let Some(stream) = &self.stream else { return Life::Goes };
        let ends = match socket::is_connected(stream) {
            Ok(false) => return Life::Goes,
            Ok(true) => stream.local_addr().and_then(|local| Ok((local, stream.peer_addr()?))),
            Err(error) => Err(error),
        };
        match ends {
            Ok((local, remote)) => {
                self.is_connecting = false;
                // Small writes leave at once: what belongs together comes in one write.
                let _ = stream.set_nodelay(true);
                events::push_addresses(records, event::CONNECTED, self.id, 0, local, remote);
                Life::Goes
            }
            Err(error) => self.lose(&error, records),
        }
    }

    /// Reads once, as far as somebody wants that.
    pub fn read(&mut self, scratch: &mut Vec<u8>, records: &mut Vec<u8>) -> Life {
        if !self.may_read() {
            return Life::Goes;
        }
        let Some(stream) = &self.stream else { return Life::Goes };
        if self.closes || self.has_failed {
            scratch.clear();
            let result = socket::receive(stream, scratch, PIECE);
            return self.forget(&result, records);
        }
        if self.session.is_some() {
            scratch.clear();
            let result = socket::receive(stream, scratch, PIECE);
            return match self.came(result, records) {
                Ok(0) => {
                    self.end_below(records);
                    Life::Goes
                }
                Ok(_) => {
                    self.decrypt(scratch, records);
                    Life::Goes
                }
                Err(life) => life,
            };
        }
        // The record is written around the bytes where the system has put them.
        let start = records.len();
        messages::push(records, event::DATA, self.id, &[]);
        let result = socket::receive(stream, records, PIECE);
        let length = *result.as_ref().unwrap_or(&0);
        if length > 0 {
            messages::finish(records, start);
        } else {
            records.truncate(start);
        }
        match self.came(result, records) {
            Ok(0) => {
                self.end_below(records);
                Life::Goes
            }
            Ok(_) => Life::Goes,
            Err(life) => life,
        }
    }

    /// Sorts the outcome of a read.
    fn came(&mut self, result: io::Result<usize>, records: &mut Vec<u8>) -> Result<usize, Life> {
        match result {
            Ok(length) => {
                // A read that is short has emptied the socket, unless FIN waits behind it.
                if length < PIECE && !self.is_ending {
                    self.is_readable = false;
                }
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_readable = false;
                Err(Life::Goes)
            }
            Err(error) => Err(self.lose(&error, records)),
        }
    }

    fn forget(&mut self, result: &io::Result<usize>, records: &mut Vec<u8>) -> Life {
        match result {
            Ok(0) => {
                self.has_ended = true;
                self.lingers = false;
                Life::Goes
            }
            Ok(length) => {
                self.is_readable = *length == PIECE || self.is_ending;
                self.lingers = self.closes;
                Life::Goes
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_readable = false;
                Life::Goes
            }
            Err(error) => self.lose(error, records),
        }
    }

    /// What is below has ended: FIN, or Node has said so. As in Node, the end of a session may come without close_notify.
    pub fn end_below(&mut self, records: &mut Vec<u8>) {
        if self.has_ended {
            return;
        }
        self.has_ended = true;
        if self.is_in_handshake() {
            self.check_end(records);
        } else {
            messages::push(records, event::END, self.id, &[]);
        }
    }

    /// Puts the client's side of a session over what is below. From now on what Node writes is plaintext.
    pub fn ask(&mut self, session: Session, hello: &[u8]) {
        self.out.extend_from_slice(hello);
        self.session = Some(session);
    }

    /// Puts the server's side of a session over what is below. What the client has said already comes by `decrypt`.
    pub fn answer(&mut self, config: Arc<ServerConfig>) {
        self.session = Some(Session::accept());
        self.answer = Some(config);
    }

    /// A peer that had ended before TLS began cannot finish the handshake.
    pub fn check_end(&mut self, records: &mut Vec<u8>) {
        if self.has_ended && self.is_in_handshake() && !self.has_failed {
            self.has_failed = true;
            events::push_failed(records, self.id, &Failure::Truncated);
        }
    }

    /// Hands ciphertext to the session, and what comes of it to Node.
    pub fn decrypt(&mut self, cipher: &[u8], records: &mut Vec<u8>) {
        if self.has_failed {
            return;
        }
        let Some(session) = &mut self.session else { return };
        let start = records.len();
        messages::push(records, event::DATA, self.id, &[]);
        let head = records.len();
        let mut result = session.handle(cipher, records, &mut self.out);
        if result.as_ref().is_ok_and(|said| said.hello)
            && let Some(config) = self.answer.take()
        {
            result = session.answer(config, &mut self.out);
        }
        let length = records.len() - head;
        // What was agreed on is told before the first data, and data is rare in a handshake.
        let data = if length == 0 {
            records.truncate(start);
            None
        } else if self.is_secured {
            messages::finish(records, start);
            None
        } else {
            let data = records.split_off(head);
            records.truncate(start);
            Some(data)
        };
        match result {
            Ok(said) => self.tell(said, data, records),
            Err(failure) => {
                self.has_failed = true;
                events::push_failed(records, self.id, &failure);
            }
        }
    }

    /// Tells Node what a session has heard.
    fn tell(&mut self, said: Said, data: Option<Vec<u8>>, records: &mut Vec<u8>) {
        for line in &said.secrets {
            messages::push(records, event::SECRET, self.id, &[line.as_bytes()]);
        }
        if let Some(established) = &said.established {
            self.is_secured = true;
            events::push_secured(records, self.id, established);
        }
        if let Some(data) = data {
            messages::push(records, event::DATA, self.id, &[&data]);
        }
        if said.ended && !self.has_ended {
            self.has_ended = true;
            messages::push(records, event::END, self.id, &[]);
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        if self.ends || self.closes {
            return;
        }
        self.owed = self.owed.saturating_add(bytes.len() as u32);
        match &mut self.session {
            Some(session) => session.write(bytes, &mut self.out),
            None => self.out.extend_from_slice(bytes),
        }
    }

    /// Sends what waits, and then FIN.
    pub fn end(&mut self) {
        if self.ends {
            return;
        }
        self.ends = true;
        if let Some(session) = &mut self.session
            && !self.has_failed
        {
            session.end(&mut self.out);
        }
    }

    /// As `end`, and Node hears no more: what still comes is dropped.
    pub fn close(&mut self) {
        self.end();
        self.closes = true;
    }

    /// Sends as much as the socket takes, in one call where it takes all.
    pub fn flush(&mut self, records: &mut Vec<u8>) -> Life {
        let Some(stream) = &self.stream else {
            return self.flush_to_node(records);
        };
        if self.is_connecting {
            return Life::Goes;
        }
        while self.is_writable && self.sent < self.out.len() {
            match socket::send(stream, &self.out[self.sent..]) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) => return self.lose_sending(&error, records),
            }
        }
        if self.sent < self.out.len() {
            return Life::Goes;
        }
        if self.ends && !self.fin_sent {
            self.fin_sent = true;
            socket::end(stream);
        }
        self.has_left(records);
        // A socket that is closed while data waits to be read sends RST, which makes the peer forget what it has got. So that is read first.
        if self.fin_sent && (self.has_ended || (self.closes && !self.is_readable)) && !self.lingers {
            messages::push(records, event::CLOSED, self.id, &[]);
            return Life::Over;
        }
        Life::Goes
    }

    fn flush_to_node(&mut self, records: &mut Vec<u8>) -> Life {
        for piece in self.out.chunks(PIECE) {
            messages::push(records, event::CIPHER, self.id, &[piece]);
        }
        self.sent = self.out.len();
        self.has_left(records);
        if self.ends && !self.fin_sent {
            self.fin_sent = true;
            messages::push(records, event::CIPHER_END, self.id, &[]);
        }
        if !self.closes {
            return Life::Goes;
        }
        messages::push(records, event::CLOSED, self.id, &[]);
        Life::Over
    }

    fn has_left(&mut self, records: &mut Vec<u8>) {
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        } else {
            self.out.clear();
        }
        self.sent = 0;
        if self.owed >= WRITABLE_PIECE && !self.closes {
            messages::push(records, event::WRITABLE, self.id, &[&self.owed.to_le_bytes()]);
            self.owed = 0;
        }
    }

    /// What the peer has said before it closed is read first: the read that fails then tells the same.
    fn lose_sending(&mut self, error: &io::Error, records: &mut Vec<u8>) -> Life {
        if self.has_ended || self.closes || self.is_paused {
            return self.lose(error, records);
        }
        self.out.clear();
        self.sent = 0;
        self.is_writable = false;
        self.is_readable = true;
        self.is_ending = true;
        Life::Goes
    }

    fn lose(&mut self, error: &io::Error, records: &mut Vec<u8>) -> Life {
        let number = error.raw_os_error().unwrap_or(libc::ECONNRESET);
        messages::push(records, event::LOST, self.id, &[&number.to_le_bytes()]);
        Life::Over
    }

    /// Sends RST in the place of FIN when the connection is dropped.
    pub fn reset(&mut self) {
        if let Some(stream) = &self.stream {
            socket::reset_on_drop(stream);
        }
    }
}
