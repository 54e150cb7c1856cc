// A day in the life of `midwire -m regular`: the programs that people run through a proxy, each with midwire's certificate trusted in the way that
// README's table says.

import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type * as BrowserProgram from './programs/browser.js'
import type * as ClientsProgram from './programs/clients.js'
import type { ClientName, Got } from './programs/clients.js'
import type { Echo } from './programs/upstream.js'
import { browserHome } from './support/browser-home.js'
import { type Day, readFlow, startDay } from './support/day.js'
import { depot } from './support/depot.js'
import { type FlowLine, plainEnvironment } from './support/midwire.js'
import { patternHash } from './support/pattern.js'
import { Remote } from './support/remote.js'
import { endsWell, web } from './support/scene.js'
import { chromium, pythonWithClients, rangesProgram } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'curl'], startDay)

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

const SIZE = 100_003
const TEXT = 'some text, and an ä\n'.repeat(500)

/** A library's two exchanges: a body comes, and a body goes. Both are flows. */
async function exchanges(
  t: ExecutionContext,
  day: Day,
  name: string,
  client: (url: string, body?: string) => Promise<Got>,
): Promise<void> {
  const down = `/bytes/${SIZE}?${name}`
  const { status, bytes, sha256: hash } = await client(`https://${web.name}${down}`)
  t.deepEqual([status, bytes, hash], [200, SIZE, patternHash(SIZE)], name)
  t.is((await readFlow(t, day, down)).response?.bodyLength, SIZE)

  const up = `/echo?${name}`
  const answer = await client(`https://${web.name}${up}`, TEXT)
  const echo: Echo = JSON.parse(answer.text)
  t.deepEqual([answer.status, echo.method, echo.sha256, echo.secure], [200, 'POST', sha256(TEXT), true], name)
  const flow = await readFlow(t, day, up)
  t.is(flow.request?.bodyLength, Buffer.byteLength(TEXT))
  t.is(flow.response?.bodyLength, answer.bytes)
}

check('curl: https_proxy and CURL_CA_BUNDLE', async (t, day) => {
  const { run, proxied, midwire } = day
  const url = `https://${web.name}/bytes/${SIZE}`
  for (const trust of ['CURL_CA_BUNDLE', 'SSL_CERT_FILE']) {
    const { code, stdout, stderr } = await run(['curl', '-sS', `${url}?${trust}`], {
      ...proxied,
      [trust]: midwire.authority,
    })
    t.is(code, 0, stderr)
    t.is(sha256(stdout), patternHash(SIZE))
    await readFlow(t, day, trust)
  }
  t.is((await run(['curl', '-sS', url], proxied)).code, 60)
})

check(
  'wget: https_proxy and --ca-certificate',
  async (t, day) => {
    const { run, proxied, midwire } = day
    const wget = ['wget', '-nv', '-t', '1', '-O', '-']
    const url = `https://${web.name}/bytes/${SIZE}?wget`
    const { code, stdout, stderr } = await run([...wget, `--ca-certificate=${midwire.authority}`, url], proxied)
    t.is(code, 0, stderr)
    t.is(sha256(stdout), patternHash(SIZE))
    await readFlow(t, day, '?wget')
    t.is((await run([...wget, url], proxied)).code, 5)
  },
  ['wget'],
)

const PYTHON = fileURLToPath(new URL('../../../__test__/e2e/programs/clients.py', import.meta.url))

for (const [name, trust] of [
  ['urllib', 'SSL_CERT_FILE'],
  ['requests', 'REQUESTS_CA_BUNDLE'],
  ['httpx', 'SSL_CERT_FILE'],
  ['aiohttp', 'SSL_CERT_FILE'],
] as const) {
  check(
    `Python's ${name}: https_proxy and ${trust}`,
    async (t, day) => {
      const { run, proxied, midwire } = day
      const python = [pythonWithClients, PYTHON, name]
      await exchanges(t, day, name, async (url, body) => {
        const command = [...python, url, ...(body === undefined ? [] : [body])]
        const { code, stdout, stderr } = await run(command, {
          ...proxied,
          [trust]: midwire.authority,
        })
        t.is(code, 0, stderr)
        return JSON.parse(stdout.toString())
      })
      const refused = await run([...python, `https://${web.name}/echo`], proxied)
      t.regex(refused.stderr, /CERTIFICATE_VERIFY_FAILED/)
    },
    ['python-clients'],
  )
}

/** One of Node's clients, in a process with this environment and without the certificate in another. */
async function nodeClient(t: ExecutionContext, day: Day, name: ClientName, more: NodeJS.ProcessEnv): Promise<void> {
  const { world, midwire, proxied } = day
  const start = (env: NodeJS.ProcessEnv) =>
    Remote.start<typeof ClientsProgram>(world.server, 'clients', plainEnvironment({ ...proxied, ...more, ...env }))
  const trusting = await start({ NODE_EXTRA_CA_CERTS: midwire.authority })
  await exchanges(t, day, name, (url, body) =>
    body === undefined ? trusting.call('get', name, url) : trusting.call('post', name, url, body),
  )
  await trusting.stop()
  const distrusting = await start({})
  const reason = await distrusting.call('failure', name, `https://${web.name}/echo`)
  t.regex(reason, /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE))$/)
  await distrusting.stop()
}

