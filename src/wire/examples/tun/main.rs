//! A host in user space on a TUN device: one stack with services on it, and the kernel of the machine as the other end.
//!
//! `__test__/e2e/kernel.test.ts` starts it in a network namespace. It says `ready`, serves until SIGTERM or the end of its
//! standard input, and closes with a line of JSON: what the stack and the link have counted.

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod conversation;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
#[path = "../../tests/support/link.rs"]
#[expect(
    dead_code,
    reason = "the stories change the weather on the way, and this program does not"
)]
mod link;
#[cfg(target_os = "linux")]
mod owner;
#[cfg(target_os = "linux")]
mod pattern;
#[cfg(target_os = "linux")]
mod services;
#[cfg(target_os = "linux")]
mod tun;
#[cfg(target_os = "linux")]
mod wait;

#[cfg(target_os = "linux")]
#[expect(clippy::expect_used, reason = "a program of the tests says so when it cannot go on")]
fn main() {
    let arguments = arguments::parse(std::env::args().skip(1)).unwrap_or_else(|mistake| {
        eprintln!("{mistake}");
        std::process::exit(2);
    });
    let device = tun::Tun::open(&arguments.device).expect("the TUN device opens");
    let wait = wait::Wait::new().expect("SIGTERM can be waited for");
    let mut host = host::Host::new(&arguments, device);
    println!("ready");
    while wait.wait(host.device(), host.poll_timeout()) {
        host.work();
    }
    println!("{}", host.counters());
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("TUN devices and namespaces are Linux's");
}
