//! The smoltcp device: one packet in, packets out through a closure. It holds no queue of its own.

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::snd_max::SndMax;

/// Takes the packets that go down.
pub trait Fall {
    /// False while the layer below can take nothing: what is to be sent stays in the flows.
    fn ready(&self) -> bool;

    fn fall(&mut self, packet: &[u8]);
}

pub struct OnePacket<'a> {
    pub arriving: Option<&'a [u8]>,
    pub fall: &'a mut dyn Fall,
    pub scratch: &'a mut [u8],
    pub capabilities: &'a DeviceCapabilities,
    /// Of the flow that is polled; `None` where no flow sends.
    pub snd_max: Option<&'a mut SndMax>,
}

/// What smoltcp may assume of a tunnel with this MTU.
pub fn capabilities(mtu: usize) -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = mtu;
    capabilities
}

pub struct Arriving<'a>(&'a [u8]);

impl RxToken for Arriving<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

pub struct Leaving<'a> {
    fall: &'a mut dyn Fall,
    scratch: &'a mut [u8],
    snd_max: Option<&'a mut SndMax>,
}

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        // The scratch buffer holds an MTU; smoltcp emits nothing longer (it has no fragmentation here).
        let packet = &mut self.scratch[..length];
        let result = f(packet);
        if let Some(snd_max) = self.snd_max {
            snd_max.handle_leaving(packet);
        }
        self.fall.fall(packet);
        result
    }
}

impl Device for OnePacket<'_> {
    type RxToken<'t>
        = Arriving<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Leaving<'t>
    where
        Self: 't;

    fn receive(&mut self, _: Instant) -> Option<(Arriving<'_>, Leaving<'_>)> {
        let packet = self.arriving.take()?;
        let leaving = Leaving {
            fall: &mut *self.fall,
            scratch: &mut *self.scratch,
            snd_max: self.snd_max.as_deref_mut(),
        };
        Some((Arriving(packet), leaving))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        self.fall.ready().then_some(Leaving {
            fall: &mut *self.fall,
            scratch: &mut *self.scratch,
            snd_max: self.snd_max.as_deref_mut(),
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}
