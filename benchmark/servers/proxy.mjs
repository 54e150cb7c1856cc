// midwire as the proxy under test: for the WireGuard harness (suite `http`), or, with a port, as an HTTP proxy for the HTTP harness.
//
// Without arguments: the tunnel; environment: WG_KEYS (folder with server.key and client.key), WG_PORT. With a port: regular mode
// there, with touch.mjs. Both take any upstream's certificate, for those of the harnesses are self-signed.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const confdir = mkdtempSync(join(tmpdir(), 'midwire-benchmark-'))
const port = process.argv[2]

function tunnel() {
  const key = (name) => readFileSync(join(process.env.WG_KEYS ?? '.', name), 'utf8').trim()
  const keys = { server_key: key('server.key'), client_key: key('client.key') }
  writeFileSync(join(confdir, 'wireguard.conf'), JSON.stringify(keys), { mode: 0o600 })
  return ['--mode', `wireguard@${process.env.WG_PORT ?? 51820}`]
}

function regular() {
  const script = fileURLToPath(new URL('touch.mjs', import.meta.url))
  return ['--mode', `regular@127.0.0.1:${port}`, '--scripts', script]
}

const mode = port === undefined ? tunnel() : regular()
process.argv.splice(2, 1, ...mode, '--confdir', confdir, '--ssl-insecure', '--quiet')
await import('../../dist/cli/main.js')
