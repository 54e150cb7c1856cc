//! The addon for Node: sockets, tasks, and the records that are exchanged with Node. The protocols are in
//! `midwire-wire`.

mod buffers;
#[cfg(unix)]
mod connections;
mod egress;
mod engine;
mod error;
mod key;
mod leaf;
mod log;
mod messages;
mod options;
mod outbox;
mod runtime;
mod server;
mod shared;
mod socket_options;
mod sockets;
mod transparent;
mod wireguard_task;
