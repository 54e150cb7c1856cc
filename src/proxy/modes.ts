// The list of modes for programs and people: names and defaults.
import { MODES } from '../modes/index.js'

export interface ModeInfo {
  readonly name: string
  /** One line, for people. */
  readonly description: string
  readonly defaultPort: number
  /** Those that a spec of the mode may listen on. */
  readonly transports: readonly ('tcp' | 'udp')[]
  /** The data that may stand after the colon of the mode's spec; undefined for a mode that takes nothing there. */
  readonly data: { readonly placeholder: string; readonly help: string } | undefined
}

/** Every mode that midwire has. */
export function modeInfos(): ModeInfo[] {
  return MODES.map(({ name, description, defaultPort, transports, data }) => {
    return { name, description, defaultPort, transports, data }
  })
}
