// The curl command, run by a real shell: it sends the bytes that were recorded, and nothing that was recorded is run.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import { curl } from '../../src/formats/export/curl.js'
import { rawRequest } from '../../src/formats/export/raw.js'
import { keepingServer, ran, requestFlow } from '../support/export-flow.js'
import { seeded } from '../support/seeded.js'

const SHELLS = ['sh', 'bash'].filter((name) => has(name, '-c', 'true'))
const check = has('curl', '--version') ? test : test.skip

function has(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function folder(t: ExecutionContext): string {
  const made = mkdtempSync(join(tmpdir(), 'midwire-export-'))
  t.teardown(() => rmSync(made, { recursive: true }))
  return made
}

/** The request that was recorded. Curl writes a field without a value without a space. */
const recorded = (flow: HttpFlow) => rawRequest(flow).toString('latin1').replaceAll(': \r\n', ':\r\n')

test('a plain request is a plain command', (t) => {
  const fields = ['Host', 'example.org:8080', 'User-Agent', 'curl/8', 'Accept', '*/*']
  const place = { host: 'example.org', port: 8080 }
  t.is(
    curl(requestFlow({ ...place, path: '/a?b=1&c=[2]', fields })),
    "curl --globoff --path-as-is -H 'User-Agent: curl/8' -H 'Accept: */*' 'http://example.org:8080/a?b=1&c=[2]'",
  )
  const posted = requestFlow({ ...place, method: 'POST', fields: [...fields, 'Content-Length', '7'] }, "it's\nso")
  t.true(curl(posted).includes(" -H 'Content-Length: 7' -H Content-Type: --data-raw 'it'\\''s\nso' "))
})

test('what else a command needs: version, host, address, method', (t) => {
  const args = (parts: Parameters<typeof requestFlow>[0], body = '') => curl(requestFlow(parts, body)).split(' ')
  t.true(args({ scheme: 'https', port: 443 }).includes('--http1.1'))
  t.true(args({ version: '1.0' }).includes('--http1.0'))
  t.true(args({ version: '2.0' }).includes('--http2-prior-knowledge'))
  t.false(args({ version: '2.0', scheme: 'https', authority: 'a.example' }).some((one) => one.startsWith('--http')))
  t.true(args({ method: 'HEAD' }).includes('--head'))
  t.is(args({ method: 'HEAD' }, 'x').indexOf('HEAD') - 1, args({ method: 'HEAD' }, 'x').indexOf('-X'))
  t.true(args({ version: '1.0' }).includes('Host:'))
  t.true(args({ fields: ['Host', '[::1]:81'], host: '::1', port: 81 }).includes("'http://[::1]:81/'"))
  t.true(args({ fields: ['accept-encoding', 'br'] }).includes('--compressed'))
  const named = requestFlow({ host: 'example.org', port: 81, fields: ['Host', 'example.org:81'] })
  t.true(curl(named, { preserveOriginalIp: true }).includes(' --resolve example.org:81:93.184.216.34 '))
  t.false(curl(named).includes('--resolve'))
})

test('a host that is none is not put into the URL', (t) => {
  const flow = requestFlow({ host: '192.0.2.1', fields: ['Host', 'a$(touch canary)/x@b'] })
  const command = curl(flow)
  t.true(command.endsWith(' http://192.0.2.1/'))
  t.true(command.includes("-H 'Host: a$(touch canary)/x@b'"))
})

test('what cannot be sent again is refused with the reason', (t) => {
  t.throws(() => curl(requestFlow({ method: 'CONNECT' })), { code: 'ERR_ARGUMENT', message: /CONNECT/ })
  const cut = requestFlow({ method: 'POST' }, 'abc')
  cut.request.body.length = 9
  t.throws(() => curl(cut), { code: 'ERR_ARGUMENT', message: /only 3 of 9 bytes/ })
})

check('odd requests arrive byte for byte', async (t) => {
  const { port, next } = await keepingServer(t)
  const cwd = folder(t)
  const host = ['Host', `127.0.0.1:${port}`]
  const long = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at & 255))
  const length = (body: Buffer | string) => ['Content-Length', `${Buffer.byteLength(body)}`]
  const requests: [parts: Parameters<typeof requestFlow>[0], body?: Buffer | string][] = [
    [{}],
    [{ path: '/%00/../a//./b?[1-3]&{a,b}&$HOME&`x`&%s' }],
    [{ path: '/\' "\\#\xe9\x7f' }],
    [{ path: '*', method: 'OPTIONS' }],
    [{ path: '/x', absolute: 'http://other.example' }],
    [{ fields: ['X-Empty', '', 'x-lower', 'a', 'X-lower', 'b', 'Accept', 'x/y'] }],
    [{ fields: ['X-Byte', '\xe9\xff', 'X-Word', "'a'\\''\"!$(touch canary)`touch canary`", 'X-At', '@/etc/passwd'] }],
    [{ fields: ['X-Utf8', Buffer.from('grün\u009b31m').toString('latin1'), 'X-Tab', 'a\tb'] }],
    [{ method: 'DELETE' }],
    [{ method: 'POST', fields: ['Content-Length', '0'] }],
    [{ method: 'GET', fields: length('body') }, 'body'],
    [{ method: 'POST', fields: length('@/etc/passwd') }, '@/etc/passwd'],
    [{ method: 'POST', fields: length("-a'b\n\n") }, "-a'b\n\n"],
    [{ method: 'PUT', fields: length(long) }, long],
    [{ method: 'POST', fields: ['Transfer-Encoding', 'chunked'] }, 'chunks'],
    [{ method: 'POST', fields: ['Expect', '', ...length('x')] }, 'x'],
  ]
  for (const shell of SHELLS) {
    for (const [parts, body] of requests) {
      const flow = requestFlow({ port, ...parts, fields: [...host, ...(parts.fields ?? [])] }, body)
      const command = curl(flow)
      const said = await ran(shell, [], `${command} -sS --max-time 60`, cwd)
      t.is(said, '', command.slice(0, 300))
      if (said !== '') continue
      t.is((await next()).toString('latin1'), recorded(flow), command.slice(0, 300))
    }
  }
  t.deepEqual(readdirSync(cwd), [])
})

