//! What a transparent proxy needs of Linux's sockets, for TypeScript: original destinations, foreign addresses, marks.

#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "linux")]
mod reply;
#[cfg(target_os = "linux")]
mod udp;

use napi_derive::napi;

#[cfg(not(target_os = "linux"))]
use crate::error::Code;
use crate::error::Result;

#[napi(object)]
pub struct NativeAddress {
    pub address: String,
    pub port: u16,
}

#[napi(object)]
pub struct NativeSocketOptions {
    pub udp: bool,
    pub ipv6: bool,
    /// Allows addresses that are not this machine's.
    pub transparent: bool,
    /// The firewall mark of all packets that the socket sends (SO_MARK).
    pub mark: Option<u32>,
    /// The address to bind; absent: none is bound.
    pub host: Option<String>,
    pub port: Option<u16>,
}

/// The address that a redirected TCP connection was opened to. Absent where the kernel knows of no redirection. `ipv6`
/// is false for an IPv4 address that is mapped into IPv6, too.
#[napi(catch_unwind)]
pub fn original_destination(fd: i32, ipv6: bool) -> Result<Option<NativeAddress>> {
    #[cfg(target_os = "linux")]
    return linux::original_destination(fd, ipv6);
    #[cfg(not(target_os = "linux"))]
    unsupported((fd, ipv6))
}

/// Opens a socket that Node cannot open itself, and returns its descriptor. Node's caller owns it.
#[napi(catch_unwind)]
pub fn open_socket(options: NativeSocketOptions) -> Result<i32> {
    #[cfg(target_os = "linux")]
    return linux::open_socket(&options);
    #[cfg(not(target_os = "linux"))]
    unsupported(options)
}

/// Closes a descriptor of `openSocket` that Node has not taken.
#[napi(catch_unwind)]
pub fn close_socket(fd: i32) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::close_socket(fd);
    #[cfg(not(target_os = "linux"))]
    unsupported(fd)
}

/// A UDP socket that receives datagrams for any address, and answers from these addresses.
#[napi]
pub struct NativeTransparentUdp {
    #[cfg(target_os = "linux")]
    inner: udp::TransparentUdp,
}

#[napi]
impl NativeTransparentUdp {
    /// Binds the socket and starts its task. `doorbell` is called on Node's thread when datagrams wait.
    #[napi(factory, catch_unwind)]
    pub fn start(
        host: String,
        port: u16,
        mark: Option<u32>,
        doorbell: napi::bindgen_prelude::Function<'_, (), ()>,
    ) -> Result<Self> {
        #[cfg(target_os = "linux")]
        return udp::TransparentUdp::start(&host, port, mark, doorbell).map(|inner| NativeTransparentUdp { inner });
        #[cfg(not(target_os = "linux"))]
        unsupported((host, port, mark, doorbell))
    }

    #[napi(getter, catch_unwind)]
    pub fn port(&self) -> Result<u16> {
        #[cfg(target_os = "linux")]
        return Ok(self.inner.port);
        #[cfg(not(target_os = "linux"))]
        unsupported(())
    }

    /// Sends the datagrams of `length` bytes of commands, then fills `slab` with events. Returns the bytes filled; Node
    /// calls again until that is 0, and after that when the doorbell rings.
    #[napi(catch_unwind)]
    pub fn exchange(&self, commands: &[u8], length: u32, mut slab: napi::bindgen_prelude::Uint8Array) -> Result<u32> {
        // SAFETY: Node's thread is in this call, and no other code uses the slab.
        let slab = unsafe { slab.as_mut() };
        #[cfg(target_os = "linux")]
        return self.inner.exchange(commands, length, slab);
        #[cfg(not(target_os = "linux"))]
        unsupported((commands, length, slab))
    }

    /// The number of datagrams that were dropped, in both directions.
    #[napi(getter, catch_unwind)]
    pub fn dropped(&self) -> Result<f64> {
        #[cfg(target_os = "linux")]
        return Ok(self.inner.dropped() as f64);
        #[cfg(not(target_os = "linux"))]
        unsupported(())
    }

    /// Lets go of the sockets; STOPPED is the last event.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Result<()> {
        #[cfg(target_os = "linux")]
        return {
            self.inner.close();
            Ok(())
        };
        #[cfg(not(target_os = "linux"))]
        unsupported(())
    }
}

#[cfg(not(target_os = "linux"))]
fn unsupported<T>(_: impl Sized) -> Result<T> {
    Err(crate::error::error(
        Code::Unsupported,
        "transparent sockets are there on Linux only",
    ))
}
