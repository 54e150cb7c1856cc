//! The command line: `--device NAME`, `--mtu`, `--buffer`, `--seed`, and the faults of the link.

use midwire_wire::Duration;

use crate::link::Faults;

pub struct Arguments {
    pub device: String,
    pub mtu: usize,
    /// Bytes that a flow's buffer may grow to, each way.
    pub buffer: usize,
    pub seed: u64,
    /// The faults of both directions, each of which has a seed of its own.
    pub faults: Faults,
}

pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        device: "midwire".to_owned(),
        mtu: 1420,
        buffer: 6 << 20,
        seed: 1,
        faults: Faults::default(),
    };
    while let Some(name) = words.next() {
        let value = words.next().ok_or(format!("{name} needs a value"))?;
        if name == "--device" {
            arguments.device = value;
            continue;
        }
        let number: u64 = value.parse().map_err(|_| format!("{name} {value}: no number"))?;
        match name.as_str() {
            "--mtu" => arguments.mtu = number as usize,
            "--buffer" => arguments.buffer = number as usize,
            "--seed" => arguments.seed = number,
            "--lose" => arguments.faults.lose = number,
            "--double" => arguments.faults.double = number,
            "--corrupt" => arguments.faults.corrupt = number,
            "--reorder" => arguments.faults.reorder = number,
            "--delay-ms" => arguments.faults.delay = Duration::from_millis(number),
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(arguments)
}
