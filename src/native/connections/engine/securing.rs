//! How TLS begins over a connection of the engine's.

use std::sync::Arc;

use midwire_tls::pki_types::ServerName;
use midwire_tls::session::Session;
use midwire_tls::{ClientConfig, ServerConfig};

use super::Engine;
use crate::connections::events::event;
use crate::messages;

impl Engine {
    /// Begins TLS as a server with a client that has said `first`.
    pub fn answer(&mut self, id: u32, config: Arc<ServerConfig>, first: &[u8]) {
        let more = self.take_back(id);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.answer(config);
            connection.decrypt(first, &mut self.records);
            connection.decrypt(&more, &mut self.records);
            connection.check_end(&mut self.records);
            self.mark(id);
        }
    }

    /// Begins TLS as a client. Fails where the name is none that TLS has.
    pub fn ask(
        &mut self,
        id: u32,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        first: &[u8],
    ) -> Result<(), String> {
        let mut hello = Vec::new();
        let session = Session::connect(config, name, &mut hello).map_err(|failure| format!("{failure:?}"))?;
        let more = self.take_back(id);
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.ask(session, &hello);
            connection.decrypt(first, &mut self.records);
            connection.decrypt(&more, &mut self.records);
            connection.check_end(&mut self.records);
            self.mark(id);
        }
        Ok(())
    }

    /// Data of a connection that Node has not fetched yet, and that is ciphertext: TLS begins before it.
    pub(super) fn take_back(&mut self, id: u32) -> Vec<u8> {
        let mut data = Vec::new();
        let mut waiting = self.records.get_mut(self.taken..).unwrap_or_default();
        while let Some((kind, of, length)) = messages::head(waiting) {
            if kind == event::DATA && of == id {
                data.extend_from_slice(
                    waiting
                        .get(messages::HEADER..messages::HEADER + length)
                        .unwrap_or_default(),
                );
                // Node passes over a record of no kind.
                waiting[..4].fill(0);
            }
            waiting = waiting
                .get_mut(messages::HEADER + messages::padded(length)..)
                .unwrap_or_default();
        }
        data
    }
}
