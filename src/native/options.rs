//! The options that Node passes as plain objects, and their conversion into the types of `wire`. TypeScript has checked
//! them before; an option that is wrong all the same is an error.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use midwire_wire::allowed_ips::Cidr;
use midwire_wire::key::PublicKey;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tunnel::PeerConfig;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::error::{Code, Result, error};
use crate::key::bytes32;

#[napi(object)]
pub struct NativePeer {
    pub public_key: Buffer,
    pub preshared_key: Option<Buffer>,
    pub allowed_ips: Vec<String>,
    /// Seconds; absent or 0: none.
    pub keepalive: Option<u16>,
    /// `1.2.3.4:51820` or `[::1]:51820`.
    pub endpoint: Option<String>,
}

#[napi(object)]
pub struct NativeServerOptions {
    pub hosts: Vec<String>,
    pub port: u16,
    pub private_key: Buffer,
    pub peers: Vec<NativePeer>,
    pub addresses: Vec<String>,
    pub mtu: u32,
    /// Bytes that each of the two buffers of a TCP flow may grow to.
    pub buffer_size: u32,
    /// Bytes that the buffers of all flows may hold.
    pub memory: f64,
    /// `cubic` or `bbr`.
    pub congestion: String,
    pub hold_syn: bool,
    pub raise_icmp: bool,
    /// 0 off, 1 error, 2 warn, 3 info, 4 debug, 5 trace.
    pub log_level: u32,
    /// The firewall mark of all packets that the server sends (SO_MARK); Linux alone knows it.
    pub mark: Option<u32>,
}

/// A connection of our own that is being opened, and the peer that it goes to.
#[napi(object)]
pub struct NativeConnection {
    pub id: u32,
    pub peer: u32,
}

#[napi(object)]
pub struct NativePeerStatus {
    pub peer: u32,
    pub public_key: Buffer,
    pub endpoint: Option<String>,
    pub last_handshake_seconds: Option<f64>,
    pub received_bytes: f64,
    pub sent_bytes: f64,
    pub dropped: f64,
    pub allowed_ips: Vec<String>,
}

pub fn peer(peer: &NativePeer) -> Result<PeerConfig> {
    let cidr = |text: &String| {
        Cidr::parse(text).ok_or_else(|| error(Code::BadArgument, format!("not an address range: {text}")))
    };
    let preshared_key = match &peer.preshared_key {
        Some(key) => Some(bytes32(key, "a preshared key")?),
        None => None,
    };
    Ok(PeerConfig {
        public_key: PublicKey(bytes32(&peer.public_key, "a public key")?),
        preshared_key,
        allowed_ips: peer.allowed_ips.iter().map(cidr).collect::<Result<_>>()?,
        keepalive: peer.keepalive.filter(|seconds| *seconds > 0),
        endpoint: peer.endpoint.as_deref().map(parse::<SocketAddr>).transpose()?,
    })
}

pub fn congestion(name: &str) -> Result<Algorithm> {
    match name {
        "cubic" => Ok(Algorithm::Cubic),
        "bbr" => Ok(Algorithm::Bbr),
        _ => Err(error(Code::BadArgument, format!("not a congestion control: {name}"))),
    }
}

pub fn addresses(texts: &[String]) -> Result<Vec<IpAddr>> {
    texts.iter().map(|text| parse(text)).collect()
}

pub fn parse<T: FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| error(Code::BadArgument, format!("not an address: {text}")))
}
