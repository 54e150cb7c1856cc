// The hooks that are about midwire and not about traffic: load, update and add_log.
import test from 'ava'
import type { Addon, AnyFlow } from '../../src/index.js'
import { httpFlow } from '../support/flows.js'
import { startProxy } from '../support/proxy.js'

test('load comes once, with the proxy, before configure; what it defines has its values', async (t) => {
  const order: string[] = []
  const addon: Addon = {
    load(proxy) {
      order.push('load')
      proxy.options.define({ my_word: { type: 'string', default: 'none', help: 'a word' } })
    },
    configure({ options }) {
      order.push(`configure ${options.my_word}`)
    },
    running: () => void order.push('running'),
  }
  const { proxy } = await startProxy(t, { addons: [addon], options: { my_word: 'given' } })
  t.deepEqual(order, ['load', 'configure given', 'running'])
  const seen: unknown[] = []
  proxy.addAddon({ load: (one) => void seen.push(one) })
  t.deepEqual(seen, [proxy])
})

test('an addon whose load throws is refused, at the start and later', async (t) => {
  const bad: Addon = {
    name: 'bad',
    options: { its_own: { type: 'string', default: '', help: '' } },
    load() {
      throw new Error('no')
    },
  }
  const refused = { code: 'ERR_HOOK', message: 'addon bad has failed in load: no' }
  await t.throwsAsync(startProxy(t, { addons: [bad] }), refused)
  const { proxy } = await startProxy(t)
  t.throws(() => proxy.addAddon(bad), refused)
  t.false('its_own' in proxy.options.snapshot)
})

test('update tells addons of changed flows, and outputs of those that run', async (t) => {
  const [told, changed] = [[] as (readonly AnyFlow[])[], [] as AnyFlow[]]
  const { proxy } = await startProxy(t, {
    addons: [{ update: (flows) => void told.push(flows) }],
    sinks: [{ name: 'changes', changed: (flow) => void changed.push(flow) }],
  })
  const [over, runs] = [httpFlow(), httpFlow()]
  over.endedAt = 1
  runs.endedAt = undefined
  proxy.update([over, runs])
  t.deepEqual(told, [[over, runs]])
  t.deepEqual(changed, [runs])
})

test('add_log hears each line, but not what the hook logs itself, nor its own failures', async (t) => {
  const heard: string[] = []
  const { proxy, log } = await startProxy(t, {
    addons: [
      {
        name: 'listener',
        async add_log({ message }) {
          heard.push(message)
          proxy?.log('info', 'an echo')
          await Promise.reject(new Error('it fails'))
        },
      },
    ],
  })
  heard.length = 0
  proxy.log('info', 'one')
  await new Promise((later) => setImmediate(later))
  t.deepEqual(heard, ['one'])
  const lines = log.map(({ message }) => message)
  t.deepEqual(lines.slice(-3, -1), ['one', 'an echo'])
  t.regex(lines.at(-1) ?? '', /addon listener has failed in add_log: it fails/)
})
