// Paths as users write them: `~` is the home directory; and the path of the conf dir.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** Replaces `~` at the beginning of a path by the home directory. Any other path stays as it is. */
export function expandHome(path: string): string {
  return /^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path
}

/** The absolute path of a conf dir: the one given, else MIDWIRE_CONFDIR, else `~/.midwire`. */
export function confdirOf(given?: string): string {
  return resolve(expandHome(given || process.env.MIDWIRE_CONFDIR || '~/.midwire'))
}
