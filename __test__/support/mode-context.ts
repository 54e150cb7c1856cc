// What a mode needs of the proxy, with everything that it says kept.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { LogLevel } from '../../src/hooks.js'
import type { Arrival, ModeContext, ModeSpec, RunningMode } from '../../src/modes/mode.js'
import { OPTIONS, type Options } from '../../src/options/definitions.js'
import { parseOption } from '../../src/options/read.js'

export interface KeptContext extends ModeContext {
  readonly arrivals: { mode: RunningMode; arrival: Arrival }[]
  readonly logged: { level: LogLevel; message: string }[]
}

/** Its conf dir is a new one, which goes with the test. */
export function modeContext(
  t: ExecutionContext,
  options: Partial<Options> = {},
  specs: readonly ModeSpec[] = [],
): KeptContext {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-mode-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  const defaults = Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, parseOption(name, undefined)]))
  const arrivals: KeptContext['arrivals'] = []
  const logged: KeptContext['logged'] = []
  return {
    options: { ...(defaults as unknown as Options), ...options },
    confdir,
    specs,
    arrivals,
    logged,
    arrived: (mode, arrival) => arrivals.push({ mode, arrival }),
    log: (level, message) => logged.push({ level, message }),
  }
}

/** Waits until `ready` says so, for 60 s at most: the machine may be busy. */
export async function until(ready: () => boolean): Promise<void> {
  for (let turn = 0; turn < 6_000 && !ready(); turn++) await new Promise((later) => setTimeout(later, 10))
  if (!ready()) throw new Error('waited in vain')
}
