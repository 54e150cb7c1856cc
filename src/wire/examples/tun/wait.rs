//! Waits for a packet, for time to pass, or for the end: SIGTERM, or the end of standard input.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::ptr;

use midwire_wire::Duration;

pub struct Wait {
    /// Readable once SIGTERM has come. A handler could run just before the wait begins, which would then miss the
    /// signal.
    signals: File,
}

impl Wait {
    pub fn new() -> io::Result<Wait> {
        // SAFETY: the set is initialised by sigemptyset before it is read, and outlives the calls.
        let descriptor = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC)
        };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, and no other code has it.
        let signals = unsafe { File::from_raw_fd(descriptor) };
        Ok(Wait { signals })
    }

    /// False when it is time to end.
    pub fn wait(&self, device: RawFd, limit: Option<Duration>) -> bool {
        let wanted = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut polled = [wanted(device), wanted(0), wanted(self.signals.as_raw_fd())];
        let time = limit.map(|limit| libc::timespec {
            tv_sec: limit.secs() as libc::time_t,
            tv_nsec: (limit.total_micros() % 1_000_000 * 1000) as libc::c_long,
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: both arrays live until the call is over, and the length is theirs. A failure leaves every revents at 0.
        unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, time, ptr::null()) };
        let [_, input, signals] = polled;
        signals.revents == 0 && (input.revents == 0 || !has_ended())
    }
}

fn has_ended() -> bool {
    let mut ignored = [0; 1024];
    matches!(io::stdin().lock().read(&mut ignored), Ok(0) | Err(_))
}
