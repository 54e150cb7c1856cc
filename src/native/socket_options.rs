//! Sets the options of a server's UDP socket: large buffers, and that the kernel may fragment long datagrams.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;

use quinn_udp::UdpSocketState;
use socket2::Socket;
use tokio::net::UdpSocket;

/// Bytes of buffer that the kernel is asked for, in each direction. They hold some milliseconds of a fast peer's burst.
const SOCKET_BUFFER: usize = 7 << 20;

/// Enlarges the buffers as far as the system allows. Smaller ones are no error.
pub fn enlarge(io: &UdpSocket, state: &UdpSocketState) {
    let _ = state.set_recv_buffer_size(io.into(), SOCKET_BUFFER);
    let _ = state.set_send_buffer_size(io.into(), SOCKET_BUFFER);
    #[cfg(target_os = "linux")]
    {
        // A process with the right to it (root) gets more than the system's limit, as in wireguard-go.
        set_option(io, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, SOCKET_BUFFER as i32);
        set_option(io, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, SOCKET_BUFFER as i32);
    }
}

/// Allows fragments, which quinn-udp forbids, for QUIC. A tunnel on a path of less than 1500 bytes (PPPoE's 1492, a
/// mobile network, another tunnel) needs them, as with the kernel's WireGuard and wireguard-go: a full packet of ours
/// is 1500 bytes around an inner MTU of 1420 over IPv6, and 1480 over IPv4.
pub fn allow_fragments(io: &UdpSocket, ipv6: bool) {
    #[cfg(target_os = "linux")]
    if ipv6 {
        set_option(
            io,
            libc::IPPROTO_IPV6,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_DONT,
        );
        // While this option is on (RFC 3542, 11.2), the kernel makes no fragments, whatever the option above says.
        set_option(io, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 0);
    } else {
        set_option(io, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_DONT);
    }
    #[cfg(any(target_os = "macos", target_os = "freebsd"))]
    if ipv6 {
        set_option(io, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 0);
    } else {
        set_option(io, libc::IPPROTO_IP, libc::IP_DONTFRAG, 0);
    }
    #[cfg(windows)]
    {
        use windows_sys::Win32::Networking::WinSock;
        if ipv6 {
            set_option(io, WinSock::IPPROTO_IPV6, WinSock::IPV6_DONTFRAG, 0);
        } else {
            set_option(io, WinSock::IPPROTO_IP, WinSock::IP_DONTFRAGMENT, 0);
        }
    }
    // On other systems quinn-udp may have forbidden fragments, and we know no way to allow them again.
    #[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd", windows)))]
    let _ = (io, ipv6);
}

/// Gives all packets of a socket a firewall mark. Fails where the process may not, and on systems without marks.
pub fn mark_packets(socket: &Socket, mark: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return crate::transparent::linux::mark_packets(socket.as_raw_fd(), mark);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (socket, mark);
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
fn set_option(io: &UdpSocket, level: i32, name: i32, value: i32) {
    use std::os::fd::AsRawFd;
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the option's value is an int that outlives the call.
    unsafe {
        libc::setsockopt(io.as_raw_fd(), level, name, (&raw const value).cast(), length);
    }
}

#[cfg(windows)]
fn set_option(io: &UdpSocket, level: i32, name: i32, value: i32) {
    use std::os::windows::io::AsRawSocket;
    let length = size_of_val(&value) as i32;
    // SAFETY: the socket is open, and the option's value is a DWORD that outlives the call.
    unsafe {
        windows_sys::Win32::Networking::WinSock::setsockopt(
            io.as_raw_socket() as usize,
            level,
            name,
            (&raw const value).cast(),
            length,
        );
    }
}
