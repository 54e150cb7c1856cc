//! Listeners of the engine's, and how their clients become connections.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpListener;
use mio::{Interest, Token};

use super::Engine;
use crate::connections::events::{self, event};
use crate::connections::socket;

/// Connections that a listener accepts in a call, so that those that are open have their turns.
const ACCEPTED: usize = 64;

pub struct Accepting {
    listener: TcpListener,
    pub is_ready: bool,
}

impl Engine {
    pub fn listen(&mut self, at: SocketAddr) -> io::Result<(u32, SocketAddr)> {
        let mut listener = socket::listen(at)?;
        let bound = listener.local_addr()?;
        let id = self.new_id();
        self.poll
            .registry()
            .register(&mut listener, Token(id as usize), Interest::READABLE)?;
        let is_ready = false;
        self.listeners.insert(id, Accepting { listener, is_ready });
        Ok((id, bound))
    }

    pub fn stop_listening(&mut self, id: u32) {
        self.listeners.remove(&id);
    }

    pub(super) fn accept(&mut self, listener_id: u32) {
        for _ in 0..ACCEPTED {
            let Some(accepting) = self.listeners.get_mut(&listener_id) else {
                return;
            };
            match accepting.listener.accept() {
                Ok((stream, remote)) => {
                    // A client that has left already has no addresses.
                    let Ok(local) = stream.local_addr() else { continue };
                    let _ = stream.set_nodelay(true);
                    if let Ok(id) = self.add(stream, false) {
                        events::push_addresses(&mut self.records, event::OPENED, id, listener_id, local, remote);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    accepting.is_ready = false;
                    return;
                }
                // A client that has left, or no descriptor is left: the next one is tried when there is something to do again.
                Err(_) => return,
            }
        }
    }
}
