//! TCP as one pure machine a connection: no address, socket, clock or chance of its own.
//!
//! | what | where | source |
//! |---|---|---|
//! | states, acceptable segments, resets | `connection.rs`, `connection/arrival.rs` | RFC 9293, 5961 |
//! | header, options | `segment.rs`, `options.rs` | RFC 9293, 7323, 2018 |
//! | sequence numbers | `seq.rs` | RFC 9293, 3.4 |
//! | receiving: order, window, delayed ACK, D-SACK | `receiver.rs`, `assembler.rs`, `queue.rs` | RFC 9293, 2018, 2883 |
//! | timestamps, PAWS | `clock.rs`, `connection/arrival.rs` | RFC 7323 |
//! | sending: windows, probes, pace | `sender.rs`, `sender/transmit.rs` | RFC 9293, 1122, 8985 |
//! | acknowledgements, round-trip time | `sender/acknowledge.rs`, `rtt.rs` | RFC 9293, 6298, 7323 |
//! | loss: RACK, TLP, time-outs, what was spurious | `sender/loss.rs`, `rack.rs`, `scoreboard.rs` | RFC 8985, 6675, 5682, 3522, 6582 |
//! | congestion: CUBIC, HyStart++, PRR, BBR | `congestion/` | RFC 9438, 9406, 6937, 6928 |
//! | delivery rate, rounds | `rate.rs` | draft-cheng-iccrg-delivery-rate-estimation |
//! | path MTU, unreachable | `connection/path.rs` | RFC 1191, 8201, 5927, 4821 |
//!
//! TIME-WAIT is `crate::time_wait`; a flow with its owner is `crate::tcp_flow`.

pub mod congestion;
pub mod connection;
pub mod options;
pub mod segment;
pub mod seq;

mod assembler;
pub(crate) mod clock;
mod queue;
mod rack;
mod rate;
mod receiver;
mod rtt;
mod scoreboard;
mod sender;

pub use receiver::{INITIAL_CAPACITY as INITIAL_RECEIVE, ROUNDING};
pub use sender::INITIAL_CAPACITY as INITIAL_SEND;
