// The key of a route: everything that makes a connection another one is in it.
import test from 'ava'
import { DIRECT, parseVia } from '../../src/flow/via.js'
import { placeKey, type Route, routeKey, sameRoute } from '../../src/layers/route.js'

const to = { host: 'a.test', port: 443, transport: 'tcp' } as const
const tls = { sni: 'a.test', alpn: ['http/1.1'] }
const route: Route = { to, via: parseVia('http://me:one@p'), from: { address: '192.0.2.1', isForeign: true }, tls }

const others: [what: string, Route][] = [
  ['host', { ...route, to: { ...to, host: 'b.test' } }],
  ['port', { ...route, to: { ...to, port: 80 } }],
  ['transport', { ...route, to: { ...to, transport: 'udp' } }],
  ['way', { ...route, via: DIRECT }],
  ['longer way', { ...route, via: parseVia('http://me:one@p,http://q') }],
  ['scheme of a proxy', { ...route, via: parseVia('https://me:one@p:80') }],
  ['user of a proxy', { ...route, via: parseVia('http://you:one@p') }],
  ['password of a proxy', { ...route, via: parseVia('http://me:two@p') }],
  ['our address', { ...route, from: undefined }],
  ["another client's address", { ...route, from: { address: '192.0.2.2', isForeign: true } }],
]

test('whatever makes a connection another one is in the keys', (t) => {
  for (const [what, other] of others) {
    t.not(placeKey(route), placeKey(other), what)
    t.not(routeKey(route), routeKey(other), what)
    t.false(sameRoute(route, other), what)
  }
})

test('TLS is in the key of a route alone', (t) => {
  const settings: [what: string, Route['tls']][] = [
    ['none', undefined],
    ['name', { ...tls, sni: 'b.test' }],
    ['no name', { ...tls, sni: undefined }],
    ['protocols', { ...tls, alpn: [] }],
  ]
  for (const [what, other] of settings) {
    const changed: Route = { ...route, tls: other }
    t.is(placeKey(route), placeKey(changed), what)
    t.false(sameRoute(route, changed), what)
  }
})

test('other spellings of the same are the same', (t) => {
  const same: Route = {
    to: { ...to, host: 'A.Test.' },
    via: parseVia('http://me:one@p'),
    from: { address: '192.0.2.1', isForeign: true },
    tls: { sni: 'A.test', alpn: ['http/1.1'] },
  }
  t.is(routeKey(route), routeKey(same))
  t.true(sameRoute(route, same))
})
