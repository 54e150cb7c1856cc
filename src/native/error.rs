//! The errors of synchronous calls: a stable code, which TypeScript turns into a MidwireError, and a reason.

use std::io;

use midwire_wire::tunnel::AddPeerError;

/// A napi error whose status is the `code` that Node sees.
pub type Error = napi::Error<Code>;
pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadArgument,
    AddressInUse,
    AddressNotAvailable,
    PermissionDenied,
    DuplicatePeer,
    OverlappingAllowedIps,
    Closed,
    NoRoute,
    Exhausted,
    Panic,
    #[cfg(not(target_os = "linux"))]
    Unsupported,
    Io,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Code::BadArgument => "BAD_ARGUMENT",
            Code::AddressInUse => "ADDRESS_IN_USE",
            Code::AddressNotAvailable => "ADDRESS_NOT_AVAILABLE",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::DuplicatePeer => "DUPLICATE_PEER",
            Code::OverlappingAllowedIps => "OVERLAPPING_ALLOWED_IPS",
            Code::Closed => "CLOSED",
            Code::NoRoute => "NO_ROUTE",
            Code::Exhausted => "EXHAUSTED",
            Code::Panic => "PANIC",
            #[cfg(not(target_os = "linux"))]
            Code::Unsupported => "UNSUPPORTED",
            Code::Io => "IO",
        }
    }
}

pub fn error(code: Code, reason: impl Into<String>) -> Error {
    Error::new(code, reason.into())
}

pub fn from_io(error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::AddrInUse => Code::AddressInUse,
        io::ErrorKind::AddrNotAvailable => Code::AddressNotAvailable,
        io::ErrorKind::PermissionDenied => Code::PermissionDenied,
        // The error of a machine without this address family.
        io::ErrorKind::Unsupported => Code::AddressNotAvailable,
        _ if error.raw_os_error() == Some(libc_no_family()) => Code::AddressNotAvailable,
        _ => Code::Io,
    };
    self::error(code, error.to_string())
}

fn libc_no_family() -> i32 {
    #[cfg(unix)]
    return libc::EAFNOSUPPORT;
    #[cfg(not(unix))]
    // This is WSAEAFNOSUPPORT.
    return 10_047;
}

pub fn from_peer(refused: AddPeerError) -> Error {
    let code = match refused {
        AddPeerError::DuplicateKey => Code::DuplicatePeer,
        AddPeerError::DuplicateAllowedIp(_) => Code::OverlappingAllowedIps,
        _ => Code::BadArgument,
    };
    error(code, refused.to_string())
}
