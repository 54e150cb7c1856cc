// What leads programs through a proxy: its URL, an undici dispatcher, and the environment of a child process.
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import test from 'ava'
import { type ProxyAgent, fetch as undiciFetch } from 'undici'
import { startProxy } from '../support/proxy.js'

const run = promisify(execFile)

test('the URL is that of the first HTTP proxy, with its credentials', async (t) => {
  const plain = await startProxy(t, { modes: ['dns@127.0.0.1:0', 'regular@127.0.0.1:0'] })
  t.is(plain.proxy.url, `http://127.0.0.1:${plain.proxy.listeners.find(({ mode }) => mode === 'regular')?.port}`)
  const guarded = await startProxy(t, { modes: ['socks5@0'], options: { proxyauth: 'me:p@ss w' } })
  t.regex(guarded.proxy.url, /^http:\/\/me:p%40ss%20w@127\.0\.0\.1:\d+$/)
  const none = await startProxy(t, { modes: ['dns@127.0.0.1:0'] })
  t.throws(() => none.proxy.url, { code: 'ERR_ARGUMENT', message: /add regular@127\.0\.0\.1:0/ })
  await t.throwsAsync(none.proxy.env(), { code: 'ERR_ARGUMENT' })
  await t.throwsAsync(none.proxy.dispatcher(), { code: 'ERR_ARGUMENT' })
})

test('a dispatcher sends requests through the proxy, with its credentials and a trust in its authority', async (t) => {
  const { proxy } = await startProxy(t, { options: { proxyauth: 'me:secret' } })
  proxy.mock({ host: 'api.test' }).respond(200, { name: 'Ada' })
  const dispatcher = await proxy.dispatcher()
  const ofUndici = await proxy.dispatcher<ProxyAgent>()
  t.teardown(() => Promise.all([dispatcher.close(), ofUndici.close()]))
  const answer = await fetch('https://api.test/users', { dispatcher })
  t.deepEqual(await answer.json(), { name: 'Ada' })
  t.is((await undiciFetch('http://api.test/', { dispatcher: ofUndici })).status, 200)
})

test('the environment names the proxy, and a file with the system’s authorities and ours', async (t) => {
  const { proxy } = await startProxy(t)
  const env = await proxy.env()
  t.is(env.HTTPS_PROXY, proxy.url)
  t.is(env.http_proxy, proxy.url)
  t.is(env.NO_PROXY, '')
  t.is(env.NODE_USE_ENV_PROXY, '1')
  const bundle = join(proxy.confdir, 'midwire-ca-bundle.pem')
  for (const name of [
    'SSL_CERT_FILE',
    'CURL_CA_BUNDLE',
    'REQUESTS_CA_BUNDLE',
    'GIT_SSL_CAINFO',
    'AWS_CA_BUNDLE',
    'DENO_CERT',
  ])
    t.is(env[name], bundle)
  const blocks =
    readFileSync(bundle, 'utf8').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  t.true(blocks.length > 10, 'the system has authorities')
  t.is(new X509Certificate(blocks[0] ?? '').fingerprint256, proxy.authority.fingerprint)
  t.notThrows(() => createSecureContext({ ca: blocks }))
  t.is(new X509Certificate(readFileSync(env.NODE_EXTRA_CA_CERTS ?? '')).fingerprint256, proxy.authority.fingerprint)
  writeFileSync(bundle, 'old')
  await proxy.env()
  t.is(readFileSync(bundle, 'utf8').match(/BEGIN CERTIFICATE/g)?.length, blocks.length, 'it is made anew')
  rmSync(proxy.confdir, { recursive: true })
  await t.throwsAsync(proxy.env(), { code: 'ERR_CONFDIR', message: /midwire-ca-bundle\.pem cannot be written/ })
})

const withCurl = existsSync('/usr/bin/curl') ? test : test.skip

withCurl('programs of other makers follow it: curl', async (t) => {
  const { proxy } = await startProxy(t)
  proxy.mock({ url: 'https://api.test/users' }).respond(200, 'mocked')
  const { stdout } = await run('curl', ['--silent', '--show-error', 'https://api.test/users'], {
    env: { ...process.env, ...(await proxy.env()) },
  })
  t.is(stdout, 'mocked')
})
