// Exports to Python and HTTPie, run by these: they send what was recorded, and nothing that was recorded is run.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import { type ExportFormat, exportFlow } from '../../src/formats/export/index.js'
import { keepingServer, ran, requestFlow } from '../support/export-flow.js'
import { seeded } from '../support/seeded.js'
import { pythonWithClients } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['httpie'], async () => undefined)

const PIECES = [
  ...[
    "'",
    '"',
    '\\',
    '`touch canary`',
    '$(touch canary)',
    ';touch canary;',
    "');open('canary','w')#",
    '&touch canary&',
  ],
  ...[
    '@canary',
    '=@canary',
    ':=1',
    '%s',
    '%',
    '!',
    '{a}',
    '[1]',
    '~',
    '*',
    '\xc3\xa9',
    'a',
    '==b',
    "';touch canary;'",
    '>canary',
  ],
]

/** Requests of chance. `values`: what the format can send in a field. */
async function sendsAll(
  t: ExecutionContext,
  format: ExportFormat,
  run: (code: string, cwd: string) => Promise<string>,
  values: readonly string[],
): Promise<void> {
  const { port, next } = await keepingServer(t)
  const cwd = mkdtempSync(join(tmpdir(), 'midwire-export-'))
  t.teardown(() => rmSync(cwd, { recursive: true }))
  const random = seeded(9)
  const some = (pieces: readonly string[]) =>
    Array.from({ length: Math.floor(random() * 6) }, () => pieces[Math.floor(random() * pieces.length)]).join('')
  for (let round = 0; round < 8; round += 1) {
    const body = Buffer.from(round % 4 === 0 ? '' : some([...PIECES, '\0', '\n', '\xff', '\r\n']), 'latin1')
    const fields = ['Host', `127.0.0.1:${port}`, 'X-A', some(values), 'User-Agent', some(values), 'Content-Type', 'x/y']
    const path = `/${round}?${some(['a', '%27', '$(touch%20canary)', '=', '&touch'])}`
    const flow = requestFlow({ port, method: round % 2 ? 'POST' : 'PUT', path, fields }, body)
    const code = exportFlow(format, flow).toString()
    const said = await run(code, cwd)
    t.regex(said, /^(200 OK\n\n)?$/, code)
    if (!/^(200 OK\n\n)?$/.test(said)) return
    isSame(t, await next(), flow, code)
  }
  t.deepEqual(
    readdirSync(cwd).filter((name) => !name.startsWith('.')),
    [],
  )
}

function isSame(t: ExecutionContext, bytes: Buffer, { request }: HttpFlow, code: string): void {
  const end = bytes.indexOf('\r\n\r\n')
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  t.is(first, `${request.method} ${request.path} HTTP/1.1`, code)
  for (const name of ['Host', 'X-A', 'User-Agent', 'Content-Type']) {
    const values = lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim())
    t.deepEqual(values, [request.headers.get(name) ?? ''], code)
  }
  t.deepEqual(bytes.subarray(end + 4), request.content, code)
}

check("Python's requests sends what was recorded", (t) =>
  sendsAll(t, 'python-requests', (code, cwd) => ran(pythonWithClients, ['-'], code, cwd), [...PIECES, '\xff']),
)

check('HTTPie sends what was recorded', (t) => {
  const home = dirname(pythonWithClients)
  const path = `export PATH=${home}${delimiter}"$PATH"\n`
  // HTTPie takes away backslashes before some characters, and sends no bytes that are no UTF-8.
  const values = PIECES.filter((one) => one !== '\\')
  return sendsAll(
    t,
    'httpie',
    (code, cwd) => ran('sh', ['-c', `${path}${code.replace('http --', 'http --quiet --')}`], '', cwd),
    values,
  )
})
