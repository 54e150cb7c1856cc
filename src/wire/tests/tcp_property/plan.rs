//! The plan of one conversation of the property test: the links, the two sides, and the fate of their SYNs.

use midwire_wire::Duration;
use midwire_wire::tcp::congestion::Algorithm;
use midwire_wire::tcp::options::Options;
use proptest::prelude::*;

use crate::support::link::Faults;

#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of all chance while the conversation runs.
    pub seed: u64,
    pub sides: [SidePlan; 2],
    pub opening: Opening,
    pub closing: Closing,
    pub middlebox: Middlebox,
    pub ipv6: bool,
}

impl Plan {
    /// The time that the conversation may take. A lost segment costs a round trip with SACK, and without it sometimes a
    /// time-out; each time-out is twice the last one where the acknowledgements are lost, too.
    pub fn patience(&self) -> Duration {
        let owners: u64 = self.sides.iter().map(SidePlan::idle_millis).sum();
        let carried: u64 = (0..2).map(|at| self.carried_millis(at)).sum();
        let lossy: u64 = self.sides.iter().map(|side| side.faults.lossy()).sum();
        let cheap = self.middlebox.sack || self.middlebox.timestamps;
        let factor = if cheap { 1 } else { 15 };
        Duration::from_millis(60_000 + 3 * (owners + carried) + factor * lossy * 2_000)
    }

    /// A window a round trip, and one more round trip for each segment that is lost.
    fn carried_millis(&self, at: usize) -> u64 {
        let (side, other) = (&self.sides[at], &self.sides[1 - at]);
        let bytes = side.bytes as u64;
        let segment = self.middlebox.mss.map_or(500, |mss| u64::from(mss.min(1200)) - 40);
        let windows = bytes / other.max_window as u64 + 10;
        let lost = bytes / segment * side.faults.lossy() / 1000;
        (windows + lost) * (side.faults.delay_micros + other.faults.delay_micros + 5_000) / 1000
    }
}

#[derive(Clone, Debug)]
pub struct SidePlan {
    /// The number of bytes that the side sends.
    pub bytes: usize,
    pub max_window: usize,
    pub mtu: usize,
    pub congestion: Algorithm,
    pub iss: u32,
    pub clock: u32,
    /// At most so many bytes are written, or read, at once.
    pub write: usize,
    pub read: usize,
    /// The number of writes in a thousand that a pause of up to 20 ms follows.
    pub hesitation: u64,
    /// When so many thousandths of the other side's bytes are read, the owner stops reading for so many milliseconds.
    pub pauses: Vec<(usize, u64)>,
    /// The faults of the link by which the side sends.
    pub faults: FaultPlan,
    /// A timer is served up to so many microseconds late.
    pub lateness: u64,
    /// The number of times in a thousand that the way out is shut for a while before all packets have left.
    pub blocked: u64,
}

impl SidePlan {
    /// The time for which the owner is idle, on average.
    fn idle_millis(&self) -> u64 {
        let writes = 2 * self.bytes as u64 / self.write as u64 + 1;
        let pauses: u64 = self.pauses.iter().map(|(_, time)| time).sum();
        pauses + writes * (self.hesitation + self.blocked) / 100
    }
}

/// Each but the delay in thousandths.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    pub lose: u64,
    pub double: u64,
    pub corrupt: u64,
    pub reorder: u64,
    pub delay_micros: u64,
}

impl FaultPlan {
    pub fn faults(&self) -> Faults {
        Faults {
            lose: self.lose,
            double: self.double,
            corrupt: self.corrupt,
            reorder: self.reorder,
            delay: Duration::from_micros(self.delay_micros),
        }
    }

    /// The number of packets in a thousand that do not arrive.
    pub fn lossy(&self) -> u64 {
        self.lose + self.corrupt
    }

