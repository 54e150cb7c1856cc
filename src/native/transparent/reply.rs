//! The sockets that answer datagrams from addresses that are not this machine's: one for each such address.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use socket2::{SockAddr, Socket};

use super::linux::open;

/// The most addresses whose sockets are kept open. The one that was used least recently leaves.
const CAPACITY: usize = 256;

pub struct Replies {
    mark: Option<u32>,
    sockets: HashMap<SocketAddr, (Socket, u64)>,
    /// Counts the sends; a socket's last one tells how recently it was used.
    sends: u64,
}

impl Replies {
    pub fn new(mark: Option<u32>) -> Self {
        Replies {
            mark,
            sockets: HashMap::new(),
            sends: 0,
        }
    }

    /// Sends from `source`, which need not be an address of this machine. The call never waits.
    pub fn send(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        self.sends += 1;
        if !self.sockets.contains_key(&source) {
            self.make_room();
            let opened = open(true, source.is_ipv6(), true, self.mark, Some(source))?;
            self.sockets.insert(source, (opened, 0));
        }
        let Some((socket, used)) = self.sockets.get_mut(&source) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        *used = self.sends;
        socket.send_to(bytes, &SockAddr::from(destination)).map(|_| ())
    }

    fn make_room(&mut self) {
        if self.sockets.len() < CAPACITY {
            return;
        }
        let oldest = self.sockets.iter().min_by_key(|(_, (_, used))| *used);
        if let Some(address) = oldest.map(|(address, _)| *address) {
            self.sockets.remove(&address);
        }
    }
}
