//! A connection's part in a splice: what it is given of the other's, and how much it has passed on itself.

use std::io;

use super::{Connection, Life};
use crate::connections::events::event;
use crate::connections::socket;
use crate::messages;

/// The other connection is not read while more bytes than this wait to be sent here,
const MOST: usize = 256 * 1024;
/// and is read again when so many are left.
const FEW: usize = 64 * 1024;

/// What a connection that is spliced knows of that.
pub struct Splice {
    pub other: u32,
    /// The other has too much to send: nothing is read here.
    is_held: bool,
    /// Bytes that were passed on and that Node was not told about.
    passed: u32,
    /// Node is to be told at the end of the engine's work.
    is_noted: bool,
}

impl Connection {
    /// From now on what is read belongs to the other connection.
    pub fn splice(&mut self, other: u32) {
        self.splice = Some(Splice {
            other,
            is_held: false,
            passed: 0,
            is_noted: false,
        });
    }

    /// From now on what is read is Node's again.
    pub fn part(&mut self, records: &mut Vec<u8>) {
        self.tell_passed(records);
        self.splice = None;
    }

    /// The id of the connection that this one is spliced with.
    pub fn spliced(&self) -> Option<u32> {
        self.splice.as_ref().map(|splice| splice.other)
    }

    /// Whether the engine may splice it: it has a socket, TLS is agreed on or not there, and Node has not closed it.
    pub fn may_splice(&self) -> bool {
        self.stream.is_some() && !self.is_connecting && !self.is_in_handshake() && !self.closes && !self.has_failed
    }

    pub(super) fn is_held(&self) -> bool {
        self.splice.as_ref().is_some_and(|splice| splice.is_held)
    }

    /// Stops the reading while the other connection has too much to send, or lets it go on. True where it does go on.
    pub fn hold(&mut self, other_pending: usize) -> bool {
        let Some(splice) = &mut self.splice else { return false };
        let was_held = splice.is_held;
        splice.is_held = other_pending > if was_held { FEW } else { MOST };
        was_held && !splice.is_held
    }

    /// Bytes that wait to be sent.
    pub fn pending(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Counts bytes that were passed on, or, with 0, notes that there is progress. True for the first since Node was told.
    pub fn note_passed(&mut self, bytes: usize) -> bool {
        let Some(splice) = &mut self.splice else { return false };
        splice.passed = splice.passed.saturating_add(bytes as u32);
        !std::mem::replace(&mut splice.is_noted, true)
    }

    /// Tells Node of the progress that was noted.
    pub fn tell_passed(&mut self, records: &mut Vec<u8>) {
        if let Some(splice) = &mut self.splice
            && std::mem::take(&mut splice.is_noted)
        {
            let passed = std::mem::take(&mut splice.passed);
            messages::push(records, event::PASSED, self.id, &[&passed.to_le_bytes()]);
        }
    }

    /// Sends bytes that the other connection has read. What the socket does not take waits.
    pub fn pass(&mut self, bytes: &[u8], records: &mut Vec<u8>) -> Life {
        if self.ends || self.closes {
            return Life::Goes;
        }
        // What has left already must not stay in memory until all has left.
        if self.sent >= FEW {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        let mut rest = bytes;
        if let Some(session) = &mut self.session {
            session.write(bytes, &mut self.out);
        } else {
            if let Some(stream) = &self.stream
                && self.is_writable
                && self.sent == self.out.len()
            {
                match socket::send(stream, bytes) {
                    Ok(length) => rest = bytes.get(length..).unwrap_or_default(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
                    Err(error) => return self.lose_sending(&error, records),
                }
            }
            if rest.is_empty() {
                return Life::Goes;
            }
            self.out.extend_from_slice(rest);
        }
        self.flush(records)
    }
}
