//! One side of a TLS connection, from its first byte to its last.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::server::{Accepted, Acceptor};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig};

use crate::established::Established;
use crate::failure::Failure;
use crate::key_log;

/// What the peer has said in the bytes that a session was given.
#[derive(Debug, Default)]
pub struct Said {
    /// A ClientHello is whole: the session waits for `answer`.
    pub hello: bool,
    /// The handshake is over.
    pub established: Option<Established>,
    /// The peer sends no more (close_notify; RFC 8446, 6.1).
    pub ended: bool,
    /// Lines of a key log.
    pub secrets: Vec<String>,
}

pub struct Session {
    state: State,
    /// What the peer has said last is told once.
    is_established: bool,
    has_ended: bool,
    /// What has come behind a ClientHello: early data, which nobody has offered to take, and which rustls passes over.
    behind: Vec<u8>,
}

enum State {
    Hello(Acceptor),
    Asked(Accepted),
    Open(Connection),
    Over,
}

impl Session {
    /// A session that a client begins.
    pub fn accept() -> Self {
        Self::new(State::Hello(Acceptor::default()))
    }

    /// A session that begins by asking a server. `out` gets the ClientHello.
    pub fn connect(config: Arc<ClientConfig>, name: ServerName<'static>, out: &mut Vec<u8>) -> Result<Self, Failure> {
        let mut connection = Connection::from(ClientConnection::new(config, name)?);
        // The caller bounds what it gives, and takes all that comes of it.
        connection.set_buffer_limit(None);
        let mut session = Self::new(State::Open(connection));
        session.flush(out);
        Ok(session)
    }

    fn new(state: State) -> Self {
        Self {
            state,
            is_established: false,
            has_ended: false,
            behind: Vec::new(),
        }
    }

    /// Takes ciphertext that has come. `plain` gets plaintext, `out` what is to be sent; after a failure `out` has the alert for the peer, and the session
    /// is over. All bytes are taken, whatever they are; those behind close_notify are nobody's.
    pub fn handle(&mut self, bytes: &[u8], plain: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Said, Failure> {
        let mut said = Said::default();
        let result = self.take(bytes, plain, out, &mut said);
        self.flush(out);
        said.secrets = key_log::take();
        if let Err(failure) = result {
            self.state = State::Over;
            return Err(failure);
        }
        Ok(said)
    }

    fn take(
        &mut self,
        mut bytes: &[u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
        said: &mut Said,
    ) -> Result<(), Failure> {
        match &mut self.state {
            State::Hello(acceptor) => {
                while !bytes.is_empty() {
                    acceptor.read_tls(&mut bytes).map_err(invalid)?;
                    match acceptor.accept() {
                        Ok(None) => {}
                        Ok(Some(accepted)) => {
                            self.state = State::Asked(accepted);
                            said.hello = true;
                            break;
                        }
                        Err((error, mut alert)) => {
                            // Writing to a Vec cannot fail.
                            let _ = alert.write_all(out);
                            return Err(error.into());
                        }
                    }
                }
                self.behind.extend_from_slice(bytes);
                Ok(())
            }
            // The caller answers at once, so more cannot come in between.
            State::Asked(_) => Err(Failure::Invalid("bytes behind a ClientHello".to_owned())),
            State::Open(_) => {
                while !bytes.is_empty() && !self.has_ended {
                    self.take_record(&mut bytes, plain, said)?;
                }
                Ok(())
            }
            State::Over => Ok(()),
        }
    }

    /// Takes as many bytes as rustls does at once.
    fn take_record(&mut self, bytes: &mut &[u8], plain: &mut Vec<u8>, said: &mut Said) -> Result<(), Failure> {
        let State::Open(connection) = &mut self.state else {
            return Ok(());
        };
        connection.read_tls(bytes).map_err(invalid)?;
        let io = connection.process_new_packets()?;
        if !self.is_established && !connection.is_handshaking() {
            self.is_established = true;
            said.established = Some(Established::of(connection));
        }
        if io.plaintext_bytes_to_read() > 0 {
            read_all(connection, plain)?;
        }
        if io.peer_has_closed() {
            self.has_ended = true;
            said.ended = true;
        }
        Ok(())
    }

    /// The connection below has ended. It is an error before close_notify: the peer may have had more to say (RFC 8446, 6.1).
    pub fn handle_end(&mut self) -> Result<(), Failure> {
        if self.has_ended {
            Ok(())
        } else {
            Err(Failure::Truncated)
        }
    }

    /// Goes on with the handshake of a client that has said hello.
    pub fn answer(&mut self, config: Arc<ServerConfig>, out: &mut Vec<u8>) -> Result<Said, Failure> {
        let State::Asked(accepted) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Said::default());
        };
        let config = as_preferred(&accepted, config);
        match accepted.into_connection(config) {
            Ok(connection) => {
                let mut connection = Connection::from(connection);
                connection.set_buffer_limit(None);
                self.state = State::Open(connection);
                self.flush(out);
                let behind = std::mem::take(&mut self.behind);
                // No data comes before the end of a handshake.
                self.handle(&behind, &mut Vec::new(), out)
            }
            Err((error, mut alert)) => {
                let _ = alert.write_all(out);
                Err(error.into())
            }
        }
    }

    /// Whether plaintext can be written.
    pub fn is_open(&self) -> bool {
        self.is_established && matches!(self.state, State::Open(_))
    }

    /// Writes plaintext: `out` gets records. Nothing is written before the handshake is over.
    pub fn write(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        if let State::Open(connection) = &mut self.state {
            // Without a limit a writer takes all.
            let _ = connection.writer().write_all(plain);
        }
        self.flush(out);
    }

    /// Says that no more comes from this side. The peer may go on.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if let State::Open(connection) = &mut self.state {
            connection.send_close_notify();
        }
        self.flush(out);
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if let State::Open(connection) = &mut self.state {
            while connection.wants_write() && connection.write_tls(out).is_ok() {}
        }
    }
}

/// A client that puts ChaCha20 first has no AES in hardware, and gets its wish.
fn as_preferred(accepted: &Accepted, config: Arc<ServerConfig>) -> Arc<ServerConfig> {
    let hello = accepted.client_hello();
    // GREASE (RFC 8701) is no wish.
    let first = hello
        .cipher_suites()
        .iter()
        .find(|suite| u16::from(**suite) & 0x0f0f != 0x0a0a);
    let wishes = first
        .and_then(|suite| suite.as_str())
        .is_some_and(|name| name.contains("CHACHA20"));
    if !wishes {
        return config;
    }
    let mut own = ServerConfig::clone(&config);
    own.ignore_client_order = false;
    Arc::new(own)
}

fn read_all(connection: &mut Connection, plain: &mut Vec<u8>) -> Result<(), Failure> {
    let mut piece = [0; 16 * 1024];
    loop {
        match connection.reader().read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => plain.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(invalid(error)),
        }
    }
}

fn invalid(error: std::io::Error) -> Failure {
    Failure::Invalid(error.to_string())
}
