// The modes as programs and people see them: names and defaults, without how they work.
import { MODES } from '../modes/index.js'

export interface ModeInfo {
  readonly name: string
  /** One line. */
  readonly description: string
  readonly defaultPort: number
  readonly transport: 'tcp' | 'udp'
  /** What may stand after the colon in its spec; undefined where nothing may. */
  readonly data: string | undefined
}

/** Every mode there is. */
export function modeInfos(): ModeInfo[] {
  return MODES.map(({ name, description, defaultPort, transport, data }) => {
    return { name, description, defaultPort, transport, data }
  })
}
