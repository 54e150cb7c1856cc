// Did what an output is made from change since it was made? Names, times and sizes are compared, so that a second start asks nobody.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { at, root } from './run.mjs'

/** Every file below `path` (or `path` itself) whose name matches. */
function files(path, matches) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return []
  if (!stat.isDirectory()) return [{ path, stat }]
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || matches.test(entry.name))
    .flatMap((entry) => files(join(path, entry.name), matches))
}

/** One line a file: its name, its time of change and its size. A file that was added or removed shows, too. */
export function fingerprint(inputs, matches = /./) {
  return inputs
    .flatMap((path) => files(path, matches))
    .map(({ path, stat }) => `${relative(root, path)} ${stat.mtimeMs} ${stat.size}`)
    .sort()
    .join('\n')
}

const stampOf = (name) => at('.cache', 'stamps', name)

/** Calls `make` unless the outputs are there (`made`) and were made from inputs with this very fingerprint. */
export function refresh(name, { inputs, matches, made }, make) {
  const now = fingerprint(inputs, matches)
  const stamp = stampOf(name)
  const before = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined
  if (before === now && made()) return
  make()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, now)
}
