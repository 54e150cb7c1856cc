//! The Rust side's log lines on their way to the log hooks of the servers.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::outbox::Outbox;

/// The outboxes of the servers that want log lines, each with its level (1 error .. 5 trace).
static LISTENERS: Mutex<Vec<(u32, Weak<Outbox>)>> = Mutex::new(Vec::new());
/// The highest level that any server wants, so that no line is formatted in vain.
static WANTED: AtomicU32 = AtomicU32::new(0);
static INSTALL: Once = Once::new();

pub fn listen(level: u32, outbox: &Arc<Outbox>) {
    if level == 0 {
        return;
    }
    // This fails only when the process has a subscriber already, which then gets the lines.
    INSTALL.call_once(|| drop(tracing::subscriber::set_global_default(Lines)));
    let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
    listeners.retain(|(_, outbox)| outbox.strong_count() > 0);
    listeners.push((level, Arc::downgrade(outbox)));
    let wanted = listeners.iter().map(|(level, _)| *level).max();
    WANTED.store(wanted.unwrap_or(0), Ordering::Relaxed);
    drop(listeners);
    tracing::callsite::rebuild_interest_cache();
}

struct Lines;

fn number(level: &Level) -> u32 {
    match *level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(metadata.level()) <= WANTED.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = number(event.metadata().level());
        let listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        for (wanted, outbox) in listeners.iter() {
            if level <= *wanted
                && let Some(outbox) = outbox.upgrade()
            {
                outbox.log(level, event.metadata().target(), line.0.clone());
            }
        }
    }

    // Spans are not used.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The text of a line: the message, then the fields as `name=value`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing into a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}
