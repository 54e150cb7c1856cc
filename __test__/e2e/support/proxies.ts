// The proxies that Debian has, each with a configuration of the test's own: squid, tinyproxy and dante.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Daemon } from './daemon.js'
import type { Namespace } from './netns.js'
import { must } from './processes.js'

/** Ports on 127.0.0.1 of the namespace. squid asks for a user on the second of its two, tinyproxy always. */
export const at = { squid: 3128, squidForUsers: 3129, tinyproxy: 8888, dante: 1080, nothing: 3999 } as const

export const user = { name: 'alice', password: 'open.sesame' } as const

/** A name that squid and dante lead nobody to. Its address is another than that of `web`, as dante's rules are by address. */
export const forbidden = 'forbidden.test'

/** A folder that a program can use after it has given up root. */
export function folderFor(parent: string, name: string): string {
  chmodSync(parent, 0o755)
  const folder = join(parent, name)
  mkdirSync(folder)
  chmodSync(folder, 0o777)
  return folder
}

export function startSquid(namespace: Namespace, parent: string): Promise<Daemon> {
  const folder = folderFor(parent, 'squid')
  const [config, users, logFile] = ['squid.conf', 'users', 'access.log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(users, `${user.name}:${must('openssl', ['passwd', '-apr1', user.password])}`)
  const lines = [
    `http_port 127.0.0.1:${at.squid}`,
    `http_port 127.0.0.1:${at.squidForUsers} name=users`,
    `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${users}`,
    'auth_param basic children 1',
    `acl forbidden dstdomain ${forbidden}`,
    'acl for_users myportname users',
    'acl known proxy_auth REQUIRED',
    'http_access deny forbidden',
    'http_access deny for_users !known',
    'http_access allow all',
    'cache deny all',
    'pinger_enable off',
    'netdb_filename none',
    'pid_filename none',
    'cache_log /dev/null',
    `access_log stdio:${logFile}`,
    'strip_query_terms off',
    `coredump_dir ${folder}`,
    'visible_hostname squid.test',
    'shutdown_lifetime 0 seconds',
  ]
  writeFileSync(config, lines.map((line) => `${line}\n`).join(''))
  return Daemon.start(namespace, ['squid', '-N', '-d', '1', '-f', config], { port: at.squid, logFile })
}

export function startTinyproxy(namespace: Namespace, parent: string): Promise<Daemon> {
  const config = join(folderFor(parent, 'tinyproxy'), 'tinyproxy.conf')
  writeFileSync(
    config,
    `Port ${at.tinyproxy}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nLogLevel Connect\nBasicAuth ${user.name} ${user.password}\n`,
  )
  return Daemon.start(namespace, ['tinyproxy', '-d', '-c', config], { port: at.tinyproxy })
}

export function startDante(namespace: Namespace, parent: string): Promise<Daemon> {
  const config = join(folderFor(parent, 'dante'), 'danted.conf')
  const rule = (kind: string, to: string) => `${kind} { from: 127.0.0.0/8 to: ${to} log: connect error }`
  const lines = [
    'logoutput: stderr',
    `internal: 127.0.0.1 port = ${at.dante}`,
    'external: 127.0.0.1',
    'clientmethod: none',
    'socksmethod: none',
    'user.privileged: root',
    'user.unprivileged: nobody',
    rule('client pass', '0.0.0.0/0'),
    rule('socks block', forbidden),
    rule('socks pass', '0.0.0.0/0'),
    // The answers to datagrams.
    'socks pass { from: 0.0.0.0/0 to: 127.0.0.0/8 command: udpreply }',
  ]
  writeFileSync(config, lines.map((line) => `${line}\n`).join(''))
  const pidFile = join(parent, 'dante', 'pid')
  return Daemon.start(namespace, ['danted', '-f', config, '-p', pidFile], { port: at.dante })
}
