//! A TUN device: each read and each write is one whole IP packet, without a header in front.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

pub struct Tun {
    file: File,
}

impl Tun {
    /// Takes the device of that name, or makes it.
    pub fn open(name: &str) -> io::Result<Tun> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")?;
        // SAFETY: an ifreq is plain bytes, and zeros are a valid one.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        // The name keeps a zero at its end.
        if name.len() >= request.ifr_name.len() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the device's name is too long"));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
        // SAFETY: TUNSETIFF reads and writes one ifreq, which lives until the call is over.
        if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Tun { file })
    }

    /// The next packet of the kernel's, if there is one.
    pub fn read<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let length = self.file.read(buffer).ok()?;
        Some(&buffer[..length])
    }

    /// Hands the kernel a packet. One that it does not take (it is damaged, or memory is short) is lost, as on any cable.
    pub fn write(&mut self, packet: &[u8]) {
        let _ = self.file.write(packet);
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}
