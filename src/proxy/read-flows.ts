// Reads files of flows.
import { MidwireError } from '../errors.js'
import type { FlowRecord } from '../flow/record.js'

// biome-ignore lint/correctness/useYield: there is no reader yet
export async function* readFlows(path: string): AsyncGenerator<FlowRecord> {
  throw new MidwireError('ERR_REPLAY', `${path}: midwire cannot read files of flows yet`)
}
