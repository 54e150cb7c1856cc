// Go's net/http on both sides of midwire in `regular` mode, both in HTTP/2, with addons that hold bodies and without.
import { createHash } from 'node:crypto'
import { startProxy } from '../support/proxy.js'
import { run } from './support/processes.js'
import { http2Program } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['http2-program'], async () => undefined)

const HASH = createHash('sha256')
  .update('0123456789abcdef'.repeat(1 << 20))
  .digest('hex')

for (const held of [false, true]) {
  check(`Go's client and server${held ? ', with bodies that are held' : ''}`, async (t) => {
    const running = await startProxy(t, { addons: held ? [{ request() {}, response() {} }] : [] })
    const { stdout, stderr } = await run(http2Program, [`http://127.0.0.1:${running.port}`], { timeout: 60_000 })
    const lines = stdout.toString().trimEnd().split('\n')
    const aborted = lines.splice(4, 1)[0] ?? ''
    t.deepEqual(
      lines,
      [
        'GET / HTTP/2.0 HTTP/2.0 200 65536 bytes map[] <nil>',
        'GET /204 HTTP/2.0 HTTP/2.0 204  map[] <nil>',
        'GET /304 HTTP/2.0 HTTP/2.0 304  map[] <nil>',
        'GET /hints HTTP/2.0 HTTP/2.0 200 hinted map[] <nil>',
        'HEAD / HTTP/2.0 HTTP/2.0 200  map[] <nil>',
        'POST /trailers HTTP/2.0 HTTP/2.0 200 text map[X-Down:[after 1]] <nil>',
        `POST /hash HTTP/2.0 HTTP/2.0 200 ${HASH} map[] <nil>`,
        'POST /early HTTP/2.0 HTTP/2.0 413 no map[] <nil>',
        '300 of 300',
      ],
      stderr,
    )
    // The server's reset is the client's, within the response or in its place.
    t.regex(aborted, /^GET \/abort .*INTERNAL_ERROR; received from peer$/)
    t.deepEqual(
      running.log.filter(({ level }) => level === 'error'),
      [],
    )
  })
}
