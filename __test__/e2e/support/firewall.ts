// What `midwire transparent up` changes on a machine, as the system's own programs show it.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Namespace } from './netns.js'
import { may } from './processes.js'

/** Rules and routes of both families. Link-local addresses come by themselves, a while after their devices. */
export const networkState = (namespace: Namespace): string[] =>
  [['nft', 'list', 'ruleset'], ...ROUTES].map((command) => shown(namespace, command))

/** The same where iptables is the firewall. Its counters, and the times at which it was asked, are left out. */
export const tablesState = (namespace: Namespace): string[] =>
  [['iptables-save'], ['ip6tables-save'], ...ROUTES].map((command) =>
    shown(namespace, command).replace(/^#.*\n|\[\d+:\d+\]/gm, ''),
  )

const ROUTES = ['-4', '-6'].flatMap((family) => [
  ['ip', family, 'rule'],
  ['ip', family, 'route', 'show', 'table', 'all'],
])

const shown = (namespace: Namespace, command: readonly string[]) =>
  namespace.must(...command).replace(/^.*\bfe80:.*\n/gm, '')

/** A PATH with iptables and without nft; it goes with the test. */
export function pathWithoutNft(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-path-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const name of ['iptables', 'ip6tables', 'iptables-save', 'ip6tables-save', 'ip', 'id']) {
    const path = may('sh', ['-c', `command -v ${name}`])?.trim()
    if (path) symlinkSync(path, join(folder, name))
  }
  return folder
}
