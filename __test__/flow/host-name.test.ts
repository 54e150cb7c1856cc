// Names of hosts in all of their spellings: one comparison, and every place that compares.
import test from 'ava'
import { parseFilter } from '../../src/flow/filter.js'
import { canonicalName, sameName, spellings } from '../../src/flow/host-name.js'
import { httpFlow, tcpFlow } from '../support/flows.js'

test('case and the final dot do not count', (t) => {
  t.is(canonicalName('WWW.Example.ORG.'), 'www.example.org')
  t.is(canonicalName('example.org'), 'example.org')
  t.is(canonicalName('example.org..'), 'example.org.', 'one dot is the root; two are no name')
  t.is(canonicalName('.'), '.')
  t.is(canonicalName(''), '')
  t.is(canonicalName('192.0.2.1'), '192.0.2.1')
  t.is(canonicalName('2001:DB8::1'), '2001:db8::1')
  t.true(sameName('A.test.', 'a.TEST'))
  t.false(sameName('a.test', 'b.test'))
  t.false(sameName('a.test', 'xa.test'))
  t.deepEqual(spellings('a.test'), ['a.test'])
  t.deepEqual(spellings('A.test.'), ['A.test.', 'a.test'])
})

test('filters find a host by its usual spelling, and by the one that was used', (t) => {
  const flow = tcpFlow()
  flow.server = { id: 'server', transport: 'tcp', host: 'WWW.Example.ORG.', port: 8080 }
  t.true(parseFilter('~dst ^www.example.org:8080$')(flow))
  const named = httpFlow({ requestHeaders: ['Host', 'WWW.Example.ORG.:8080'] })
  for (const text of ['~d ^www.example.org$', '~d org[.]$']) {
    t.true(parseFilter(text)(named), text)
  }
  t.false(parseFilter('~d ^example.org$')(named))
})
