// What a message says about its connection.
import test from 'ava'
import { HttpHeaders } from '../../../src/flow/headers.js'
import {
  expectsContinue,
  hasToken,
  requestKeepAlive,
  responseKeepAlive,
  wantsUpgrade,
} from '../../../src/layers/http/connection.js'

const head = (version: string, ...raw: string[]) => ({ version, headers: new HttpHeaders(raw) })

test('HTTP/1.1 persists unless told otherwise, HTTP/1.0 the other way round', (t) => {
  t.true(requestKeepAlive(head('1.1')))
  t.false(requestKeepAlive(head('1.1', 'Connection', 'Close')))
  t.false(requestKeepAlive(head('1.1', 'connection', 'keep-alive,\tclose ')))
  t.false(requestKeepAlive(head('1.1', 'Connection', 'x', 'Connection', 'close')))
  t.true(requestKeepAlive(head('1.1', 'Connection', 'closed, "close"')))
  t.false(requestKeepAlive(head('1.0')))
  t.true(requestKeepAlive(head('1.0', 'Connection', 'Keep-Alive')))
  t.false(requestKeepAlive(head('1.0', 'Connection', 'Keep-Alive, close')))
  t.false(requestKeepAlive(head('1.0', 'Keep-Alive', 'timeout=5')))
})

test('a 204 that announces a body ends its connection', (t) => {
  const response = (status: number, ...raw: string[]) => responseKeepAlive({ ...head('1.1', ...raw), status })
  t.true(response(200, 'Content-Length', '5'))
  t.true(response(204))
  t.true(response(204, 'Content-Length', '0'))
  t.false(response(204, 'Content-Length', '5'))
  t.false(response(204, 'Transfer-Encoding', 'chunked'))
  t.false(response(200, 'Connection', 'close'))
})

test('an upgrade needs both fields, and HTTP/1.1', (t) => {
  t.is(wantsUpgrade(head('1.1', 'Upgrade', 'WebSocket', 'Connection', 'keep-alive, Upgrade')), 'websocket')
  t.is(wantsUpgrade(head('1.1', 'Upgrade', 'websocket')), undefined)
  t.is(wantsUpgrade(head('1.1', 'Connection', 'upgrade')), undefined)
  t.is(wantsUpgrade(head('1.1', 'Upgrade', 'websocket', 'Connection', 'close')), undefined)
  t.is(wantsUpgrade(head('1.0', 'Upgrade', 'websocket', 'Connection', 'upgrade')), undefined)
})

test('who waits for a 100', (t) => {
  t.true(expectsContinue(head('1.1', 'Expect', '100-Continue')))
  t.false(expectsContinue(head('1.1', 'Expect', '200-ok')))
  t.false(expectsContinue(head('1.1')))
  t.false(expectsContinue(head('1.0', 'Expect', '100-continue')))
})

test('tokens of a list', (t) => {
  for (const list of ['a', 'A', ' a', 'a ', 'b,a', 'b, A ,c', ',,a', 'a,', 'bb\t,\ta'])
    t.true(hasToken(list, 'a'), list)
  for (const list of ['', ',', 'aa', 'ab,ba', 'a b', '"a"', 'a;q=1']) t.false(hasToken(list, 'a'), list)
})
