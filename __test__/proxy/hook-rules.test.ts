// The rules of the hooks of HTTP flows: whatever an addon does in one, its flow ends with exactly one of `response` and `error`.
import test from 'ava'
import { snapshot } from '../../src/flow/snapshot.js'
import { writeMitmproxyFlow } from '../../src/formats/mitmproxy.js'
import type { Addon, HttpFlow } from '../../src/index.js'
import { httpFlow } from '../support/flows.js'
import { ok, startProxy } from '../support/proxy.js'
import { dial, listen } from '../support/talk.js'

const HOOKS = ['requestheaders', 'request', 'responseheaders', 'response'] as const
const FAULTS: Record<string, (flow: HttpFlow) => unknown> = {
  throws() {
    throw new Error('so bad')
  },
  rejects: () => Promise.reject(new Error('so bad')),
  'never answers': () => new Promise(() => {}),
  kills: (flow) => flow.kill(),
}

/** Says which hooks it has heard of each path, after the addons before it. */
function counting() {
  const heard = new Map<string, string[]>()
  const note = (name: string) => (flow: HttpFlow) => {
    const { path } = flow.request
    heard.set(path, [...(heard.get(path) ?? []), name])
  }
  const addon: Addon = Object.fromEntries([...HOOKS, 'error' as const].map((name) => [name, note(name)]))
  return { addon, heard }
}

/** What is asked for: with a body that is held, or with one that passes as it comes. */
const post = (port: number, path: string) =>
  `POST http://127.0.0.1:${port}${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 4\r\n\r\nbody`

for (const name of HOOKS) {
  for (const [fault, fail] of Object.entries(FAULTS)) {
    for (const streamed of [false, true]) {
      test(`an addon that ${fault} in ${name}${streamed ? ', with bodies that pass' : ''}`, async (t) => {
        const { addon, heard } = counting()
        const bad: Addon = {
          name: 'bad',
          requestheaders({ request }) {
            request.stream = streamed
          },
          responseheaders({ response }) {
            if (response) response.stream = streamed
          },
        }
        const before = bad[name] as ((flow: HttpFlow) => void) | undefined
        bad[name] = (flow: HttpFlow) => {
          before?.call(bad, flow)
          return flow.request.path === '/bad' ? (fail(flow) as Promise<void>) : undefined
        }
        const running = await startProxy(t, { addons: [bad, addon], options: { hook_timeout: 1 } })
        const asked: string[] = []
        const upstream = await listen(t, async (talk) => {
          for (;;) {
            const head = await talk.hears('\r\n\r\n').catch(() => undefined)
            if (head === undefined) return
            asked.push(head.split(' ')[1] ?? '')
            await talk.hears('body').catch(() => undefined)
            talk.says(ok('answer'))
          }
        })
        const client = await dial(t, running.port)
        client.says(post(upstream.port, '/bad'))
        const answer = await client.hearsAll()
        const flow = await running.flow('http')
        const isReached = name.startsWith('response') || (streamed && name === 'request')
        // The flow may be over before the server has read the request.
        while (isReached && asked.length === 0) await new Promise((later) => setImmediate(later))
        t.deepEqual(asked, isReached ? ['/bad'] : [])
        const [last, ...rest] = (heard.get('/bad') ?? []).filter((one) => one === 'response' || one === 'error')
        t.deepEqual([last, rest], [name === 'response' ? 'response' : 'error', []])
        if (fault === 'kills') {
          t.is(flow.error?.message, 'killed')
          t.notRegex(answer, /^HTTP\/1\.1 502/)
        } else {
          const reason = fault === 'never answers' ? 'it has not answered within 1 s' : 'so bad'
          t.is(flow.error?.message, `addon bad has failed in ${name}: ${reason}`)
          // Where the response has passed, nothing can be taken back.
          if (streamed && name === 'response') t.regex(answer, /^HTTP\/1\.1 200[\s\S]*answer$/)
          else t.regex(answer, new RegExp(`^HTTP/1\\.1 502 [\\s\\S]*addon bad has failed in ${name}: ${reason}`))
        }
        const next = await dial(t, running.port)
        next.says(post(upstream.port, '/good'))
        t.regex(await next.hears('answer'), /^HTTP\/1\.1 200 /)
        t.is((await running.flow('http', 1)).error, undefined)
        t.deepEqual(heard.get('/good'), [...HOOKS])
      })
    }
  }
}

test('a client that is gone while an addon has the response: `response`, and no `error` after it', async (t) => {
  const { addon, heard } = counting()
  let reached = (_: HttpFlow) => {}
  const held = new Promise<HttpFlow>((resolve) => {
    reached = resolve
  })
  const running = await startProxy(t, {
    addons: [
      addon,
      {
        response(flow) {
          flow.intercept()
          reached(flow)
        },
      },
    ],
  })
  const upstream = await listen(t, (talk) => talk.says(ok('answer')))
  const client = await dial(t, running.port)
  client.says(post(upstream.port, '/left'))
  const flow = await held
  client.socket.resetAndDestroy()
  t.true((await running.flow('http')) === flow)
  t.truthy(flow.error)
  t.deepEqual(heard.get('/left'), [...HOOKS])
})

test('a flow of a file has one of `response` and `error`, too', async (t) => {
  for (const error of [undefined, { message: 'the server was lost', timestamp: 1 }]) {
    const { addon, heard } = counting()
    const { proxy } = await startProxy(t, { addons: [addon] })
    const flow = httpFlow()
    flow.error = error
    await proxy.load(writeMitmproxyFlow(snapshot(flow)))
    t.deepEqual([...heard.values()][0]?.slice(3), [error ? 'error' : 'response'])
  }
})
