//! The TLS session over a connection: how it begins, and what comes of the peer's bytes.

use std::sync::Arc;

use midwire_tls::ServerConfig;
use midwire_tls::failure::Failure;
use midwire_tls::session::{Said, Session};

use super::Connection;
use crate::connections::events::{self, event};
use crate::messages;

impl Connection {
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
        // Node learns of the agreement before the first data, and data is rare in a handshake.
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
}
