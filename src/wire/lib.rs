//! Datagrams in, byte streams out: WireGuard and TCP/IP as machines without socket, clock or thread.
//!
//! Time is an argument (`now`), counted from an epoch of the caller's. Verbs: `handle_*` takes what happened,
//! `poll_*` gives what is wanted. After any `handle_*` drain every `poll_*`; `poll_timeout` says when to come back.

pub mod allowed_ips;
pub mod buffers;
pub mod event;
pub mod fall;
pub mod fragment;
pub mod icmp;
pub mod impairment;
pub mod key;
pub mod packet;
pub mod peer_mtu;
pub mod stack;
pub mod tcp;
pub mod tcp_flow;
pub mod tunnel;
pub mod udp;
pub mod udp_flows;

mod deadlines;
mod flow_key;
mod flows;
mod half_open;
mod peers;
mod time_wait;
mod token_bucket;

pub use smoltcp::time::{Duration, Instant};
