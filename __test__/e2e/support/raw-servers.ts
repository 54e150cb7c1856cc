// Servers whose protocols midwire does not know, each with data and keys of the test's own: OpenSSH, PostgreSQL and Redis.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from '../../support/certificates.js'
import { Daemon } from './daemon.js'
import type { Namespace } from './netns.js'
import { must, run } from './processes.js'
import { folderFor } from './proxies.js'
import { postgresFolder } from './skip.js'

/** Their usual ports. */
export const at = { ssh: 22, postgres: 5432, redis: 6379 } as const

/** Where a server listens. IPv6 comes first, so that both are ready when the IPv4 address is. */
interface Addresses {
  readonly v4: string
  readonly v6: string
}

export interface Sshd {
  readonly daemon: Daemon
  /** The options of ssh, scp and sftp that let root in: the key, and the server's key as the only one that is believed. */
  readonly options: string[]
}

export async function startSshd(namespace: Namespace, parent: string, { v4, v6 }: Addresses): Promise<Sshd> {
  const folder = folderFor(parent, 'ssh')
  const path = (name: string) => join(folder, name)
  for (const name of ['host', 'client']) {
    must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path(name)])
  }
  writeFileSync(path('known'), `server.test ${readFileSync(path('host.pub'), 'utf8')}`)
  // sshd lets nobody in whose account is locked, and starts the user's shell in the user's home: root's are the test's own here.
  const users = readFileSync('/etc/passwd', 'utf8').replace(/^root:.*$/m, `root:x:0:0:root:${folder}:/bin/sh`)
  namespace.etc('passwd', users)
  namespace.etc('shadow', 'root:*:::::::\n')
  const lines = [
    `ListenAddress [${v6}]:${at.ssh}`,
    `ListenAddress ${v4}:${at.ssh}`,
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('client.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'Subsystem sftp internal-sftp',
    'PidFile none',
    'UseDNS no',
  ]
  writeFileSync(path('sshd_config'), lines.map((line) => `${line}\n`).join(''))
  // sshd wants the folder /run/sshd, which is there only where the service runs, and its own whole path. `ip netns exec` gives a
  // program a view of the mounts of its own.
  const command = `exec "$(command -v sshd)" -D -e -f ${path('sshd_config')}`
  const script = `mount -t tmpfs midwire /run && mkdir -m 755 /run/sshd && ${command}`
  const daemon = await Daemon.start(namespace, ['sh', '-c', script], { port: at.ssh })
  const settings = [
    'HostKeyAlias=server.test',
    `UserKnownHostsFile=${path('known')}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
  ]
  return { daemon, options: ['-F', 'none', '-i', path('client'), ...settings.flatMap((one) => ['-o', one])] }
}

export const postgresPassword = 'open.sesame'

export interface Postgres {
  readonly daemon: Daemon
  /** A file with the server's certificate, which it has signed itself, for `sslrootcert`. */
  readonly certificate: string
}

export async function startPostgres(
  namespace: Namespace,
  parent: string,
  name: string,
  { v4, v6 }: Addresses,
): Promise<Postgres> {
  const folder = folderFor(parent, 'postgres')
  const path = (one: string) => join(folder, one)
  const own = certificate({ commonName: name, names: [name], ca: true })
  writeFileSync(path('server.crt'), own.pem)
  writeFileSync(path('server.key'), own.keyPem, { mode: 0o600 })
  writeFileSync(path('password'), postgresPassword)
  must('chown', ['postgres:', path('server.key')])
  // PostgreSQL refuses to run as root. What it has of System V's shared memory outlives its end, but not that of its IPC namespace.
  const asUser = (program: string, ...args: string[]) => [
    ...['env', '-C', folder, 'unshare', '--ipc', 'setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'],
    ...[join(postgresFolder ?? '', program), ...args],
  ]
  const init = asUser(
    ...(['initdb', '--pgdata', path('data'), '--username', 'postgres', '--pwfile', path('password')] as const),
    ...['--auth', 'scram-sha-256', '--no-locale', '--encoding', 'UTF8', '--no-sync'],
  )
  const { code, stderr } = await run('ip', namespace.command(...init), { timeout: 60_000 })
  if (code !== 0) throw new Error(`initdb: ${stderr}`)
  writeFileSync(path('data/pg_hba.conf'), 'host all all all scram-sha-256\n')
  const settings = {
    port: at.postgres,
    listen_addresses: `${v6},${v4}`,
    unix_socket_directories: '',
    dynamic_shared_memory_type: 'mmap',
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: path('server.crt'),
    ssl_key_file: path('server.key'),
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const command = asUser('postgres', '-D', path('data'), ...options)
  const daemon = await Daemon.start(namespace, command, { port: at.postgres })
  // The port is open before the server takes clients in.
  await daemon.logged('database system is ready to accept connections')
  return { daemon, certificate: path('server.crt') }
}

export function startRedis(namespace: Namespace, parent: string, { v4, v6 }: Addresses): Promise<Daemon> {
  const options = ['--bind', v6, v4, '--protected-mode', 'no', '--save', '', '--dir', folderFor(parent, 'redis')]
  return Daemon.start(namespace, ['redis-server', '--port', String(at.redis), ...options], { port: at.redis })
}
