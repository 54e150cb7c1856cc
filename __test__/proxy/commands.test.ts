// Commands by name: how values are read, and what is said of those that are wrong.
import test from 'ava'
import { command } from '../../src/commands.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { Commands } from '../../src/proxy/commands.js'
import { httpFlow } from '../support/flows.js'

const flow = httpFlow()

function commands(): Commands {
  const all = new Commands((text) => (text === '@all' ? [flow, flow] : text === 'one' ? [flow] : []))
  all.define({
    'flow.mark': command({
      help: 'mark flows',
      arguments: [
        { name: 'flows', type: 'flows' },
        { name: 'mark', type: 'text', optional: true },
      ],
      run: (flows, mark) => [flows.length, mark],
    }),
    'flow.show': command({ help: 'a flow', arguments: [{ name: 'flow', type: 'flow' }], run: (one) => one.type }),
    sum: command({
      help: 'a sum',
      arguments: [
        { name: 'sign', type: 'choice', choices: ['+', '-'] },
        { name: 'numbers', type: 'number', rest: true },
      ],
      run: (sign, ...numbers) => numbers.reduce((sum, one) => sum + one, 0) * (sign === '-' ? -1 : 1),
    }),
    both: command({
      help: 'a boolean and a path',
      arguments: [
        { name: 'flag', type: 'boolean' },
        { name: 'path', type: 'path' },
      ],
      run: async (flag, path) => [flag, path],
    }),
    fails: command({
      help: 'it fails',
      arguments: [],
      run: () => {
        throw new RangeError('no')
      },
    }),
  })
  return all
}

test('texts become what a command wants, and values of a program stay as they are', async (t) => {
  const all = commands()
  t.deepEqual(await all.call('flow.mark', '@all'), [2, undefined])
  t.deepEqual(await all.call('flow.mark', [flow] as AnyFlow[], 'x'), [1, 'x'])
  t.is(await all.call('flow.show', 'one'), 'http')
  t.is(await all.call('flow.show', flow), 'http')
  t.is(await all.call('sum', '-', '1', 2, '3'), -6)
  t.is(await all.call('sum', '+'), 0)
  t.deepEqual(await all.call('both', 'true', '/a'), [true, '/a'])
  t.deepEqual(await all.call('both', false, '/a'), [false, '/a'])
})

const wrong: [string, unknown[], RegExp][] = [
  ['flow.mrak', [], /no command flow\.mrak, did you mean flow\.mark\?/],
  ['flow.mark', [], /flow\.mark wants flows; usage: flow\.mark FLOWS \[MARK\]/],
  ['flow.mark', ['one', 'x', 'y'], /too many arguments/],
  ['flow.mark', [7], /flows must be flows/],
  ['flow.show', ['@all'], /must be one flow, and "@all" chooses 2/],
  ['flow.show', ['none'], /must be one flow, and "none" chooses 0/],
  ['sum', ['*'], /sign must be one of \+, -, not "\*"/],
  ['sum', ['+', 'a'], /numbers must be a number/],
  ['sum', [], /sum wants sign; usage: sum SIGN \[NUMBERS \.\.\.\]/],
  ['both', ['maybe', '/'], /flag must be true or false/],
  ['both', ['true', 5], /path must be a text/],
]

for (const [name, values, message] of wrong) {
  test(`${name} ${JSON.stringify(values)} is refused`, async (t) => {
    await t.throwsAsync(commands().call(name, ...values), { code: 'ERR_COMMAND', message })
  })
}

test('what a command throws is the error of the call', async (t) => {
  await t.throwsAsync(commands().call('fails'), { instanceOf: RangeError })
})

test('names are taken once, and free again when their owner is gone', (t) => {
  const all = commands()
  const one = { help: 'one', arguments: [], run: () => 1 }
  t.throws(() => all.define({ other: one, sum: one }), {
    code: 'ERR_COMMAND',
    message: /there is a command sum already/,
  })
  t.false(all.list().some(({ name }) => name === 'other'))
  t.throws(() => all.define({ 'No Name': one }), { code: 'ERR_COMMAND' })
  const undefine = all.define({ other: one })
  t.true(all.list().some(({ name }) => name === 'other'))
  undefine()
  all.define({ other: one })
  t.deepEqual(
    all.list().map(({ name }) => name),
    ['both', 'fails', 'flow.mark', 'flow.show', 'other', 'sum'],
  )
})
