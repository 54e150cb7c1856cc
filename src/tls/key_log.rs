//! The secrets of a session as lines of NSS's key log, for those who decrypt what was captured.

use std::cell::RefCell;
use std::fmt::Write as _;

use rustls::KeyLog;

thread_local! {
    /// A configuration is shared by many sessions: lines are left here for the session that is being handled.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct Lines;

impl KeyLog for Lines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = String::with_capacity(label.len() + 2 * (client_random.len() + secret.len()) + 3);
        line.push_str(label);
        for bytes in [client_random, secret] {
            line.push(' ');
            for byte in bytes {
                // Writing to a String cannot fail.
                let _ = write!(line, "{byte:02x}");
            }
        }
        line.push('\n');
        LINES.with_borrow_mut(|lines| lines.push(line));
    }
}

/// The lines since the last call, on this thread.
pub(crate) fn take() -> Vec<String> {
    LINES.with_borrow_mut(std::mem::take)
}