check('hostile requests of chance run nothing, and arrive byte for byte', async (t) => {
  const { port, next } = await keepingServer(t)
  const cwd = folder(t)
  const random = seeded(12)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const pieces = [
    ...[
      "'",
      '"',
      '\\',
      '`touch canary`',
      '$(touch canary)',
      ';touch canary;',
      '&touch canary&',
      '|touch canary',
      '>canary',
    ],
    ...[
      '@canary',
      '-o canary',
      '--output=canary',
      '%s',
      '%',
      '!',
      '{a,b}',
      '[1-9]',
      '~',
      '#',
      '*',
      '\xff',
      '\xe9',
      '\xc3\xa9',
    ],
    ...[
      '\x9b',
      'a',
      '=',
      '$',
      '$$',
      "'\\''",
      "';touch canary;'",
      '-',
      ' ',
      '\u0041',
      '\\047',
      '$IFS',
      '<canary',
      '(',
      ')',
    ],
  ]
  const text = (extra: readonly string[] = []) =>
    Array.from({ length: Math.floor(random() * 8) }, () => pick([...pieces, ...extra])).join('')
  for (let round = 0; round < 60; round += 1) {
    const body = Buffer.from(text(['\n', '\r\n', '\0', '\t']), 'latin1')
    // A value has no spaces around it.
    const values = ['X-A', 'X-B'].flatMap((name) => [name, text(['\t']).trim()])
    const path = `/${text([]).replaceAll(' ', '')}`
    const length = body.length > 0 ? ['Content-Length', `${body.length}`] : []
    const fields = ['Host', `127.0.0.1:${port}`, ...values, ...length]
    const flow = requestFlow({ port, method: pick(['GET', 'POST', "X'`|~!#$"]), path, fields }, body)
    const command = curl(flow)
    const said = await ran(SHELLS[round % SHELLS.length] ?? 'sh', [], `${command} -sS --max-time 60`, cwd)
    t.is(said, '', command)
    if (said !== '') continue
    t.is((await next()).toString('latin1'), recorded(flow), command)
  }
  t.deepEqual(readdirSync(cwd), [])
})

check('what would end a field or an argument is made harmless', async (t) => {
  const { port, next } = await keepingServer(t)
  const cwd = folder(t)
  const fields = ['Host', `127.0.0.1:${port}`, 'X-A', 'a\r\nX-B: b\0c', '@canary', 'x', '-o canary', 'y']
  const said = await ran('sh', [], `${curl(requestFlow({ port, path: '/a\r\nb\0', fields }))} -sS`, cwd)
  t.is(said, '')
  t.is(
    (await next()).toString('latin1'),
    `GET /a%0D%0Ab%00 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-A: a  X-B: b c\r\n\r\n`,
  )
  t.deepEqual(readdirSync(cwd), [])
})
