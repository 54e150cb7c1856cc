// Paths as people write them: `~` is the home directory, and the conf dir has a place of its own.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** `~/x` in the home directory; any other path as it is. */
export function expandHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path
}

/** The absolute path of a conf dir: the one given, else MIDWIRE_CONFDIR, else `~/.midwire`. */
export function confdirOf(given?: string): string {
  return resolve(expandHome(given || process.env.MIDWIRE_CONFDIR || '~/.midwire'))
}
