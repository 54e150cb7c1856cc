// What addons see and change is the same in every way into midwire, with HTTP/1 and HTTP/2.
import { inEveryWay } from '../support/addon-ways.js'

inEveryWay(
  'an addon changes a request and its response',
  (origin) => ({
    addons: [
      {
        request(flow) {
          flow.request.headers.set('X-Seen', flow.request.url)
          flow.request.text = flow.request.text.toUpperCase()
        },
        response(flow) {
          if (flow.response) flow.response.text = `${flow.response.text} for ${origin.url}`
        },
      },
    ],
  }),
  async (t, { ask, origin, http, another }) => {
    const answer = await ask('/a?b=c', { method: 'POST', body: 'word', headers: { 'x-own': '1' } })
    t.is(answer.status, 200)
    t.is(`${answer.body}`, `answer for ${origin.url}`)
    const [got] = origin.got
    t.like(got, { method: 'POST', path: '/a?b=c', version: http === 1 ? '1.1' : '2.0' })
    t.is(`${got?.body}`, 'WORD')
    t.is(got?.headers['x-seen'], `${origin.url}/a?b=c`)
    t.is(got?.headers['x-own'], '1')
    const other = await another()
    other.reply = () => ({ status: 404, headers: { 'set-cookie': ['a=1', 'b=2'] } })
    const missing = await ask('/', { to: other })
    t.is(missing.status, 404)
    t.deepEqual(missing.headers['set-cookie'], ['a=1', 'b=2'])
    t.is(other.got.length, 1)
  },
)

inEveryWay(
  'a flow that is killed ends without an answer',
  { addons: [{ request: (flow) => flow.kill() }] },
  async (t, { ask, origin }) => {
    await t.throwsAsync(ask('/'))
    t.is(origin.got.length, 0)
  },
)
