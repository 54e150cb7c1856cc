//! What a connection sends, and how it ends.

use std::io;

use super::{Connection, KEPT, Life, PIECE, WRITABLE_PIECE};
use crate::connections::events::event;
use crate::connections::socket;
use crate::messages;

impl Connection {
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
            self.tell_passed(records);
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

    /// The peer's last bytes are read first: the read that fails then tells the same.
    pub(super) fn lose_sending(&mut self, error: &io::Error, records: &mut Vec<u8>) -> Life {
        if self.has_ended || self.closes || self.is_paused || self.is_held() {
            return self.lose(error, records);
        }
        self.out.clear();
        self.sent = 0;
        self.is_writable = false;
        self.is_readable = true;
        self.is_ending = true;
        Life::Goes
    }

    pub(super) fn lose(&mut self, error: &io::Error, records: &mut Vec<u8>) -> Life {
        self.tell_passed(records);
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