check(
  "Node's fetch: https_proxy, NODE_USE_ENV_PROXY and NODE_EXTRA_CA_CERTS",
  (t, day) => nodeClient(t, day, 'fetch', { NODE_USE_ENV_PROXY: '1' }),
  ['fetch-by-environment'],
)

for (const [name, way] of [
  ['dispatcher', "Node's fetch: undici's EnvHttpProxyAgent as its dispatcher"],
  ['undici', 'undici: its ProxyAgent'],
  ['axios', 'axios: https_proxy'],
  ['got', 'got: an agent of hpagent'],
] as const) {
  check(`${way}; and NODE_EXTRA_CA_CERTS`, (t, day) => nodeClient(t, day, name, {}))
}

check(
  'Chromium: --proxy-server, and the certificate in its NSS database',
  async (t, day) => {
    const { world, folder, midwire, proxy } = day
    const env = plainEnvironment({ HOME: browserHome(folder, midwire.authority) })
    const browser = await Remote.start<typeof BrowserProgram>(world.server, 'browser', env)
    try {
      await browser.call('start', chromium ?? '', [`--proxy-server=${proxy}`])
      const page = await browser.call('open', `https://${web.name}/page`, "document.title.startsWith('loaded')")
      t.is(page.title, 'loaded 13 rgb(1, 2, 3)')
      for (const path of ['/page', '/style.css', '/echo']) await readFlow(t, day, `https://${web.name}${path}`)
    } finally {
      await browser.call('close')
      await browser.stop()
    }
  },
  ['chromium', 'certutil'],
)

