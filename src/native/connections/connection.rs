//! One connection: a socket or a transport of Node's below, perhaps a TLS session over that, and what waits to be sent.

mod securing;
mod sending;
mod splicing;

use std::io;
use std::sync::Arc;

use mio::net::TcpStream;

use midwire_tls::ServerConfig;
use midwire_tls::session::Session;

use crate::connections::connection::splicing::Splice;
use crate::connections::events::{self, event};
use crate::connections::socket;
use crate::messages;

/// The most bytes of one read: other connections have their turns between two of them.
pub const PIECE: usize = 64 * 1024;
/// Node is told of bytes that have left when there are so many, and all that was written has left.
const WRITABLE_PIECE: u32 = 64 * 1024;
/// The buffer of bytes to send keeps so much memory when it is empty.
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
    /// Its bytes go to another connection.
    splice: Option<Splice>,
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
            splice: None,
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
        self.is_readable && wants && !self.has_ended && !self.is_connecting && !self.is_held()
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

    /// The connection below has ended: FIN has come, or Node has said so. As in Node, the end of a session may come without close_notify.
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
}
