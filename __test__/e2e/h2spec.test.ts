// h2spec's conformance tests of HTTP/2 against midwire in `reverse` mode, over TLS and without.
import { createSecureServer, createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { startProxy } from '../support/proxy.js'
import { bind } from '../support/talk.js'
import { run } from './support/processes.js'
import { h2spec } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['h2spec'], async () => undefined)

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  request.on('error', () => {})
  response.on('error', () => {})
  request.resume().on('end', () => response.end('hello'))
}

async function spec(t: ExecutionContext, secure: boolean): Promise<string> {
  const { pem, keyPem } = certificate({ names: ['localhost'] })
  const server = secure ? createSecureServer({ cert: pem, key: keyPem }, answer) : createServer(answer)
  server.on('session', (session) => session.on('error', () => {}))
  const port = await bind(t, server as never)
  const running = await startProxy(t, { modes: [`reverse:${secure ? 'https' : 'http'}://127.0.0.1:${port}@0`] })
  const how = secure ? ['-t', '-k'] : []
  const { stdout } = await run(h2spec ?? '', ['-h', '127.0.0.1', '-p', `${running.port}`, ...how], { timeout: 90_000 })
  t.deepEqual(
    running.log.filter(({ level }) => level === 'error'),
    [],
  )
  return stdout.toString()
}

check('over TLS: all', async (t) => {
  const said = await spec(t, true)
  t.regex(said, /^145 tests, 145 passed, 0 skipped, 0 failed$/m, said.slice(said.indexOf('Failures')))
})

check('without TLS: all but one', async (t) => {
  const said = await spec(t, false)
  t.regex(said, /^145 tests, 144 passed, 0 skipped, 1 failed$/m, said.slice(said.indexOf('Failures')))
  // Without TLS what does not begin with the preface is HTTP/1, or another protocol, and is answered as such.
  t.regex(said.slice(said.indexOf('Failures')), /× 2: Sends invalid connection preface/)
})