check(
  'apt-get: Acquire::https::Proxy and CaInfo',
  async (t, day) => {
    const { run, folderFor, proxy, midwire, payload } = day
    const root = folderFor('apt')
    for (const part of ['etc/apt', 'var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/lib/dpkg']) {
      folderFor(join('apt', part))
    }
    writeFileSync(join(root, 'var/lib/dpkg/status'), '')
    writeFileSync(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] ${depot.url}/apt ./\n`)
    const apt = async (trust: string, ...args: string[]) => {
      const config = join(root, 'apt.conf')
      const lines = [
        `Dir "${root}"`,
        `Dir::State::status "${root}/var/lib/dpkg/status"`,
        'APT::Sandbox::User "root"',
        'Acquire::Retries "0"',
      ]
      writeFileSync(config, [...lines, `Acquire::https::Proxy "${proxy}"`, trust].map((line) => `${line};\n`).join(''))
      return run(['apt-get', '-q', '-y', ...args], { APT_CONFIG: config })
    }
    const trust = `Acquire::https::CaInfo "${midwire.authority}"`
    for (const args of [['update'], ['install', '--download-only', depot.name]]) {
      const { code, stdout, stderr } = await apt(trust, ...args)
      t.is(code, 0, `${stdout}${stderr}`)
    }
    const file = `${depot.name}_1.0_all.deb`
    const unpacked = folderFor('debian')
    const { code, stderr } = await run(['dpkg-deb', '-x', join(root, 'var/cache/apt/archives', file), unpacked])
    t.is(code, 0, stderr)
    t.deepEqual(readFileSync(join(unpacked, 'usr/share', depot.name, depot.payload)), payload)
    await readFlow(t, day, '/apt/./Packages')
    await readFlow(t, day, file)
    t.regex((await apt('', 'update')).stderr, /certificate/i)
  },
  ['apt-get'],
)

check(
  'pip: https_proxy and PIP_CERT',
  async (t, day) => {
    const { run, proxied, midwire, folderFor, payload } = day
    const target = folderFor('pip')
    const pip = [
      ...[pythonWithClients, '-m', 'pip', 'install', '--no-cache-dir', '--retries', '0', '--target', target],
      ...['--index-url', `${depot.url}/simple/`, depot.name],
    ]
    const env = { ...proxied, PIP_CONFIG_FILE: '/dev/null', PIP_DISABLE_PIP_VERSION_CHECK: '1' }
    const refused = await run(pip, env)
    t.regex(`${refused.stdout}${refused.stderr}`, /certificate/i)
    const { code, stderr } = await run(pip, { ...env, PIP_CERT: midwire.authority })
    t.is(code, 0, stderr)
    t.deepEqual(readFileSync(join(target, depot.module, depot.payload)), payload)
    await readFlow(t, day, `/simple/${depot.name}/`)
    await readFlow(t, day, '.whl')
  },
  ['python-clients'],
)

check(
  'npm: https-proxy and cafile',
  async (t, day) => {
    const { run, proxy, midwire, folderFor, payload } = day
    const prefix = folderFor('npm')
    const npm = (...args: string[]) =>
      run([
        ...['npm', ...args, '--prefix', prefix, '--registry', `${depot.url}/npm/`, '--https-proxy', proxy],
        ...['--fetch-retries', '0', '--no-audit', '--no-update-notifier'],
      ])
    t.regex((await npm('view', depot.name)).stderr, /certificate/i)
    const trust = ['--cafile', midwire.authority]
    const view = await npm('view', depot.name, 'version', ...trust)
    t.is(view.stdout.toString().trim(), '1.0.0', view.stderr)
    const { code, stderr } = await npm('install', depot.name, ...trust)
    t.is(code, 0, stderr)
    t.deepEqual(readFileSync(join(prefix, 'node_modules', depot.name, depot.payload)), payload)
    await readFlow(t, day, `/npm/${depot.name}`)
    await readFlow(t, day, '.tgz')
  },
  ['npm'],
)

check(
  'git: http.proxy and http.sslCAInfo, clone and push',
  async (t, day) => {
    const { run, proxy, midwire, folderFor, payload } = day
    const url = `${depot.url}/git/${depot.name}.git`
    const clone = join(folderFor('git'), 'clone')
    const way = ['-c', `http.proxy=${proxy}`]
    const trust = ['-c', `http.sslCAInfo=${midwire.authority}`]
    const git = async (...args: string[]) => {
      const { code, stderr } = await run(['git', ...way, ...trust, ...args], { GIT_CONFIG_NOSYSTEM: '1' })
      t.is(code, 0, stderr)
    }
    await git('clone', '-q', url, clone)
    t.deepEqual(readFileSync(join(clone, depot.payload)), payload)
    for (const part of ['/info/refs?service=git-upload-pack', '/git-upload-pack']) await readFlow(t, day, part)
    const author = ['-c', 'user.name=Test', '-c', 'user.email=test@web.test']
    writeFileSync(join(clone, 'more'), randomBytes(500_000))
    await git('-C', clone, 'add', 'more')
    await git(...author, '-C', clone, 'commit', '-q', '-m', 'More')
    // What is longer than its buffer is sent in chunks.
    await git('-C', clone, '-c', 'http.postBuffer=65536', 'push', '-q', 'origin', 'HEAD')
    const pushed = ({ request, response }: FlowLine) =>
      request?.path.endsWith('/git-receive-pack') === true && request.bodyLength > 500_000 && response?.status === 200
    await midwire.flow('the push', pushed)
    const { stdout: pulled } = await run(['git', ...way, ...trust, 'ls-remote', url, 'HEAD'])
    t.is(
      pulled.toString().split('\t')[0],
      (await run(['git', '-C', clone, 'rev-parse', 'HEAD'])).stdout.toString().trim(),
    )
    t.regex((await run(['git', ...way, 'ls-remote', url])).stderr, /certificate/i)
  },
  ['git'],
)

const BLOB = 16 * 1024 ** 2 + 3

/** A blob comes in four ranges, as container images do. */
async function fourRanges(t: ExecutionContext, { midwire }: Day, url: string): Promise<void> {
  let bytes = 0
  for (let left = 4; left > 0; left -= 1) {
    const { response } = await midwire.httpFlow(url)
    t.is(response?.status, 206)
    bytes += response?.bodyLength ?? 0
  }
  t.is(bytes, BLOB)
}

check('a blob in four ranges at once, by curl', async (t, day) => {
  const { run, proxied, midwire } = day
  const url = `https://${web.name}/bytes/${BLOB}?curl`
  const size = Math.ceil(BLOB / 4)
  const parts = [0, 1, 2, 3].map(async (at) => {
    const range = `${at * size}-${Math.min(BLOB, (at + 1) * size) - 1}`
    const { code, stdout, stderr } = await run(['curl', '-sS', '-r', range, url], {
      ...proxied,
      CURL_CA_BUNDLE: midwire.authority,
    })
    t.is(code, 0, stderr)
    return stdout
  })
  t.is(sha256(Buffer.concat(await Promise.all(parts))), patternHash(BLOB))
  await fourRanges(t, day, url)
})

check(
  "a blob in four ranges at once, by Go's net/http: https_proxy and SSL_CERT_FILE",
  async (t, day) => {
    const { run, proxied, midwire } = day
    const url = `https://${web.name}/bytes/${BLOB}?go`
    const command = [rangesProgram, url, String(BLOB)]
    const { code, stdout, stderr } = await run(command, { ...proxied, SSL_CERT_FILE: midwire.authority })
    t.is(code, 0, stderr)
    t.is(stdout.toString().trim(), patternHash(BLOB))
    await fourRanges(t, day, url)
    t.regex((await run(command, proxied)).stderr, /unknown authority/)
  },
  ['ranges'],
)

endsWell(check)
