//! The keys of WireGuard, as Node sees them: 32 bytes.

use midwire_wire::key::PrivateKey;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::error::{Code, Result, error};

/// 32 bytes of the system's randomness, clamped as `wg genkey` does (RFC 7748, 5).
#[napi(catch_unwind)]
pub fn generate_private_key() -> Result<Buffer> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|failure| error(Code::Io, failure.to_string()))?;
    key[0] &= 248;
    key[31] = key[31] & 127 | 64;
    Ok(key.to_vec().into())
}

#[napi(catch_unwind)]
pub fn public_key(private_key: &[u8]) -> Result<Buffer> {
    let key = PrivateKey::from_bytes(bytes32(private_key, "a private key")?);
    Ok(key.public_key().to_bytes().to_vec().into())
}

pub fn bytes32(bytes: &[u8], what: &str) -> Result<[u8; 32]> {
    let wrong = |_| error(Code::BadArgument, format!("{what} has {} bytes, not 32", bytes.len()));
    bytes.try_into().map_err(wrong)
}
