//! Reads the segments that one side sends and receives, and checks that the side keeps the rules of TCP.

use midwire_wire::tcp::segment::{FIN, RST, SYN, Segment};
use midwire_wire::tcp::seq::Seq;

/// The result of a check. The error is a sentence about the broken rule.
pub type Check = Result<(), String>;

pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}

#[derive(Default)]
pub struct Watcher {
    /// The window scale of the side's own SYN.
    said_scale: Option<u8>,
    /// The window scale of the SYN that the side has received.
    heard_scale: Option<u8>,
    /// The right edge of the window that the side has offered.
    said_edge: Option<Seq>,
    /// The right edge of the windows that the side was offered.
    heard_edge: Option<Seq>,
    said_ack: Option<Seq>,
    heard_mss: Option<u16>,
    pub said: u64,
    pub heard: u64,
    /// The number of sent segments that take no room in the sequence space.
    pub bare: u64,
}

impl Watcher {
    /// `length`: of the packet that leaves. `full`: more is promised than the window may be, by rounding.
    pub fn handle_said(
        &mut self,
        segment: &Segment<'_>,
        length: usize,
        mtu: usize,
        full: impl Fn(usize) -> bool,
    ) -> Check {
        self.said += 1;
        self.bare += u64::from(segment.length() == 0);
        ensure(!segment.has(RST), || {
            "an RST in a conversation without faults of its own".into()
        })?;
        ensure(length <= mtu, || {
            format!("{length} bytes in a packet, over the MTU of {mtu}")
        })?;
        if segment.has(SYN) {
            self.said_scale = segment.options.window_scale;
        }
        if let Some(ack) = segment.ack {
            ensure(self.said_ack.is_none_or(|known| ack >= known), || {
                format!("RCV.NXT moved back: {ack:?} after {:?}", self.said_ack)
            })?;
            self.said_ack = Some(ack);
            let scale = self.agreed(segment, self.said_scale);
            let edge = ack + (u32::from(segment.window) << scale);
            // RFC 7323, 2.4: it may seem to move left by less than a unit.
            let window = usize::from(segment.window) << scale;
            let rounding = if full(window) { (1 << scale) - 1 } else { 0 };
            ensure(self.said_edge.is_none_or(|known| edge + rounding >= known), || {
                format!(
                    "the right edge of the window moved left: {edge:?} after {:?}",
                    self.said_edge
                )
            })?;
            self.said_edge = Some(self.said_edge.map_or(edge, |known| known.max(edge)));
        }
        if segment.has(SYN) || segment.length() == 0 {
            return Ok(());
        }
        ensure(self.heard_edge.is_some_and(|edge| segment.end() <= edge), || {
            format!(
                "{:?} is beyond the window that ends at {:?}",
                segment.end(),
                self.heard_edge
            )
        })?;
        let taken = segment.payload.len() + segment.options.length();
        ensure(self.heard_mss.is_some_and(|mss| taken <= mss.into()), || {
            format!(
                "{taken} bytes of payload and options, over the MSS of {:?}",
                self.heard_mss
            )
        })
    }

    /// `default_mss`: of a SYN without the option.
    pub fn handle_heard(&mut self, segment: &Segment<'_>, default_mss: u16) {
        self.heard += 1;
        if segment.has(SYN) {
            self.heard_scale = segment.options.window_scale;
            self.heard_mss = Some(segment.options.mss.unwrap_or(default_mss));
        }
        // The window of a SYN without ACK begins at our first number, which its sender does not know yet.
        if let Some(ack) = segment.ack {
            let edge = ack + (u32::from(segment.window) << self.agreed(segment, self.heard_scale));
            self.heard_edge = Some(self.heard_edge.map_or(edge, |known| known.max(edge)));
        }
    }

    /// RFC 7323, 2.2: both SYNs have the option, or no window is scaled; that of a SYN never is.
    fn agreed(&self, segment: &Segment<'_>, scale: Option<u8>) -> u8 {
        if segment.has(SYN) || self.said_scale.is_none() || self.heard_scale.is_none() {
            return 0;
        }
        scale.unwrap_or(0)
    }
}

/// One segment as a line of the trace.
pub fn line(segment: &Segment<'_>, origins: (u32, u32)) -> String {
    let (ours, theirs) = origins;
    let seq = segment.seq.0.wrapping_sub(ours) as i32;
    let mut line = String::new();
    for (flag, name) in [(SYN, "SYN "), (FIN, "FIN "), (RST, "RST ")] {
        if segment.has(flag) {
            line += name;
        }
    }
    line += &format!("{seq}..{}", seq.wrapping_add(segment.payload.len() as i32));
    if let Some(ack) = segment.ack {
        line += &format!(" ack {}", ack.0.wrapping_sub(theirs) as i32);
    }
    line += &format!(" window {}", segment.window);
    for block in segment.options.sack.as_slice() {
        let at = |seq: Seq| seq.0.wrapping_sub(theirs) as i32;
        line += &format!(" sack {}..{}", at(block.start), at(block.end));
    }
    if let Some(timestamp) = segment.options.timestamp {
        line += &format!(" time {} {}", timestamp.value, timestamp.echo);
    }
    line
}