    /// A megabyte over a link that loses a third is a test of patience.
    fn carries(&self) -> usize {
        let good = 350u64.saturating_sub(self.lossy()) as usize;
        20_000 + good * good * 8
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    ByTheFirst,
    /// RFC 9293, 3.5.
    Simultaneous,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// Each side closes once it has sent all its bytes.
    Both,
    /// That side waits until the other one has closed, and all of it is read.
    Last(usize),
}

/// A middlebox that removes options from both SYNs, lowers their MSS, and cuts segments in two.
#[derive(Clone, Debug)]
pub struct Middlebox {
    pub sack: bool,
    pub timestamps: bool,
    pub window_scale: bool,
    /// `None`: the option is taken out.
    pub mss: Option<u16>,
    /// The number of segments in a thousand that are cut, so that retransmissions have other ends.
    pub cut: u64,
}

impl Middlebox {
    pub fn rewrite(&self, options: &mut Options) {
        options.sack_permitted &= self.sack;
        options.timestamp = options.timestamp.filter(|_| self.timestamps);
        options.window_scale = options.window_scale.filter(|_| self.window_scale);
        options.mss = options.mss.zip(self.mss).map(|(said, most)| said.min(most));
    }
}

/// Most links are good in all respects but a few.
fn share(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 2 => 0..=most / 10, 1 => 0..=most]
}

fn fault_plan() -> impl Strategy<Value = FaultPlan> {
    let delay = prop_oneof![1 => Just(0), 2 => 0u64..=5_000, 2 => 0u64..=100_000];
    (share(300), share(200), share(50), share(500), delay).prop_map(|(lose, double, corrupt, reorder, delay_micros)| {
        FaultPlan {
            lose,
            double,
            corrupt,
            reorder,
            delay_micros,
        }
    })
}

/// Near the places where the numbers go round, and where their order turns, or anywhere.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        (0u32..300_000).prop_map(u32::wrapping_neg),
        (0u32..300_000).prop_map(|back| 0x8000_0000 - back),
        any::<u32>(),
    ]
}

fn side_plan() -> impl Strategy<Value = SidePlan> {
    let bytes = prop_oneof![2 => Just(0), 4 => 1usize..5_000, 4 => 1usize..100_000, 1 => 1usize..=1_000_000];
    let max_window = prop_oneof![(4usize << 10)..=(16 << 10), (16usize << 10)..=(1 << 20)];
    let piece = || prop_oneof![1usize..=100, 100usize..=5_000, 5_000usize..=200_000];
    let congestion = prop_oneof![Just(Algorithm::Cubic), Just(Algorithm::Bbr)];
    let pauses = prop::collection::vec((0usize..1000, prop_oneof![3 => 0u64..500, 1 => 0u64..20_000]), 0..4);
    let owner = (bytes, piece(), piece(), share(500), pauses);
    let wire = (max_window, 1280usize..=1500, congestion, number(), number());
    (owner, wire, fault_plan(), 0u64..=2_000, share(200)).prop_map(
        |(
            (bytes, write, read, hesitation, mut pauses),
            (max_window, mtu, congestion, iss, clock),
            faults,
            lateness,
            blocked,
        )| {
            pauses.sort_unstable();
            SidePlan {
                bytes: bytes.min(faults.carries()),
                max_window,
                mtu,
                congestion,
                iss,
                clock,
                write,
                read,
                hesitation,
                pauses,
                faults,
                lateness,
                blocked,
            }
        },
    )
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let opening = prop_oneof![3 => Just(Opening::ByTheFirst), 1 => Just(Opening::Simultaneous)];
    let closing = prop_oneof![Just(Closing::Both), Just(Closing::Last(0)), Just(Closing::Last(1))];
    let often = || prop::bool::weighted(0.7);
    let mss = prop_oneof![4 => Just(Some(u16::MAX)), 1 => (88u16..1400).prop_map(Some), 1 => Just(None)];
    let middlebox =
        (often(), often(), often(), mss, share(500)).prop_map(|(sack, timestamps, window_scale, mss, cut)| Middlebox {
            sack,
            timestamps,
            window_scale,
            mss,
            cut,
        });
    let sides = [side_plan(), side_plan()];
    (any::<u64>(), sides, opening, closing, middlebox, any::<bool>()).prop_map(
        |(seed, sides, opening, closing, middlebox, ipv6)| Plan {
            seed,
            sides,
            opening,
            closing,
            middlebox,
            ipv6,
        },
    )
}
