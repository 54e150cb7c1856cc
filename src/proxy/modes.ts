// The list of modes for programs and people: names and defaults.
import { MODES } from '../modes/index.js'

export interface ModeInfo {
  readonly name: string
  /** One line, for people. */
  readonly description: string
  readonly defaultPort: number
  readonly transport: 'tcp' | 'udp'
  /** What may stand after the colon of the mode's spec; undefined for a mode that takes nothing there. */
  readonly data: string | undefined
}

/** Every mode that midwire has. */
export function modeInfos(): ModeInfo[] {
  return MODES.map(({ name, description, defaultPort, transport, data }) => {
    return { name, description, defaultPort, transport, data }
  })
}
